package calendar

import (
	"time"

	kalends "kalends"
)

// Moment is one end of an interval as callers see it: an instant, or a date.
type Moment struct {
	At   time.Time
	Date bool
	Zone *time.Location // set when localised times were asked for
}

// String gives "2027-02-01", "2027-02-01T09:00:00Z" or, localised,
// "2027-02-01T10:00:00+01:00" (and "…Z" in zones without an offset).
func (m Moment) String() string {
	switch {
	case m.Date:
		return m.At.UTC().Format(time.DateOnly)
	case m.Zone != nil:
		return m.At.In(m.Zone).Format(time.RFC3339)
	}
	return m.At.UTC().Format("2006-01-02T15:04:05Z")
}

// moments gives both ends of an interval.
func (q FreeBusyQuery) moments(i kalends.Interval) (start, end Moment) {
	var zone *time.Location
	if q.Localized {
		zone = q.Zone
	}
	return Moment{At: i.Start, Date: i.AllDay, Zone: zone}, Moment{At: i.End, Date: i.AllDay, Zone: zone}
}

// instants gives the stretch of time that an interval takes for somebody in the
// zone: an all-day one takes the local days.
func instants(i kalends.Interval, zone *time.Location) (start, end time.Time) {
	if !i.AllDay {
		return i.Start, i.End
	}
	return localMidnight(i.Start, zone), localMidnight(i.End, zone)
}

func localMidnight(date time.Time, zone *time.Location) time.Time {
	date = date.UTC()
	return time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, zone)
}
