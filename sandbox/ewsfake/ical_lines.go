package ewsfake

import "strings"

// contentLine is one line of iCalendar: a name, parameters and a value.
type contentLine struct {
	name, value string
	params      map[string]string
}

// component is a part of iCalendar from BEGIN to END.
type component struct {
	name  string
	lines []contentLine
	parts []*component
}

// readComponents reads iCalendar (RFC 5545 section 3.4): the outermost part, or
// nil if its BEGIN and END do not match.
func readComponents(text string) *component {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	text = strings.NewReplacer("\n ", "", "\n\t", "").Replace(text)
	root := &component{}
	open := []*component{root}
	for line := range strings.SplitSeq(text, "\n") {
		top := open[len(open)-1]
		read, ok := readContentLine(line)
		switch {
		case !ok:
		case read.name == "BEGIN" && len(open) < maxDepth:
			part := &component{name: strings.ToUpper(read.value)}
			top.parts = append(top.parts, part)
			open = append(open, part)
		case read.name == "END":
			if len(open) < 2 || top.name != strings.ToUpper(read.value) {
				return nil
			}
			open = open[:len(open)-1]
		default:
			top.lines = append(top.lines, read)
		}
	}
	if len(open) != 1 || len(root.parts) != 1 {
		return nil
	}
	return root.parts[0]
}

func readContentLine(line string) (contentLine, bool) {
	head, value, found := cutUnquoted(line, ':')
	if !found {
		return contentLine{}, false
	}
	name, rest, more := cutUnquoted(head, ';')
	read := contentLine{name: strings.ToUpper(name), value: value, params: map[string]string{}}
	for more {
		var param string
		param, rest, more = cutUnquoted(rest, ';')
		key, text, _ := strings.Cut(param, "=")
		read.params[strings.ToUpper(key)] = strings.Trim(text, `"`)
	}
	return read, true
}

// cutUnquoted cuts at the first separator that stands outside quotes.
func cutUnquoted(text string, separator byte) (before, after string, found bool) {
	quoted := false
	for n := range len(text) {
		if text[n] == '"' {
			quoted = !quoted
		}
		if text[n] == separator && !quoted {
			return text[:n], text[n+1:], true
		}
	}
	return text, "", false
}

// line finds the first line of a name.
func (c *component) line(name string) (contentLine, bool) {
	for _, l := range c.lines {
		if l.name == name {
			return l, true
		}
	}
	return contentLine{}, false
}

func (c *component) value(name string) string {
	l, _ := c.line(name)
	return l.value
}

func (c *component) words(name string) string { return unescape(c.value(name)) }

func (c *component) partsOf(name string) []*component {
	var found []*component
	for _, part := range c.parts {
		if part.name == name {
			found = append(found, part)
		}
	}
	return found
}

// splitWords cuts a list at its commas, those of the words left out.
func splitWords(text string) []string {
	var words []string
	start := 0
	for n := 0; n < len(text); n++ {
		switch text[n] {
		case '\\':
			n++
		case ',':
			words = append(words, unescape(text[start:n]))
			start = n + 1
		}
	}
	if text != "" {
		words = append(words, unescape(text[start:]))
	}
	return words
}

var calendarUnescaper = strings.NewReplacer(`\\`, `\`, `\;`, ";", `\,`, ",", `\n`, "\n", `\N`, "\n")

func unescape(text string) string { return calendarUnescaper.Replace(text) }
