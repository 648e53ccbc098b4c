package ewsfake_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// TestExchangelib drives the server with a client that others wrote.
func TestExchangelib(t *testing.T) {
	t.Parallel()
	python := "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), python, "-c", "import exchangelib").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3-exchangelib is not installed")
		}
		t.Skip("python3-exchangelib is not installed")
	}
	for _, version := range []string{"Exchange2007_SP1", "Exchange2010_SP1", "Exchange2010_SP2", "Exchange2013_SP1", "Exchange2016", "Exchange2019", "ExchangeSE"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			exchangelib(t, python, version)
		})
	}
}

func exchangelib(t *testing.T, python, version string) {
	t.Helper()
	server := startWith(t, sandbox.Config{}, ewsfake.Options{Version: version})
	b := server.Ready().Exchange.(ewsfake.Block)
	script := exec.CommandContext(t.Context(), python, "../../compat/python/ews.py")
	script.Env = append(os.Environ(),
		"SANDBOX_URL="+server.Ready().SandboxURL, "VERSION="+version, "EWS_URL="+b.EWSURL, "EWS_USER="+b.ServiceAccount, "EWS_PASSWORD="+b.Password,
		"EWS_ADDRESS="+server.Resolve()["mail.musterwerk.example:443"], "CA_FILE="+server.Ready().CAFile, "EMAIL="+b.TestEmail,
		"DENIED=vera.vorstand@musterwerk.example", "ROOM=raum-isar@musterwerk.example")
	out, err := script.CombinedOutput()
	if fine := strings.Count(string(out), "ok exchangelib"); err != nil || fine < 30 {
		t.Errorf("%d cases, %v\n%s", fine, err, out)
	}
}

func start(t *testing.T, config sandbox.Config) *sandbox.Server {
	t.Helper()
	return startWith(t, config, ewsfake.Options{})
}

func startWith(t *testing.T, config sandbox.Config, options ewsfake.Options) *sandbox.Server {
	t.Helper()
	server, err := ewsfake.StartWith(t.Context(), config, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}
