package providertest

import (
	"context"
	"slices"
	"strings"
	"testing"

	kalends "kalends"
	"kalends/provider"
)

func (s *suite) write(t *testing.T) {
	s.test(t, "write", "PutIsThere", func(t *testing.T) {
		d, _ := s.open(t, s.Driver)
		draft := kalends.Draft{ID: "suite-put", Summary: "Interview & <Gespräch>", Description: "line one\nline two", Location: "Room 1", Start: s.at(21, 9, 0), End: s.at(21, 10, 0), Zone: "Europe/Berlin"}
		event := s.put(t, d, s.Alice, draft)
		if event.RemoteID == "" || !event.Start.Equal(draft.Start) || !event.End.Equal(draft.End) {
			t.Errorf("put gave %+v", event)
		}
		s.wantThere(t, s.Alice, 21, []string{draft.Summary})
	})
	s.test(t, "write", "SameDraftTwiceIsOneEvent", func(t *testing.T) {
		d, _ := s.open(t, s.Driver)
		draft := kalends.Draft{ID: "suite-twice", Summary: "once", Start: s.at(22, 9, 0), End: s.at(22, 10, 0)}
		first, again := s.put(t, d, s.Alice, draft), s.put(t, d, s.Alice, draft)
		if first.RemoteID != again.RemoteID {
			t.Errorf("ids %q and %q, want one event", first.RemoteID, again.RemoteID)
		}
		s.wantThere(t, s.Alice, 22, []string{"once"})
	})
	s.test(t, "write", "Update", func(t *testing.T) {
		d, _ := s.open(t, s.Driver)
		draft := kalends.Draft{ID: "suite-update", Summary: "before", Start: s.at(23, 9, 0), End: s.at(23, 10, 0)}
		s.put(t, d, s.Alice, draft)
		draft.Summary, draft.Start, draft.End = "after", s.at(23, 14, 0), s.at(23, 15, 0)
		s.put(t, d, s.Alice, draft)
		events := s.wantThere(t, s.Alice, 23, []string{"after"})
		if len(events) == 1 && !events[0].Start.Equal(draft.Start) {
			t.Errorf("starts %v, want %v", events[0].Start, draft.Start)
		}
	})
	s.test(t, "write", "OurIDComesBack", func(t *testing.T) {
		d, _ := s.open(t, s.Driver)
		s.put(t, d, s.Alice, kalends.Draft{ID: "suite-stamp", Summary: "ours", Start: s.at(24, 9, 0), End: s.at(24, 10, 0)})
		event := read(t, d, s.request(t, d, s.Alice, s.days(24, 25))).at(s.at(24, 9, 0))
		if event == nil || event.DraftID != "suite-stamp" {
			t.Errorf("event read = %+v, want our id", event)
		}
	})
	s.test(t, "write", "Free", func(t *testing.T) {
		d, _ := s.open(t, s.Driver)
		s.put(t, d, s.Alice, kalends.Draft{ID: "suite-free", Summary: "free", Start: s.at(25, 9, 0), End: s.at(25, 10, 0), Free: true})
		event := read(t, d, s.request(t, d, s.Alice, s.days(25, 26))).at(s.at(25, 9, 0))
		if event == nil || event.Status != kalends.StatusFree {
			t.Errorf("event read = %+v, want it free", event)
		}
	})
	s.test(t, "write", "InvitesAndCancels", s.invites)
	s.test(t, "write", "DeleteTwice", func(t *testing.T) {
		d, ctx := s.open(t, s.Driver)
		calendar := primary(t, d, s.Alice)
		s.put(t, d, s.Alice, kalends.Draft{ID: "suite-delete", Summary: "goes", Start: s.at(27, 9, 0), End: s.at(27, 10, 0)})
		for range 2 {
			if err := d.Delete(ctx, s.Alice, calendar, "suite-delete", false); err != nil {
				t.Fatal(err)
			}
		}
		s.wantThere(t, s.Alice, 27, nil)
	})
	s.test(t, "write", "CharactersThatXMLForbids", func(t *testing.T) {
		d, _ := s.open(t, s.Driver)
		s.put(t, d, s.Alice, kalends.Draft{ID: "suite-characters", Summary: "bell\x07 \x00end", Start: s.at(28, 9, 0), End: s.at(28, 10, 0)})
		events := s.World.Events(t, s.Alice, s.days(28, 29))
		if len(events) != 1 || !strings.Contains(events[0].Summary, "bell") {
			t.Errorf("events = %+v, want the text kept without what is forbidden", events)
		}
	})
}

func (s *suite) invites(t *testing.T) {
	d, ctx := s.open(t, s.Driver)
	draft := kalends.Draft{
		ID: "suite-invite", Summary: "together", Start: s.at(26, 9, 0), End: s.at(26, 10, 0), Invite: true,
		Attendees: []kalends.Attendee{{Email: s.Bob, Name: "Bob"}},
	}
	s.put(t, d, s.Alice, draft)
	events := s.wantThere(t, s.Alice, 26, []string{"together"})
	if len(events) == 1 && !slices.ContainsFunc(events[0].Attendees, func(a string) bool { return strings.EqualFold(a, s.Bob) }) {
		t.Errorf("attendees = %v, want %s", events[0].Attendees, s.Bob)
	}
	if err := d.Delete(ctx, s.Alice, primary(t, d, s.Alice), draft.ID, true); err != nil {
		t.Fatal(err)
	}
	s.wantThere(t, s.Alice, 26, nil)
}

// put writes a draft for the length of a test.
func (s *suite) put(t *testing.T, d provider.Driver, email string, draft kalends.Draft) kalends.Event {
	t.Helper()
	calendar := primary(t, d, email)
	event, err := d.Put(t.Context(), email, calendar, draft)
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	t.Cleanup(func() {
		if d, ctx := s.Driver(t), context.WithoutCancel(t.Context()); d.Delete(ctx, email, calendar, draft.ID, false) != nil {
			t.Logf("%s was not cleaned up", draft.ID)
		}
	})
	return event
}

// wantThere compares the summaries of a day with the provider's truth.
func (s *suite) wantThere(t *testing.T, email string, day int, want []string) []Event {
	t.Helper()
	events := s.World.Events(t, email, s.days(day, day+1))
	var got []string
	for _, event := range events {
		got = append(got, event.Summary)
	}
	if !slices.Equal(got, want) {
		t.Errorf("in the calendar stands %q, want %q", got, want)
	}
	return events
}
