package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"src/app.ts": "console.log(1 as number)", "src/app.css": "a { color: red }", "src/favicon.svg": "<svg/>",
		"icons.txt": "check\n", "node_modules/lucide-static/icons/check.svg": `<svg viewBox="0 0 24 24"><path d="M1 1" /></svg>`,
		"dist/.gitkeep": "", "dist/app-OLD.css": "old",
	})
	if err := run(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "dist/manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var names map[string]string
	if err := json.Unmarshal(text, &names); err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"app.js", "app.css", "favicon.svg"} {
		if _, err := os.Stat(filepath.Join(dir, "dist", names[plain])); names[plain] == plain || err != nil {
			t.Errorf("%s is called %q: %v", plain, names[plain], err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "dist/app-OLD.css")); err == nil {
		t.Error("what an earlier build left is still there")
	}
	if _, err := os.Stat(filepath.Join(dir, "dist/.gitkeep")); err != nil {
		t.Error("git loses the folder")
	}
	sprite, err := os.ReadFile(filepath.Join(dir, "dist/icons.svg"))
	if err != nil || !strings.Contains(string(sprite), `<symbol id="check"`) {
		t.Errorf("the sprite is %q: %v", sprite, err)
	}
}

func TestErrBuildSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	if err := run(t.TempDir()); err == nil || !strings.Contains(err.Error(), "npm ci --ignore-scripts") {
		t.Errorf("got %v", err)
	}
}
