package ewsfake

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kalends/sandbox"
	"kalends/zone"
)

// shape is which properties a request asked for.
type shape struct {
	base     string
	fields   map[string]bool // element names
	extended []string        // property keys
	full     bool            // GetItem: attendees, body, what only the whole item has
	text     bool            // body as text
	mime     bool            // the item as iCalendar
}

// ofDefault are the properties of the Default shape of a calendar item.
var ofDefault = map[string]bool{
	"Subject": true, "ResponseObjects": false, "HasAttachments": true, "Start": true, "End": true, "LegacyFreeBusyStatus": true, "Location": true,
	"CalendarItemType": true, "MyResponseType": true, "Organizer": true, "RequiredAttendees": true, "OptionalAttendees": true, "Resources": true,
	"Duration": true, "TimeZone": true, "AppointmentReplyTime": true, "AppointmentState": true, "Recurrence": true, "Body": true, "IsRecurring": true,
}

func (c *call) shape(full bool) shape {
	n := c.operation.child("ItemShape")
	s := shape{base: n.value("BaseShape"), fields: map[string]bool{}, full: full, text: n.value("BodyType") == "Text"}
	asked := n.value("IncludeMimeContent")
	s.mime = full && (asked == "true" || asked == "1")
	for _, path := range n.child("AdditionalProperties").children() {
		if path.name == "ExtendedFieldURI" {
			s.extended = append(s.extended, propKey(path))
			continue
		}
		_, field, _ := strings.Cut(path.attr("FieldURI"), ":")
		s.fields[field] = true
		s.mime = s.mime || full && field == "MimeContent"
	}
	return s
}

func (s shape) wants(field string) bool {
	return s.fields[field] || s.base == "AllProperties" || s.base == "Default" && ofDefault[field]
}

// writeItem writes a CalendarItem; the order is the schema's.
func (c *call) writeItem(o sandbox.Occurrence, s shape) {
	i := o.Item
	c.out.WriteString("<t:CalendarItem>")
	if s.mime {
		c.mimeContent(o)
	}
	c.out.WriteString(`<t:ItemId Id="` + c.idOf(o).String() + `" ChangeKey="` + changeKey(i) + `"/>`)
	if s.base != "IdOnly" || len(s.fields)+len(s.extended) > 0 {
		c.itemPart(o, s)
		c.calendarPart(o, s)
		c.seriesPart(o, s)
	}
	c.out.WriteString("</t:CalendarItem>")
}

// mimeContent names the version that made it; all after 2010 call themselves so.
func (c *call) mimeContent(o sandbox.Occurrence) {
	product := "Microsoft Exchange Server 2010"
	if c.build.level < level2010 {
		product = "Microsoft Exchange Server 2007"
	}
	content := base64.StdEncoding.EncodeToString([]byte(calendarText(o, product)))
	c.out.WriteString(`<t:MimeContent CharacterSet="UTF-8">` + content + "</t:MimeContent>")
}

func (c *call) put(s shape, name, value string) {
	if s.wants(name) && c.has(name) {
		c.el(name, value)
	}
}

func (c *call) itemPart(o sandbox.Occurrence, s shape) {
	i := o.Item
	if s.wants("ParentFolderId") {
		c.folderID("ParentFolderId", "calendar")
	}
	class := "IPM.Appointment"
	if o.Master != nil {
		class = "IPM.Appointment.Occurrence"
	}
	c.put(s, "ItemClass", class)
	c.put(s, "Subject", i.Subject)
	c.put(s, "Sensitivity", i.Sensitivity)
	if s.full && s.wants("Body") {
		kind := "Text"
		if i.HTML && !s.text {
			kind = "HTML"
		}
		c.out.WriteString(`<t:Body BodyType="` + kind + `">` + escape(i.Body) + `</t:Body>`)
	}
	c.put(s, "DateTimeReceived", stamp(i.Created))
	c.put(s, "Size", strconv.Itoa(4000+len(i.Body)))
	if s.wants("Categories") && len(i.Categories) > 0 {
		c.out.WriteString("<t:Categories>")
		for _, name := range i.Categories {
			c.el("String", name)
		}
		c.out.WriteString("</t:Categories>")
	}
	c.put(s, "Importance", either(i.Importance, "Normal"))
	c.put(s, "IsDraft", "false")
	c.put(s, "DateTimeSent", stamp(i.Created))
	c.put(s, "DateTimeCreated", stamp(i.Created))
	c.put(s, "ReminderIsSet", strconv.FormatBool(i.Reminder != nil))
	if i.Reminder != nil {
		c.put(s, "ReminderMinutesBeforeStart", strconv.Itoa(*i.Reminder))
	}
	c.put(s, "HasAttachments", "false")
	for _, key := range s.extended {
		c.extended(key, propOf(i, key))
	}
	c.put(s, "Culture", "de-DE")
	if s.wants("EffectiveRights") {
		c.rights(false)
	}
	c.put(s, "LastModifiedName", i.Organizer.Name)
	c.put(s, "LastModifiedTime", stamp(i.Modified))
}

