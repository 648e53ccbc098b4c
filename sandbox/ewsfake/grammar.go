package ewsfake

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

type particle struct {
	names    []string
	optional bool
	many     bool
}

type rule struct {
	particles []particle
	attrs     map[string]leaf
	must      []string
	open      bool
	text      bool
}

// leaf is the type of a text: a kind, or its values.
type leaf struct {
	kind   string // "", boolean, int, dateTime, guid, nonEmpty, path, range
	values []string
	list   bool
	low    int
	high   int
}

// syntax is the grammar of one version.
type syntax struct {
	rules  map[string]rule
	leaves map[string]leaf
}

// grammars are the versions' own, read once.
var grammars = sync.OnceValue(func() map[int]syntax {
	all := map[int]syntax{}
	for level := level2007; level <= level2016; level++ {
		all[level] = readSyntax(level)
	}
	return all
})

func readSyntax(level int) syntax {
	g := syntax{rules: map[string]rule{}, leaves: map[string]leaf{}}
	for name, text := range grammar {
		if level >= operationsSince[name] {
			g.rules[name] = readRule(text, level)
		}
	}
	for name, text := range leaves {
		g.leaves[name] = readLeaf(text, level)
	}
	return g
}

func grammarOf(level int) syntax { return grammars()[max(level, level2007)] }

// atLevel cuts the mark off a name and says whether the level has it.
func atLevel(word string, level int) (string, bool) {
	name, mark, marked := strings.Cut(word, "/")
	n, err := strconv.Atoi(mark)
	switch {
	case !marked || err != nil:
		return word, true
	case n < 0:
		return name, level <= -n
	}
	return name, level >= n
}

func namesAt(words []string, level int) []string {
	var names []string
	for _, word := range words {
		if name, there := atLevel(word, level); there {
			names = append(names, name)
		}
	}
	return names
}

func readRule(text string, level int) rule {
	r := rule{attrs: map[string]leaf{}}
	for word := range strings.FieldsSeq(text) {
		if attr, ok := strings.CutPrefix(word, "@"); ok {
			r.attribute(attr, level)
			continue
		}
		last := word[len(word)-1]
		names := namesAt(strings.Split(strings.TrimRight(word, "?*+"), "|"), level)
		switch {
		case len(names) == 0:
		case names[0] == "…":
			r.open = true
		case names[0] == "#":
			r.text = true
		default:
			r.particles = append(r.particles, particle{names: names, optional: last == '?' || last == '*', many: last == '*' || last == '+'})
		}
	}
	return r
}

func (r *rule) attribute(text string, level int) {
	name, values, listed := strings.Cut(text, "=")
	name, kind, _ := strings.Cut(name, ":")
	mustBe := strings.HasSuffix(name, "!")
	name, there := atLevel(strings.TrimSuffix(name, "!"), level)
	if !there {
		return
	}
	if mustBe {
		r.must = append(r.must, name)
	}
	if listed {
		kind = values
	}
	r.attrs[name] = readLeaf(kind, level)
}

var plainKinds = []string{"boolean", "int", "dateTime", "date", "month", "guid", "nonEmpty"}

func readLeaf(text string, level int) leaf {
	if listed, ok := kinds[text]; ok {
		return leaf{kind: text, values: namesAt(strings.Split(listed, ","), level)}
	}
	if low, high, ok := strings.Cut(text, ".."); ok {
		l := leaf{kind: "range"}
		l.low, _ = strconv.Atoi(low)
		l.high, _ = strconv.Atoi(high)
		return l
	}
	rest, list := strings.CutPrefix(text, "list:")
	values := namesAt(strings.Split(rest, ","), level)
	if rest == "" || len(values) == 0 {
		return leaf{}
	}
	if len(values) == 1 && slices.Contains(plainKinds, values[0]) {
		return leaf{kind: values[0]}
	}
	return leaf{values: values, list: list}
}

var dateForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(Z|[+-]\d{2}:\d{2})?$`)

var guidForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// takes tells whether a text is of the type.
func (l leaf) takes(text string) bool {
	switch l.kind {
	case "boolean":
		return slices.Contains([]string{"true", "false", "1", "0"}, text)
	case "int", "range":
		n, err := strconv.Atoi(text)
		return err == nil && (l.kind == "int" || n >= l.low && n <= l.high)
	case "dateTime":
		_, _, ok := parseTime(text, time.UTC)
		return ok
	case "date":
		return dateForm.MatchString(text)
	case "month": // a number in time zones, a name in recurrences
		_, err := time.Parse("January", text)
		_, notNumber := strconv.Atoi(text)
		return err == nil || notNumber == nil
	case "guid":
		return guidForm.MatchString(text)
	case "nonEmpty":
		return text != ""
	case "path":
		kind, _, spaced := strings.Cut(text, ":")
		return slices.Contains(l.values, text) || spaced && !slices.Contains([]string{"item", "calendar", "folder"}, kind)
	}
	if l.values == nil {
		return true
	}
	words := []string{text}
	if l.list {
		words = strings.Fields(text)
	}
	return !slices.ContainsFunc(words, func(word string) bool { return !slices.Contains(l.values, word) })
}
