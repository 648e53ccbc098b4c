package zone

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // the machine's zone data may be absent or old
)

// ErrUnknown is the kind of error for a name that is no time zone.
var ErrUnknown = errors.New("unknown time zone")

// Load gives the location for an IANA name, a Windows name or an alias of
// either. "" and "Local" are ErrUnknown: no answer may depend on the machine.
func Load(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	if iana, ok := FromWindows(name, ""); ok {
		name = iana
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	return location, nil
}

// Wall is what a clock on the wall and a calendar beside it show.
type Wall struct {
	Year                 int
	Month                time.Month
	Day                  int
	Hour, Minute, Second int
}

// ReadWall is the wall clock of a place at an instant.
func ReadWall(instant time.Time, location *time.Location) Wall {
	t := instant.In(location)
	return Wall{t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second()}
}

// Instant is the moment when the clock of a place shows w, by RFC 5545 section
// 3.3.5: a time that occurs twice means the first one; a time that does not
// occur is read with the offset from before the gap. Fields out of range carry
// over, as in time.Date.
func (w Wall) Instant(location *time.Location) time.Time {
	naive := time.Date(w.Year, w.Month, w.Day, w.Hour, w.Minute, w.Second, 0, time.UTC)
	before := offsetAt(naive.Add(-24*time.Hour), location)
	after := offsetAt(naive.Add(24*time.Hour), location)
	first, second := naive.Add(-before), naive.Add(-after)
	if shows(first, naive, location) {
		return first.In(location)
	}
	if shows(second, naive, location) {
		return second.In(location)
	}
	return first.In(location)
}

// AddDays moves the calendar by whole days; the clock stays.
func (w Wall) AddDays(days int) Wall {
	t := time.Date(w.Year, w.Month, w.Day+days, w.Hour, w.Minute, w.Second, 0, time.UTC)
	return ReadWall(t, time.UTC)
}

// Weekday is the day of the week of the calendar day.
func (w Wall) Weekday() time.Weekday {
	return time.Date(w.Year, w.Month, w.Day, 0, 0, 0, 0, time.UTC).Weekday()
}

// Before compares calendar and clock, whatever the place.
func (w Wall) Before(other Wall) bool { return w.utc().Before(other.utc()) }

// Midnight is the first moment of the instant's calendar day in a place. Where
// midnight does not occur it is the first moment that does.
func Midnight(instant time.Time, location *time.Location) time.Time {
	w := ReadWall(instant, location)
	return Wall{Year: w.Year, Month: w.Month, Day: w.Day}.Instant(location)
}

// IsWorkingDay tells Monday to Friday from the weekend.
func IsWorkingDay(day time.Weekday) bool { return day != time.Saturday && day != time.Sunday }

func (w Wall) utc() time.Time {
	return time.Date(w.Year, w.Month, w.Day, w.Hour, w.Minute, w.Second, 0, time.UTC)
}

// offsetAt is the offset in force a day before or after: transitions are
// further apart than that in every zone in use.
func offsetAt(naive time.Time, location *time.Location) time.Duration {
	_, seconds := naive.In(location).Zone()
	return time.Duration(seconds) * time.Second
}

func shows(instant, naive time.Time, location *time.Location) bool {
	_, seconds := instant.In(location).Zone()
	return instant.Add(time.Duration(seconds) * time.Second).Equal(naive)
}
