package ewsfake_test

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// mime asks for an item as iCalendar, its lines unfolded.
func (c *client) mime(id string) string {
	c.t.Helper()
	text := c.say(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds><t:ItemId Id="` + id + `"/></m:ItemIds></m:GetItem>`)
	raw, err := base64.StdEncoding.DecodeString(between(text, `<t:MimeContent CharacterSet="UTF-8">`, "<"))
	if err != nil || len(raw) == 0 {
		c.t.Fatalf("no MimeContent (%v): %s", err, text)
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 75 {
			c.t.Errorf("not folded: %q", line)
		}
	}
	return strings.ReplaceAll(strings.ReplaceAll(string(raw), "\r\n ", ""), "\r\n", "\n")
}

func TestItemAsICalendar(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	id := c.create("SendToNone", `<t:Sensitivity>Private</t:Sensitivity><t:Body BodyType="Text">Zeile eins; zwei,
drei `+strings.Repeat("ü", 60)+`</t:Body><t:ReminderIsSet>true</t:ReminderIsSet><t:ReminderMinutesBeforeStart>10</t:ReminderMinutesBeforeStart><t:UID>fremd-1</t:UID>`+oneHour+
		`<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus><t:Location>Haus 3</t:Location><t:RequiredAttendees><t:Attendee><t:Mailbox><t:Name>Max "M" Muster</t:Name><t:EmailAddress>max@kunde.example</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>`+
		`<t:StartTimeZone Id="W. Europe Standard Time"/>`)
	wants(t, "single", c.mime(id), "BEGIN:VTIMEZONE\nTZID:W. Europe Standard Time\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\n",
		"BEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\n",
		`DESCRIPTION:Zeile eins\; zwei\,\ndrei üüü`, "UID:fremd-1\nSUMMARY:Runde\nDTSTART;TZID=W. Europe Standard Time:20300107T100000\nDTEND;TZID=W. Europe Standard Time:20300107T110000\nCLASS:PRIVATE\n",
		"LOCATION:Haus 3\n", "X-MICROSOFT-CDO-BUSYSTATUS:OOF\n", "TRIGGER;RELATED=START:-PT10M\n", "ORGANIZER;CN=", `;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN="Max M Muster":MAILTO:max@kunde.example`)
}

func TestSeriesAsICalendar(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	id := c.create("SendToNone", `<t:ReminderIsSet>false</t:ReminderIsSet><t:Start>2030-01-07T09:00:00Z</t:Start><t:End>2030-01-07T10:00:00Z</t:End><t:Recurrence><t:RelativeMonthlyRecurrence><t:Interval>2</t:Interval>`+
		`<t:DaysOfWeek>Monday</t:DaysOfWeek><t:DayOfWeekIndex>First</t:DayOfWeekIndex></t:RelativeMonthlyRecurrence><t:NumberedRecurrence><t:StartDate>2030-01-07</t:StartDate><t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>`+
		`<t:StartTimeZone Id="UTC"/>`)
	second, third := attrOf(c.occurrence(id, 2), "<t:ItemId", "Id"), attrOf(c.occurrence(id, 3), "<t:ItemId", "Id")
	c.update(second, "", "AlwaysOverwrite", setField("item:Subject", "<t:Subject>anders</t:Subject>"))
	c.say(`<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds><t:ItemId Id="` + third + `"/></m:ItemIds></m:DeleteItem>`)
	text := c.mime(id)
	wants(t, "series", text, "RRULE:FREQ=MONTHLY;COUNT=3;INTERVAL=2;BYDAY=1MO\nEXDATE;TZID=UTC:20300506T090000\n", "RECURRENCE-ID;TZID=UTC:20300304T090000\n", "SUMMARY:anders\n", "X-MICROSOFT-CDO-INSTTYPE:3\n")
	if strings.Count(text, "BEGIN:VEVENT") != 2 || strings.Contains(text, "VALARM") {
		t.Errorf("events or alarms: %s", text)
	}
}

func (c *client) createMime(calendar string) string {
	c.t.Helper()
	content := base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(calendar, "\n", "\r\n")))
	return c.say(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:MimeContent>` + content + `</t:MimeContent><t:ReminderIsSet>false</t:ReminderIsSet></t:CalendarItem></m:Items></m:CreateItem>`)
}

