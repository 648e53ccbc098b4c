package sandbox

import (
	"maps"
	"slices"
	"time"

	"kalends/zone"
)

// Item is one entry of a mailbox's calendar: a single event or a series. Items
// are never changed in place: a change stores a new one.
type Item struct {
	ID          string            `json:"id"`
	UID         string            `json:"uid"`
	Subject     string            `json:"subject"`
	Body        string            `json:"body,omitempty"`
	HTML        bool              `json:"html,omitempty"`
	Location    string            `json:"location,omitempty"`
	Start       time.Time         `json:"start"`
	End         time.Time         `json:"end"`
	AllDay      bool              `json:"all_day,omitempty"`
	Zone        string            `json:"zone,omitempty"`   // IANA; "" = UTC
	Status      string            `json:"status,omitempty"` // Free Tentative Busy OOF WorkingElsewhere
	Sensitivity string            `json:"sensitivity,omitempty"`
	Importance  string            `json:"importance,omitempty"`
	Categories  []string          `json:"categories,omitempty"`
	Reminder    *int              `json:"reminder,omitempty"` // minutes before; nil = none
	Organizer   Attendee          `json:"organizer"`
	Attendees   []Attendee        `json:"attendees,omitempty"`
	MyResponse  string            `json:"my_response,omitempty"` // Organizer Accept Tentative Decline NoResponseReceived Unknown
	Answered    time.Time         `json:"answered,omitzero"`
	Cancelled   bool              `json:"cancelled,omitempty"`
	Sent        bool              `json:"sent,omitempty"` // invitations were sent
	Sequence    int               `json:"sequence,omitempty"`
	Rule        *Rule             `json:"rule,omitempty"`
	Exceptions  []Exception       `json:"exceptions,omitempty"`
	Props       map[string]string `json:"props,omitempty"` // extended properties by an opaque key
	Created     time.Time         `json:"created,omitzero"`
	Modified    time.Time         `json:"modified,omitzero"`
	Version     int               `json:"version"`
}

// Attendee is somebody invited, or the organizer.
type Attendee struct {
	Name     string    `json:"name,omitempty"`
	Email    string    `json:"email"`
	Kind     string    `json:"kind,omitempty"` // required optional resource
	Response string    `json:"response,omitempty"`
	At       time.Time `json:"at,omitzero"`
	// Proposed is another time that the attendee would like better.
	Proposed *Span `json:"proposed,omitempty"`
}

// Span is a time from start to end.
type Span struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Exception is an occurrence of a series that differs or is gone.
type Exception struct {
	Original time.Time `json:"original"`
	Deleted  bool      `json:"deleted,omitempty"`
	Start    time.Time `json:"start,omitzero"`
	End      time.Time `json:"end,omitzero"`
	Subject  string    `json:"subject,omitempty"`
	Location string    `json:"location,omitempty"`
	Status   string    `json:"status,omitempty"`
	Body     string    `json:"body,omitempty"`
	// Attendees of this occurrence; nil = those of the series.
	Attendees   []Attendee `json:"attendees,omitempty"`
	Sensitivity string     `json:"sensitivity,omitempty"`
}

// Occurrence is what stands in the calendar at one time.
type Occurrence struct {
	Item       *Item // with Start, End and overridden fields of this occurrence
	Master     *Item // nil for a single event
	Original   time.Time
	Index      int // 1-based position in the series
	IsModified bool
}

func (i *Item) clone() *Item {
	c := *i
	c.Attendees, c.Exceptions, c.Categories = slices.Clone(i.Attendees), slices.Clone(i.Exceptions), slices.Clone(i.Categories)
	c.Props = maps.Clone(i.Props)
	if i.Rule != nil {
		rule := *i.Rule
		c.Rule = &rule
	}
	return &c
}

// IsMeeting tells whether anybody else is involved.
func (i *Item) IsMeeting() bool { return len(i.Attendees) > 0 || i.MyResponse != "Organizer" }

// Blocks tells whether the item takes time.
func (i *Item) Blocks() bool { return i.Status != "Free" && !i.Cancelled && i.MyResponse != "Decline" }

func (i *Item) location() *time.Location {
	if location, err := zone.Load(i.Zone); err == nil {
		return location
	}
	return time.UTC
}

// Occurrences calls yield with each occurrence, in order of original start,
// deleted ones left out, until yield says no. A single event is its own one.
func (i *Item) Occurrences(yield func(Occurrence) bool) {
	if i.Rule == nil {
		yield(Occurrence{Item: i})
		return
	}
	location, index := i.location(), 0
	i.Rule.starts(zone.ReadWall(i.Start, location), location, func(original time.Time) bool {
		index++
		o, there := i.at(original, index, location)
		return !there || yield(o)
	})
}

// Window gives the occurrences that touch a span, those included that were
// moved into it.
func (i *Item) Window(start, end time.Time, add func(Occurrence)) {
	last := end
	for _, e := range i.Exceptions {
		if !e.Deleted && e.Start.Before(end) && e.Original.After(last) {
			last = e.Original
		}
	}
	i.Occurrences(func(o Occurrence) bool {
		if o.Item.touches(start, end) {
			add(o)
		}
		return i.Rule != nil && !o.Original.After(last)
	})
}

// touches tells whether an item lies in a span; one without length does so at
// its start.
func (i *Item) touches(start, end time.Time) bool {
	return i.Start.Before(end) && (i.End.After(start) || i.Start.Equal(i.End) && !i.Start.Before(start))
}

func (i *Item) at(original time.Time, index int, location *time.Location) (Occurrence, bool) {
	c := *i
	c.Rule, c.Exceptions = nil, nil
	c.Start = original
	c.End = original.Add(i.End.Sub(i.Start))
	if i.AllDay {
		days := int(i.End.Sub(i.Start).Round(24*time.Hour) / (24 * time.Hour))
		c.End = zone.ReadWall(original, location).AddDays(days).Instant(location)
	}
	o := Occurrence{Item: &c, Master: i, Original: original, Index: index}
	for _, e := range i.Exceptions {
		if e.Original.Equal(original) {
			o.IsModified = true
			e.apply(&c)
			return o, !e.Deleted
		}
	}
	return o, true
}

func (e Exception) apply(i *Item) {
	if !e.Start.IsZero() {
		i.Start, i.End = e.Start, e.End
	}
	if e.Attendees != nil {
		i.Attendees = e.Attendees
	}
	for _, field := range []struct {
		to   *string
		from string
	}{{&i.Subject, e.Subject}, {&i.Location, e.Location}, {&i.Status, e.Status}, {&i.Body, e.Body}, {&i.Sensitivity, e.Sensitivity}} {
		if field.from != "" {
			*field.to = field.from
		}
	}
}

// Except stores how one occurrence differs from its series.
func (i *Item) Except(e Exception) {
	for n := range i.Exceptions {
		if i.Exceptions[n].Original.Equal(e.Original) {
			i.Exceptions[n] = e
			return
		}
	}
	i.Exceptions = append(i.Exceptions, e)
}
