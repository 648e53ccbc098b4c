package ewsfake

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"kalends/sandbox"
)

// readRRule reads an RRULE as far as Outlook can show it: one rule for days,
// weeks, months or years, at most one day or the n-th weekday of a month. What it leaves
// open comes from the first start.
func readRRule(text string, first time.Time) (*sandbox.Rule, bool) {
	parts := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		key, value, _ := strings.Cut(part, "=")
		parts[strings.ToUpper(key)] = strings.ToUpper(value)
	}
	number := func(name string) int {
		n, _ := strconv.Atoi(parts[name])
		return n
	}
	if number("BYMONTH") > 12 || number("INTERVAL") > 999 || number("COUNT") > 999 {
		return nil, false
	}
	r := &sandbox.Rule{Freq: strings.ToLower(parts["FREQ"]), Interval: max(number("INTERVAL"), 1), Count: number("COUNT")}
	if until := parts["UNTIL"]; until != "" {
		last, _, ok := readMoment(contentLine{}, until, first.Location())
		if !ok {
			return nil, false
		}
		day := last.In(first.Location())
		r.Until = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	}
	if !readDays(r, parts["BYDAY"], number("BYSETPOS")) {
		return nil, false
	}
	return completed(r, first, number("BYMONTHDAY"), time.Month(number("BYMONTH")))
}

// readDays reads BYDAY, with an ordinal before the day or in BYSETPOS.
func readDays(r *sandbox.Rule, text string, position int) bool {
	if text == "" {
		return true
	}
	for word := range strings.SplitSeq(text, ",") {
		if len(word) < 2 {
			return false
		}
		day := slices.Index(dayCodes, word[len(word)-2:])
		if day < 0 {
			return false
		}
		r.Days = append(r.Days, time.Weekday(day))
		if ordinal, err := strconv.Atoi(word[:len(word)-2]); err == nil {
			position = ordinal
		}
	}
	switch {
	case position == -1:
		r.Nth = 5
	case position >= 0 && position <= 4:
		r.Nth = position
	default:
		return false
	}
	return true
}

// completed fills in what the rule leaves to the first start.
func completed(r *sandbox.Rule, first time.Time, monthDay int, month time.Month) (*sandbox.Rule, bool) {
	switch r.Freq {
	case "daily":
		if len(r.Days) > 0 { // every working day
			r.Freq = "weekly"
		}
	case "weekly":
		if len(r.Days) == 0 {
			r.Days = []time.Weekday{first.Weekday()}
		}
	case "monthly", "yearly":
		if r.Freq == "yearly" {
			r.Month = month
			if month == 0 {
				r.Month = first.Month()
			}
		}
		if r.Nth > 0 {
			r.Freq += "_nth"
			return r, true
		}
		r.Days, r.MonthDay = nil, monthDay
		if monthDay == 0 {
			r.MonthDay = first.Day()
		}
		return r, r.MonthDay > 0
	default:
		return nil, false
	}
	r.Nth = 0
	return r, true
}
