package kalends

import "time"

// RemoteCalendar is one calendar of a mailbox as its provider lists it.
type RemoteCalendar struct {
	ID       string // the provider's id, case-sensitive
	Name     string
	Primary  bool
	ReadOnly bool
}

// Draft is an event that the hub wants to stand in a calendar. ID is our own
// event id: writing the same draft twice gives one event.
type Draft struct {
	ID          string
	Summary     string
	Description string
	Location    string
	Start, End  time.Time // for AllDay: midnights in Zone
	AllDay      bool
	Zone        string // IANA name, for display and all-day; "" = UTC
	Free        bool   // does not block
	Private     bool
	Reminder    *int // minutes before the start
	Attendees   []Attendee
	Invite      bool // send invitations, updates and cancellations
}

// Attendee is somebody invited. A room is invited with Resource set, so that its
// own acceptance rules run.
type Attendee struct {
	Email    string
	Name     string
	Optional bool
	Resource bool
	Status   AttendeeStatus
}

// AttendeeStatus is an invited person's or room's answer.
type AttendeeStatus string

// The answers, in Cronofy's words.
const (
	AttendeeNeedsAction AttendeeStatus = "needs_action"
	AttendeeAccepted    AttendeeStatus = "accepted"
	AttendeeDeclined    AttendeeStatus = "declined"
	AttendeeTentative   AttendeeStatus = "tentative"
	AttendeeUnknown     AttendeeStatus = "unknown"
)

// Event is one occurrence as the provider has it: a single event, or one
// occurrence of a series, already expanded.
type Event struct {
	RemoteID      string    // the provider's id of this occurrence
	SeriesID      string    // the provider's id of the series, or ""
	OriginalStart time.Time // of an occurrence: when the series has it; zero where that is not told
	DraftID       string    // our own id, if we wrote it
	Version       string    // changes with every change at the provider
	Summary       string
	Description   string
	Location      string
	MeetingURL    string // where an online meeting takes place, or ""
	Start, End    time.Time
	AllDay        bool
	Zone          string
	Status        FreeBusyStatus
	Private       bool
	Cancelled     bool
	Declined      bool
	Organizer     Attendee
	Attendees     []Attendee
	Created       time.Time
	Updated       time.Time
}
