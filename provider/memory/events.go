package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	kalends "kalends"
	"kalends/provider"
)

// cursor is what a Changes cursor holds. A full read under way has Position, the
// start of its next page; a finished one has Since, the last change it saw.
type cursor struct {
	epoch           int
	since, position int64
	reading         bool
}

func (c cursor) String() string {
	return fmt.Sprintf("memory-%d-%d-%d-%t", c.epoch, c.since, c.position, c.reading)
}

func parseCursor(text string) (c cursor, err error) {
	if _, err := fmt.Sscanf(text, "memory-%d-%d-%d-%t", &c.epoch, &c.since, &c.position, &c.reading); err != nil {
		return c, kalends.Errorf(kalends.KindGone, "memory.changes: cursor not understood: %w", err)
	}
	return c, nil
}

// Changes implements provider.Driver.
func (d *driver) Changes(ctx context.Context, r provider.ChangesRequest) (provider.ChangesPage, error) {
	m, done, err := d.act(ctx, "changes", r.Mailbox)
	if err != nil {
		return provider.ChangesPage{}, err
	}
	defer done()
	if r.Calendar != calendarID(m) {
		return provider.ChangesPage{}, kalends.Errorf(kalends.KindNotFound, "memory.changes: no such calendar")
	}
	c := cursor{epoch: d.world.epoch, since: d.world.sequence, position: r.Window.Start.UnixMicro(), reading: true}
	if r.Cursor != "" {
		if c, err = parseCursor(r.Cursor); err != nil {
			return provider.ChangesPage{}, err
		}
	}
	switch {
	case c.epoch != d.world.epoch:
		return provider.ChangesPage{}, kalends.Errorf(kalends.KindGone, "memory.changes: cursor no longer known")
	case c.reading:
		return d.world.fullPage(m, r, c), nil
	}
	return d.world.difference(m, r, c), nil
}

// fullPage gives one page of a full read: everything that overlaps a stretch of
// the window.
func (w *World) fullPage(m *mailbox, r provider.ChangesRequest, c cursor) provider.ChangesPage {
	stretch := kalends.Window{Start: time.UnixMicro(c.position).UTC(), End: r.Window.End}
	events := m.within(stretch)
	page := provider.ChangesPage{Full: true}
	if w.pageSize > 0 && len(events) > w.pageSize && events[w.pageSize].Start.After(stretch.Start) {
		stretch.End = events[w.pageSize].Start
		events = m.within(stretch)
		page.More = true
		page.Next = cursor{epoch: c.epoch, since: c.since, position: stretch.End.UnixMicro(), reading: true}.String()
	} else {
		page.Next = cursor{epoch: c.epoch, since: c.since}.String()
	}
	page.Replaced = []kalends.Window{stretch}
	for _, e := range events {
		page.Events = append(page.Events, view(e.Event, r.Details))
	}
	return page
}

func (m *mailbox) within(window kalends.Window) []*entry {
	var found []*entry
	for _, e := range m.events {
		if !e.deleted && window.Overlaps(e.Start, e.End) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *entry) int {
		return cmpOr(a.Start.Compare(b.Start), strings.Compare(a.RemoteID, b.RemoteID))
	})
	return found
}

func cmpOr(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}

// difference gives what changed since the cursor; what left the window is deleted.
func (w *World) difference(m *mailbox, r provider.ChangesRequest, c cursor) provider.ChangesPage {
	page := provider.ChangesPage{Next: cursor{epoch: w.epoch, since: w.sequence}.String()}
	for _, e := range m.events {
		switch {
		case e.changed <= c.since:
		case e.deleted || !r.Window.Overlaps(e.Start, e.End):
			page.Deleted = append(page.Deleted, e.RemoteID)
		default:
			page.Events = append(page.Events, view(e.Event, r.Details))
		}
	}
	return page
}

// view is an event as read with or without details.
func view(event kalends.Event, details bool) kalends.Event {
	if details {
		return event
	}
	return kalends.Event{
		RemoteID: event.RemoteID, SeriesID: event.SeriesID, DraftID: event.DraftID, Version: event.Version,
		Start: event.Start, End: event.End, AllDay: event.AllDay, Zone: event.Zone,
		Status: event.Status, Cancelled: event.Cancelled, Declined: event.Declined,
	}
}

// FreeBusy implements provider.Driver.
func (d *driver) FreeBusy(ctx context.Context, emails []string, window kalends.Window) ([]provider.FreeBusy, error) {
	done, err := d.begin(ctx, "free_busy", "")
	if err != nil {
		return nil, err
	}
	defer done()
	answers := make([]provider.FreeBusy, len(emails))
	for i, email := range emails {
		answers[i] = d.world.freeBusy(email, window)
	}
	return answers, nil
}