func vevent(lines string) string {
	return "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//DE\nBEGIN:VEVENT\nUID:fremd-2\n" + lines + "\nEND:VEVENT\nEND:VCALENDAR\n"
}

func TestItemFromICalendar(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	made := c.createMime(vevent("SUMMARY:Essen\\, spät\nDESCRIPTION:eins\\nzwei \n und drei\nDTSTART;TZID=\"W. Europe Standard Time\":20300708T190000\nDURATION:PT1H30M\nCLASS:PRIVATE\nX-MICROSOFT-CDO-BUSYSTATUS:OOF\n" +
		"CATEGORIES:a,b\\,c\nATTENDEE;ROLE=OPT-PARTICIPANT;CN=\"M: M\":mailto:m@kunde.example\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM"))
	text := c.getItem(attrOf(made, "<t:ItemId", "Id"))
	wants(t, "single", text, "<t:UID>fremd-2<", "<t:Subject>Essen, spät<", "eins\nzwei und drei<", "<t:Start>2030-07-08T17:00:00Z<", "<t:End>2030-07-08T18:30:00Z<", "<t:Sensitivity>Private<", "<t:LegacyFreeBusyStatus>OOF<",
		"<t:String>b,c</t:String>", "<t:OptionalAttendees><t:Attendee><t:Mailbox><t:Name>M: M</t:Name><t:EmailAddress>m@kunde.example<", "<t:ReminderIsSet>false<", `StartTimeZone Id="W. Europe Standard Time"`)
	day := c.createMime(vevent("SUMMARY:frei\nDTSTART;VALUE=DATE:20300709\nDTEND;VALUE=DATE:20300711\nTRANSP:TRANSPARENT"))
	wants(t, "day", c.getItem(attrOf(day, "<t:ItemId", "Id")), "<t:IsAllDayEvent>true<", "<t:Start>2030-07-09T00:00:00Z<", "<t:End>2030-07-11T00:00:00Z<", "<t:LegacyFreeBusyStatus>Free<")
}

// What is written as iCalendar reads as the same series again.
func TestSeriesFromICalendar(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	for _, rule := range []string{
		"FREQ=DAILY;UNTIL=20300120T080000Z;INTERVAL=2", "FREQ=WEEKLY;COUNT=4;INTERVAL=1;BYDAY=MO,WE", "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=7", "FREQ=MONTHLY;COUNT=3;INTERVAL=2;BYDAY=-1FR",
		"FREQ=YEARLY;INTERVAL=1;BYMONTHDAY=7;BYMONTH=1", "FREQ=YEARLY;INTERVAL=1;BYDAY=1MO;BYMONTH=1", "FREQ=MONTHLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
	} {
		made := c.createMime(vevent("SUMMARY:Reihe\nDTSTART;TZID=Europe/Berlin:20300107T090000\nDTEND;TZID=Europe/Berlin:20300107T100000\nRRULE:" + rule))
		wants(t, rule, c.mime(attrOf(made, "<t:ItemId", "Id")), "RRULE:"+rule+"\n")
	}
	series := vevent("SUMMARY:Reihe\nDTSTART;TZID=Europe/Berlin:20300107T090000\nDTEND;TZID=Europe/Berlin:20300107T100000\nRRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;TZID=Europe/Berlin:20300121T090000\n" +
		"END:VEVENT\nBEGIN:VEVENT\nUID:fremd-2\nRECURRENCE-ID:20300114T080000Z\nSUMMARY:später\nDTSTART;TZID=Europe/Berlin:20300114T110000\nDTEND;TZID=Europe/Berlin:20300114T120000")
	text := c.mime(attrOf(c.createMime(series), "<t:ItemId", "Id"))
	wants(t, "exceptions", text, "RRULE:FREQ=WEEKLY;COUNT=4;INTERVAL=1;BYDAY=MO\nEXDATE;TZID=W. Europe Standard Time:20300121T090000\n", "RECURRENCE-ID;TZID=W. Europe Standard Time:20300114T090000\n", "SUMMARY:später\nDTSTART;TZID=W. Europe Standard Time:20300114T110000\n")
}

