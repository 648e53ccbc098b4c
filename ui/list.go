package ui

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// LinkRow is one row of Links: a page and what it is about.
type LinkRow struct{ Href, Title, Text string }

// Links lists pages as rows that can be clicked as a whole.
func Links(rows ...LinkRow) g.Node {
	return h.Ul(h.Class("links"), g.Map(rows, func(r LinkRow) g.Node {
		return h.Li(h.A(h.Href(r.Href), h.Span(h.Class("links-words"), h.Strong(g.Text(r.Title)), g.If(r.Text != "", h.Span(g.Text(r.Text)))), Icon(IconChevron)))
	}))
}

// Contents leads to the sections of a long page.
func Contents(label string, sections ...LinkRow) g.Node {
	return h.Nav(h.Class("contents"), g.Attr("aria-label", label), h.Ul(g.Map(sections, func(r LinkRow) g.Node {
		return h.Li(h.A(h.Href(r.Href), g.Text(r.Title)))
	})))
}

// Numbered lists steps to take one after the other.
func Numbered(steps ...string) g.Node {
	return h.Ol(h.Class("plan numbered"), g.Map(steps, func(text string) g.Node { return h.Li(h.Span(g.Text(text))) }))
}

// LogLine is something that happened: when, what, and who did it ("" = by itself).
type LogLine struct {
	At        g.Node
	What, Who string
}

// Log lists what happened, the latest first.
func Log(lines ...LogLine) g.Node {
	return h.Ul(h.Class("log"), g.Map(lines, func(l LogLine) g.Node {
		return h.Li(h.Span(h.Class("log-at"), l.At), h.Span(g.Text(l.What)), g.If(l.Who != "", h.Span(h.Class("log-who"), g.Text(l.Who))))
	}))
}

// Group is a part of Groups: a heading with its number that opens into rows.
type Group struct {
	ID     string // keeps what the reader opened when the page is drawn anew
	Title  string
	Count  string
	Action g.Node // acts on all rows, or nil
	Lead   g.Node // what is the same for all rows, or nil
	Rows   []GroupRow
	More   g.Node // where the rest is, or nil
}

// GroupRow is one row of a Group: whose it is, what is the matter, what to do.
type GroupRow struct{ Who, What, Do g.Node }

// Groups lists rows under headings that fold, in one frame.
func Groups(groups ...Group) g.Node {
	return h.Div(h.Class("groups"), g.Map(groups, func(one Group) g.Node {
		return h.Div(h.Class("group"),
			h.Details(h.ID(one.ID), g.Attr("open"),
				h.Summary(Icon(IconChevron), h.Span(h.Class("group-title"), g.Text(one.Title)), h.Span(h.Class("group-count"), g.Text(one.Count))),
				g.If(one.Lead != nil, h.Div(h.Class("group-lead"), one.Lead)),
				h.Ul(g.Map(one.Rows, groupRow)), one.More),
			g.If(one.Action != nil, h.Div(h.Class("group-act"), one.Action)))
	}))
}

func groupRow(r GroupRow) g.Node {
	return h.Li(h.Class("group-row"), h.Div(h.Class("group-who"), r.Who), h.Div(h.Class("group-what"), r.What), h.Div(h.Class("group-do"), r.Do))
}

// Columns sets blocks side by side where there is room.
func Columns(nodes ...g.Node) g.Node { return h.Div(h.Class("columns"), g.Group(nodes)) }
