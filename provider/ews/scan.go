package ews

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Exchange answers with character references that XML 1.0 forbids and that
// encoding/xml refuses even when not strict; and a mailbox of 200 events should
// cost milliseconds. So answers are read by a small parser that knows what SOAP
// needs: no document types, no entities of one's own, bounded depth and size.

const (
	maxDepth = 64
	maxNodes = 400_000
	maxJoins = 100  // pieces of text within one document
	maxNames = 1000 // namespace declarations in force
)

var (
	errNotXML     = errors.New("not XML")
	errDoctype    = errors.New("document type definitions are refused")
	errCutOff     = errors.New("XML ends too early")
	errTooComplex = errors.New("XML too deep or too large")
)

// node is an element of a parsed answer. A nil node is an absent element: all
// methods work on it.
type node struct {
	name     string // without prefix
	space    string
	text     string
	attrs    []attr
	children []*node
}

type attr struct{ name, value string }

type binding struct {
	prefix, uri string
	depth       int
}

type parser struct {
	rest     string
	stack    []*node
	raw      []string // names as written, to match end tags
	bindings []binding
	slab     []node
	nodes    int
	joins    int
	texts    []string // collected text of the open elements
	root     *node
}

// parse reads one XML document.
func parse(text string) (*node, error) {
	p := &parser{rest: strings.TrimPrefix(strings.TrimSpace(text), "\ufeff")}
	for p.rest != "" {
		if err := p.next(); err != nil {
			return nil, err
		}
		if p.root != nil && len(p.stack) == 0 {
			return p.root, nil
		}
	}
	if p.root == nil {
		return nil, errNotXML
	}
	return nil, errCutOff
}

func (p *parser) next() error {
	open := strings.IndexByte(p.rest, '<')
	if open < 0 {
		return p.lastText()
	}
	if err := p.addText(p.rest[:open]); err != nil {
		return err
	}
	p.rest = p.rest[open:]
	switch {
	case strings.HasPrefix(p.rest, "</"):
		return p.end()
	case strings.HasPrefix(p.rest, "<?"):
		return p.skip("?>")
	case strings.HasPrefix(p.rest, "<!--"):
		return p.skip("-->")
	case strings.HasPrefix(p.rest, "<![CDATA["):
		return p.cdata()
	case strings.HasPrefix(p.rest, "<!"):
		return errDoctype
	}
	return p.start()
}

func (p *parser) lastText() error {
	if p.root == nil {
		return errNotXML
	}
	return errCutOff
}

func (p *parser) skip(end string) error {
	at := strings.Index(p.rest, end)
	if at < 0 {
		return errCutOff
	}
	p.rest = p.rest[at+len(end):]
	return nil
}

func (p *parser) cdata() error {
	const open = "<![CDATA["
	at := strings.Index(p.rest, "]]>")
	if at < 0 || len(p.stack) == 0 {
		return errCutOff
	}
	piece := clean(p.rest[len(open):at])
	p.rest = p.rest[at+3:]
	return p.join(piece)
}

func (p *parser) addText(text string) error {
	if text == "" {
		return nil
	}
	if len(p.stack) == 0 {
		if strings.TrimSpace(text) != "" {
			return errNotXML
		}
		return nil
	}
	top := len(p.texts) - 1
	if p.texts[top] == "" {
		p.texts[top] = unescape(text)
		return nil
	}
	if strings.TrimSpace(text) == "" { // the space between children
		return nil
	}
	return p.join(unescape(text))
}

func (p *parser) join(piece string) error {
	if p.joins++; p.joins > maxJoins {
		return errTooComplex
	}
	p.texts[len(p.texts)-1] += piece
	return nil
}

func (p *parser) start() error {
	end := tagEnd(p.rest)
	if end < 0 {
		return errCutOff
	}
	tag := p.rest[1:end]
	p.rest = p.rest[end+1:]
	tag, closed := strings.CutSuffix(tag, "/")
	name, attrs := cutName(tag)
	if name == "" || !nameStart(name[0]) {
		return errNotXML
	}
	if err := p.open(name, attrs); err != nil {
		return err
	}
	if closed {
		p.close()
	}
	return nil
}

// tagEnd finds the '>' of a tag, passing over those in attribute values.
func tagEnd(text string) int {
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}

func cutName(tag string) (name, rest string) {
	for at := range len(tag) {
		if c := tag[at]; c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			return tag[:at], tag[at:]
		}
	}
	return tag, ""
}

func nameStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

func (p *parser) open(name, attrText string) error {
	if len(p.stack) >= maxDepth || p.nodes >= maxNodes || len(p.bindings) > maxNames {
		return errTooComplex
	}
	if p.root != nil && len(p.stack) == 0 {
		return errNotXML
	}
	n := p.newNode()
	if err := p.readAttrs(n, attrText); err != nil {
		return err
	}
	prefix, local := cutPrefix(name)
	n.name, n.space = local, p.uri(prefix)
	if p.root == nil {
		p.root = n
	} else {
		parent := p.stack[len(p.stack)-1]
		parent.children = append(parent.children, n)
	}
	p.stack, p.raw, p.texts = append(p.stack, n), append(p.raw, name), append(p.texts, "")
	return nil
}

