package ewsfake

import (
	"strconv"
	"strings"
	"time"

	"kalends/sandbox"
)

var weekdays = map[string][]time.Weekday{
	"Sunday": {0}, "Monday": {1}, "Tuesday": {2}, "Wednesday": {3}, "Thursday": {4}, "Friday": {5}, "Saturday": {6},
	"Weekday": {1, 2, 3, 4, 5}, "WeekendDay": {0, 6}, "Day": {0, 1, 2, 3, 4, 5, 6},
}

var nths = []string{"First", "Second", "Third", "Fourth", "Last"}

// readRule reads a Recurrence: its pattern and its range.
func readRecurrence(n *node) *sandbox.Rule {
	pattern, limit := n.kids[0], n.kids[1]
	freq := map[string]string{
		"DailyRecurrence": "daily", "WeeklyRecurrence": "weekly", "AbsoluteMonthlyRecurrence": "monthly", "RelativeMonthlyRecurrence": "monthly_nth",
		"AbsoluteYearlyRecurrence": "yearly", "RelativeYearlyRecurrence": "yearly_nth",
	}[pattern.name]
	number := func(n *node, name string) int {
		v, _ := strconv.Atoi(n.value(name))
		return v
	}
	r := &sandbox.Rule{Freq: freq, Interval: max(number(pattern, "Interval"), 1), MonthDay: number(pattern, "DayOfMonth"), Count: number(limit, "NumberOfOccurrences")}
	for word := range strings.FieldsSeq(pattern.value("DaysOfWeek")) {
		r.Days = append(r.Days, weekdays[word]...)
	}
	for i, name := range nths {
		if pattern.value("DayOfWeekIndex") == name {
			r.Nth = i + 1
		}
	}
	for month := time.January; month <= time.December; month++ {
		if pattern.value("Month") == month.String() {
			r.Month = month
		}
	}
	if text := limit.value("EndDate"); len(text) >= 10 {
		r.Until, _ = time.Parse("2006-01-02", text[:10])
	}
	return r
}

func (c *call) recurrence(i *sandbox.Item) {
	r := i.Rule
	c.out.WriteString("<t:Recurrence>")
	name := map[string]string{
		"daily": "DailyRecurrence", "weekly": "WeeklyRecurrence", "monthly": "AbsoluteMonthlyRecurrence", "monthly_nth": "RelativeMonthlyRecurrence",
		"yearly": "AbsoluteYearlyRecurrence", "yearly_nth": "RelativeYearlyRecurrence",
	}[r.Freq]
	c.out.WriteString("<t:" + name + ">")
	yearly := strings.HasPrefix(r.Freq, "yearly")
	if !yearly {
		c.el("Interval", strconv.Itoa(max(r.Interval, 1)))
	}
	if len(r.Days) > 0 && r.Freq != "daily" {
		c.el("DaysOfWeek", daysText(r))
	}
	if r.Nth > 0 {
		c.el("DayOfWeekIndex", nths[min(r.Nth, 5)-1])
	}
	if r.MonthDay > 0 {
		c.el("DayOfMonth", strconv.Itoa(r.MonthDay))
	}
	if yearly {
		c.el("Month", r.Month.String())
	}
	c.out.WriteString("</t:" + name + ">")
	c.rangeOf(i)
	c.out.WriteString("</t:Recurrence>")
}

func daysText(r *sandbox.Rule) string {
	if r.Nth > 0 {
		for _, name := range []string{"Day", "Weekday", "WeekendDay"} {
			if len(weekdays[name]) == len(r.Days) {
				return name
			}
		}
	}
	var names []string
	for _, day := range r.Days {
		names = append(names, day.String())
	}
	return strings.Join(names, " ")
}

func (c *call) rangeOf(i *sandbox.Item) {
	start := i.Start.In(c.zoneOf(i.Zone, time.UTC)).Format("2006-01-02") + "Z"
	name := "NoEndRecurrence"
	switch {
	case i.Rule.Count > 0:
		name = "NumberedRecurrence"
	case !i.Rule.Until.IsZero():
		name = "EndDateRecurrence"
	}
	c.out.WriteString("<t:" + name + ">")
	c.el("StartDate", start)
	if i.Rule.Count > 0 {
		c.el("NumberOfOccurrences", strconv.Itoa(i.Rule.Count))
	} else if !i.Rule.Until.IsZero() {
		c.el("EndDate", i.Rule.Until.Format("2006-01-02")+"Z")
	}
	c.out.WriteString("</t:" + name + ">")
}

// exceptions are the first and last occurrence, the changed and the deleted ones.
func (c *call) exceptions(i *sandbox.Item, s shape) {
	var first, last sandbox.Occurrence
	var changed []sandbox.Occurrence
	count := 0
	i.Occurrences(func(o sandbox.Occurrence) bool {
		if count == 0 {
			first = o
		}
		if o.IsModified {
			changed = append(changed, o)
		}
		last, count = o, count+1
		return count < 1000
	})
	if count > 0 && s.wants("FirstOccurrence") {
		c.occurrence("FirstOccurrence", first)
	}
	if count > 0 && count < 1000 && s.wants("LastOccurrence") {
		c.occurrence("LastOccurrence", last)
	}
	if len(changed) > 0 && s.wants("ModifiedOccurrences") {
		c.out.WriteString("<t:ModifiedOccurrences>")
		for _, o := range changed {
			c.occurrence("Occurrence", o)
		}
		c.out.WriteString("</t:ModifiedOccurrences>")
	}
	c.deleted(i, s)
}

func (c *call) deleted(i *sandbox.Item, s shape) {
	var gone []string
	for _, e := range i.Exceptions {
		if e.Deleted {
			gone = append(gone, stamp(e.Original))
		}
	}
	if len(gone) == 0 || !s.wants("DeletedOccurrences") {
		return
	}
	c.out.WriteString("<t:DeletedOccurrences>")
	for _, start := range gone {
		c.out.WriteString("<t:DeletedOccurrence>")
		c.el("Start", start)
		c.out.WriteString("</t:DeletedOccurrence>")
	}
	c.out.WriteString("</t:DeletedOccurrences>")
}

func (c *call) occurrence(element string, o sandbox.Occurrence) {
	c.out.WriteString("<t:" + element + `><t:ItemId Id="` + c.idOf(o).String() + `" ChangeKey="` + changeKey(o.Item) + `"/>`)
	c.el("Start", stamp(o.Item.Start))
	c.el("End", stamp(o.Item.End))
	c.el("OriginalStart", stamp(o.Original))
	c.out.WriteString("</t:" + element + ">")
}
