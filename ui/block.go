package ui

import (
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// Heading opens a page: its title, its state and its few actions.
func Heading(title string, badge g.Node, actions ...g.Node) g.Node {
	return h.Header(h.Class("heading"), h.H1(g.Text(title)), badge,
		g.If(len(actions) > 0, h.Div(h.Class("heading-actions"), g.Group(actions))))
}

// Lead is the paragraph below a heading: what this is and what to do.
func Lead(text string) g.Node { return h.P(h.Class("lead"), g.Text(text)) }

// Section is a part of a page with its own heading and actions at its right.
func Section(title string, actions g.Node, children ...g.Node) g.Node {
	return h.Section(h.Class("section"),
		h.Div(h.Class("section-head"), h.H2(g.Text(title)), actions), g.Group(children))
}

// Card frames one thing.
func Card(children ...g.Node) g.Node { return h.Div(h.Class("card"), g.Group(children)) }

// Stat is one number the page is looked at for.
type Stat struct {
	Value string // "412", already written for the language: see Number
	Of    string // "418", or ""
	Label string
	Href  string // leads to the list behind it, or ""
	State State  // colours an error count; "" for none
}

// Stats is a row of numbers.
func Stats(stats ...Stat) g.Node {
	return h.Div(h.Class("stats"), g.Map(stats, func(s Stat) g.Node {
		number := h.Span(h.Class("stat-value"), g.If(s.State != "", Icon(s.State.icon())), g.Text(s.Value),
			g.If(s.Of != "", h.Span(h.Class("stat-of"), g.Text(" / "+s.Of))))
		body := g.Group{number, h.Span(h.Class("stat-label"), g.Text(s.Label))}
		if s.Href != "" {
			return h.A(h.Class("stat is-"+string(s.State)), h.Href(s.Href), body)
		}
		return h.Div(h.Class("stat is-"+string(s.State)), body)
	}))
}

// Empty says that there is nothing yet and what to do about it.
func Empty(icon IconName, title, text string, actions ...g.Node) g.Node {
	return h.Div(h.Class("empty"), Icon(icon), h.H2(g.Text(title)), h.P(g.Text(text)),
		g.If(len(actions) > 0, Actions(actions...)))
}

// Pair is one line of Facts.
type Pair struct {
	Name  string
	Value g.Node
}

// Facts lists names and values.
func Facts(pairs ...Pair) g.Node {
	return h.Dl(h.Class("facts"), g.Map(pairs, func(p Pair) g.Node {
		return h.Div(h.Dt(g.Text(p.Name)), h.Dd(p.Value))
	}))
}

// Plan is a numbered list of what will happen: a short word and a sentence each.
func Plan(steps ...Pair) g.Node {
	return h.Ol(h.Class("plan"), g.Map(steps, func(p Pair) g.Node {
		return h.Li(h.Strong(g.Text(p.Name)), h.Span(p.Value))
	}))
}

// Copy is a button that copies a text. Without scripts it is not shown.
func (v *View) Copy(text, label string) g.Node {
	if label == "" {
		label = v.T("ui.copy")
	}
	return h.Button(h.Type("button"), h.Class("button quiet copy"), g.Attr("hidden"), g.Attr("data-copy", text),
		g.Attr("data-copied", v.T("ui.copied")), Icon(IconCopy), h.Span(g.Text(label)))
}

// Code is a command to copy and run elsewhere.
func (v *View) Code(label, text string) g.Node {
	return h.Figure(h.Class("code"),
		h.FigCaption(h.Span(g.Text(label)), v.Copy(text, "")),
		h.Pre(h.TabIndex("0"), g.Attr("role", "region"), g.Attr("aria-label", label), h.Code(g.Text(text))))
}

// CopyLink is a link that is meant to be sent to somebody, with its copy button.
func (v *View) CopyLink(label, url string) g.Node {
	return h.Div(h.Class("copy-link"), h.Input(h.Type("text"), h.ReadOnly(), h.Value(url), g.Attr("aria-label", label)), v.Copy(url, ""))
}

// TechnicalDetails folds what support needs: the request id and raw answers.
func (v *View) TechnicalDetails(lines ...string) g.Node {
	text := v.T("ui.request_id") + ": " + v.RequestID
	if len(lines) > 0 {
		text += "\n" + strings.Join(lines, "\n")
	}
	return Fold(v.T("ui.technical"), false, h.Div(h.Class("code"), h.Pre(h.Code(g.Text(text)))))
}

// Skeleton holds the place of lines that are on their way.
func (v *View) Skeleton(lines int) g.Node {
	nodes := make([]g.Node, lines)
	for i := range nodes {
		nodes[i] = h.Span(h.Class("skeleton-line"))
	}
	return h.Div(h.Class("skeleton"), h.Role("status"), g.Attr("aria-label", v.T("ui.loading")), g.Group(nodes))
}

// Tabs are the views of one page.
func Tabs(label string, tabs ...Tab) g.Node {
	return h.Nav(h.Class("tabs"), g.Attr("aria-label", label), g.Map(tabs, func(t Tab) g.Node {
		return h.A(h.Href(t.Href), g.If(t.Current, g.Attr("aria-current", "page")), g.Text(t.Label))
	}))
}

// Tab is one of Tabs.
type Tab struct {
	Href, Label string
	Current     bool
}

func orDefault(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

func trimSpace(s string) string { return strings.TrimSpace(s) }
