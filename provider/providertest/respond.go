package providertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
)

const mostSettles = 60

// invitation is a meeting of Alice's with Bob, one a test and day.
type invitation struct {
	*suite
	driver   provider.Driver
	answerer provider.Responder
	draft    kalends.Draft
	home     string // Alice's calendar
	calendar string // Bob's
	id       string // of his copy
}

func (s *suite) respond(t *testing.T) {
	s.test(t, "respond", "AcceptedIsHeard", func(t *testing.T) {
		i := s.invitation(t, 42)
		i.answers(t, kalends.AttendeeAccepted)
		i.wantBob(t, kalends.StatusBusy)
	})
	s.test(t, "respond", "ChangeOfMind", func(t *testing.T) {
		i := s.invitation(t, 43)
		i.answers(t, kalends.AttendeeTentative)
		i.wantBob(t, kalends.StatusTentative)
		i.answers(t, kalends.AttendeeAccepted)
		i.wantBob(t, kalends.StatusBusy)
		i.answers(t, kalends.AttendeeDeclined)
		i.wantFree(t)
	})
	s.test(t, "respond", "DeclinedFreesTheTime", func(t *testing.T) {
		i := s.invitation(t, 44)
		i.answers(t, kalends.AttendeeDeclined)
		i.wantFree(t)
	})
	s.test(t, "respond", "SameAnswerTwiceIsOne", func(t *testing.T) {
		i := s.invitation(t, 45)
		i.answers(t, kalends.AttendeeAccepted)
		first := i.copyOf(t, s.Bob)
		i.answers(t, kalends.AttendeeAccepted)
		if again := i.copyOf(t, s.Bob); first == nil || again == nil || again.RemoteID != first.RemoteID || again.Version != first.Version {
			t.Errorf("after the second answer %+v, want it as after the first: %+v", again, first)
		}
	})
	s.test(t, "respond", "DeclinedTwice", func(t *testing.T) {
		i := s.invitation(t, 46)
		i.answers(t, kalends.AttendeeDeclined)
		if err := i.answerer.Respond(t.Context(), s.Bob, i.calendar, i.id, kalends.AttendeeDeclined); err != nil {
			wantError(t, err, kalends.KindNotFound, "")
		}
		i.wantFree(t)
	})
	s.test(t, "respond", "NoAnswer", func(t *testing.T) {
		i := s.invitation(t, 47)
		err := i.answerer.Respond(t.Context(), s.Bob, i.calendar, i.id, kalends.AttendeeNeedsAction)
		wantError(t, err, kalends.KindInvalid, "")
	})
	s.test(t, "respond", "OwnMeeting", func(t *testing.T) {
		i := s.invitation(t, 48)
		own := i.copyOf(t, s.Alice)
		if own == nil {
			t.Fatal("the meeting is not in its organiser's calendar")
		}
		for _, answer := range answers {
			err := i.answerer.Respond(t.Context(), s.Alice, i.home, own.RemoteID, answer)
			wantError(t, err, kalends.KindInvalid, "")
		}
	})
	s.test(t, "respond", "NoInvitation", func(t *testing.T) {
		d, responder := s.responder(t)
		event := s.put(t, d, s.Alice, kalends.Draft{ID: "suite-alone", Summary: "alone", Start: s.at(49, 9, 0), End: s.at(49, 10, 0)})
		for _, answer := range answers {
			err := responder.Respond(t.Context(), s.Alice, primary(t, d, s.Alice), event.RemoteID, answer)
			wantError(t, err, kalends.KindInvalid, "")
		}
	})
	s.test(t, "respond", "GoneEvent", s.goneEvent)
	s.test(t, "respond", "UnknownMailbox", func(t *testing.T) {
		i := s.invitation(t, 51)
		err := i.answerer.Respond(t.Context(), s.Unknown, i.calendar, i.id, kalends.AttendeeAccepted)
		wantError(t, err, kalends.KindNotFound, kalends.CauseAccountNotFound)
	})
}

var answers = []kalends.AttendeeStatus{kalends.AttendeeAccepted, kalends.AttendeeTentative, kalends.AttendeeDeclined}

func (s *suite) goneEvent(t *testing.T) {
	d, responder := s.responder(t)
	event := s.put(t, d, s.Alice, kalends.Draft{ID: "suite-gone", Summary: "goes", Start: s.at(50, 9, 0), End: s.at(50, 10, 0)})
	calendar := primary(t, d, s.Alice)
	if err := d.Delete(t.Context(), s.Alice, calendar, "suite-gone", false); err != nil {
		t.Fatal(err)
	}
	for _, answer := range answers {
		err := responder.Respond(t.Context(), s.Alice, calendar, event.RemoteID, answer)
		wantError(t, err, kalends.KindNotFound, "")
	}
}

