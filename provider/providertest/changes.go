package providertest

import (
	"slices"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
)

// reading is what following Changes to the end of its pages gave.
type reading struct {
	full     bool
	replaced []kalends.Window
	events   map[string]kalends.Event // by RemoteID
	deleted  []string
	next     string
}

// read follows the pages.
func read(t *testing.T, d provider.Driver, request provider.ChangesRequest) reading {
	t.Helper()
	r := reading{events: map[string]kalends.Event{}}
	for range 1000 {
		page, err := d.Changes(t.Context(), request)
		if err != nil {
			t.Fatalf("changes: %v", err)
		}
		r.full = r.full || page.Full
		r.replaced = append(r.replaced, page.Replaced...)
		r.deleted = append(r.deleted, page.Deleted...)
		for _, event := range page.Events {
			r.events[event.RemoteID] = event
		}
		r.next, request.Cursor = page.Next, page.Next
		if !page.More {
			return r
		}
	}
	t.Fatal("changes: still more after 1000 pages")
	return r
}

// covers tells whether the windows together hold the whole window.
func covers(windows []kalends.Window, whole kalends.Window) bool {
	slices.SortFunc(windows, func(a, b kalends.Window) int { return a.Start.Compare(b.Start) })
	reached := whole.Start
	for _, w := range windows {
		if !w.Start.After(reached) && w.End.After(reached) {
			reached = w.End
		}
	}
	return !reached.Before(whole.End)
}

func (r reading) at(start time.Time) *kalends.Event {
	for _, event := range r.events {
		if event.Start.Equal(start) && !event.Cancelled {
			return &event
		}
	}
	return nil
}

func (s *suite) request(t *testing.T, d provider.Driver, email string, window kalends.Window) provider.ChangesRequest {
	t.Helper()
	return provider.ChangesRequest{Mailbox: email, Calendar: primary(t, d, email), Window: window, Details: true}
}

func (s *suite) changes(t *testing.T) {
	s.test(t, "changes", "FirstReadIsWhole", s.firstRead)
	s.test(t, "changes", "EmptyCalendar", func(t *testing.T) {
		d, _ := s.open(t, s.Driver)
		window := s.days(7, 8)
		r := read(t, d, s.request(t, d, s.Bob, window))
		if !r.full || !covers(r.replaced, window) || len(r.events) != 0 {
			t.Errorf("reading = %+v, want a whole empty window", r)
		}
	})
	s.test(t, "changes", "OverlappingTheEdge", func(t *testing.T) {
		d, _ := s.open(t, s.Driver)
		s.book(t, s.Bob, Event{Summary: "night", Start: s.at(8, 23, 0), End: s.at(9, 1, 0)})
		s.book(t, s.Bob, Event{Summary: "before", Start: s.at(8, 20, 0), End: s.at(9, 0, 0)})
		s.book(t, s.Bob, Event{Summary: "after", Start: s.at(10, 0, 0), End: s.at(10, 1, 0)})
		r := read(t, d, s.request(t, d, s.Bob, s.days(9, 10)))
		if len(r.events) != 1 || r.at(s.at(8, 23, 0)) == nil {
			t.Errorf("events = %+v, want the one over midnight only", r.events)
		}
	})
	s.test(t, "changes", "WithoutDetails", s.withoutDetails)
	s.test(t, "changes", "AddedMovedDeleted", s.follow)
	s.test(t, "changes", "IDsStay", func(t *testing.T) {
		d, _ := s.open(t, s.Driver)
		s.book(t, s.Bob, Event{Summary: "stays", Start: s.at(11, 9, 0), End: s.at(11, 10, 0)})
		request := s.request(t, d, s.Bob, s.days(11, 12))
		first, again := read(t, d, request), read(t, d, request)
		for id := range first.events {
			if _, ok := again.events[id]; !ok {
				t.Errorf("event %q has another id the second time", id)
			}
		}
	})
	s.test(t, "changes", "ForeignCursorIsGone", func(t *testing.T) {
		d, ctx := s.open(t, s.Driver)
		request := s.request(t, d, s.Bob, s.days(9, 10))
		request.Cursor = "a cursor nobody gave"
		_, err := d.Changes(ctx, request)
		wantError(t, err, kalends.KindGone, "")
	})
	s.test(t, "changes", "UnknownMailbox", func(t *testing.T) {
		d, ctx := s.open(t, s.Driver)
		request := s.request(t, d, s.Bob, s.days(9, 10))
		request.Mailbox = s.Unknown
		_, err := d.Changes(ctx, request)
		wantError(t, err, kalends.KindNotFound, "")
	})
}