func either(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func (c *call) calendarPart(o sandbox.Occurrence, s shape) {
	i := o.Item
	c.put(s, "UID", i.UID)
	if o.Master != nil {
		c.put(s, "RecurrenceId", stamp(o.Original))
	}
	c.put(s, "DateTimeStamp", stamp(i.Modified))
	c.put(s, "Start", stamp(i.Start))
	c.put(s, "End", stamp(i.End))
	if o.Master != nil {
		c.put(s, "OriginalStart", stamp(o.Original))
	}
	c.put(s, "IsAllDayEvent", strconv.FormatBool(i.AllDay))
	c.put(s, "LegacyFreeBusyStatus", c.statusName(i.Status))
	c.put(s, "Location", i.Location)
	c.put(s, "IsMeeting", strconv.FormatBool(i.IsMeeting()))
	c.put(s, "IsCancelled", strconv.FormatBool(i.Cancelled))
	c.put(s, "IsRecurring", strconv.FormatBool(o.Master != nil))
	c.put(s, "MeetingRequestWasSent", strconv.FormatBool(i.Sent))
	c.put(s, "IsResponseRequested", "true")
	c.put(s, "CalendarItemType", kindOf(o))
	c.put(s, "MyResponseType", i.MyResponse)
	if s.wants("Organizer") {
		c.organizer(i, s.full)
	}
	if s.full {
		c.attendees(s, "RequiredAttendees", "required", i)
		c.attendees(s, "OptionalAttendees", "optional", i)
		c.attendees(s, "Resources", "resource", i)
	}
	c.put(s, "Duration", duration(i.End.Sub(i.Start)))
	c.put(s, "TimeZone", windowsName(i.Zone))
	if !i.Answered.IsZero() {
		c.put(s, "AppointmentReplyTime", stamp(i.Answered))
	}
	c.put(s, "AppointmentSequenceNumber", strconv.Itoa(i.Sequence))
	c.put(s, "AppointmentState", strconv.Itoa(stateOf(i)))
}

func (c *call) status2013(name string) bool { return name == "WorkingElsewhere" && c.level < 6 }

func (c *call) statusName(name string) string {
	if c.status2013(name) {
		return "Busy"
	}
	return either(name, "Busy")
}

func kindOf(o sandbox.Occurrence) string {
	switch {
	case o.Master != nil && o.IsModified:
		return "Exception"
	case o.Master != nil:
		return "Occurrence"
	case o.Item.Rule != nil:
		return "RecurringMaster"
	}
	return "Single"
}

// stateOf is PidLidAppointmentStateFlags: 1 meeting, 2 received, 4 cancelled.
func stateOf(i *sandbox.Item) int {
	state := 0
	if i.IsMeeting() {
		state = 1
	}
	if i.MyResponse != "Organizer" {
		state |= 2
	}
	if i.Cancelled {
		state |= 4
	}
	return state
}

func duration(d time.Duration) string {
	if d%(24*time.Hour) == 0 && d > 0 {
		return fmt.Sprintf("P%dD", d/(24*time.Hour))
	}
	return fmt.Sprintf("PT%dM", int(d.Minutes()))
}

func windowsName(iana string) string {
	if name, ok := zone.ToWindows(iana); ok {
		return name
	}
	return "UTC"
}

// organizer comes as a legacy EX address from FindItem, as SMTP from GetItem.
func (c *call) organizer(i *sandbox.Item, full bool) {
	c.out.WriteString("<t:Organizer><t:Mailbox>")
	c.el("Name", either(i.Organizer.Name, i.Organizer.Email))
	if full {
		c.el("EmailAddress", i.Organizer.Email)
		c.el("RoutingType", "SMTP")
		c.typed("MailboxType", "Mailbox")
	} else {
		local, _, _ := strings.Cut(i.Organizer.Email, "@")
		c.el("EmailAddress", "/O=MUSTERWERK/OU=EXCHANGE ADMINISTRATIVE GROUP (FYDIBOHF23SPDLT)/CN=RECIPIENTS/CN="+strings.ToUpper(local))
		c.el("RoutingType", "EX")
		c.typed("MailboxType", "OneOff")
	}
	c.out.WriteString("</t:Mailbox></t:Organizer>")
}

// typed writes MailboxType; OneOff came with 2010.
func (c *call) typed(name, value string) {
	if value == "OneOff" && c.level < 3 {
		value = "Mailbox"
	}
	c.el(name, value)
}

func (c *call) attendees(s shape, element, kind string, i *sandbox.Item) {
	if !s.wants(element) {
		return
	}
	opened := false
	for _, a := range i.Attendees {
		if either(a.Kind, "required") != kind {
			continue
		}
		if !opened {
			c.out.WriteString("<t:" + element + ">")
			opened = true
		}
		c.out.WriteString("<t:Attendee><t:Mailbox>")
		c.el("Name", either(a.Name, a.Email))
		c.el("EmailAddress", a.Email)
		c.el("RoutingType", "SMTP")
		c.el("MailboxType", "Mailbox")
		c.out.WriteString("</t:Mailbox>")
		c.el("ResponseType", either(a.Response, "Unknown"))
		if !a.At.IsZero() {
			c.el("LastResponseTime", stamp(a.At))
		}
		if a.Proposed != nil && c.level >= level2013 {
			c.el("ProposedStart", stamp(a.Proposed.Start))
			c.el("ProposedEnd", stamp(a.Proposed.End))
		}
		c.out.WriteString("</t:Attendee>")
	}
	if opened {
		c.out.WriteString("</t:" + element + ">")
	}
}

// seriesPart is what a master has, and the zones.
func (c *call) seriesPart(o sandbox.Occurrence, s shape) {
	i := o.Item
	if s.full && i.Rule != nil {
		if s.wants("Recurrence") {
			c.recurrence(i)
		}
		c.exceptions(i, s)
	}
	if c.level < level2010 && i.Rule != nil {
		c.meetingZone(s, i.Zone)
	}
	c.namedZone(s, "StartTimeZone", i.Zone)
	c.namedZone(s, "EndTimeZone", i.Zone)
	place := c.zoneOf(i.Zone, time.UTC)
	c.put(s, "StartWallClock", i.Start.In(place).Format(time.RFC3339))
	c.put(s, "EndWallClock", i.End.In(place).Format(time.RFC3339))
	c.put(s, "StartTimeZoneId", windowsName(i.Zone))
	c.put(s, "EndTimeZoneId", windowsName(i.Zone))
	c.put(s, "IsOrganizer", strconv.FormatBool(i.MyResponse == "Organizer"))
}

// meetingZone is how 2007 names the zone of a series.
func (c *call) meetingZone(s shape, iana string) {
	if s.full && s.wants("MeetingTimeZone") {
		c.out.WriteString(`<t:MeetingTimeZone TimeZoneName="` + escape(windowsName(iana)) + `"/>`)
	}
}

func (c *call) namedZone(s shape, element, iana string) {
	if s.wants(element) && c.has(element) {
		name := escape(windowsName(iana))
		c.out.WriteString("<t:" + element + ` Id="` + name + `" Name="` + name + `"/>`)
	}
}
