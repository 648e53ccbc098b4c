package ewsfake

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kalends/sandbox"
	"kalends/zone"
)

// calendarText is an item as Exchange writes it in MimeContent: iCalendar (RFC
// 5545) with the properties of MS-OXCICAL, times in the item's zone by its
// Windows name.
func calendarText(o sandbox.Occurrence, product string) string {
	w := &calendarWriter{zone: windowsName(o.Item.Zone)}
	w.place, _ = zone.Load(o.Item.Zone)
	if w.place == nil {
		w.place = time.UTC
	}
	w.line("BEGIN", "VCALENDAR")
	w.line("METHOD", "PUBLISH")
	w.line("PRODID", product)
	w.line("VERSION", "2.0")
	w.timeZone(o.Item.Start.Year())
	w.event(o)
	if o.Item.Rule != nil {
		o.Item.Occurrences(func(one sandbox.Occurrence) bool {
			if one.IsModified {
				w.event(one)
			}
			return one.Index < 1000
		})
	}
	w.line("END", "VCALENDAR")
	return w.text.String()
}

type calendarWriter struct {
	text  strings.Builder
	zone  string // Windows
	place *time.Location
}

// line folds after 75 bytes, never inside a character.
func (w *calendarWriter) line(name, value string) {
	line, limit := name+":"+value, 75
	for len(line) > limit {
		at := limit
		for !utf8.RuneStart(line[at]) {
			at--
		}
		w.text.WriteString(line[:at] + "\r\n ")
		line, limit = line[at:], 74
	}
	w.text.WriteString(line + "\r\n")
}

var calendarEscaper = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`)

func (w *calendarWriter) words(name, value string) { w.line(name, calendarEscaper.Replace(value)) }

func (w *calendarWriter) timeZone(year int) {
	_, winter := time.Date(year, 1, 15, 0, 0, 0, 0, w.place).Zone()
	_, summer := time.Date(year, 7, 15, 0, 0, 0, 0, w.place).Zone()
	w.line("BEGIN", "VTIMEZONE")
	w.line("TZID", w.zone)
	w.period("STANDARD", year, min(winter, summer), max(winter, summer))
	w.period("DAYLIGHT", year, max(winter, summer), min(winter, summer))
	w.line("END", "VTIMEZONE")
}

// period is standard or daylight time; a zone that never changes has both too,
// with the same offset.
func (w *calendarWriter) period(name string, year, offset, other int) {
	wall, week, _, changes := yearlyChange(w.place, year, offset)
	w.line("BEGIN", name)
	w.line("DTSTART", "16010101T"+wall.Format("150405"))
	w.line("TZOFFSETFROM", offsetText(other))
	w.line("TZOFFSETTO", offsetText(offset))
	if changes {
		w.line("RRULE", fmt.Sprintf("FREQ=YEARLY;INTERVAL=1;BYDAY=%d%s;BYMONTH=%d", week, dayCodes[wall.Weekday()], int(wall.Month())))
	}
	w.line("END", name)
}

func offsetText(seconds int) string {
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	return fmt.Sprintf("%s%02d%02d", sign, seconds/3600, seconds/60%60)
}

// dayCodes are RFC 5545's weekdays, from Sunday.
var dayCodes = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

func (w *calendarWriter) event(o sandbox.Occurrence) {
	i := o.Item
	w.line("BEGIN", "VEVENT")
	if i.IsMeeting() {
		w.people(i)
	}
	w.words("DESCRIPTION", plainBody(i))
	w.series(o)
	w.words("UID", i.UID)
	w.words("SUMMARY", i.Subject)
	w.at("DTSTART", i.Start, i.AllDay)
	w.at("DTEND", i.End, i.AllDay)
	w.line("CLASS", either(classes[i.Sensitivity], "PUBLIC"))
	w.line("PRIORITY", either(map[string]string{"High": "1", "Low": "9"}[i.Importance], "5"))
	w.line("DTSTAMP", utcText(i.Modified))
	w.line("TRANSP", map[bool]string{true: "TRANSPARENT", false: "OPAQUE"}[i.Status == "Free"])
	w.line("STATUS", map[bool]string{true: "CANCELLED", false: "CONFIRMED"}[i.Cancelled])
	w.line("SEQUENCE", strconv.Itoa(i.Sequence))
	w.words("LOCATION", i.Location)
	w.categories(i.Categories)
	w.microsoft(o)
	w.alarm(i)
	w.line("END", "VEVENT")
}

// classes are iCalendar's of the sensitivities, see MS-OXCICAL 2.1.3.1.1.20.4.
var classes = map[string]string{"Personal": "X-PERSONAL", "Private": "PRIVATE", "Confidential": "CONFIDENTIAL"}

var tags = regexp.MustCompile(`<[^>]*>`)

// plainBody is a body without the tags of HTML.
func plainBody(i *sandbox.Item) string {
	if !i.HTML {
		return i.Body
	}
	return strings.TrimSpace(html.UnescapeString(tags.ReplaceAllString(i.Body, "")))
}

func (w *calendarWriter) categories(names []string) {
	var escaped []string
	for _, name := range names {
		escaped = append(escaped, calendarEscaper.Replace(name))
	}
	if len(escaped) > 0 {
		w.line("CATEGORIES", strings.Join(escaped, ","))
	}
}

// people are the organizer and the attendees; an answer stands with each.
func (w *calendarWriter) people(i *sandbox.Item) {
	w.line("ORGANIZER;CN="+quoted(i.Organizer), "MAILTO:"+i.Organizer.Email)
	for _, a := range i.Attendees {
		role := either(map[string]string{"optional": "OPT-PARTICIPANT", "resource": "NON-PARTICIPANT;CUTYPE=RESOURCE"}[a.Kind], "REQ-PARTICIPANT")
		answer := either(map[string]string{"Accept": "ACCEPTED", "Tentative": "TENTATIVE", "Decline": "DECLINED"}[a.Response], "NEEDS-ACTION")
		w.line("ATTENDEE;ROLE="+role+";PARTSTAT="+answer+";RSVP=TRUE;CN="+quoted(a), "MAILTO:"+a.Email)
	}
}

func quoted(a sandbox.Attendee) string {
	return `"` + strings.Map(func(r rune) rune {
		if r == '"' || r < ' ' {
			return -1
		}
		return r
	}, either(a.Name, a.Email)) + `"`
}

