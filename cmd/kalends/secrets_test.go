package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kalends/secret"
)

// What check config prints goes into tickets: no secret is in it, wherever in an
// address it stands.
func TestErrCheckConfigShowsNoSecrets(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{
		"KALENDS_PROXY=http://kalends:geheim@proxy.musterwerk.example:3128",
		"KALENDS_PROXY=http://kalends:geheim@proxy.musterwerk.example:port",
		"KALENDS_DATABASE_URL=postgres://db.musterwerk.example/kalends?user=kalends&password=geheim",
		"KALENDS_DATABASE_URL=postgres://kalends:geheim@db.musterwerk.example/kalends",
		"KALENDS_SMTP_URL=smtps://kalends:geheim@mail.musterwerk.example",
		"KALENDS_SMTP_URL=smtps://kalends:geheim@mail.musterwerk.example:port",
		`KALENDS_KEYSET={"seal":"geheim"}`,
	} {
		out, err := command(t, []string{"KALENDS_DATA=" + t.TempDir(), setting}, "check", "config")
		if err != nil {
			out += err.Error()
		}
		if strings.Contains(out, "geheim") {
			t.Errorf("%s is shown:\n%s", setting, out)
		}
	}
}

func TestTheProxyCanStandInAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "proxy")
	writeFile(t, path, "http://kalends:geheim@proxy.musterwerk.example:3128\n")
	env, err := parseEnvironment([]string{"KALENDS_PROXY_FILE=" + path})
	if err != nil || env["KALENDS_PROXY"] != "http://kalends:geheim@proxy.musterwerk.example:3128" {
		t.Errorf("%v, %v", env, err)
	}
}

// Two programs that start at once on an empty folder seal with one key: what one
// sealed with a key that the other overwrote would never open again.
func TestTheFirstKeysetIsMadeOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		path := filepath.Join(t.TempDir(), "data", "keyset.json")
		sealed := make([]string, 8)
		var all sync.WaitGroup
		for i := range sealed {
			all.Go(func() {
				box, err := openBox(path)
				if err != nil {
					t.Error(err)
					return
				}
				sealed[i], err = box.Seal([]byte("x"), "place")
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		box, err := secret.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range sealed {
			if _, err := box.Open(text, "place"); err != nil {
				t.Fatal("sealed with a key that is gone")
			}
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
}