func (w *World) freeBusy(email string, window kalends.Window) provider.FreeBusy {
	answer := provider.FreeBusy{Email: email}
	address := kalends.NormalizeEmail(email)
	m := w.people[address]
	if m == nil {
		answer.Err = failure(kalends.KindNotFound, "free_busy", kalends.CauseAccountNotFound, "email", address)
		return answer
	}
	if answer.Err = m.reachable("free_busy", address); answer.Err != nil {
		return answer
	}
	for _, e := range m.within(window) {
		if e.Status != kalends.StatusFree && !e.Cancelled && !e.Declined {
			answer.Intervals = append(answer.Intervals, kalends.Interval{Start: e.Start, End: e.End, Status: e.Status, AllDay: e.AllDay, Key: e.RemoteID})
		}
	}
	return answer
}

// Put implements provider.Driver.
func (d *driver) Put(ctx context.Context, email, calendar string, draft kalends.Draft) (kalends.Event, error) {
	m, done, err := d.act(ctx, "put", email)
	if err != nil {
		return kalends.Event{}, err
	}
	defer done()
	if calendar != calendarID(m) {
		return kalends.Event{}, kalends.Errorf(kalends.KindNotFound, "memory.put: no such calendar")
	}
	event := fromDraft(draft)
	event.Organizer = kalends.Attendee{Email: m.Email, Name: m.Name, Status: kalends.AttendeeAccepted}
	if before := m.written(draft.ID); before != nil {
		event.RemoteID = before.RemoteID
	}
	if draft.Invite {
		d.world.deliver(m, &event)
	}
	return d.world.put(m, event).Event, nil
}

func fromDraft(draft kalends.Draft) kalends.Event {
	status := kalends.StatusBusy
	if draft.Free {
		status = kalends.StatusFree
	}
	return kalends.Event{
		DraftID: draft.ID, Summary: draft.Summary, Description: draft.Description, Location: draft.Location,
		Start: draft.Start.UTC(), End: draft.End.UTC(), AllDay: draft.AllDay, Zone: draft.Zone, Status: status,
		Private: draft.Private, Attendees: slices.Clone(draft.Attendees),
	}
}

func (m *mailbox) written(draftID string) *entry {
	for _, e := range m.events {
		if e.DraftID == draftID && draftID != "" && !e.deleted {
			return e
		}
	}
	return nil
}

// invitationPrefix and the organiser's draft id make the id of an invited one's copy.
const invitationPrefix = "invitation-"

// deliver puts the invitation into the calendars of those invited: people have
// it tentatively, rooms accept unless they are taken. Who is no longer invited
// loses it.
func (w *World) deliver(organizer *mailbox, event *kalends.Event) {
	invited := map[string]bool{}
	for i, attendee := range event.Attendees {
		m, _ := w.lookup(kalends.NormalizeEmail(attendee.Email))
		if m == nil || m == organizer {
			continue
		}
		invited[m.Email] = true
		event.Attendees[i].Status = w.invite(m, *event)
	}
	for _, m := range w.people {
		if m != organizer && !invited[m.Email] {
			w.remove(m, invitationPrefix+event.DraftID)
		}
	}
}

func (w *World) invite(m *mailbox, event kalends.Event) kalends.AttendeeStatus {
	event.RemoteID, event.DraftID = invitationPrefix+event.DraftID, ""
	event.Status = kalends.StatusTentative
	status := kalends.AttendeeNeedsAction
	if m.Kind == kalends.MailboxResource {
		event.Status, status = kalends.StatusBusy, kalends.AttendeeAccepted
		if m.taken(event) {
			w.remove(m, event.RemoteID)
			return kalends.AttendeeDeclined
		}
	}
	w.put(m, event)
	return status
}

func (m *mailbox) taken(event kalends.Event) bool {
	return slices.ContainsFunc(m.within(kalends.Window{Start: event.Start, End: event.End}), func(e *entry) bool {
		return e.RemoteID != event.RemoteID && e.Status != kalends.StatusFree
	})
}

// Delete implements provider.Driver.
func (d *driver) Delete(ctx context.Context, email, calendar, draftID string, notify bool) error {
	m, done, err := d.act(ctx, "delete", email)
	if err != nil {
		return err
	}
	defer done()
	e := m.written(draftID)
	if e == nil || calendar != calendarID(m) {
		return nil
	}
	d.world.remove(m, e.RemoteID)
	if notify {
		for _, other := range d.world.people {
			d.world.remove(other, invitationPrefix+draftID)
		}
	}
	return nil
}
