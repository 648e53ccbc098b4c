package ews_test

import (
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/sandbox"
)

const outside = "vera.vorstand@musterwerk.example" // planted: not in the right's scope

// A right that is withdrawn while connected concerns everybody, whatever is asked
// for and of whom.
func TestErrImpersonationWithdrawn(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	d, person := c.open(t), c.healthyPeople()[3].Email
	mailbox, err := d.Find(t.Context(), person)
	if err != nil {
		t.Fatal(err)
	}
	start := c.server.World().Now().AddDate(0, 0, 3)
	window, calendar := kalends.Window{Start: start, End: start.AddDate(0, 0, 7)}, mailbox.Calendar.ID
	draft := kalends.Draft{ID: "draft-1", Summary: "x", Start: start, End: start.Add(time.Hour)}
	calls := map[string]func() error{
		"Find":           func() error { _, err := d.Find(t.Context(), person); return err },
		"Find of nobody": func() error { _, err := d.Find(t.Context(), "nobody.at.all@musterwerk.example"); return err },
		"Calendars":      func() error { _, err := d.Calendars(t.Context(), person); return err },
		"Changes": func() error {
			_, err := d.Changes(t.Context(), provider.ChangesRequest{Mailbox: person, Calendar: calendar, Window: window})
			return err
		},
		"Put":      func() error { _, err := d.Put(t.Context(), person, calendar, draft); return err },
		"Delete":   func() error { return d.Delete(t.Context(), person, calendar, draft.ID, false) },
		"FreeBusy": func() error { _, err := d.FreeBusy(t.Context(), []string{person}, window); return err },
		"Rooms":    func() error { _, err := d.(provider.Rooms).Rooms(t.Context()); return err },
	}
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "no_impersonation"})
	for name, call := range calls {
		err := call()
		cause := kalends.CauseOf(err)
		if cause == nil || cause.Key != kalends.CauseImpersonationMissing || kalends.KindOf(err) != kalends.KindDenied || cause.Facts["email"] != c.block.TestEmail {
			t.Errorf("withdrawn: %s: %v, %+v", name, err, cause)
		}
	}
	c.server.Desk().ClearFaults("")
	delete(calls, "Find of nobody")
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("given back: %s: %v", name, err)
		}
	}
}

// One person outside the scope is that person's matter, and those inside pay
// nothing for it.
func TestErrOnePersonOutsideTheScope(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	d := c.open(t)
	_, found := d.Find(t.Context(), outside)
	_, listed := d.Calendars(t.Context(), outside)
	_, read := d.Changes(t.Context(), provider.ChangesRequest{Mailbox: outside, Calendar: "AAMk", Window: kalends.Window{Start: time.Now(), End: time.Now().Add(time.Hour)}})
	for _, err := range []error{found, listed, read} {
		if cause := kalends.CauseOf(err); cause == nil || cause.Key != kalends.CauseNotPermitted || cause.Facts["email"] != outside {
			t.Errorf("%v, %+v", err, cause)
		}
	}
}
