package ui

import (
	"fmt"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// Live is a region that is read again from url every so often, as long as what
// comes back is a Live of the same id; a Still of that id ends it. Screen
// readers hear what changes. Give Page.Refresh for browsers without scripts.
func Live(id, url string, every time.Duration, children ...g.Node) g.Node {
	return h.Div(h.ID(id), h.Class("live"), g.Attr("aria-live", "polite"),
		g.Attr("hx-get", url), g.Attr("hx-swap", "outerMorph"),
		g.Attr("hx-trigger", fmt.Sprintf("every %dms", every.Milliseconds())), g.Group(children))
}

// Still is a live region that has come to rest.
func Still(id string, children ...g.Node) g.Node {
	return h.Div(h.ID(id), h.Class("live"), g.Attr("aria-live", "polite"), g.Group(children))
}

// DrawAnew answers a live region with a whole page instead: what the reader
// opened, typed and scrolled to stays. Render the page after it.
func (v *View) DrawAnew() {
	if v.Live() {
		v.writer.Header().Set("HX-Retarget", "body")
		v.writer.Header().Set("HX-Reswap", "innerMorph")
	}
}

// Bar is how far long work has come.
type Bar struct {
	Label  string // "412 von 418 verbunden"
	Done   int
	Total  int
	Errors int
	Left   time.Duration // 0 = unknown
}

// Progress draws a bar with its numbers.
func (v *View) Progress(b Bar) g.Node {
	total := max(b.Total, 1)
	return h.Div(h.Class("progress"),
		h.Div(h.Class("progress-head"), h.Span(g.Text(b.Label)),
			g.If(b.Left > 0, h.Span(h.Class("muted"), v.Text("ui.progress.left", "span", v.Span(b.Left))))),
		g.El("progress", h.Max(fmt.Sprint(total)), h.Value(fmt.Sprint(min(b.Done, total))), g.Attr("aria-label", b.Label)),
		g.If(b.Errors > 0, Status(StateError, v.T("ui.progress.errors", "count", b.Errors))))
}
