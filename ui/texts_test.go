package ui_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"kalends/ui"
)

func TestKitTextsAreCompleteAndUsed(t *testing.T) {
	t.Parallel()
	problems, err := ui.TextProblems(ui.KitTexts(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

func TestTextProblemsAreFound(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"texts/de.json": {Data: []byte(`{"ui":{"cancel":"{{.a}}","copy":"x"},"never":"x"}`)},
		"texts/en.json": {Data: []byte(`{"ui":{"cancel":"{{.b}}","menu":"x"},"never":"x"}`)},
	}
	problems, err := ui.TextProblems(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(problems, "\n")
	for _, want := range []string{"ui.cancel: the languages", "ui.copy: not in English", "ui.menu: not in German", "never: no code"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not among\n%s", want, all)
		}
	}
}

func TestSay(t *testing.T) {
	t.Parallel()
	texts, err := ui.NewTexts()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ lang, want string }{{"de", "1.234 Fehler"}, {"en", "1,234 errors"}, {"fr", "1,234 errors"}} {
		if got := texts.Say(c.lang, "ui.progress.errors", "count", 1234); got != c.want {
			t.Errorf("%s: got %q, want %q", c.lang, got, c.want)
		}
	}
	if got := texts.Say("en", "ui.progress.errors", "count", 1); got != "1 error" {
		t.Errorf("one: got %q", got)
	}
	if got := texts.Say("de", "no.such.key"); got != "no.such.key" {
		t.Errorf("unknown key: got %q", got)
	}
}

// Every icon that code names is in the sprite, and the sprite has no others.
func TestIconsMatchTheSprite(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile("../web/icons.txt")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("icon.go")
	if err != nil {
		t.Fatal(err)
	}
	inSprite := map[string]bool{}
	for _, name := range strings.Fields(string(list)) {
		inSprite[name] = true
		if !strings.Contains(string(source), `= "`+name+`"`) {
			t.Errorf("web/icons.txt has %s, which no code names", name)
		}
	}
	for _, line := range strings.Split(string(source), "\n") {
		_, name, ok := strings.Cut(line, `IconName = "`)
		if name = strings.TrimSuffix(name, `"`); ok && !inSprite[name] {
			t.Errorf("%s is not in web/icons.txt", name)
		}
	}
}
