package provider

import (
	"context"
	"time"

	kalends "kalends"
)

// checkDeadline is long: a check reports step by step while somebody looks on.
const checkDeadline = 3 * time.Minute

// Check is Driver.Check as one interactive call. It is never tried again: each
// wrong password counts at the directory.
func (c *Client) Check(ctx context.Context, request CheckRequest, report func(kalends.Step)) (CheckResult, error) {
	what := call{operation: "check", once: true, deadline: checkDeadline}
	return run(Interactive(ctx), c, what, func(ctx context.Context) (CheckResult, error) {
		return c.driver.Check(ctx, request, report)
	})
}

// Find is Driver.Find.
func (c *Client) Find(ctx context.Context, email string) (kalends.Mailbox, error) {
	what := call{operation: "find", mailbox: kalends.NormalizeEmail(email)}
	return run(ctx, c, what, func(ctx context.Context) (kalends.Mailbox, error) {
		mailbox, err := c.driver.Find(ctx, email)
		return checkMailbox(mailbox, err)
	})
}

// Calendars is Driver.Calendars.
func (c *Client) Calendars(ctx context.Context, mailbox string) ([]kalends.RemoteCalendar, error) {
	what := call{operation: "calendars", mailbox: kalends.NormalizeEmail(mailbox)}
	return run(ctx, c, what, func(ctx context.Context) ([]kalends.RemoteCalendar, error) {
		return c.driver.Calendars(ctx, mailbox)
	})
}

// Changes is Driver.Changes. An event that ends before it starts is left out.
func (c *Client) Changes(ctx context.Context, request ChangesRequest) (ChangesPage, error) {
	what := call{operation: "changes", mailbox: kalends.NormalizeEmail(request.Mailbox)}
	return run(ctx, c, what, func(ctx context.Context) (ChangesPage, error) {
		page, err := c.driver.Changes(ctx, request)
		return checkPage(page, err)
	})
}

// Put is Driver.Put. It may be tried again because the contract makes it
// idempotent by the draft's id: a draft without one is KindInvalid.
func (c *Client) Put(ctx context.Context, mailbox, calendar string, draft kalends.Draft) (kalends.Event, error) {
	if draft.ID == "" || draft.End.Before(draft.Start) {
		return kalends.Event{}, kalends.Errorf(kalends.KindInvalid, "provider.Put: a draft needs an id and an end after its start")
	}
	what := call{operation: "put", mailbox: kalends.NormalizeEmail(mailbox)}
	return run(ctx, c, what, func(ctx context.Context) (kalends.Event, error) {
		return c.driver.Put(ctx, mailbox, calendar, draft)
	})
}

// Delete is Driver.Delete.
func (c *Client) Delete(ctx context.Context, mailbox, calendar, draftID string, notify bool) error {
	what := call{operation: "delete", mailbox: kalends.NormalizeEmail(mailbox)}
	_, err := run(ctx, c, what, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.driver.Delete(ctx, mailbox, calendar, draftID, notify)
	})
	return err
}

// FreeBusy is Driver.FreeBusy. An interval that ends before it starts is left out.
func (c *Client) FreeBusy(ctx context.Context, mailboxes []string, window kalends.Window) ([]FreeBusy, error) {
	if len(mailboxes) == 0 {
		return nil, nil
	}
	what := call{operation: "free_busy"}
	return run(ctx, c, what, func(ctx context.Context) ([]FreeBusy, error) {
		answers, err := c.driver.FreeBusy(ctx, mailboxes, window)
		return checkFreeBusy(mailboxes, answers, err)
	})
}

// HasRooms tells whether the driver can list rooms at all.
func (c *Client) HasRooms() bool {
	_, ok := c.driver.(Rooms)
	return ok
}

// Rooms is Rooms.Rooms; KindUnsupported if the driver cannot.
func (c *Client) Rooms(ctx context.Context) ([]kalends.Room, error) {
	lister, ok := c.driver.(Rooms)
	if !ok {
		return nil, unsupported("rooms")
	}
	return run(ctx, c, call{operation: "rooms"}, lister.Rooms)
}

// HasDirectory tells whether the driver can list people.
func (c *Client) HasDirectory() bool {
	_, ok := c.driver.(Directory)
	return ok
}

// People is Directory.People; KindUnsupported if the driver cannot.
func (c *Client) People(ctx context.Context, page string) (people []kalends.Mailbox, next string, err error) {
	lister, ok := c.driver.(Directory)
	if !ok {
		return nil, "", unsupported("people")
	}
	people, err = run(ctx, c, call{operation: "people"}, func(ctx context.Context) ([]kalends.Mailbox, error) {
		var listed []kalends.Mailbox
		listed, next, err = lister.People(ctx, page)
		return listed, err
	})
	return people, next, err
}

// CanRespond tells whether the driver can answer invitations.
func (c *Client) CanRespond() bool {
	_, ok := c.driver.(Responder)
	return ok
}

// Respond is Responder.Respond; KindUnsupported if the driver cannot. What is sent
// is checked before: an event without an id and an answer that is none are
// KindInvalid. Declined is also what is no longer there after a try without answer.
func (c *Client) Respond(ctx context.Context, mailbox, calendar, remoteID string, answer kalends.AttendeeStatus) error {
	responder, ok := c.driver.(Responder)
	if !ok {
		return unsupported("respond")
	}
	if remoteID == "" || !isAnswer(answer) {
		return kalends.Errorf(kalends.KindInvalid, "provider.Respond: an answer is accepted, tentative or declined, to an event")
	}
	unanswered := false
	_, err := run(ctx, c, call{operation: "respond", mailbox: kalends.NormalizeEmail(mailbox)}, func(ctx context.Context) (struct{}, error) {
		err := responder.Respond(ctx, mailbox, calendar, remoteID, answer)
		if unanswered && answer == kalends.AttendeeDeclined && kalends.KindOf(err) == kalends.KindNotFound && kalends.CauseOf(err) == nil {
			err = nil // the try before declined it
		}
		unanswered = unanswered || kalends.KindOf(err) == kalends.KindUnavailable
		return struct{}{}, err
	})
	return err
}

func isAnswer(answer kalends.AttendeeStatus) bool {
	return answer == kalends.AttendeeAccepted || answer == kalends.AttendeeTentative || answer == kalends.AttendeeDeclined
}

func unsupported(operation string) error {
	return &kalends.Error{Kind: kalends.KindUnsupported, Op: "provider." + operation}
}
