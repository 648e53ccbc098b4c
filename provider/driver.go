package provider

import (
	"context"

	kalends "kalends"
	"kalends/outbound"
)

// System is one calendar system that a company can connect: its form as data,
// and how to open a driver for credentials entered in it.
type System struct {
	Form kalends.Form
	// Open makes a driver. It sends nothing; wrong credentials show in Check.
	// Missing or malformed values are KindInvalid.
	Open func(credentials kalends.Credentials, way *outbound.Way) (Driver, error)
}

// Driver speaks to one company's calendar system with one set of credentials.
// It is thin: no retry, no log, no storage. Its methods may be called by many
// goroutines at once. Errors are *kalends.Error with kind and, where known, cause.
type Driver interface {
	// Check tries the credentials step by step and reports each step when it
	// starts and when it ends. The error is that of the first required step
	// that failed; nothing after it runs. Nothing is written to any mailbox.
	Check(ctx context.Context, request CheckRequest, report func(kalends.Step)) (CheckResult, error)

	// Find looks an address up and proves that the mailbox can be reached.
	// KindNotFound with CauseAccountNotFound if nobody has the address; other
	// causes of a person as they apply. The answer's Email is the primary one.
	Find(ctx context.Context, email string) (kalends.Mailbox, error)

	// Calendars lists the calendars of a mailbox, the primary one first.
	Calendars(ctx context.Context, mailbox string) ([]kalends.RemoteCalendar, error)

	// Changes gives what differs since the cursor, page by page; with an empty
	// cursor the whole window. A cursor that is no longer known is KindGone.
	Changes(ctx context.Context, request ChangesRequest) (ChangesPage, error)

	// Put creates or updates the event of the draft; the same draft again is
	// the same event. calendar is a RemoteCalendar.ID of the mailbox.
	Put(ctx context.Context, mailbox, calendar string, draft kalends.Draft) (kalends.Event, error)

	// Delete removes the event with our id, and cancels it for those invited
	// if notify is set. An event that is not there is no error.
	Delete(ctx context.Context, mailbox, calendar, draftID string, notify bool) error

	// FreeBusy reads when the mailboxes are taken, one answer a mailbox in the
	// order asked. One mailbox's error never stops the others.
	FreeBusy(ctx context.Context, mailboxes []string, window kalends.Window) ([]FreeBusy, error)

	// Close ends idle connections.
	Close()
}

// Directory is implemented by drivers of systems that can list their people.
type Directory interface {
	// People lists mailboxes page by page; the next page token is "" at the end.
	People(ctx context.Context, page string) (people []kalends.Mailbox, next string, err error)
}

// Rooms is implemented by drivers of systems that can list their rooms.
type Rooms interface {
	// Rooms lists all rooms and equipment. CauseRoomsUnavailable if this
	// service account or server cannot list them.
	Rooms(ctx context.Context) ([]kalends.Room, error)
}

// Responder is implemented by drivers of systems in which an invitation can be
// answered for the one who got it.
type Responder interface {
	// Respond answers the invitation that stands in a mailbox's calendar:
	// accepted, tentative or declined. remoteID is an Event.RemoteID as Changes
	// gives it. Whoever invited hears of it as from the person himself, and the
	// person's own event blocks as answered; a declined one blocks no longer, and
	// some systems take it out of the calendar. An answer may be changed. One that
	// was given already is no error, and nobody hears of it again.
	//
	// KindInvalid if the event is no invitation, the mailbox's own meeting, or
	// cancelled, or for any other answer. KindNotFound if the event is no longer
	// there, also because it was declined, or with its cause if the mailbox is not.
	// KindConflict if somebody changed the event meanwhile, twice in a row.
	Respond(ctx context.Context, mailbox, calendar, remoteID string, answer kalends.AttendeeStatus) error
}

// CheckRequest says what a check may touch.
type CheckRequest struct {
	Sample string // the mailbox to act for, usually Credentials["test_email"]
}

// CheckResult is what a successful check found out.
type CheckResult struct {
	// Credentials are the ones given, completed by what is worth keeping
	// (discovered URL, version): open later drivers with these.
	Credentials kalends.Credentials
	Tenant      string // names the directory the mailboxes live in
	Identity    string // tenant and service account: proves control over the connection
	Domain      string
	Account     string // the service account as people call it
	Rooms       int    // -1 = cannot be listed
}

// ChangesRequest asks for the changes of one calendar.
type ChangesRequest struct {
	Mailbox  string // primary address
	Calendar string // RemoteCalendar.ID
	Cursor   string
	Window   kalends.Window
	Details  bool // false: only what free/busy needs is read
}

// ChangesPage is one page of changes. When Full is set, Events holds everything
// in Replaced, and what is not listed there is gone; a window that could not be
// read whole is never in Replaced.
type ChangesPage struct {
	Full     bool
	Replaced []kalends.Window
	Events   []kalends.Event
	Deleted  []string // RemoteIDs
	Next     string   // the cursor for the next call
	More     bool     // call again at once with Next
}

// FreeBusy is one mailbox's answer.
type FreeBusy struct {
	Email     string
	Intervals []kalends.Interval
	Err       error
}
