package ui

import (
	"fmt"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// Block is a stretch of a person's time that is taken.
type Block struct {
	Start, End time.Time
	AllDay     bool
	Tentative  bool
	Label      string // said on hover and in the list; "" = busy
}

// Week is a strip of seven days with their busy blocks.
type Week struct {
	Start    time.Time // a day of the week to show; its Monday is the first
	Blocks   []Block
	FromHour int // 0 and 0: 7 to 20
	ToHour   int
	Prev     string // links to the neighbouring weeks, or ""
	Next     string
}

const (
	weekDayWidth = 100 // units of the drawing
	weekHour     = 16
)

// WeekStrip draws a week in the view's zone, with the list behind it.
func (v *View) WeekStrip(w Week) g.Node {
	if w.FromHour == 0 && w.ToHour == 0 {
		w.FromHour, w.ToHour = 7, 20
	}
	monday := v.monday(w.Start)
	return h.Div(h.Class("week"), v.weekHead(w, monday),
		h.Div(h.Class("week-days"), g.Attr("aria-hidden", "true"), h.Span(), g.Map(days(monday), func(day time.Time) g.Node {
			return h.Span(g.If(v.sameDay(day, v.Now), h.Class("today")), g.Text(v.T("ui.weekday."+fmt.Sprint(int(day.Weekday())))),
				h.B(g.Text(fmt.Sprint(day.Day()))))
		})),
		v.weekDrawing(w, monday),
		h.P(h.Class("week-said muted"), g.Attr("aria-hidden", "true")),
		v.weekList(w))
}

func (v *View) weekHead(w Week, monday time.Time) g.Node {
	sunday := monday.AddDate(0, 0, 6)
	return h.Div(h.Class("week-head"),
		h.Strong(g.Text(monday.Format(v.T("ui.time.day"))+" – "+sunday.Format(v.T("ui.time.date")))),
		h.Span(h.Class("muted"), g.Text(v.Zone.String())),
		g.If(w.Prev != "", LinkButton(Quiet, w.Prev, v.T("ui.week.prev"), g.Attr("data-week", "prev"))),
		g.If(w.Next != "", LinkButton(Quiet, w.Next, v.T("ui.week.next"), g.Attr("data-week", "next"))))
}

func (v *View) weekDrawing(w Week, monday time.Time) g.Node {
	height := (w.ToHour - w.FromHour) * weekHour
	return h.Div(h.Class("week-grid"), h.Div(h.Class("week-hours"), g.Attr("aria-hidden", "true"), hourLabels(w)),
		h.SVG(h.Class("week-drawing"), h.Role("img"), g.Attr("aria-label", v.T("ui.week.drawing", "count", len(w.Blocks))),
			g.Attr("viewBox", fmt.Sprintf("0 0 %d %d", 7*weekDayWidth, height)), g.Attr("preserveAspectRatio", "none"),
			weekLines(w, height), g.Map(w.Blocks, func(b Block) g.Node { return v.weekBlock(w, monday, b) })))
}

func hourLabels(w Week) g.Node {
	var nodes g.Group
	for hour := w.FromHour; hour < w.ToHour; hour++ {
		nodes = append(nodes, h.Span(g.If((hour-w.FromHour)%2 == 1, g.Text(fmt.Sprintf("%02d:00", hour)))))
	}
	return nodes
}

func weekLines(w Week, height int) g.Node {
	var nodes g.Group
	for day := range 8 {
		nodes = append(nodes, line(day*weekDayWidth, 0, day*weekDayWidth, height))
	}
	for hour := 0; hour <= w.ToHour-w.FromHour; hour++ {
		nodes = append(nodes, line(0, hour*weekHour, 7*weekDayWidth, hour*weekHour))
	}
	return nodes
}

func line(x1, y1, x2, y2 int) g.Node {
	return g.El("line", g.Attr("x1", fmt.Sprint(x1)), g.Attr("y1", fmt.Sprint(y1)), g.Attr("x2", fmt.Sprint(x2)), g.Attr("y2", fmt.Sprint(y2)))
}

// weekBlock cuts a block into the days it touches.
func (v *View) weekBlock(w Week, monday time.Time, b Block) g.Node {
	var nodes g.Group
	for i, day := range days(monday) {
		from, to := v.within(w, day, b)
		if to <= from {
			continue
		}
		nodes = append(nodes, g.El("rect", h.Class(blockClass(b)), g.Attr("x", fmt.Sprint(i*weekDayWidth+4)), g.Attr("y", fmt.Sprintf("%.1f", from*weekHour)),
			g.Attr("width", fmt.Sprint(weekDayWidth-8)), g.Attr("height", fmt.Sprintf("%.1f", (to-from)*weekHour)), g.Attr("rx", "4"),
			g.El("title", g.Text(v.blockWords(b)))))
	}
	return nodes
}

// within gives the hours of a block on a day, counted from the strip's first hour.
func (v *View) within(w Week, day time.Time, b Block) (from, to float64) {
	first := time.Date(day.Year(), day.Month(), day.Day(), w.FromHour, 0, 0, 0, v.Zone)
	from = max(b.Start.Sub(first).Hours(), 0)
	to = min(b.End.Sub(first).Hours(), float64(w.ToHour-w.FromHour))
	return from, to
}

func blockClass(b Block) string {
	if b.Tentative {
		return "busy tentative"
	}
	return "busy"
}

// weekList is the list behind the drawing.
func (v *View) weekList(w Week) g.Node {
	if len(w.Blocks) == 0 {
		return h.P(h.Class("muted"), v.Text("ui.week.free"))
	}
	return Fold(v.T("ui.week.list", "count", len(w.Blocks)), false,
		h.Ul(h.Class("week-list"), g.Map(w.Blocks, func(b Block) g.Node { return h.Li(g.Text(v.blockWords(b))) })))
}

func (v *View) blockWords(b Block) string {
	label := orDefault(b.Label, v.T("ui.week.busy"))
	if b.Tentative {
		label = v.T("ui.week.tentative")
	}
	start, end := b.Start.In(v.Zone), b.End.In(v.Zone)
	day := v.T("ui.weekday."+fmt.Sprint(int(start.Weekday()))) + " " + start.Format(v.T("ui.time.day"))
	if b.AllDay {
		return day + ", " + v.T("ui.week.all_day") + ": " + label
	}
	return day + ", " + start.Format("15:04") + "–" + end.Format("15:04") + ": " + label
}

func (v *View) monday(t time.Time) time.Time {
	t = t.In(v.Zone)
	back := (int(t.Weekday()) + 6) % 7
	return time.Date(t.Year(), t.Month(), t.Day()-back, 0, 0, 0, 0, v.Zone)
}

func days(monday time.Time) []time.Time {
	list := make([]time.Time, 7)
	for i := range list {
		list[i] = monday.AddDate(0, 0, i)
	}
	return list
}

func (v *View) sameDay(a, b time.Time) bool {
	return a.In(v.Zone).Format(time.DateOnly) == b.In(v.Zone).Format(time.DateOnly)
}
