package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// exchange is the simulated one, and what the command is told of it.
type exchange struct {
	server *sandbox.Server
	block  ewsfake.Block
	env    []string
	args   []string
}

func newExchange(t *testing.T) exchange {
	t.Helper()
	return newExchangeWith(t, ewsfake.Options{})
}

func newExchangeWith(t *testing.T, options ewsfake.Options) exchange {
	t.Helper()
	server, err := ewsfake.StartWith(t.Context(), sandbox.Config{People: 12}, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, server.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	block := server.Ready().Exchange.(ewsfake.Block)
	return exchange{
		server: server, block: block,
		env: []string{
			"KALENDS_DATA=" + t.TempDir(), "KALENDS_RESOLVE=" + server.Ready().Resolve, "KALENDS_PRIVATE_NETWORKS=127.0.0.0/8",
			"KALENDS_EXCHANGE_PASSWORD=" + block.Password,
		},
		args: []string{"check", "exchange", "--username", block.ServiceAccount, "--test-email", block.TestEmail, "--url", block.EWSURL, "--ca", ca},
	}
}

func TestCheckExchangePrintsTheLinesOfThePage(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	out, err := command(t, x.env, append(x.args, "--lang", "de", "--person", x.block.TestEmail)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"ok       Anmelden", "(NTLM)", "ok       Räume auflisten", x.block.TestEmail, "ok       Postfach finden", "ok       Kalender öffnen"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, x.block.Password) {
		t.Error("the password is printed")
	}
}

// What the list of rooms lacks is said and is no failure.
func TestCheckExchangeTakesRooms(t *testing.T) {
	t.Parallel()
	x := newExchangeWith(t, ewsfake.Options{Version: "Exchange2007_SP1"})
	out, err := command(t, x.env, append(x.args, "--rooms", "raeume-werk2@musterwerk.example", "--rooms", "raum-ixar@musterwerk.example")...)
	if err != nil || !strings.Contains(out, "warning  List rooms") || !strings.Contains(out, "distribution group: raum-ixar@musterwerk.example.") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestErrCheckExchangeExplainsWhatFailed(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	out, err := command(t, x.env, append(x.args, "--json", "--person", "klaus.altmann@musterwerk.example")...)
	if !errors.Is(err, errCheckFailed) {
		t.Errorf("the command ended with %v", err)
	}
	var report reportWire
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if report.OK || len(report.Steps) == 0 || report.Steps[3].Status != "ok" || len(report.People) != 1 {
		t.Fatalf("report %+v", report)
	}
	lines := report.People[0].Steps
	if len(lines) != 3 || lines[0].Cause == nil || lines[0].Cause.Key != "account_not_found" || lines[0].Cause.Fix == "" || lines[2].Status != "skipped" {
		t.Errorf("lines of somebody unknown: %+v", lines)
	}
}

func TestErrCheckExchangeWithAWrongPassword(t *testing.T) {
	t.Parallel()
	x := newExchange(t)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("another-one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, x.env, append(x.args, "--password-file", file, "--person", x.block.TestEmail)...)
	if !errors.Is(err, errCheckFailed) || !strings.Contains(out, "failed   Sign in") || !strings.Contains(out, "Check user name and password.") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(out, "another-one") || strings.Contains(out, "Find the mailbox") {
		t.Errorf("says too much:\n%s", out)
	}
	if _, err := command(t, x.env, "check", "exchange", "--username", "x"); err == nil || !strings.Contains(err.Error(), "test_email") {
		t.Errorf("without a test address: %v", err)
	}
	if _, err := command(t, x.env, "check", "exchange", "--connection", "con_000000000000000000000000"); err == nil {
		t.Error("a connection that is not there was checked")
	}
}
