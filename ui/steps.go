package ui

import (
	"fmt"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// StepLine is one line of a check, as in a build log.
type StepLine struct {
	State State
	Name  string        // "Anmelden"
	Text  string        // how it went: "mail.musterwerk.example antwortet"
	Took  time.Duration // 0 = not shown
	Word  string        // the state in a word, for screen readers
	Body  g.Node        // cause, fix, commands; nil = the line cannot be opened
	Open  bool          // opened at once, as a failed one is
}

// Steps is the list of a check's lines.
func (v *View) Steps(lines []StepLine) g.Node {
	return h.Ol(h.Class("steps"), g.Map(lines, func(l StepLine) g.Node {
		if l.Body == nil {
			return h.Li(h.Class("step is-"+string(l.State)), h.Div(h.Class("step-line"), v.stepLine(l)))
		}
		return h.Li(h.Class("step is-"+string(l.State)), h.Details(g.If(l.Open, g.Attr("open")),
			h.Summary(h.Class("step-line"), v.stepLine(l), h.Span(h.Class("step-chevron"), Icon(IconChevron))),
			h.Div(h.Class("step-body"), l.Body)))
	}))
}

func (v *View) stepLine(l StepLine) g.Node {
	return g.Group{
		h.Span(h.Class("step-icon"), Icon(l.State.icon()), h.Span(h.Class("hidden-text"), g.Text(l.Word+": "))),
		h.Span(h.Class("step-words"), h.Span(h.Class("step-name"), g.Text(l.Name)),
			g.If(l.Text != "" && l.Text != l.Name, h.Span(h.Class("step-text"), g.Text(l.Text)))),
		g.If(l.Took > 0, h.Span(h.Class("step-time"), g.Text(v.Span(l.Took)))),
	}
}

// Part is one part of a MatchBar: a count and the list behind it.
type Part struct {
	ID    string // of its list, for links; or ""
	Label string
	Count int
	State State
	Body  g.Node // the list; nil = none
	Open  bool   // the list is open at once
}

// MatchBar shows how a whole splits, as a bar and as lists that open.
func (v *View) MatchBar(label string, parts []Part) g.Node {
	total := 0
	for _, p := range parts {
		total += p.Count
	}
	return h.Div(h.Class("match"), v.matchDrawing(label, parts, total), h.Div(h.Class("match-parts"), g.Map(parts, v.matchPart)))
}

// matchDrawing is an SVG, because the headers forbid style attributes.
func (v *View) matchDrawing(label string, parts []Part, total int) g.Node {
	if total == 0 {
		return nil
	}
	at := 0.0
	return h.SVG(h.Class("match-bar"), h.Role("img"), g.Attr("aria-label", label), g.Attr("viewBox", "0 0 1000 12"), g.Attr("preserveAspectRatio", "none"),
		g.Map(parts, func(p Part) g.Node {
			if p.Count == 0 {
				return nil
			}
			width := 1000 * float64(p.Count) / float64(total)
			bar := g.El("rect", h.Class("is-"+string(p.State)), g.Attr("x", fmt.Sprintf("%.1f", at)), g.Attr("y", "0"),
				g.Attr("width", fmt.Sprintf("%.1f", max(width-2, 2))), g.Attr("height", "12"))
			at += width
			return bar
		}))
}

func (v *View) matchPart(p Part) g.Node {
	head := g.Group{
		h.Span(h.Class("match-key is-"+string(p.State)), Icon(p.State.icon())),
		h.Span(h.Class("match-label"), g.Text(p.Label)), h.Span(h.Class("match-count"), g.Text(v.Number(p.Count))),
	}
	if p.Body == nil || p.Count == 0 {
		return h.Div(h.Class("match-part"), h.Div(h.Class("match-head"), head))
	}
	return h.Details(h.Class("match-part"), g.If(p.ID != "", h.ID(p.ID)), g.If(p.Open, g.Attr("open")), h.Summary(h.Class("match-head"), head, Icon(IconChevron)), h.Div(h.Class("match-body"), p.Body))
}
