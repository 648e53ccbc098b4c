package ui

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed texts/*.json
var kitTexts embed.FS

// Languages are the languages of all pages; the first is the fallback.
var languages = []string{"en", "de"}

// Texts are the words of a room's pages in all languages, together with the
// kit's own.
type Texts struct {
	localizers map[string]*i18n.Localizer
}

// NewTexts reads texts/de.json and texts/en.json of each file system (the kit's
// own come with it). Keys may be nested; a text is a string, or an object with
// "one" and "other" for texts that depend on a count. A group of keys must not
// use those words, nor id, hash, description, zero, two, few or many.
func NewTexts(rooms ...fs.FS) (*Texts, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	for _, files := range append([]fs.FS{kitTexts}, rooms...) {
		if err := load(bundle, files); err != nil {
			return nil, err
		}
	}
	t := &Texts{localizers: map[string]*i18n.Localizer{}}
	for _, lang := range languages {
		t.localizers[lang] = i18n.NewLocalizer(bundle, lang)
	}
	return t, nil
}

func load(bundle *i18n.Bundle, files fs.FS) error {
	for _, lang := range languages {
		name := "texts/" + lang + ".json"
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("read texts: %w", err)
		}
		if _, err := bundle.ParseMessageFileBytes(text, lang+".json"); err != nil {
			return fmt.Errorf("parse %s: %w", name, err)
		}
	}
	return nil
}

// Say gives the text of a key with its values filled in: name, value, name,
// value. The value named "count" chooses between one and other, and is written
// with the language's thousands separator. An unknown key gives the key.
func (t *Texts) Say(lang, key string, pairs ...any) string {
	localizer, ok := t.localizers[lang]
	if !ok {
		localizer = t.localizers[languages[0]]
	}
	config := &i18n.LocalizeConfig{MessageID: key, TemplateData: values(lang, pairs)}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == "count" {
			config.PluralCount = pairs[i+1]
		}
	}
	text, err := localizer.Localize(config)
	if err != nil {
		return key
	}
	return text
}

// Has tells whether a key has a text, for optional ones such as a field's help.
func (t *Texts) Has(lang, key string) bool { return t.Say(lang, key) != key }

func values(lang string, pairs []any) map[string]any {
	data := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name := fmt.Sprint(pairs[i])
		data[name] = pairs[i+1]
		if n, ok := pairs[i+1].(int); ok {
			data[name] = Number(lang, n)
		}
	}
	return data
}

// KitTexts gives the kit's own texts, for pages that have none of their own.
func KitTexts() fs.FS { return kitTexts }
