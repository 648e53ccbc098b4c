package ui

import (
	"strconv"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// Number writes a number with the language's thousands separator.
func Number(lang string, n int) string {
	digits, sign := strconv.Itoa(n), ""
	if n < 0 {
		digits, sign = digits[1:], "-"
	}
	separator := ","
	if lang == "de" {
		separator = "."
	}
	var out strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteString(separator)
		}
		out.WriteRune(d)
	}
	return sign + out.String()
}

// Number writes a number in the view's language.
func (v *View) Number(n int) string { return Number(v.Lang, n) }

// Ago is a time as people say it ("vor 3 min"), with the exact one on hover. The
// zero time is a dash.
func (v *View) Ago(t time.Time) g.Node {
	if t.IsZero() {
		return g.Text("–")
	}
	return v.timeNode(t, v.ago(t))
}

// When is the exact time in the view's zone.
func (v *View) When(t time.Time) g.Node {
	if t.IsZero() {
		return g.Text("–")
	}
	return v.timeNode(t, v.Exact(t))
}

// Day is a date without a time.
func (v *View) Day(t time.Time) g.Node {
	if t.IsZero() {
		return g.Text("–")
	}
	return v.timeNode(t, t.In(v.Zone).Format(v.T("ui.time.date")))
}

// Exact writes date, time and zone.
func (v *View) Exact(t time.Time) string {
	return t.In(v.Zone).Format(v.T("ui.time.exact"))
}

func (v *View) timeNode(t time.Time, words string) g.Node {
	return h.Time(h.DateTime(t.UTC().Format(time.RFC3339)), h.Title(v.Exact(t)), g.Text(words))
}

func (v *View) ago(t time.Time) string {
	past := v.Now.Sub(t)
	switch {
	case past < -time.Minute:
		return v.T("ui.time.in", "span", v.Span(-past))
	case past < time.Minute:
		return v.T("ui.time.now")
	case past < 30*24*time.Hour:
		return v.T("ui.time.ago", "span", v.Span(past))
	}
	return t.In(v.Zone).Format(v.T("ui.time.date"))
}

// Span writes how long something takes, in its largest unit: "3 min".
func (v *View) Span(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return v.T("ui.time.seconds", "count", int(d.Seconds()))
	case d < time.Hour:
		return v.T("ui.time.minutes", "count", int(d.Minutes()))
	case d < 24*time.Hour:
		return v.T("ui.time.hours", "count", int(d.Hours()))
	}
	return v.T("ui.time.days", "count", int(d.Hours()/24))
}

// Facts writes the facts of a cause for people: instants become times in the
// view's zone.
func (v *View) Facts(facts map[string]string) map[string]string {
	written := make(map[string]string, len(facts))
	for name, value := range facts {
		if at, err := time.Parse(time.RFC3339, value); err == nil {
			value = v.Exact(at)
		}
		written[name] = value
	}
	return written
}
