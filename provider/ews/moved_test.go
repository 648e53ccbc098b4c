package ews_test

import (
	"slices"
	"testing"
	"time"

	kalends "kalends"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// A move to another server makes all ids void: the calendar is found anew, once,
// for reading and for writing, and what we wrote before is found there.
func TestAMovedMailboxIsFoundAnew(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			c := musterwerkWith(t, ewsfake.Options{Version: server})
			person := c.healthyPeople()[4].Email
			f := c.follow(t, person)
			start := f.request.Window.Start.AddDate(0, 0, 60)
			draft := kalends.Draft{ID: "kept", Summary: "kept", Start: start, End: start.Add(time.Hour)}
			if _, err := f.driver.Put(t.Context(), person, f.request.Calendar, draft); err != nil {
				t.Fatal(err)
			}
			f.read(t)
			f.read(t)
			if err := c.server.World().Change(person, func(r *sandbox.Recipient) { r.Moves++ }); err != nil {
				t.Fatal(err)
			}
			f.cost()
			page, err := f.driver.Changes(t.Context(), f.request)
			if kalends.KindOf(err) == kalends.KindGone { // and the next one starts anew
				f.request.Cursor = ""
				page, _ = f.read(t)
			} else if err != nil {
				t.Fatal(err)
			}
			if !page.Full || !startsAt(page, start) {
				t.Errorf("whole %t, %d events", page.Full, len(page.Events))
			}
			f.read(t)
			f.want(t, "later", false, "SyncFolderItems")
			draft.Summary = "changed"
			again, err := f.driver.Put(t.Context(), person, f.request.Calendar, draft)
			if err != nil || slices.Contains(f.cost(), "CreateItem") || again.Summary != "changed" {
				t.Errorf("%+v, %v", again, err)
			}
			fresh := c.open(t) // a process that never saw the move
			if err := fresh.Delete(t.Context(), person, f.request.Calendar, "kept", false); err != nil {
				t.Error(err)
			}
			f.cost()
			if page, _ := f.read(t); !page.Full || startsAt(page, start) {
				t.Error("deleted, and still there")
			}
			if _, err := c.open(t).Put(t.Context(), person, f.request.Calendar, draft); err != nil {
				t.Error(err)
			}
		})
	}
}

// While it is on its way it is waited for.
func TestErrAMailboxOnItsWay(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	person := c.healthyPeople()[4].Email
	f := c.follow(t, person)
	f.read(t)
	f.read(t)
	move := func(yes bool) {
		if err := c.server.World().Change(person, func(r *sandbox.Recipient) { r.Moving = yes }); err != nil {
			t.Fatal(err)
		}
	}
	move(true)
	_, err := f.driver.Changes(t.Context(), f.request)
	if cause := kalends.CauseOf(err); kalends.KindOf(err) != kalends.KindUnavailable || cause == nil || cause.Facts["reason"] != "moving" {
		t.Error(err)
	}
	move(false)
	f.cost()
	f.want(t, "when it is over", false, "SyncFolderItems")
}