func TestErrICalendar(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	before := len(c.server.World().Items(c.me()))
	for lines, code := range map[string]string{
		vevent("DTSTART;TZID=Nirgendwo:20300107T090000"): "ErrorMimeContentConversionFailed", vevent("DTSTART:gestern"): "ErrorMimeContentConversionFailed",
		vevent("DTSTART:20300107T090000Z\nRRULE:FREQ=HOURLY"):            "ErrorMimeContentConversionFailed",
		vevent("DTSTART:20300107T090000Z\nRRULE:FREQ=YEARLY;BYMONTH=13"): "ErrorMimeContentConversionFailed", vevent("DTSTART:20300107T090000Z\nRRULE:FREQ=DAILY;INTERVAL=1000"): "ErrorMimeContentConversionFailed",
		vevent("DTSTART:20300107T090000Z\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-2"): "ErrorMimeContentConversionFailed", "BEGIN:VCALENDAR\nEND:VCALENDAR": "ErrorMimeContentConversionFailed",
		"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR": "ErrorMimeContentInvalid", "Guten Tag": "ErrorMimeContentInvalid",
	} {
		wants(t, lines, c.createMime(lines), "<m:ResponseCode>"+code+"<")
	}
	wants(t, "no base64", c.say(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:MimeContent>äh</t:MimeContent></t:CalendarItem></m:Items></m:CreateItem>`), "ErrorMimeContentInvalidBase64String")
	if n := len(c.server.World().Items(c.me())); n != before {
		t.Errorf("%d items, %d before", n, before)
	}
}

// Each version names itself, and a body in HTML stands there as text.
func TestICalendarOfTheVersion(t *testing.T) {
	t.Parallel()
	for version, year := range map[string]string{"Exchange2007_SP1": "2007", "Exchange2013_SP1": "2010"} {
		c := newClient(t, startWith(t, sandbox.Config{}, ewsfake.Options{Version: version}))
		c.version = version
		id := c.create("SendToNone", `<t:Body BodyType="HTML">&lt;html&gt;&lt;p&gt;A &amp;amp; B&lt;/p&gt;&lt;/html&gt;</t:Body>`+oneHour)
		wants(t, version, c.mime(id), "PRODID:Microsoft Exchange Server "+year+"\n", "DESCRIPTION:A & B\n")
	}
}

// Zones change at the clock before the change.
func TestChangesOfServerTimeZones(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	text := c.say(`<m:GetServerTimeZones ReturnFullTimeZoneData="true"><m:Ids><t:Id>W. Europe Standard Time</t:Id></m:Ids></m:GetServerTimeZones>`)
	wants(t, "Berlin", text, `>dlt</t:To><t:TimeOffset>PT2H</t:TimeOffset><t:Month>3</t:Month>`, `>std</t:To><t:TimeOffset>PT3H</t:TimeOffset><t:Month>10</t:Month>`)
}

const makeFolder = `<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderId><m:Folders><t:Folder><t:FolderClass>IPF.Appointment</t:FolderClass><t:DisplayName>Zweiter</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>`

// A client makes a calendar, puts an item into it, and removes both.
func TestMadeFolder(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	before := len(c.server.World().Items(c.me()))
	made := c.say(makeFolder)
	folder := attrOf(made, "<t:CalendarFolder><t:FolderId", "Id")
	wants(t, "twice", c.say(makeFolder), "ErrorFolderExists")
	const find = `<m:FindFolder Traversal="Shallow"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:Restriction><t:IsEqualTo><t:FieldURI FieldURI="folder:DisplayName"/><t:FieldURIOrConstant><t:Constant Value="Zweiter"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction><m:ParentFolderIds><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderIds></m:FindFolder>`
	found := c.say(find)
	wants(t, "found", found, `Id="`+folder+`"`, "<t:DisplayName>Zweiter<", "IPF.Appointment")
	if strings.Contains(found, "Kalender") {
		t.Errorf("folders of another name: %s", found)
	}
	text := c.say(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:SavedItemFolderId><t:FolderId Id="` + folder + `"/></m:SavedItemFolderId><m:Items><t:CalendarItem><t:StartTimeZone Id="Tokyo Standard Time"/></t:CalendarItem></m:Items></m:CreateItem>`)
	id := attrOf(text, "<t:ItemId", "Id")
	wants(t, "its zone", c.mime(id), "TZID:Tokyo Standard Time\n", "TZOFFSETTO:+0900\n")
	if n := len(c.server.World().Items(c.me())); n != before {
		t.Errorf("%d items in the calendar, %d before", n, before)
	}
	remove := `<m:DeleteFolder DeleteType="HardDelete"><m:FolderIds><t:FolderId Id="` + folder + `"/>` + calendarFolder + `</m:FolderIds></m:DeleteFolder>`
	wants(t, "removed", c.say(remove), `ResponseClass="Success"`, "ErrorDeleteDistinguishedFolder")
	wants(t, "removed twice", c.say(remove), "ErrorItemNotFound")
	wants(t, "item of a removed folder", c.getItem(id), "ErrorItemNotFound")
	if strings.Contains(c.say(find), "Zweiter") {
		t.Error("the folder is still there")
	}
}

const userOptions = `<m:GetUserConfiguration><m:UserConfigurationName Name="OWA.UserOptions"><t:DistinguishedFolderId Id="root"/></m:UserConfigurationName><m:UserConfigurationProperties>All</m:UserConfigurationProperties></m:GetUserConfiguration>`

func TestUserConfiguration(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	wants(t, "options", c.say(userOptions), "<t:Value>timezone</t:Value>", "<t:Value>W. Europe Standard Time</t:Value>")
	wants(t, "others", c.say(strings.Replace(userOptions, "OWA.UserOptions", "Calendar", 1)), "ErrorItemNotFound")
	old := newClient(t, startWith(t, sandbox.Config{}, ewsfake.Options{Version: "Exchange2007_SP1"}))
	old.version = "Exchange2007_SP1"
	wants(t, "2007", old.say(userOptions), "ErrorInvalidRequest")
}

// Clients tell the id of an item from a name by its length.
func TestLengthOfItemIDs(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	id := c.create("SendToNone", oneHour)
	if len(id) < 140 || strings.Contains(id, "=") {
		t.Errorf("%d characters: %s", len(id), id)
	}
}

// TestMimeAnswersAreValid checks the answers about folders, options and
// iCalendar against the vendor's schema.
func TestMimeAnswersAreValid(t *testing.T) {
	t.Parallel()
	schemas := os.Getenv("KALENDS_SCHEMAS")
	if schemas == "" {
		t.Skip("KALENDS_SCHEMAS is not set")
	}
	for _, version := range []string{"Exchange2007_SP1", "Exchange2010_SP2", "Exchange2013_SP1", "Exchange2016"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, startWith(t, sandbox.Config{}, ewsfake.Options{Version: version}))
			c.version = version
			made, err := c.server.World().Create(c.me(), sandbox.Item{Subject: "Runde", Start: time.Date(2030, 1, 7, 9, 0, 0, 0, time.UTC), End: time.Date(2030, 1, 7, 10, 0, 0, 0, time.UTC)}, false)
			if err != nil {
				t.Fatal(err)
			}
			folder := attrOf(c.say(makeFolder), "FolderId", "Id")
			c.say(makeFolder)
			c.say(`<m:DeleteFolder DeleteType="HardDelete"><m:FolderIds><t:FolderId Id="` + folder + `"/>` + calendarFolder + `</m:FolderIds></m:DeleteFolder>`)
			if version != "Exchange2007_SP1" {
				c.say(userOptions)
				c.say(strings.Replace(userOptions, "OWA.UserOptions", "Calendar", 1))
			}
			c.mime(attrOf(c.say(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:CalendarView StartDate="2030-01-07T00:00:00Z" EndDate="2030-01-08T00:00:00Z"/><m:ParentFolderIds>`+calendarFolder+`</m:ParentFolderIds></m:FindItem>`), "<t:ItemId", "Id"))
			if made.ID == "" || len(c.answers) < 5 {
				t.Fatalf("%d answers", len(c.answers))
			}
			validate(t, schemaFile(schemas, version), c.answers)
		})
	}
}
