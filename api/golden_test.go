package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	kalends "kalends"
	"kalends/cronofy"
)

var update = flag.Bool("update", false, "write the golden answers anew")

// golden is one call of each endpoint, whose answer stands in testdata/golden.
type golden struct {
	name   string
	status int
	raw
}

// TestGolden holds the body of every endpoint against the one that was agreed.
func TestGolden(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(3)
	h.world.Book(people[0], kalends.Event{Start: soon(), End: soon().Add(3600e9), Status: kalends.StatusTentative})
	h.world.AddRoom(kalends.Room{Email: "raum@musterwerk.example", Name: "Raum 1", Capacity: 8, Building: "Werk", Floor: "2"})
	h.world.AddRoom(kalends.Room{Email: "saal@musterwerk.example", Name: "Saal"})
	company, companyToken := h.connect(h.client)
	_, person := h.person(h.client, company, people[0])
	_, room := h.person(h.client, company, "raum@musterwerk.example")
	h.must(company.AuthorizeAccounts(t.Context(), []cronofy.Authorize{{Email: "niemand@musterwerk.example", CallbackURL: h.callback("niemand"), Scope: "free_busy"}}))
	h.receiver.wait(t, h.callback("niemand"))
	h.synced(company, 2)
	for _, g := range h.goldens(companyToken, person, room, people) {
		t.Run(g.name, func(t *testing.T) {
			response, body := h.send(g.raw)
			if response.StatusCode != g.status {
				t.Fatalf("status %d, want %d: %s", response.StatusCode, g.status, body)
			}
			compare(t, g.name, stable(t, body))
		})
	}
}

// synced waits until every calendar was read once, so that no body changes.
func (h *house) synced(company *cronofy.Bearer, calendars int) {
	h.t.Helper()
	h.until(func() bool {
		accounts, err := cronofy.Collect(company.Accounts(h.t.Context(), cronofy.AccountsFilter{Status: cronofy.AccountConnected}))
		h.must(err)
		read := 0
		for _, a := range accounts {
			if a.LastSyncAt != nil && !a.LastSyncAt.IsZero() {
				read++
			}
		}
		return read == calendars
	})
}