func utcText(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

func (w *calendarWriter) at(name string, t time.Time, allDay bool) {
	local := t.In(w.place)
	if allDay {
		w.line(name+";VALUE=DATE", local.Format("20060102"))
		return
	}
	w.line(name+";TZID="+w.zone, local.Format("20060102T150405"))
}

// series is the rule of a master with its deleted occurrences, or which
// occurrence this is.
func (w *calendarWriter) series(o sandbox.Occurrence) {
	if o.Master != nil {
		w.at("RECURRENCE-ID", o.Original, o.Item.AllDay)
	}
	if o.Item.Rule == nil {
		return
	}
	w.line("RRULE", ruleText(o.Item, w.place))
	for _, e := range o.Item.Exceptions {
		if e.Deleted {
			w.at("EXDATE", e.Original, o.Item.AllDay)
		}
	}
}

func ruleText(i *sandbox.Item, place *time.Location) string {
	r := i.Rule
	freq, _, _ := strings.Cut(r.Freq, "_")
	parts := []string{"FREQ=" + strings.ToUpper(freq)}
	if r.Count > 0 {
		parts = append(parts, "COUNT="+strconv.Itoa(r.Count))
	} else if !r.Until.IsZero() {
		parts = append(parts, "UNTIL="+untilText(i, place))
	}
	parts = append(parts, "INTERVAL="+strconv.Itoa(max(r.Interval, 1)))
	if len(r.Days) > 0 && freq != "daily" {
		parts = append(parts, "BYDAY="+daysOf(r))
	}
	if r.MonthDay > 0 {
		parts = append(parts, "BYMONTHDAY="+strconv.Itoa(r.MonthDay))
	}
	if r.Month > 0 && freq == "yearly" {
		parts = append(parts, "BYMONTH="+strconv.Itoa(int(r.Month)))
	}
	if r.Nth > 0 && len(r.Days) > 1 {
		parts = append(parts, "BYSETPOS="+strconv.Itoa(setPosition(r)))
	}
	return strings.Join(parts, ";")
}

// untilText is the start of what would be the last day's occurrence.
func untilText(i *sandbox.Item, place *time.Location) string {
	if i.AllDay {
		return i.Rule.Until.Format("20060102")
	}
	last := zone.ReadWall(i.Start, place)
	last.Year, last.Month, last.Day = i.Rule.Until.Date()
	return utcText(last.Instant(place))
}

func setPosition(r *sandbox.Rule) int {
	if r.Nth > 4 {
		return -1
	}
	return r.Nth
}

func daysOf(r *sandbox.Rule) string {
	prefix := ""
	if r.Nth > 0 && len(r.Days) == 1 {
		prefix = strconv.Itoa(setPosition(r))
	}
	var codes []string
	for _, day := range slices.Sorted(slices.Values(r.Days)) {
		codes = append(codes, prefix+dayCodes[day])
	}
	return strings.Join(codes, ",")
}

// microsoft are the properties of MS-OXCICAL 2.1.3.1.1.20 that have no other place.
func (w *calendarWriter) microsoft(o sandbox.Occurrence) {
	i := o.Item
	status := map[string]string{"Free": "FREE", "Tentative": "TENTATIVE", "OOF": "OOF", "WorkingElsewhere": "WORKINGELSEWHERE"}
	kind := map[string]string{"RecurringMaster": "1", "Occurrence": "2", "Exception": "3"}
	w.line("X-MICROSOFT-CDO-APPT-SEQUENCE", strconv.Itoa(i.Sequence))
	w.line("X-MICROSOFT-CDO-BUSYSTATUS", either(status[i.Status], "BUSY"))
	w.line("X-MICROSOFT-CDO-ALLDAYEVENT", strings.ToUpper(strconv.FormatBool(i.AllDay)))
	w.line("X-MICROSOFT-CDO-IMPORTANCE", either(map[string]string{"High": "2", "Low": "0"}[i.Importance], "1"))
	w.line("X-MICROSOFT-CDO-INSTTYPE", either(kind[kindOf(o)], "0"))
}

func (w *calendarWriter) alarm(i *sandbox.Item) {
	if i.Reminder == nil {
		return
	}
	w.line("BEGIN", "VALARM")
	w.line("DESCRIPTION", "REMINDER")
	w.line("TRIGGER;RELATED=START", fmt.Sprintf("-PT%dM", *i.Reminder))
	w.line("ACTION", "DISPLAY")
	w.line("END", "VALARM")
}
