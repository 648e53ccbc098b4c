package explain_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kalends/explain"
)

var langs = []string{"de", "en"}

// Every cause of the vocabulary has a text, and every text a cause.
func TestEveryCauseIsExplained(t *testing.T) {
	t.Parallel()
	inCode := map[string]bool{}
	for _, key := range causeKeys(t) {
		inCode[key] = true
	}
	inText := map[string]bool{}
	for _, key := range explain.Keys() {
		inText[key] = true
	}
	if diff := cmp.Diff(inCode, inText); diff != "" {
		t.Errorf("causes (-code +texts):\n%s", diff)
	}
}

func TestTextsStandInBothLanguages(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(shape(t, "de"), shape(t, "en")); diff != "" {
		t.Errorf("texts (-de +en):\n%s", diff)
	}
}

// With no fact and with all facts, a text is a whole sentence without gaps.
func TestTextsReadWellWithAndWithoutFacts(t *testing.T) {
	t.Parallel()
	all := map[string]string{}
	for _, fact := range strings.Fields("account domain email fingerprint host issuer mailbox name offered other provider reason server size subject target until url version") {
		all[fact] = "«" + fact + "»"
	}
	for _, lang := range langs {
		for _, key := range explain.Keys() {
			for _, facts := range []map[string]string{nil, all, {"reason": "moving"}, {"reason": "other_server"}, {"reason": "other_server", "target": "mail.hoster.example"}, {"reason": "no_room_list"}, {"reason": "unknown_authority"}, {"reason": "legacy"}, {"reason": "pin"}, {"reason": "pin", "host": "«mail»", "fingerprint": "AB:CD"}, {"reason": "ews_disabled"}, {"right": "server"}, {"right": "database"}, {"reason": "exchange_2007"}, {"reason": "incomplete"}, {"reason": "incomplete", "address": "a@b.example, c@b.example"}, {"reason": "incomplete", "group": "g@b.example"}, {"reason": "incomplete", "address": "a@b.example", "group": "g@b.example"}} {
				text := explain.Cause(lang, key, facts)
				checkSentence(t, lang, key, text.What)
				checkSentence(t, lang, key, text.Fix)
				if text.Title == "" || strings.HasSuffix(text.Title, ".") {
					t.Errorf("%s %s: title %q", lang, key, text.Title)
				}
			}
		}
	}
}

var broken = regexp.MustCompile(`\{\{|<no value>|  | \.|^[a-zäöü]`)

func checkSentence(t *testing.T, lang, key, sentence string) {
	t.Helper()
	if broken.MatchString(strings.TrimPrefix(sentence, "«")) && !strings.HasPrefix(sentence, "«") || !strings.HasSuffix(sentence, ".") {
		t.Errorf("%s %s: %q is not a whole sentence", lang, key, sentence)
	}
}

func TestFactsCannotLeaveTheirQuotesInCommands(t *testing.T) {
	t.Parallel()
	for _, evil := range []string{`a'; Remove-Mailbox 'b`, "a\u2019; Remove-Mailbox \u2018b", "a'\nRemove-Mailbox b"} {
		text := explain.Cause("en", "not_a_person", map[string]string{"email": evil})
		command := text.Commands[0].Text
		inner := strings.TrimSuffix(strings.TrimPrefix(command, "Get-Recipient '"), "' | Format-List Name,RecipientTypeDetails")
		if strings.Contains(strings.ReplaceAll(inner, "''", ""), "'") || strings.ContainsAny(inner, "\n\u2018\u2019") {
			t.Errorf("%q gives a command that ends its quotes: %s", evil, command)
		}
	}
}

func TestCommandsFitTheCase(t *testing.T) {
	t.Parallel()
	for _, lang := range langs {
		off := explain.Cause(lang, "not_permitted", map[string]string{"email": "a@musterwerk.example", "reason": "ews_disabled"})
		if len(off.Commands) != 1 || off.Commands[0].Text != "Set-CASMailbox 'a@musterwerk.example' -EwsEnabled $true" {
			t.Errorf("%s: switched off gives %+v", lang, off.Commands)
		}
		scope := explain.Cause(lang, "not_permitted", map[string]string{"email": "a@musterwerk.example"})
		if len(scope.Commands) != 2 || off.What == scope.What || off.Fix == scope.Fix {
			t.Errorf("%s: outside the scope gives %+v", lang, scope)
		}
	}
}

func TestUnknownKeysAndLanguages(t *testing.T) {
	t.Parallel()
	if got, want := explain.Cause("fr", "tls", nil).Title, explain.Cause("en", "tls", nil).Title; got != want {
		t.Errorf("unknown language gives %q, want %q", got, want)
	}
	if got, want := explain.Cause("de", "no_such_cause", nil).Title, "Unerwartete Störung"; got != want {
		t.Errorf("unknown cause gives %q, want %q", got, want)
	}
	if got := explain.Step("de", "no_such_step"); got != "no_such_step" {
		t.Errorf("unknown step gives %q", got)
	}
}

func TestStepsSayTheirFacts(t *testing.T) {
	t.Parallel()
	got := explain.StepDone("de", "rooms", "ok", map[string]string{"rooms": "12"})
	if got != "12 Räume" {
		t.Errorf("got %q", got)
	}
	for _, lang := range langs {
		for _, step := range strings.Fields("autodiscover reach tls sign_in version directory impersonation free_busy rooms write negative match calendar") {
			for _, status := range strings.Fields("running ok failed skipped warning") {
				if explain.StepDone(lang, step, status, nil) == "" {
					t.Errorf("%s: step %s has no text for %s", lang, step, status)
				}
			}
		}
	}
}

func TestAttemptsAreToldInWords(t *testing.T) {
	t.Parallel()
	facts := map[string]string{"target": "mail.hoster.example"}
	if got := explain.Attempt("de", "redirect", facts); got != "leitet weiter zu mail.hoster.example" {
		t.Errorf("got %q", got)
	}
	if got := explain.Attempt("en", "404 Not Found", nil); got != "404 Not Found" {
		t.Errorf("an unknown result gives %q", got)
	}
	if got := explain.Method("de", "srv"); got != "DNS-Eintrag (SRV)" {
		t.Errorf("got %q", got)
	}
}

// causeKeys reads the keys from the vocabulary's source, which this package must not import.
func causeKeys(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../cause.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Cause") {
			return true
		}
		if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
			key, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		return true
	})
	if len(keys) < 16 {
		t.Fatalf("found only %d causes in cause.go", len(keys))
	}
	return keys
}

// shape is a language's file with every text replaced by whether it is there.
func shape(t *testing.T, lang string) any {
	t.Helper()
	raw, err := os.ReadFile("texts/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return flatten(v)
}

func flatten(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = flatten(v[key])
		}
		return v
	case []any:
		for i := range v {
			v[i] = flatten(v[i])
		}
		return v
	}
	return v != ""
}
