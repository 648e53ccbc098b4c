package ui

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// TextProblems is for the tests of a room: keys that stand in one language only,
// texts that name different values, and keys that no Go file of the folder
// mentions. A key that is put together counts as mentioned by the string before
// the part that varies, as long as that ends in a dot ("status.").
func TextProblems(texts fs.FS, folder string) ([]string, error) {
	books := map[string]map[string]string{}
	for _, lang := range languages {
		raw, err := fs.ReadFile(texts, "texts/"+lang+".json")
		if err != nil {
			return nil, fmt.Errorf("read texts: %w", err)
		}
		var tree map[string]any
		if err := json.Unmarshal(raw, &tree); err != nil {
			return nil, fmt.Errorf("parse %s: %w", lang, err)
		}
		books[lang] = map[string]string{}
		flatten("", tree, books[lang])
	}
	mentioned, err := stringsIn(folder)
	if err != nil {
		return nil, err
	}
	problems := append(differences(books["de"], books["en"]), unused(books["en"], mentioned)...)
	slices.Sort(problems)
	return problems, nil
}

// flatten writes "a": {"b": "text"} as a.b; the forms of a count are one text.
func flatten(prefix string, tree map[string]any, into map[string]string) {
	for name, value := range tree {
		key := strings.TrimPrefix(prefix+"."+name, ".")
		switch value := value.(type) {
		case string:
			into[key] = value
		case map[string]any:
			if text, ok := value["other"].(string); ok {
				into[key] = text
				continue
			}
			flatten(key, value, into)
		}
	}
}

var valueIn = regexp.MustCompile(`\{\{\.(\w+)\}\}`)

func differences(de, en map[string]string) []string {
	var problems []string
	for key, text := range de {
		other, ok := en[key]
		switch {
		case !ok:
			problems = append(problems, key+": not in English")
		case !slices.Equal(valuesOf(text), valuesOf(other)):
			problems = append(problems, key+": the languages name different values")
		}
	}
	for key := range en {
		if _, ok := de[key]; !ok {
			problems = append(problems, key+": not in German")
		}
	}
	return problems
}

func valuesOf(text string) []string {
	names := []string{}
	for _, match := range valueIn.FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func unused(book map[string]string, mentioned map[string]bool) []string {
	var problems []string
	for key := range book {
		if !mentionedAs(key, mentioned) {
			problems = append(problems, key+": no code mentions it")
		}
	}
	return problems
}

func mentionedAs(key string, mentioned map[string]bool) bool {
	if mentioned[key] {
		return true
	}
	for i := range key {
		if key[i] == '.' && mentioned[key[:i+1]] {
			return true
		}
	}
	return false
}

var quoted = regexp.MustCompile(`"([a-z0-9_.]+)"`)

// stringsIn gives what stands in quotes in the Go files of a folder. A string
// that begins with a dot is the end of a key that the string before it begins.
func stringsIn(folder string) (map[string]bool, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("find source: %w", err)
	}
	found := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read source: %w", err)
		}
		for _, match := range quoted.FindAllStringSubmatch(string(source), -1) {
			found[match[1]] = true
		}
	}
	return found, nil
}
