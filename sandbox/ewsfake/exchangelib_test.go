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
	for version, major := range map[string]string{
		"Exchange2007_SP1": "8", "Exchange2010_SP1": "14", "Exchange2010_SP2": "14", "Exchange2013_SP1": "15", "Exchange2016": "15", "ExchangeSE": "15",
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			exchangelib(t, python, version, major)
		})
	}
}

func exchangelib(t *testing.T, python, version, major string) {
	t.Helper()
	server := startWith(t, sandbox.Config{}, ewsfake.Options{Version: version})
	b := server.Ready().Exchange.(ewsfake.Block)
	script := exec.CommandContext(t.Context(), python, "../../compat/python/ews.py", b.EWSURL, b.ServiceAccount, b.Password, b.TestEmail,
		"vera.vorstand@musterwerk.example", "raum-isar@musterwerk.example", server.Ready().CAFile, server.Resolve()["mail.musterwerk.example:443"], major)
	out, err := script.CombinedOutput()
	t.Log("\n" + string(out))
	fine := strings.Count(string(out), "ok exchangelib")
	switch {
	case version == "Exchange2007_SP1":
		// It writes MeetingTimeZone with an attribute that no schema has, and
		// says itself that zones and rooms need 2010.
		if fine != 7 || strings.Count(string(out), "The 'Id' attribute is not declared") != 2 || strings.Count(string(out), "only supports server versions from 14") != 3 {
			t.Errorf("exchangelib on 2007: %d", fine)
		}
	case err != nil || fine < 18:
		t.Errorf("exchangelib: %v", err)
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