func (s *suite) firstRead(t *testing.T) {
	d, _ := s.open(t, s.Driver)
	window := s.days(0, 7)
	s.book(t, s.Alice, Event{Summary: "busy", Start: s.at(0, 9, 0), End: s.at(0, 10, 0)})
	s.book(t, s.Alice, Event{Summary: "tentative", Start: s.at(1, 9, 0), End: s.at(1, 9, 30), Tentative: true})
	s.book(t, s.Alice, Event{Summary: "free", Start: s.at(2, 9, 0), End: s.at(2, 9, 30), Free: true})
	s.book(t, s.Alice, Event{Summary: "all day", Start: s.at(3, 0, 0), End: s.at(4, 0, 0), AllDay: true})
	r := read(t, d, s.request(t, d, s.Alice, window))
	if !r.full || !covers(r.replaced, window) {
		t.Errorf("full = %t, replaced = %v, want the whole window", r.full, r.replaced)
	}
	if len(r.events) != 4 {
		t.Errorf("%d events, want 4: %+v", len(r.events), r.events)
	}
	for start, status := range map[time.Time]kalends.FreeBusyStatus{
		s.at(0, 9, 0): kalends.StatusBusy, s.at(1, 9, 0): kalends.StatusTentative, s.at(2, 9, 0): kalends.StatusFree,
	} {
		if event := r.at(start); event == nil || event.Status != status {
			t.Errorf("event at %v = %+v, want %s", start, event, status)
		}
	}
	for _, event := range r.events {
		if event.AllDay && event.End.Sub(event.Start) != 24*time.Hour {
			t.Errorf("all-day event lasts %v", event.End.Sub(event.Start))
		}
	}
}

func (s *suite) withoutDetails(t *testing.T) {
	d, _ := s.open(t, s.Driver)
	s.book(t, s.Bob, Event{Summary: "secret subject", Start: s.at(12, 9, 0), End: s.at(12, 10, 0)})
	request := s.request(t, d, s.Bob, s.days(12, 13))
	request.Details = false
	event := read(t, d, request).at(s.at(12, 9, 0))
	if event == nil {
		t.Fatal("the event is not there")
	}
	if event.Summary+event.Description+event.Location+event.Organizer.Email != "" || len(event.Attendees) != 0 {
		t.Errorf("contents were read: %+v", event)
	}
}

// follow makes changes and wants the next reading to show them, whether it is a
// difference or the whole window again.
func (s *suite) follow(t *testing.T) {
	d, _ := s.open(t, s.Driver)
	request := s.request(t, d, s.Alice, s.days(14, 21))
	kept := s.book(t, s.Alice, Event{Summary: "moves", Start: s.at(14, 9, 0), End: s.at(14, 10, 0)})
	dropped := s.World.Book(t, s.Alice, Event{Summary: "goes", Start: s.at(15, 9, 0), End: s.at(15, 10, 0)})
	first := read(t, d, request)
	goes, moves := first.at(s.at(15, 9, 0)), first.at(s.at(14, 9, 0))
	if goes == nil || moves == nil {
		t.Fatalf("first reading = %+v", first.events)
	}
	s.World.Unbook(t, s.Alice, dropped)
	s.World.Move(t, s.Alice, kept, s.at(14, 15, 0), s.at(14, 16, 0))
	s.book(t, s.Alice, Event{Summary: "comes", Start: s.at(16, 9, 0), End: s.at(16, 10, 0)})
	request.Cursor = first.next
	second := read(t, d, request)
	if event := second.at(s.at(14, 15, 0)); event == nil || event.RemoteID != moves.RemoteID || event.Version == moves.Version {
		t.Errorf("moved event = %+v, want %s in another version than %s", event, moves.RemoteID, moves.Version)
	}
	if second.at(s.at(16, 9, 0)) == nil {
		t.Error("the new event is not there")
	}
	_, listed := second.events[goes.RemoteID]
	gone := slices.Contains(second.deleted, goes.RemoteID) || second.full && !listed || listed && second.events[goes.RemoteID].Cancelled
	if !gone {
		t.Errorf("the deleted event is not reported: %+v", second)
	}
}
