package kalends

import "time"

// FreeBusyStatus says how an interval blocks a person.
type FreeBusyStatus string

// The statuses of an interval, in Cronofy's words.
const (
	StatusBusy      FreeBusyStatus = "busy"
	StatusTentative FreeBusyStatus = "tentative"
	StatusFree      FreeBusyStatus = "free"
	StatusUnknown   FreeBusyStatus = "unknown"
)

// Window is a span of time, start inclusive, end exclusive.
type Window struct{ Start, End time.Time }

// Overlaps tells whether the two spans share an instant.
func (w Window) Overlaps(start, end time.Time) bool {
	return start.Before(w.End) && end.After(w.Start)
}

// Interval is a stretch of one calendar that is taken. Key is opaque and stable
// for the same event occurrence; it never holds contents. When AllDay is set,
// Start and End are midnights UTC that stand for dates, valid in whatever zone
// the calendar is looked at.
type Interval struct {
	Start, End time.Time
	Status     FreeBusyStatus
	AllDay     bool
	Key        string
}
