package api_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"kalends/cronofy"
)

// TestNodeSDK runs compat/node/cronofy.mjs where its packages are installed;
// make compat installs them.
func TestNodeSDK(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("../compat/node/node_modules/cronofy"); err != nil {
		t.Skip("npm ci has not run in compat/node")
	}
	h := newHouse(t)
	people := h.world.Staff(1)
	company, token := h.connect(h.client)
	callback := h.callback(people[0])
	h.must(company.AuthorizeAccounts(t.Context(), []cronofy.Authorize{{Email: people[0], CallbackURL: callback, Scope: "read_write"}}))
	command := exec.CommandContext(t.Context(), "node", "cronofy.mjs")
	command.Dir = "../compat/node"
	command.Env = append(os.Environ(), "KALENDS_BASE_URL="+h.server.URL, "KALENDS_CLIENT_ID="+h.app.ClientID,
		"KALENDS_CLIENT_SECRET="+h.secret, "KALENDS_CODE="+h.receiver.wait(t, callback).Code,
		"KALENDS_REDIRECT_URI="+callback, "KALENDS_SERVICE_TOKEN="+token.AccessToken)
	out, err := command.CombinedOutput()
	if err != nil || strings.Count(string(out), "ok node-cronofy") != 7 {
		t.Errorf("%v\n%s", err, out)
	}
}