func (s *suite) responder(t *testing.T) (provider.Driver, provider.Responder) {
	t.Helper()
	d, _ := s.open(t, s.Driver)
	responder, ok := d.(provider.Responder)
	need(t, ok, "Responder")
	return d, responder
}

// invitation has Alice invite Bob, for the length of a test.
func (s *suite) invitation(t *testing.T, day int) *invitation {
	t.Helper()
	d, responder := s.responder(t)
	i := &invitation{suite: s, driver: d, answerer: responder, home: primary(t, d, s.Alice), calendar: primary(t, d, s.Bob), draft: kalends.Draft{
		ID: fmt.Sprint("suite-answer-", day), Summary: "answered", Start: s.at(day, 9, 0), End: s.at(day, 10, 0), Invite: true,
		Attendees: []kalends.Attendee{{Email: s.Bob, Name: "Bob"}},
	}}
	s.put(t, d, s.Alice, i.draft)
	t.Cleanup(func() { i.cancel(t) })
	if !s.settles(func() bool { return i.copyOf(t, s.Bob) != nil }) {
		t.Fatal("the invitation never came")
	}
	i.id = i.copyOf(t, s.Bob).RemoteID
	return i
}

func (i *invitation) cancel(t *testing.T) {
	t.Helper()
	d, ctx := i.Driver(t), context.WithoutCancel(t.Context())
	if d.Delete(ctx, i.Alice, i.home, i.draft.ID, true) != nil {
		t.Logf("%s was not cleaned up", i.draft.ID)
	}
}

// settles tells whether something holds once letters had their time.
func (s *suite) settles(holds func() bool) bool {
	for range mostSettles {
		if holds() {
			return true
		}
		if s.Settle == nil {
			return false
		}
		s.Settle()
	}
	return holds()
}

// answers gives Bob's answer, and wants Alice to see it.
func (i *invitation) answers(t *testing.T, answer kalends.AttendeeStatus) {
	t.Helper()
	if err := i.answerer.Respond(t.Context(), i.Bob, i.calendar, i.id, answer); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	if !i.settles(func() bool { return i.heard(t) == answer }) {
		t.Errorf("the organiser's copy has %q, want %q", i.heard(t), answer)
	}
}

// heard is what Alice's copy says of Bob.
func (i *invitation) heard(t *testing.T) kalends.AttendeeStatus {
	t.Helper()
	event := i.copyOf(t, i.Alice)
	if event == nil {
		return ""
	}
	at := slices.IndexFunc(event.Attendees, func(a kalends.Attendee) bool { return strings.EqualFold(a.Email, i.Bob) })
	if at < 0 || len(event.Attendees) != 1 {
		t.Fatalf("attendees = %+v, want Bob alone", event.Attendees)
	}
	return event.Attendees[at].Status
}

// copyOf is the meeting as it stands in somebody's calendar; nil if it does not.
// Those cancelled by an earlier run may stand there too.
func (i *invitation) copyOf(t *testing.T, email string) *kalends.Event {
	t.Helper()
	day := kalends.Window{Start: i.draft.Start.Add(-time.Hour), End: i.draft.End.Add(time.Hour)}
	for _, event := range read(t, i.driver, i.request(t, i.driver, email, day)).events {
		if event.Start.Equal(i.draft.Start) && !event.Cancelled {
			return &event
		}
	}
	return nil
}

func (i *invitation) wantBob(t *testing.T, status kalends.FreeBusyStatus) {
	t.Helper()
	if event := i.copyOf(t, i.Bob); event == nil || event.Status != status || event.Declined {
		t.Errorf("Bob has %+v, want it %s", event, status)
	}
}

// wantFree: the event is no longer listed, or as a declined one.
func (i *invitation) wantFree(t *testing.T) {
	t.Helper()
	if event := i.copyOf(t, i.Bob); event != nil && !event.Declined {
		t.Errorf("Bob has %+v, want it declined or gone", event)
	}
	got, err := i.driver.FreeBusy(t.Context(), []string{i.Bob}, kalends.Window{Start: i.draft.Start, End: i.draft.End})
	if err != nil || len(got) != 1 || got[0].Err != nil || len(got[0].Intervals) != 0 {
		t.Errorf("Bob's time is %+v, %v; want it free", got, err)
	}
}