func (h *house) goldens(company, person, room cronofy.Token, people []string) []golden {
	bearer := func(token cronofy.Token) map[string]string {
		return map[string]string{"Authorization": "Bearer " + token.AccessToken, "Content-Type": "application/json"}
	}
	get := func(path string, token cronofy.Token) raw { return raw{"GET", path, "", bearer(token)} }
	ids := fmt.Sprintf(`{"client_id":%q,"client_secret":%q,`, h.app.ClientID, h.secret)
	plain := map[string]string{"Content-Type": "application/json"}
	const ec = "/v1/enterprise_connect"
	day := soon().Format("2006-01-02")
	query := "/v1/free_busy?include_ids=true&from=" + day + "&to=" + soon().AddDate(0, 0, 1).Format("2006-01-02") + "&tzid="
	return []golden{
		{"token_code", 200, raw{"POST", "/oauth/token", ids + fmt.Sprintf(`"grant_type":"authorization_code","code":%q,"redirect_uri":%q}`, h.code(h.client, ""), h.back()), plain}},
		{"token_refresh", 200, raw{"POST", "/oauth/token", ids + fmt.Sprintf(`"grant_type":"refresh_token","refresh_token":%q}`, person.RefreshToken), plain}},
		{"token_refused", 400, raw{"POST", "/oauth/token", ids + `"grant_type":"authorization_code","code":"x","redirect_uri":"https://x.example/"}`, plain}},
		{"token_bad_client", 401, raw{"POST", "/oauth/token", `{"client_id":"x","client_secret":"y","grant_type":"refresh_token","refresh_token":"z"}`, plain}},
		{"revoke", 200, raw{"POST", "/oauth/token/revoke", ids + `"token":"unknown"}`, plain}},
		{"userinfo_person", 200, get("/v1/userinfo", person)},
		{"userinfo_resource", 200, get("/v1/userinfo", room)},
		{"userinfo_company", 200, get("/v1/userinfo", company)},
		{"account", 200, get("/v1/account", person)},
		{"profiles", 200, get("/v1/profiles", person)},
		{"calendars", 200, get("/v1/calendars", person)},
		{"free_busy", 200, get(query+"Etc/UTC", person)},
		{"free_busy_localized", 200, get(query+"America/New_York&localized_times=true", person)},
		{"resources", 200, get("/v1/resources", company)},
		{"resources_details", 200, get("/v1/resources?include_details=capacity+location", company)},
		{"authorizations", 202, raw{"POST", "/v1/service_account_authorizations", fmt.Sprintf(`{"email":%q,"callback_url":%q,"scope":"read_only"}`, people[0], h.callback("golden")), bearer(company)}},
		{"authorizations_wrong", 422, raw{"POST", "/v1/service_account_authorizations", `{"email":"x","callback_url":"https://evil.example/"}`, bearer(company)}},
		{"intents", 200, raw{"POST", ec + "/intents", ids + fmt.Sprintf(`"redirect_uri":%q,"scope":%q,"delegated_scope":"free_busy"}`, h.back(), serviceScope), plain}},
		{"connections", 200, get(ec+"/connections", company)},
		{"accounts", 200, get(ec+"/accounts", company)},
		{"diagnosis", 200, get(ec+"/accounts/"+url.PathEscape(people[0])+"/diagnosis?check=true", company)},
		{"preview", 200, raw{"POST", ec + "/preview", fmt.Sprintf(`{"emails":[%q,"niemand@musterwerk.example"]}`, people[1]), bearer(company)}},
		{"mapping_put", 202, raw{"PUT", ec + "/mappings/hand@musterwerk.example", fmt.Sprintf(`{"mailbox":%q}`, people[2]), bearer(company)}},
		{"mapping_delete", 202, raw{"DELETE", ec + "/mappings/hand@musterwerk.example", "", bearer(company)}},
		{"profile_revoke", 202, raw{"POST", "/v1/profiles/" + h.profile(room) + "/revoke", "{}", bearer(room)}},
		{"connection_end_unknown", 404, raw{"DELETE", ec + "/connections/con_x", "", bearer(company)}},
	}
}

func (h *house) profile(token cronofy.Token) string {
	h.t.Helper()
	profiles, err := h.client.Bearer(cronofy.StaticToken(token.AccessToken)).Profiles(h.t.Context())
	h.must(err)
	return profiles[0].ProfileID
}

var (
	ids     = regexp.MustCompile(`\b(acc|res|ser|pro|con|int)_[0-9a-f]{12,}|\bcal_[0-9A-Za-z_-]{12,}|\bevt_external_[0-9a-f]+`)
	moments = regexp.MustCompile(`"(time|start|end|at|since|connected_at|last_sync_at)": "[^"]*"`)
	secrets = regexp.MustCompile(`"(access_token|refresh_token)": "[^"]*"`)
	numbers = regexp.MustCompile(`"(milliseconds|median|worst)": [0-9]+`)
	links   = regexp.MustCompile(`/i/[^"]*"`)
)

// stable writes a body with what differs from run to run replaced: ids by the
// order they come in, times by their form, tokens by a word.
func stable(t *testing.T, body string) string {
	t.Helper()
	if body == "" {
		return ""
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(body), "", "  "); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	seen := map[string]string{}
	text := ids.ReplaceAllStringFunc(out.String(), func(id string) string {
		if seen[id] == "" {
			seen[id] = fmt.Sprintf("%s_%d", id[:strings.Index(id, "_")], len(seen)+1)
		}
		return seen[id]
	})
	text = moments.ReplaceAllStringFunc(text, func(pair string) string {
		name, value, _ := strings.Cut(pair, ": ")
		return name + ": " + regexp.MustCompile(`[0-9]`).ReplaceAllString(value, "0")
	})
	text = secrets.ReplaceAllString(text, `"$1": "TOKEN"`)
	text = numbers.ReplaceAllString(text, `"$1": 0`)
	return links.ReplaceAllString(text, `/i/TOKEN"`) + "\n"
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got (go test ./api -update writes them anew):\n%s", diff)
	}
}
