package ui

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// Look is how much a button stands out. A page has one Primary.
type Look string

// The looks.
const (
	Primary Look = "primary"
	Normal  Look = "normal"
	Quiet   Look = "quiet"
	Danger  Look = "danger"
)

// Button sends the form it stands in. The label is a verb; more are attributes
// (name, value, formaction …) or an icon.
func Button(look Look, label string, more ...g.Node) g.Node {
	return h.Button(h.Class("button "+string(look)), h.Type("submit"), g.Group(more), h.Span(g.Text(label)))
}

// LinkButton looks like a button and leads somewhere. href comes from the
// program, never from people.
func LinkButton(look Look, href, label string, more ...g.Node) g.Node {
	return h.A(h.Class("button "+string(look)), h.Href(href), g.Group(more), h.Span(g.Text(label)))
}

// Actions sets buttons in a row, the primary first.
func Actions(nodes ...g.Node) g.Node { return h.Div(h.Class("actions"), g.Group(nodes)) }

// PostButton is a button that is a form of its own: one act, no fields but hidden ones.
func PostButton(look Look, action, label string, more ...g.Node) g.Node {
	return h.Form(h.Class("inline"), h.Method("post"), h.Action(action), Button(look, label, more...))
}

// Hidden is a value that a form carries along.
func Hidden(name, value string) g.Node {
	return h.Input(h.Type("hidden"), h.Name(name), h.Value(value))
}

// Menu folds further actions behind "⋯"; label says what they are for.
func Menu(label string, items ...g.Node) g.Node {
	return h.Details(h.Class("menu"),
		h.Summary(h.Class("button quiet"), g.Attr("aria-label", label), h.Title(label), Icon(IconDots)),
		h.Div(h.Class("menu-items"), g.Group(items)))
}
