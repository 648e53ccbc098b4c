package ews

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	kalends "kalends"
	"kalends/zone"
)

// convertItems turns calendar items into events, leaving out what lies outside
// the window and what cannot be read: one odd item never hides the others.
func convertItems(items []*node, w kalends.Window, details bool) []kalends.Event {
	events := make([]kalends.Event, 0, len(items))
	for _, item := range items {
		event, ok := convertItem(item, details)
		if ok && w.Overlaps(event.Start, event.End) {
			if event.AllDay {
				event.Start, event.End = dates(event.Start, event.End, event.Zone, item)
			}
			events = append(events, event)
		}
	}
	return events
}

// convertItem reads one item. Kinds of item other than CalendarItem occur in
// calendars and are taken if they have times.
func convertItem(n *node, details bool) (kalends.Event, bool) {
	start, okStart := parseTime(n.value("Start"))
	end, okEnd := parseTime(n.value("End"))
	id := n.child("ItemId")
	if !okStart || !okEnd || id.attr("Id") == "" || end.Before(start) {
		return kalends.Event{}, false
	}
	event := kalends.Event{
		RemoteID: id.attr("Id"), Version: id.attr("ChangeKey"), DraftID: stampOf(n), Start: start, End: end,
		AllDay: n.value("IsAllDayEvent") == "true", Zone: zoneOf(n),
		Private: private(n.value("Sensitivity")), Cancelled: n.value("IsCancelled") == "true",
		Declined: n.value("MyResponseType") == "Decline",
	}
	event.Updated, _ = parseTime(n.value("LastModifiedTime"))
	event.Status = busyStatus(n.value("LegacyFreeBusyStatus"))
	if event.Cancelled || event.Declined {
		event.Status = kalends.StatusFree
	}
	if details && (!event.Private || event.DraftID != "") {
		addDetails(&event, n)
	}
	return event, true
}

func addDetails(event *kalends.Event, n *node) {
	event.Summary, event.Location = n.value("Subject"), n.value("Location")
	event.Created, _ = parseTime(n.value("DateTimeCreated"))
	event.Organizer = organizerOf(n)
	if kind := n.value("CalendarItemType"); kind == "Occurrence" || kind == "Exception" {
		event.SeriesID = n.value("UID") // the same for all occurrences
		if kind == "Occurrence" {
			event.OriginalStart = event.Start // else it would be an exception
		}
	}
}

func organizerOf(n *node) kalends.Attendee {
	organizer := n.child("Organizer", "Mailbox")
	return kalends.Attendee{Name: organizer.value("Name"), Email: smtpOf(organizer)}
}

// busyStatus: LegacyFreeBusyStatus and BusyType. Somebody who works elsewhere can
// be met; what we do not know must not hide an event.
func busyStatus(text string) kalends.FreeBusyStatus {
	switch text {
	case "Free", "WorkingElsewhere":
		return kalends.StatusFree
	case "Tentative":
		return kalends.StatusTentative
	}
	return kalends.StatusBusy
}

func private(sensitivity string) bool { return sensitivity != "" && sensitivity != "Normal" }

func stampOf(n *node) string { return valueOf(n, stampName) }

// valueOf gives the value of a property of ours.
func valueOf(n *node, name string) string {
	for _, c := range n.children {
		if c.name != "ExtendedProperty" {
			continue
		}
		field := c.child("ExtendedFieldURI")
		if strings.EqualFold(field.attr("PropertySetId"), stampSet) && field.attr("PropertyName") == name {
			return c.value("Value")
		}
	}
	return ""
}

// zoneOf gives the IANA name of the zone the event was made in, or "".
func zoneOf(n *node) string {
	id := n.value("StartTimeZoneId")
	if id == "" {
		id = n.child("StartTimeZone").attr("Id")
	}
	if id == "" {
		id = n.value("TimeZone") // of 2007: a name for people, or one of Windows
	}
	if id == "" {
		return ""
	}
	if name, ok := zone.FromWindows(id, ""); ok {
		return name
	}
	if _, err := zone.Load(id); err == nil {
		return id
	}
	return ""
}

// timeForms are how times come: xs:dateTime, and what servers and what stands before
// them make of it. One without zone is UTC. Fractions of a second fit each form.
var timeForms = []string{
	"2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700", "2006-01-02T15:04",
}

// parseTime reads a time.
func parseTime(text string) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), true
	}
	text = strings.ToUpper(strings.Replace(strings.TrimSpace(text), " ", "T", 1))
	for _, form := range append([]string{time.RFC3339}, timeForms...) {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// dates turns an all-day event into midnights UTC that stand for its dates: as
// seen in its zone, else at the distance from UTC that the zone's name for people
// tells, else with the offset that makes both ends midnight.
func dates(start, end time.Time, name string, item *node) (time.Time, time.Time) {
	if name != "" {
		if location, err := zone.Load(name); err == nil {
			return dateOf(start.In(location)), lastDate(end.In(location))
		}
	}
	if shift, ok := distance(item); ok { // of winter: summer time is an hour more
		first, last := dateOf(start.Add(shift+12*time.Hour)), dateOf(end.Add(shift+12*time.Hour))
		return first, later(last, first.AddDate(0, 0, 1))
	}
	return dateOf(nearestMidnight(start)), lastDate(nearestMidnight(end))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// named is how Windows names zones for people, in all languages.
var named = regexp.MustCompile(`^\((?:GMT|UTC)(?:([+-])(\d\d):(\d\d))?\)`)

// distance reads how far an item's zone is from UTC.
func distance(n *node) (time.Duration, bool) {
	text := n.child("StartTimeZone").attr("Name")
	if text == "" {
		text = n.value("TimeZone")
	}
	m := named.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	hours, _ := strconv.Atoi(m[2]) // "" is nothing, in London
	minutes, _ := strconv.Atoi(m[3])
	shift := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if m[1] == "-" {
		shift = -shift
	}
	return shift, true
}

func dateOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// lastDate is the exclusive end: a time within a day belongs to it.
func lastDate(t time.Time) time.Time {
	date := dateOf(t)
	if t.Hour() != 0 || t.Minute() != 0 {
		date = date.AddDate(0, 0, 1)
	}
	return date
}

// nearestMidnight shifts an instant to the midnight it is nearest to: zones lie
// between -12 and +14 hours, so noon and later count as the next day's midnight.
func nearestMidnight(t time.Time) time.Time {
	if t.Hour() >= 10 {
		return dateOf(t).AddDate(0, 0, 1)
	}
	return dateOf(t)
}

// primaryIn gives the primary address that ErrorNonPrimarySmtpAddress names.
func primaryIn(err error) string {
	var e *responseError
	if !errors.As(err, &e) {
		return ""
	}
	for _, value := range e.values {
		if isAddress(value) {
			return kalends.NormalizeEmail(value)
		}
	}
	for _, word := range strings.Fields(e.text) {
		if word = strings.Trim(word, "'\".,;:()<>"); isAddress(word) {
			return kalends.NormalizeEmail(word)
		}
	}
	return ""
}

func sortIntervals(list []kalends.Interval) []kalends.Interval {
	slices.SortFunc(list, func(a, b kalends.Interval) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return a.End.Compare(b.End)
	})
	return slices.CompactFunc(list, func(a, b kalends.Interval) bool { return a == b })
}
