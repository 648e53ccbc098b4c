package sandbox

import (
	"slices"
	"time"

	"kalends/zone"
)

// Rule is how a series repeats. Days are used weekly and by nth-weekday rules.
type Rule struct {
	Freq     string         `json:"freq"` // daily weekly monthly monthly_nth yearly yearly_nth
	Interval int            `json:"interval"`
	Days     []time.Weekday `json:"days,omitempty"`
	MonthDay int            `json:"month_day,omitempty"`
	Nth      int            `json:"nth,omitempty"` // 1..4, 5 = last
	Month    time.Month     `json:"month,omitempty"`
	Count    int            `json:"count,omitempty"`
	Until    time.Time      `json:"until,omitzero"` // the last day, as a date
}

// samePattern tells whether two rules repeat in the same way, wherever they end.
func (r *Rule) samePattern(other *Rule) bool {
	if r == nil || other == nil {
		return r == other
	}
	return r.Freq == other.Freq && max(r.Interval, 1) == max(other.Interval, 1) && slices.Equal(r.Days, other.Days) &&
		r.MonthDay == other.MonthDay && r.Nth == other.Nth && r.Month == other.Month
}

// maxOccurrences bounds every walk: a series without end is cut there.
const maxOccurrences = 20000

// starts calls yield with the original start of each occurrence, in order,
// until yield says no or the series ends.
func (r Rule) starts(first zone.Wall, location *time.Location, yield func(time.Time) bool) {
	n := 0
	for step := 0; step < maxOccurrences; step++ {
		for _, day := range r.days(first, step) {
			if day.Before(first) {
				continue
			}
			if n >= maxOccurrences || r.Count > 0 && n >= r.Count || r.past(day) {
				return
			}
			n++
			if !yield(day.Instant(location)) {
				return
			}
		}
	}
}

func (r Rule) past(day zone.Wall) bool {
	if r.Until.IsZero() {
		return false
	}
	last := zone.Wall{Year: r.Until.Year(), Month: r.Until.Month(), Day: r.Until.Day() + 1}
	return !day.Before(last)
}

// days are the candidates of one period, in order.
func (r Rule) days(first zone.Wall, step int) []zone.Wall {
	step *= max(r.Interval, 1)
	switch r.Freq {
	case "weekly":
		return r.week(first, step)
	case "monthly", "monthly_nth":
		return r.month(first, first.Year, first.Month+time.Month(step))
	case "yearly", "yearly_nth":
		return r.month(first, first.Year+step, r.Month)
	}
	return []zone.Wall{first.AddDays(step)}
}

func (r Rule) week(first zone.Wall, weeks int) []zone.Wall {
	monday := first.AddDays(7*weeks - (int(first.Weekday())+6)%7)
	var days []zone.Wall
	for i := range 7 {
		if day := monday.AddDays(i); slices.Contains(r.Days, day.Weekday()) {
			days = append(days, day)
		}
	}
	return days
}

func (r Rule) month(first zone.Wall, year int, month time.Month) []zone.Wall {
	start := first
	start.Year, start.Month, start.Day = year, month, 1
	start = start.AddDays(0)
	length := time.Date(start.Year, start.Month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if r.Freq == "monthly" || r.Freq == "yearly" {
		return []zone.Wall{start.AddDays(min(r.MonthDay, length) - 1)}
	}
	var found []zone.Wall
	for i := range length {
		if day := start.AddDays(i); slices.Contains(r.Days, day.Weekday()) {
			found = append(found, day)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found[min(r.Nth, len(found))-1:][:1]
}
