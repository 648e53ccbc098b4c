package ewsfake

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// violation is what the server says when a request breaks the schema.
type violation struct {
	text string
	line int
}

func (n *node) broken(format string, args ...any) *violation {
	return &violation{text: fmt.Sprintf(format, args...), line: n.line}
}

// checkHeader looks at the parts of the SOAP header that are EWS's.
func (g syntax) checkHeader(header *node) *violation {
	for _, kid := range header.children() {
		if kid.space != nsTypes {
			continue
		}
		if v := g.check(kid); v != nil {
			return v
		}
	}
	return nil
}

// ofTypes are the children of operations that the schema takes from types.xsd.
var ofTypes = []string{"TimeZone", "FreeBusyViewOptions", "SuggestionsViewOptions"}

// checkOperation checks an operation: its children are messages.xsd's, all below
// are types.xsd's.
func (g syntax) checkOperation(n *node) *violation {
	for _, kid := range n.kids {
		space := nsMessages
		if slices.Contains(ofTypes, kid.name) {
			space = nsTypes
		}
		if kid.space != space {
			return n.stranger(kid)
		}
		if v := kid.checkSpaces(); v != nil {
			return v
		}
	}
	return g.check(n)
}

func (n *node) checkSpaces() *violation {
	for _, kid := range n.kids {
		if kid.space != nsTypes {
			return n.stranger(kid)
		}
		if v := kid.checkSpaces(); v != nil {
			return v
		}
	}
	return nil
}

// check walks an element and everything below by the grammar.
func (g syntax) check(n *node) *violation {
	r, listed := g.rules[n.name]
	if n.name == "ParentFolderId" && n.space == nsMessages {
		r = g.rules[targetOf]
	}
	if n.name == "TimeZone" && len(n.kids) == 0 && n.text != "" {
		return nil // the calendar item's display string
	}
	if !listed {
		return g.checkLeaf(n)
	}
	if !r.text && strings.TrimSpace(n.text) != "" {
		return n.broken("The element '%s' in namespace '%s' cannot contain text.", n.name, n.space)
	}
	if v := n.checkAttrs(r); v != nil || r.open {
		return v
	}
	if v := n.checkOrder(r); v != nil {
		return v
	}
	for _, kid := range n.kids {
		if v := g.check(kid); v != nil {
			return v
		}
	}
	return nil
}

func (n *node) stranger(kid *node) *violation {
	return kid.broken("The element '%s' in namespace '%s' has invalid child element '%s' in namespace '%s'.", n.name, n.space, kid.name, kid.space)
}

func (n *node) checkAttrs(r rule) *violation {
	for _, name := range r.must {
		if !slices.ContainsFunc(n.attrs, func(a attribute) bool { return a.Name.Local == name }) {
			return n.broken("The required attribute '%s' is missing.", name)
		}
	}
	for _, a := range n.attrs {
		kind, known := r.attrs[a.Name.Local]
		if !known && a.Name.Space == "" {
			return n.broken("The '%s' attribute is not declared.", a.Name.Local)
		}
		if !kind.takes(strings.TrimSpace(a.Value)) {
			return n.broken("The '%s' attribute is invalid - The value '%s' is invalid according to its datatype - The Enumeration constraint failed.", a.Name.Local, a.Value)
		}
	}
	return nil
}

func (n *node) checkOrder(r rule) *violation {
	at := 0
	for _, p := range r.particles {
		count := 0
		for at < len(n.kids) && slices.Contains(p.names, n.kids[at].name) && (count == 0 || p.many) {
			at, count = at+1, count+1
		}
		if count == 0 && !p.optional {
			return n.incomplete(at, p)
		}
	}
	if at < len(n.kids) {
		return n.stranger(n.kids[at])
	}
	return nil
}

func (n *node) incomplete(at int, p particle) *violation {
	if at < len(n.kids) {
		return n.kids[at].broken("The element '%s' in namespace '%s' has invalid child element '%s' in namespace '%s'. List of possible elements expected: '%s'.",
			n.name, n.space, n.kids[at].name, n.kids[at].space, strings.Join(p.names, ", "))
	}
	return n.broken("The element '%s' in namespace '%s' has incomplete content. List of possible elements expected: '%s'.", n.name, n.space, strings.Join(p.names, ", "))
}

func (g syntax) checkLeaf(n *node) *violation {
	if text := strings.TrimSpace(n.text); !g.leaves[n.name].takes(text) {
		return n.broken("The '%s' element is invalid - The value '%s' is invalid according to its datatype.", n.name, text)
	}
	return nil
}

// parseTime reads an xs:dateTime; a naive one is read in the given place.
func parseTime(text string, place *time.Location) (t time.Time, naive, ok bool) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), false, true
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05.999999999", text, place)
	return t.UTC(), true, err == nil
}
