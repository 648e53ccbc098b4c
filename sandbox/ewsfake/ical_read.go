package ewsfake

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"kalends/sandbox"
	"kalends/zone"
)

// setMime takes an item over from MimeContent: iCalendar in base64. Its time
// zones must be known by their names; their rules are not looked at.
func (c *call) setMime(item *sandbox.Item, n *node) *problem {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.text), ""))
	if err != nil {
		return fail("ErrorMimeContentInvalidBase64String")
	}
	calendar := readComponents(string(raw))
	if calendar == nil || calendar.name != "VCALENDAR" {
		return fail("ErrorMimeContentInvalid")
	}
	events := calendar.partsOf("VEVENT")
	at := slices.IndexFunc(events, func(e *component) bool { return e.value("RECURRENCE-ID") == "" })
	if at < 0 {
		return fail("ErrorMimeContentConversionFailed")
	}
	if !c.readEvent(item, events[at]) {
		return fail("ErrorMimeContentConversionFailed")
	}
	for _, e := range events {
		if e.value("RECURRENCE-ID") != "" && !c.readException(item, e) {
			return fail("ErrorMimeContentConversionFailed")
		}
	}
	return nil
}

func (c *call) readEvent(item *sandbox.Item, e *component) bool {
	item.Subject, item.Location, item.Body, item.HTML = e.words("SUMMARY"), e.words("LOCATION"), e.words("DESCRIPTION"), false
	item.UID = either(e.words("UID"), item.UID)
	item.Sensitivity = either(map[string]string{"PRIVATE": "Private", "CONFIDENTIAL": "Confidential", "X-PERSONAL": "Personal"}[e.value("CLASS")], "Normal")
	item.Importance = map[string]string{"1": "High", "9": "Low"}[e.value("PRIORITY")]
	item.Status = readStatus(e)
	item.Categories = splitWords(e.value("CATEGORIES"))
	c.readAlarm(item, e)
	c.readPeople(item, e)
	return c.readTimes(item, e) && c.readSeries(item, e)
}

func readStatus(e *component) string {
	known := map[string]string{"FREE": "Free", "TENTATIVE": "Tentative", "BUSY": "Busy", "OOF": "OOF", "WORKINGELSEWHERE": "WorkingElsewhere"}
	if status, ok := known[e.value("X-MICROSOFT-CDO-BUSYSTATUS")]; ok {
		return status
	}
	if e.value("TRANSP") == "TRANSPARENT" {
		return "Free"
	}
	if e.value("STATUS") == "TENTATIVE" {
		return "Tentative"
	}
	return "Busy"
}

func (c *call) readAlarm(item *sandbox.Item, e *component) {
	item.Reminder = nil
	for _, alarm := range e.partsOf("VALARM") {
		if length, ok := readDuration(strings.TrimPrefix(alarm.value("TRIGGER"), "-")); ok && item.Reminder == nil {
			item.Reminder = minutes(int(length.Minutes()))
		}
	}
}

func (c *call) readPeople(item *sandbox.Item, e *component) {
	item.Attendees = nil
	organizer, _ := e.line("ORGANIZER")
	for _, l := range e.lines {
		email := address(l.value)
		if l.name != "ATTENDEE" || !strings.Contains(email, "@") || strings.EqualFold(email, address(organizer.value)) {
			continue
		}
		kind := either(map[string]string{"OPT-PARTICIPANT": "optional", "NON-PARTICIPANT": "resource"}[l.params["ROLE"]], "required")
		if t := l.params["CUTYPE"]; t == "ROOM" || t == "RESOURCE" {
			kind = "resource"
		}
		item.Attendees = append(item.Attendees, sandbox.Attendee{Name: l.params["CN"], Email: email, Kind: kind, Response: "Unknown"})
	}
}

func address(value string) string {
	if len(value) > 7 && strings.EqualFold(value[:7], "mailto:") {
		return value[7:]
	}
	return value
}

// readTimes reads the start and its zone, and the end or the length.
func (c *call) readTimes(item *sandbox.Item, e *component) bool {
	start, there := e.line("DTSTART")
	if !there {
		return true // Exchange takes now
	}
	if name := start.params["TZID"]; name != "" {
		iana, known := ianaOf(name)
		if !known {
			return false
		}
		item.Zone = iana
	}
	place := c.zoneOf(item.Zone, c.place)
	var ok bool
	item.Start, item.AllDay, ok = readMoment(start, start.value, place)
	item.AllDay = item.AllDay || e.value("X-MICROSOFT-CDO-ALLDAYEVENT") == "TRUE"
	item.End = item.Start
	if item.AllDay {
		item.End = zone.ReadWall(item.Start, place).AddDays(1).Instant(place).UTC()
	}
	if end, there := e.line("DTEND"); there {
		var ended bool
		item.End, _, ended = readMoment(end, end.value, place)
		return ok && ended
	}
	if length, there := readDuration(e.value("DURATION")); there {
		item.End = item.Start.Add(length)
	}
	return ok
}

// readMoment reads a time in UTC, in the zone of the line or in a place; or a day.
func readMoment(l contentLine, text string, place *time.Location) (t time.Time, day, ok bool) {
	if name := l.params["TZID"]; name != "" {
		iana, known := ianaOf(name)
		other, err := zone.Load(iana)
		if !known || err != nil {
			return time.Time{}, false, false
		}
		place = other
	}
	if t, err := time.Parse("20060102T150405Z", text); err == nil {
		return t, false, true
	}
	t, err := time.Parse("20060102T150405", text)
	if err != nil {
		t, err = time.Parse("20060102", text)
		day = true
	}
	return zone.ReadWall(t, time.UTC).Instant(place).UTC(), day, err == nil
}

var durationForm = regexp.MustCompile(`^P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?$`)

func readDuration(text string) (time.Duration, bool) {
	parts := durationForm.FindStringSubmatch(text)
	if parts == nil || text == "P" {
		return 0, false
	}
	var sum time.Duration
	for n, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		count, _ := strconv.Atoi(parts[n+1])
		sum += time.Duration(count) * unit
	}
	return sum, true
}

func (c *call) readSeries(item *sandbox.Item, e *component) bool {
	item.Rule, item.Exceptions = nil, nil
	text := e.value("RRULE")
	if text == "" {
		return true
	}
	place := c.zoneOf(item.Zone, c.place)
	rule, ok := readRRule(text, item.Start.In(place))
	item.Rule = rule
	for _, l := range e.lines {
		if l.name != "EXDATE" {
			continue
		}
		for value := range strings.SplitSeq(l.value, ",") {
			gone, _, read := readMoment(l, value, place)
			ok = ok && read
			item.Except(sandbox.Exception{Original: gone, Deleted: true})
		}
	}
	return ok
}

// readException reads an event that replaces one occurrence of the series.
func (c *call) readException(item *sandbox.Item, e *component) bool {
	l, _ := e.line("RECURRENCE-ID")
	original, _, ok := readMoment(l, l.value, c.zoneOf(item.Zone, c.place))
	changed := sandbox.Item{Zone: item.Zone}
	if !c.readTimes(&changed, e) || !ok || item.Rule == nil {
		return false
	}
	item.Except(sandbox.Exception{
		Original: original, Start: changed.Start, End: changed.End, Subject: e.words("SUMMARY"),
		Location: e.words("LOCATION"), Status: readStatus(e), Body: e.words("DESCRIPTION"),
	})
	return true
}
