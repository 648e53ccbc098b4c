package providertest

import (
	"context"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
)

// Harness gives the suite a driver and a world. The suite makes its own people's
// events; the people and rooms named here must exist, healthy, with empty
// calendars between Start and Start+60 days.
type Harness struct {
	// Driver opens a driver with right credentials. Called once for each chapter.
	Driver func(t *testing.T) provider.Driver
	// Refused opens a driver with a wrong password; nil = a gap.
	Refused func(t *testing.T) provider.Driver
	// RefusedPassword is the wrong one, which no error may repeat: a word that
	// occurs nowhere else; "" = a gap.
	RefusedPassword string
	// World acts as the users in the same world.
	World World

	// Settle waits until the letters under way have come, or somewhat; it is called
	// until what is awaited is there, at most 60 times. nil = letters come at once.
	Settle func()

	Start time.Time // a Monday 00:00 UTC; all events of the suite lie in the eight weeks after it

	Alice, Bob   string            // two people, by their primary addresses
	Alias        string            // another address of Alice's, or "" = a gap
	Unknown      string            // an address of the company that nobody has
	NotPermitted string            // somebody the credentials may not reach, or "" = a gap
	NoMailbox    string            // somebody without a mailbox, or "" = a gap
	Group        string            // a distribution group, or "" = a gap
	Room         kalends.Room      // a room with all that the provider tells about it; no address = a gap
	Gaps         map[string]string // name of a test ("changes/incremental") -> why the driver cannot
}

// World is the other side: what somebody does in the provider's own client. The
// methods fail the test themselves.
type World interface {
	// Book puts an event into a mailbox and gives an id for the calls below.
	Book(t *testing.T, email string, event Event) string
	// Move changes an event's times.
	Move(t *testing.T, email, id string, start, end time.Time)
	// Unbook deletes an event.
	Unbook(t *testing.T, email, id string)
	// Events gives what stands in a mailbox, for looking at what a driver wrote.
	Events(t *testing.T, email string, window kalends.Window) []Event
}

// Event is what the suite and a world tell each other.
type Event struct {
	Summary    string
	Start, End time.Time
	AllDay     bool // midnights UTC; the world books it in its own zone
	Free       bool
	Tentative  bool
	Attendees  []string // in answers only: who is invited
}

// Run runs all chapters. Gaps are printed as skipped tests with their reason; a
// declared gap that names no test fails.
func Run(t *testing.T, h Harness) {
	s := &suite{Harness: h, seen: map[string]bool{}}
	t.Run("check", s.check)
	t.Run("find", s.find)
	t.Run("calendars", s.calendars)
	t.Run("changes", s.changes)
	t.Run("write", s.write)
	t.Run("respond", s.respond)
	t.Run("freebusy", s.freeBusy)
	t.Run("rooms", s.rooms)
	t.Run("errors", s.errors)
	for name := range h.Gaps {
		if !s.seen[name] {
			t.Errorf("the harness declares a gap %q: there is no such test", name)
		}
	}
}

type suite struct {
	Harness
	seen map[string]bool
}

// test runs one test of a chapter, or prints why it is a gap.
func (s *suite) test(t *testing.T, chapter, name string, do func(t *testing.T)) {
	full := chapter + "/" + name
	s.seen[full] = true
	t.Run(name, func(t *testing.T) {
		if why, gap := s.Gaps[full]; gap {
			t.Skipf("GAP %s: %s", full, why)
		}
		do(t)
	})
}

// need prints a gap when the harness lacks what a test needs.
func need(t *testing.T, have bool, what string) {
	t.Helper()
	if !have {
		t.Skipf("GAP %s: the harness has no %s", t.Name(), what)
	}
}

func (s *suite) open(t *testing.T, open func(*testing.T) provider.Driver) (provider.Driver, context.Context) {
	t.Helper()
	d := open(t)
	t.Cleanup(d.Close)
	return d, t.Context()
}

// primary gives the id of a mailbox's primary calendar.
func primary(t *testing.T, d provider.Driver, email string) string {
	t.Helper()
	calendars, err := d.Calendars(t.Context(), email)
	if err != nil {
		t.Fatalf("calendars of %s: %v", email, err)
	}
	if len(calendars) == 0 {
		t.Fatalf("calendars of %s: none", email)
	}
	return calendars[0].ID
}

// wantError checks kind and cause of an error.
func wantError(t *testing.T, err error, kind kalends.Kind, cause kalends.CauseKey) {
	t.Helper()
	if kalends.KindOf(err) != kind {
		t.Errorf("kind = %q, want %q (error: %v)", kalends.KindOf(err), kind, err)
	}
	if cause == "" {
		return
	}
	if c := kalends.CauseOf(err); c == nil || c.Key != cause {
		t.Errorf("cause = %v, want %s (error: %v)", c, cause, err)
	}
}

// at gives an instant of the suite's weeks.
func (s *suite) at(day, hour, minute int) time.Time {
	return s.Start.Add(time.Duration(day)*24*time.Hour + time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

// days gives a window of the suite's weeks.
func (s *suite) days(from, to int) kalends.Window {
	return kalends.Window{Start: s.at(from, 0, 0), End: s.at(to, 0, 0)}
}
