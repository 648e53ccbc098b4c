package smartcalendar_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kalends/ui"
)

func TestBothLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"texts", "help"} {
		if diff := cmp.Diff(shape(t, dir+"/de.json"), shape(t, dir+"/en.json")); diff != "" {
			t.Errorf("%s differ (-de +en):\n%s", dir, diff)
		}
	}
}

func shape(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	var value any
	must(t, json.Unmarshal(text, &value))
	keys := map[string]bool{}
	walk(value, "", keys)
	return slices.Sorted(maps.Keys(keys))
}

func walk(value any, path string, keys map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for key, below := range v {
			walk(below, path+"."+key, keys)
		}
	case []any:
		for i, below := range v {
			walk(below, path+"["+string(rune('0'+i))+"]", keys)
		}
	default:
		keys[path] = true
	}
}

// composed are the keys that code puts together, by how they begin: everything
// that can follow. "history." gets every action that is remembered.
var composed = map[string][]string{
	"status.":    {"none", "pending", "connected", "waiting", "error", "inactive", "excluded"},
	"role.":      {"member", "administrator"},
	"provider.":  {"exchange", "microsoft365", "google"},
	"step.":      {"ok", "failed", "skipped", "running", "warning"},
	"me.":        nil,
	"expiry.":    {"rest"}, // others have a text or are told as the rest
	"calendar.":  {"connected", "degraded", "disconnected"},
	"feature.":   {"on", "off"},
	"link.":      {"connected", "waiting", "error"},
	"password.":  {"invite", "reset"},
	"run.":       {"connect", "resync", "retry"},
	"throttled.": {"at", "soon"}, "throttled.run_": {"at", "soon"},
	"history.":   nil,
	"person.do_": {"deactivate", "reactivate", "exclude", "include", "invite"}, "person.done_": {"deactivate", "reactivate", "exclude", "include", "invite"},
}

var (
	keyLike    = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)
	prefixLike = regexp.MustCompile(`^[a-z][a-z0-9_]*\.([a-z0-9_]+_)?$`)
)

// Every string in the code that looks like a key of the texts is one, or begins
// several; what is put together has words for all it can become.
func TestEveryTextThatCodeNamesExists(t *testing.T) {
	t.Parallel()
	words, err := ui.NewTexts(os.DirFS("."))
	must(t, err)
	known := map[string]bool{}
	for _, key := range shape(t, "texts/en.json") {
		known[strings.TrimPrefix(key, ".")] = true
	}
	seen, actions := 0, actionsRemembered(t)
	for where, literal := range literals(t) {
		switch {
		case composedPrefix(literal):
			if _, listed := composed[literal]; !listed {
				t.Errorf("%s: %q begins keys that this test does not know", where, literal)
			}
		case keyLike.MatchString(literal) && isText(literal, known) && !actions[literal]:
			seen++
			if !words.Has("de", literal) && !words.Has("en", literal) && !groupOf(literal, known) && !words.Has("de", "history."+literal) {
				t.Errorf("%s: there is no text %q", where, literal)
			}
		}
	}
	if seen < 150 {
		t.Errorf("found only %d keys: the search is broken", seen)
	}
	for action := range actions {
		if !words.Has("de", "history."+action) {
			t.Errorf("there is no text for what is remembered as %q", action)
		}
	}
	for prefix, ends := range composed {
		for _, end := range ends {
			if key := prefix + end; !words.Has("de", key) && !actions[key] {
				t.Errorf("there is no text %q", key)
			}
		}
	}
}

func composedPrefix(literal string) bool { return prefixLike.MatchString(literal) }

// isText tells keys from other words with dots: their first part is a group of
// the texts.
func isText(literal string, known map[string]bool) bool {
	group, _, _ := strings.Cut(literal, ".")
	for key := range known {
		if strings.HasPrefix(key, group+".") {
			return true
		}
	}
	return false
}

// groupOf tells whether a key is one of those that get ".title" and ".text".
func groupOf(literal string, known map[string]bool) bool {
	return known[literal+".title"] && known[literal+".text"]
}

// literals gives every string in the room's code, by where it stands.
func literals(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for where, node := range nodes(t) {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			must(t, err)
			found[where] = text
		}
	}
	return found
}

// nodes gives every piece of the room's code, by where it stands.
func nodes(t *testing.T) map[string]ast.Node {
	t.Helper()
	files, err := filepath.Glob("*.go")
	must(t, err)
	all, set := map[string]ast.Node{}, token.NewFileSet()
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		must(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			if n != nil {
				all[fmt.Sprintf("%s %T", set.Position(n.Pos()), n)] = n
			}
			return true
		})
	}
	return all
}

// actionsRemembered are the actions of the history: those that stand in an entry
// or are given to act, and those that are put together from a list above.
func actionsRemembered(t *testing.T) map[string]bool {
	t.Helper()
	actions := map[string]bool{}
	for _, node := range nodes(t) {
		switch n := node.(type) {
		case *ast.KeyValueExpr:
			if name, ok := n.Key.(*ast.Ident); ok && name.Name == "Action" {
				addAction(actions, n.Value)
			}
		case *ast.CallExpr:
			if called, ok := n.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "act" && len(n.Args) == 5 {
				addAction(actions, n.Args[3])
			}
		}
	}
	if len(actions) < 15 {
		t.Fatalf("found only %d actions: the search is broken", len(actions))
	}
	return actions
}

func addAction(actions map[string]bool, value ast.Expr) {
	switch v := value.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(v.Value)
		if err == nil && keyLike.MatchString(text) {
			actions[text] = true
		}
	case *ast.BinaryExpr:
		if start, ok := v.X.(*ast.BasicLit); ok {
			prefix, err := strconv.Unquote(start.Value)
			for _, end := range composed[prefix] {
				actions[prefix+end] = err == nil
			}
		}
	}
}

var helpLink = regexp.MustCompile(`help/([a-z0-9-]+)(?:#([A-Za-z0-9_-]+))?`)

// Whatever leads to a help page leads to one that is there, at a section that is
// there.
func TestEveryHelpLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	places := map[string]map[string]bool{}
	for _, lang := range []string{"de", "en"} {
		var topics []struct {
			Topic    string
			Sections []struct{ ID string }
		}
		text, err := os.ReadFile("help/" + lang + ".json")
		must(t, err)
		must(t, json.Unmarshal(text, &topics))
		places[lang] = map[string]bool{}
		for _, topic := range topics {
			places[lang][topic.Topic] = true
			for _, section := range topic.Sections {
				places[lang][topic.Topic+"#"+section.ID] = true
			}
		}
	}
	links := 0
	for _, pattern := range []string{"../explain/texts/*.json", "../console/*.go", "../console/texts/*.json", "help/*.json", "texts/*.json", "*.go"} {
		files, err := filepath.Glob(pattern)
		must(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			must(t, err)
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, found := range helpLink.FindAllStringSubmatch(string(text), -1) {
				links++
				place := strings.TrimSuffix(found[1]+"#"+found[2], "#")
				if found[1] == "de" || found[1] == "en" {
					continue // the files themselves
				}
				if !places["de"][place] || !places["en"][place] {
					t.Errorf("%s links to %s", file, place)
				}
			}
		}
	}
	if links < 50 {
		t.Errorf("found only %d links: the search is broken", links)
	}
}
