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
	server := start(t, sandbox.Config{})
	b := server.Ready().Exchange.(ewsfake.Block)
	script := exec.CommandContext(t.Context(), python, "../../compat/python/ews.py", b.EWSURL, b.ServiceAccount, b.Password, b.TestEmail,
		"vera.vorstand@musterwerk.example", "raum-isar@musterwerk.example", server.Ready().CAFile, server.Resolve()["mail.musterwerk.example:443"])
	out, err := script.CombinedOutput()
	t.Log("\n" + string(out))
	if err != nil || strings.Count(string(out), "ok exchangelib") < 15 {
		t.Errorf("exchangelib: %v", err)
	}
}

func start(t *testing.T, config sandbox.Config) *sandbox.Server {
	t.Helper()
	server, err := ewsfake.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}
