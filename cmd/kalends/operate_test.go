package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kalends/db"
)

// command runs the program as a shell would and gives what it printed.
func command(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), append(args, "--log-level=error"), env, &out)
	return out.String(), err
}

func TestOperatorRegistersApplications(t *testing.T) {
	t.Parallel()
	env := []string{"KALENDS_DATA=" + t.TempDir()}
	out, err := command(t, env, "app", "create", "--json", "--name", "My app", "--redirect-uri", "https://app.example/back")
	if err != nil {
		t.Fatal(err)
	}
	var app struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	}
	if err := json.Unmarshal([]byte(out), &app); err != nil || len(app.ClientSecret) != 32 {
		t.Fatalf("%v in %q", err, out)
	}
	list, err := command(t, env, "app", "list")
	if err != nil || !strings.Contains(list, app.ClientID) || strings.Contains(list, app.ClientSecret) {
		t.Errorf("the list names the application without its secret: %v\n%s", err, list)
	}
	rotated, err := command(t, env, "app", "rotate", app.ClientID)
	if err != nil || strings.Contains(rotated, app.ClientSecret) {
		t.Errorf("rotating gives another secret: %v\n%s", err, rotated)
	}
	for _, wrong := range [][]string{
		{"app", "rotate", "nobody"},
		{"app", "create", "--name", "My app", "--redirect-uri", "https://other.example/back"},
		{"app", "create", "--name", "Other", "--redirect-uri", "ftp://app.example/back"},
		{"org", "link", "ser_000000000000000000000000"},
		{"company", "set", "Nobody", "smart_calendar", "on"},
	} {
		if out, err := command(t, env, wrong...); err == nil {
			t.Errorf("Err: %v was taken: %s", wrong, out)
		}
	}
}

func TestShortCommandsLeaveTheRegistrationAlone(t *testing.T) {
	t.Parallel()
	env := []string{"KALENDS_DATA=" + t.TempDir()}
	if _, err := command(t, env, "company", "link", "--app-url", "https://calendar.musterwerk.example"); err != nil {
		t.Fatal(err)
	}
	if list, err := command(t, env, "app", "list"); err != nil || strings.Contains(list, smartCalendarName) {
		t.Errorf("a command for an operator registered an application: %v\n%s", err, list)
	}
}

func TestSettingsComeFromFlagsEnvironmentAndFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.json")
	secret := filepath.Join(dir, "smtp")
	writeFile(t, config, `{"contact": "from-file@musterwerk.example", "mail-from": "file@musterwerk.example", "poll-interval": "3m"}`)
	writeFile(t, secret, "smtp://user:hidden@mail.musterwerk.example:587\n")
	env := []string{
		"KALENDS_DATA=" + dir, "KALENDS_CONFIG=" + config, "KALENDS_SMTP_URL_FILE=" + secret,
		"KALENDS_CONTACT=from-env@musterwerk.example", "KALENDS_PUBLIC_URL=https://hub.musterwerk.example/",
	}
	out, err := command(t, env, "check", "config", "--mail-from", "flag@musterwerk.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"from-env@", "flag@", "3m0s", "https://hub.musterwerk.example ", "(set)"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if strings.Contains(out, "hidden") {
		t.Error("a secret is shown")
	}
}

func TestErrSettingsThatCannotWorkAreAllNamed(t *testing.T) {
	t.Parallel()
	_, err := command(t, []string{
		"KALENDS_PUBLIC_URL=hub", "KALENDS_PRIVATE_NETWORKS=ten", "KALENDS_RESOLVE=x", "KALENDS_SMTP_URL=http://x",
		"KALENDS_DATABASE_URL=mysql://x", "KALENDS_LISTEN=8800",
	}, "check", "config")
	if err == nil {
		t.Fatal("taken")
	}
	for _, name := range []string{"PUBLIC_URL", "PRIVATE_NETWORKS", "RESOLVE", "SMTP_URL", "DATABASE_URL", "LISTEN"} {
		if !strings.Contains(err.Error(), "KALENDS_"+name) {
			t.Errorf("KALENDS_%s is not named in: %v", name, err)
		}
	}
}

func TestBackupAndKeysetRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := []string{"KALENDS_DATA=" + dir}
	if _, err := command(t, env, "app", "create", "--name", "My app", "--redirect-uri", "https://app.example/back"); err != nil {
		t.Fatal(err)
	}
	keyset := filepath.Join(dir, "keyset.json")
	before, err := os.ReadFile(keyset)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyset+".next", []byte("left over, for everybody to read"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, env, "keyset", "rotate"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(keyset); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the rotated keyset: %v, %v", info.Mode(), err)
	}
	after, err := os.ReadFile(keyset)
	if err != nil || bytes.Equal(before, after) {
		t.Errorf("the keyset did not change: %v", err)
	}
	copied := filepath.Join(dir, "copy.db")
	if _, err := command(t, env, "backup", copied); err != nil {
		t.Fatal(err)
	}
	list, err := command(t, append(env, "KALENDS_DATABASE_URL=sqlite:"+copied), "app", "list")
	if err != nil || !strings.Contains(list, "My app") {
		t.Errorf("the copy does not open with the rotated keyset: %v\n%s", err, list)
	}
	if acts := operations(t, filepath.Join(dir, "kalends.db")); !slices.Equal(acts, []string{"operator keyset.rotated", "operator database.copied"}) {
		t.Errorf("written down: %v", acts)
	}
}

// operations lists what operators did to the whole installation.
func operations(t *testing.T, path string) []string {
	t.Helper()
	database, err := db.Open(t.Context(), "sqlite:"+path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = database.Close() }()
	var acts []string
	err = database.Read(t.Context(), func(tx *db.Tx) (err error) {
		acts, err = db.All(t.Context(), tx, db.Value[string],
			`SELECT actor || ' ' || action FROM audits WHERE application_id = '' AND organisation_id = '' ORDER BY at`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return acts
}

func TestHelpNamesEveryCommand(t *testing.T) {
	t.Parallel()
	out, err := command(t, nil, "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"serve", "demo", "sandbox", "check config", "migrate", "app create", "org link", "company set", "keyset rotate", "backup"} {
		if !strings.Contains(out, name) {
			t.Errorf("%q is missing", name)
		}
	}
	if _, err := command(t, nil, "dance"); err == nil {
		t.Error("Err: an unknown command was taken")
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
