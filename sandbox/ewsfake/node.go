package ewsfake

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// node is one element of a request.
type node struct {
	space, name string
	attrs       []xml.Attr
	text        string
	kids        []*node
	line        int
}

// The namespaces of EWS.
const (
	nsSOAP     = "http://schemas.xmlsoap.org/soap/envelope/"
	nsTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	nsMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
)

const maxDepth = 64

type attribute = xml.Attr

var errXML = errors.New("malformed xml")

// parseXML reads a whole document into nodes. Document types are refused.
func parseXML(body []byte) (*node, error) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	root := &node{}
	stack := []*node{root}
	for {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errXML, err)
		}
		if stack, err = grow(stack, token, decoder); err != nil {
			return nil, err
		}
	}
	if len(stack) != 1 || len(root.kids) != 1 {
		return nil, errXML
	}
	return root.kids[0], root.kids[0].bind(map[string]string{"xml": "xml"})
}

func grow(stack []*node, token xml.Token, decoder *xml.Decoder) ([]*node, error) {
	top := stack[len(stack)-1]
	switch t := token.(type) {
	case xml.StartElement:
		if len(stack) > maxDepth {
			return nil, errXML
		}
		line, _ := decoder.InputPos()
		n := &node{space: t.Name.Space, name: t.Name.Local, attrs: append([]xml.Attr(nil), t.Attr...), line: line}
		top.kids = append(top.kids, n)
		return append(stack, n), nil
	case xml.EndElement:
		if len(stack) < 2 || top.name != t.Name.Local || top.space != t.Name.Space {
			return nil, errXML
		}
		return stack[:len(stack)-1], nil
	case xml.CharData:
		if top.text == "" || strings.TrimSpace(top.text) != "" || len(bytes.TrimSpace(t)) > 0 {
			top.text += string(t)
		}
	case xml.Directive:
		return nil, errXML
	}
	return stack, nil
}

// bind replaces prefixes by namespaces.
func (n *node) bind(scope map[string]string) error {
	scope = n.declared(scope)
	space, ok := scope[n.space]
	if !ok && n.space != "" {
		return fmt.Errorf("%w: prefix %q is not declared", errXML, n.space)
	}
	n.space = space
	for _, kid := range n.kids {
		if err := kid.bind(scope); err != nil {
			return err
		}
	}
	return nil
}

// declared is the scope with the node's own declarations, which leave its attributes.
func (n *node) declared(scope map[string]string) map[string]string {
	attrs := n.attrs[:0]
	copied := false
	for _, a := range n.attrs {
		if a.Name.Space != "xmlns" && (a.Name.Space != "" || a.Name.Local != "xmlns") {
			attrs = append(attrs, a)
			continue
		}
		if !copied {
			inner := make(map[string]string, len(scope)+2)
			for k, v := range scope {
				inner[k] = v
			}
			scope, copied = inner, true
		}
		prefix := a.Name.Local
		if a.Name.Space == "" {
			prefix = ""
		}
		scope[prefix] = a.Value
	}
	n.attrs = attrs
	return scope
}

// child finds the first child with a name, or nil; a nil node has none.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, kid := range n.kids {
		if kid.name == name {
			return kid
		}
	}
	return nil
}

// at walks down by names.
func (n *node) at(names ...string) *node {
	for _, name := range names {
		n = n.child(name)
	}
	return n
}

func (n *node) value(names ...string) string {
	if n = n.at(names...); n == nil {
		return ""
	}
	return strings.TrimSpace(n.text)
}

func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (n *node) children() []*node {
	if n == nil {
		return nil
	}
	return n.kids
}
