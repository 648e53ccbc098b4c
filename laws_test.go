package kalends_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "kalends"

// laws says which packages of this module each package may import directly.
// "" is the root; a trailing /* stands for the packages below; "*" is everything.
// Test files are exempt. Changing a law is a reviewed decision.
var laws = map[string][]string{
	"":                  {},
	"db":                {},
	"db/dbtest":         {"db"},
	"secret":            {},
	"outbound":          {},
	"zone":              {},
	"cronofy":           {},
	"web":               {},
	"internal/tools/*":  {},
	"explain":           {},
	"oauth":             {""},
	"mail":              {"zone"},
	"mail/mailtest":     {},
	"jobs":              {"db"},
	"provider":          {"", "zone", "outbound"},
	"provider/*":        {"", "zone", "outbound", "recurrence", "provider"},
	"provider/ews":      {"", "zone", "outbound", "recurrence", "provider", "provider/ews/*"},
	"provider/ews/ntlm": {},
	"sandbox":           {"zone"},
	"sandbox/ntlm":      {},
	"sandbox/*":         {"zone", "sandbox", "sandbox/ntlm"},
	"store":             {"", "db", "secret"},
	"hub/*": {
		"", "zone", "recurrence", "availability", "oauth", "explain", "secret", "mail",
		"outbound", "db", "provider", "store", "jobs",
	},
	"api":           {"", "hub/*", "oauth", "explain", "secret"},
	"hooks":         {"", "hub/mirror"},
	"ui":            {"zone", "web"},
	"console":       {"", "hub/connect", "hub/calendar", "ui", "explain"},
	"smartcalendar": {"cronofy", "ui", "explain", "zone", "mail", "db", "secret", "jobs"},
	"cmd/kalends":   {"*"},
	"bench":         {"*"},
	"compat":        {"*"},
	"compat/*":      {"*"},
}

func TestImportLaw(t *testing.T) {
	for dir, files := range packages(t) {
		law, ok := lawOf(dir)
		if !ok {
			t.Errorf("package %q has no law: add one to laws_test.go, on purpose", dir)
			continue
		}
		for _, file := range files {
			for _, path := range imports(t, file) {
				target, ours := inModule(path)
				if ours && !allowed(law, target) {
					t.Errorf("%s imports %q: the law of %q does not allow it", file, path, dir)
				}
			}
		}
	}
}

func TestEveryRoomSaysWhatItIs(t *testing.T) {
	for dir := range packages(t) {
		text, err := os.ReadFile(filepath.Join(dir, "doc.go"))
		if err != nil || !strings.Contains(string(text), "// Package ") && !strings.Contains(string(text), "// Command ") {
			t.Errorf("%q has no doc.go that says what it does, who calls it and what it must not know", dir)
		}
	}
}

// packages lists the Go files of each package that are no tests, by folder.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			dir := filepath.ToSlash(filepath.Dir(path))
			if dir == "." {
				dir = ""
			}
			found[dir] = append(found[dir], path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 2 {
		t.Fatal("found no packages: the walk is broken")
	}
	return found
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range parsed.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func inModule(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

func lawOf(dir string) ([]string, bool) {
	if law, ok := laws[dir]; ok {
		return law, true
	}
	for pattern, law := range laws {
		if below(pattern, dir) {
			return law, true
		}
	}
	return nil, false
}

func allowed(law []string, target string) bool {
	return slices.ContainsFunc(law, func(rule string) bool {
		return rule == "*" || rule == target || below(rule, target)
	})
}

func below(pattern, dir string) bool {
	parent, ok := strings.CutSuffix(pattern, "/*")
	return ok && strings.HasPrefix(dir, parent+"/")
}