func (p *parser) newNode() *node {
	if len(p.slab) == 0 {
		p.slab = make([]node, 256)
	}
	n := &p.slab[0]
	p.slab = p.slab[1:]
	p.nodes++
	return n
}

func (p *parser) readAttrs(n *node, text string) error {
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return nil
		}
		name, rest, ok := strings.Cut(text, "=")
		rest = strings.TrimLeft(rest, " \t\r\n")
		if !ok || rest == "" || rest[0] != '"' && rest[0] != '\'' {
			return errNotXML
		}
		end := strings.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return errNotXML
		}
		p.attribute(n, strings.TrimSpace(name), unescape(rest[1:1+end]))
		text = rest[end+2:]
	}
}

func (p *parser) attribute(n *node, name, value string) {
	prefix, local := cutPrefix(name)
	switch {
	case name == "xmlns":
		p.bindings = append(p.bindings, binding{"", value, len(p.stack)})
	case prefix == "xmlns":
		p.bindings = append(p.bindings, binding{local, value, len(p.stack)})
	default:
		n.attrs = append(n.attrs, attr{local, value})
	}
}

func cutPrefix(name string) (prefix, local string) {
	if at := strings.IndexByte(name, ':'); at >= 0 {
		return name[:at], name[at+1:]
	}
	return "", name
}

func (p *parser) uri(prefix string) string {
	for i := len(p.bindings) - 1; i >= 0; i-- {
		if p.bindings[i].prefix == prefix {
			return p.bindings[i].uri
		}
	}
	return ""
}

func (p *parser) end() error {
	end := strings.IndexByte(p.rest, '>')
	if end < 0 {
		return errCutOff
	}
	name := strings.TrimRight(p.rest[2:end], " \t\r\n")
	if len(p.stack) == 0 || p.raw[len(p.raw)-1] != name {
		return errNotXML
	}
	p.rest = p.rest[end+1:]
	p.close()
	return nil
}

func (p *parser) close() {
	top := len(p.stack) - 1
	p.stack[top].text = p.texts[top]
	p.stack, p.raw, p.texts = p.stack[:top], p.raw[:top], p.texts[:top]
	for i := len(p.bindings); i > 0 && p.bindings[i-1].depth >= top; i-- {
		p.bindings = p.bindings[:i-1]
	}
}

// unescape resolves the references of XML 1.0 and drops forbidden characters.
func unescape(text string) string {
	if !strings.Contains(text, "&") {
		return clean(text)
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "&")
		b.WriteString(before)
		if !found {
			return clean(b.String())
		}
		name, after, ended := cutReference(rest)
		if r, ok := reference(name); ended && ok {
			b.WriteString(r)
			text = after
		} else {
			b.WriteByte('&')
			text = rest
		}
	}
}

// cutReference looks only as far as a reference can be long.
func cutReference(text string) (name, after string, ended bool) {
	at := strings.IndexByte(text[:min(len(text), 12)], ';')
	if at < 0 {
		return "", text, false
	}
	return text[:at], text[at+1:], true
}

func reference(name string) (string, bool) {
	switch name {
	case "amp":
		return "&", true
	case "lt":
		return "<", true
	case "gt":
		return ">", true
	case "quot":
		return `"`, true
	case "apos":
		return "'", true
	}
	digits, ok := strings.CutPrefix(name, "#")
	if !ok {
		return "", false
	}
	base := 10
	if hex, isHex := strings.CutPrefix(strings.ToLower(digits), "x"); isHex {
		digits, base = hex, 16
	}
	code, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return "", false
	}
	return string(rune(min(code, utf8.MaxRune+1))), true
}

// clean drops what XML 1.0 section 2.2 does not allow.
func clean(text string) string {
	if isClean(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if allowed(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, "\ufffd"))
}

func isClean(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < 0x20 && c != '\t' && c != '\n' && c != '\r' || c >= utf8.RuneSelf {
			return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !allowed(r) }) < 0
		}
	}
	return true
}

func allowed(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return true
	case r < 0x20, r == 0xFFFE, r == 0xFFFF:
		return false
	}
	return true
}

// child gives the first child with a name, or nil.
func (n *node) child(names ...string) *node {
	for _, name := range names {
		n = n.first(name)
	}
	return n
}

func (n *node) first(name string) *node {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// all gives the children of a nil-safe node.
func (n *node) all() []*node {
	if n == nil {
		return nil
	}
	return n.children
}

// value gives the text of a child, trimmed.
func (n *node) value(names ...string) string {
	if c := n.child(names...); c != nil {
		return strings.TrimSpace(c.text)
	}
	return ""
}

func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.attrs {
		if a.name == name {
			return a.value
		}
	}
	return ""
}

// find gives the first element with a name at any depth, or nil.
func (n *node) find(name string) *node {
	if n == nil || n.name == name {
		return n
	}
	for _, c := range n.children {
		if found := c.find(name); found != nil {
			return found
		}
	}
	return nil
}
