package explain

import (
	"embed"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"sync"
	"text/template"
)

// Text is what people read about a cause.
type Text struct {
	Title    string    // a heading that fits a group of people: "Address not in the organisation"
	What     string    // what happened, one sentence
	Fix      string    // what to do, one sentence
	Commands []Command // to copy into the vendor's shell
	Links    []Link
}

// Command is something to copy and run at the vendor.
type Command struct {
	Label string
	Text  string
}

// Link leads on: URL is absolute for a vendor's page, or "help/TOPIC" for one of
// the help pages that come with Smart Calendar.
type Link struct {
	Label string
	URL   string
}

//go:embed texts/*.json
var files embed.FS

// book is one language: templates, parsed once.
type book struct {
	Causes map[string]entry             `json:"causes"`
	Steps  map[string]map[string]string `json:"steps"`
	Match  map[string]string            `json:"match"`

	Attempts map[string]string `json:"attempts"`
	Methods  map[string]string `json:"methods"`
}

type entry struct {
	Title    string    `json:"title"`
	What     string    `json:"what"`
	Fix      string    `json:"fix"`
	Commands []Command `json:"commands"`
	Links    []Link    `json:"links"`
}

var books = sync.OnceValue(func() map[string]book {
	all := map[string]book{}
	for _, lang := range []string{"de", "en"} {
		text, err := files.ReadFile("texts/" + lang + ".json")
		if err != nil {
			panic(err)
		}
		var b book
		if err := json.Unmarshal(text, &b); err != nil {
			panic(fmt.Sprintf("explain: texts/%s.json: %v", lang, err))
		}
		all[lang] = b
	}
	return all
})

// Cause explains a cause by its key, in "de" or "en" (anything else reads as
// English). An unknown key gives the text for "internal".
func Cause(lang, key string, facts map[string]string) Text {
	b := bookOf(lang)
	e, ok := b.Causes[key]
	if !ok {
		e = b.Causes["internal"]
	}
	text := Text{Title: render(e.Title, facts), What: render(e.What, facts), Fix: render(e.Fix, facts)}
	for _, c := range e.Commands {
		// A label that the facts leave empty belongs to another case of the cause.
		if label := render(c.Label, facts); label != "" {
			text.Commands = append(text.Commands, Command{Label: label, Text: render(c.Text, facts)})
		}
	}
	for _, l := range e.Links {
		text.Links = append(text.Links, Link{Label: render(l.Label, facts), URL: render(l.URL, facts)})
	}
	return text
}

// Step names a line of a check: "Find the server".
func Step(lang, key string) string { return step(lang, key, "name", nil) }

// StepDone says how a line of a check went, with its facts: "mail.musterwerk.example
// answers". For a failed line the cause says more.
func StepDone(lang, key, status string, facts map[string]string) string {
	return step(lang, key, status, facts)
}

// Attempt says what became of one try within a line, such as one Autodiscover
// address: "leads on to https://…"; facts holds "target". An unknown result is
// given back as it is.
func Attempt(lang, result string, facts map[string]string) string {
	text, ok := bookOf(lang).Attempts[result]
	if !ok {
		return result
	}
	return render(text, facts)
}

// Method says how a try was made: "Autodiscover (SOAP)".
func Method(lang, key string) string { return bookOf(lang).Methods[key] }

// MatchedBy says how an address was found: "alias".
func MatchedBy(lang, key string) string { return bookOf(lang).Match[key] }

// Keys lists the causes that have a text, sorted.
func Keys() []string {
	var keys []string
	for key := range bookOf("en").Causes {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func bookOf(lang string) book {
	if b, ok := books()[lang]; ok {
		return b
	}
	return books()["en"]
}

func step(lang, key, what string, facts map[string]string) string {
	texts, ok := bookOf(lang).Steps[key]
	if !ok {
		return key
	}
	return render(texts[what], facts)
}

// render fills the facts into a text. Facts come from outside: quote makes one
// safe inside single quotes of PowerShell.
func render(text string, facts map[string]string) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	parsed, err := template.New("").Option("missingkey=zero").
		Funcs(template.FuncMap{"quote": quote}).Parse(text)
	if err != nil {
		return text
	}
	if facts == nil {
		facts = map[string]string{}
	}
	var out strings.Builder
	if err := parsed.Execute(&out, facts); err != nil {
		return text
	}
	return out.String()
}

// quote writes a value as a PowerShell string: single quotes doubled, line
// breaks and the typographic quotes that PowerShell takes for quotes removed.
func quote(value string) string {
	clean := strings.Map(func(r rune) rune {
		switch r {
		case '\u2018', '\u2019', '\u201a', '\u201b', '\n', '\r', 0:
			return -1
		}
		return r
	}, value)
	return "'" + strings.ReplaceAll(clean, "'", "''") + "'"
}
