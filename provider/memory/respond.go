package memory

import (
	"context"
	"slices"
	"strings"

	kalends "kalends"
)

// blocking is how an event blocks its attendee after his answer.
var blocking = map[kalends.AttendeeStatus]kalends.FreeBusyStatus{
	kalends.AttendeeAccepted: kalends.StatusBusy, kalends.AttendeeTentative: kalends.StatusTentative, kalends.AttendeeDeclined: kalends.StatusFree,
}

// Respond implements provider.Responder. What was declined stays, free.
func (d *driver) Respond(ctx context.Context, email, calendar, remoteID string, answer kalends.AttendeeStatus) error {
	m, done, err := d.act(ctx, "respond", email)
	if err != nil {
		return err
	}
	defer done()
	e := m.events[remoteID]
	if e == nil || e.deleted || calendar != calendarID(m) {
		return kalends.Errorf(kalends.KindNotFound, "memory.respond: no such event")
	}
	at := d.world.invited(e.Event, m)
	if _, known := blocking[answer]; !known || at < 0 || e.Organizer.Email == m.Email || e.Cancelled {
		return kalends.Errorf(kalends.KindInvalid, "memory.respond: there is nothing to answer")
	}
	if e.Attendees[at].Status == answer {
		return nil
	}
	event := withAnswer(e.Event, at, answer)
	event.Status, event.Declined = blocking[answer], answer == kalends.AttendeeDeclined
	d.world.put(m, event)
	d.world.hear(event, m, answer)
	return nil
}

// hear puts an answer into the organiser's copy.
func (w *World) hear(invitation kalends.Event, from *mailbox, answer kalends.AttendeeStatus) {
	organizer := w.people[kalends.NormalizeEmail(invitation.Organizer.Email)]
	draftID, _ := strings.CutPrefix(invitation.RemoteID, invitationPrefix)
	if organizer == nil || organizer.written(draftID) == nil {
		return
	}
	meeting := organizer.written(draftID).Event
	if at := w.invited(meeting, from); at >= 0 {
		w.put(organizer, withAnswer(meeting, at, answer))
	}
}

// invited gives the place of somebody among the attendees, by any address; -1 if
// he is none.
func (w *World) invited(event kalends.Event, m *mailbox) int {
	return slices.IndexFunc(event.Attendees, func(a kalends.Attendee) bool {
		found, _ := w.lookup(kalends.NormalizeEmail(a.Email))
		return found == m
	})
}

func withAnswer(event kalends.Event, at int, answer kalends.AttendeeStatus) kalends.Event {
	event.Attendees = slices.Clone(event.Attendees)
	event.Attendees[at].Status = answer
	return event
}
