package ewsfake_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// element is a request as the test changes it: prefixes stay as written.
type element struct {
	name  xml.Name
	attrs []xml.Attr
	text  string
	kids  []*element
}

func readElement(t *testing.T, text string) *element {
	t.Helper()
	decoder, root := xml.NewDecoder(strings.NewReader(text)), &element{}
	stack := []*element{root}
	for {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			return root.kids[0]
		}
		if err != nil {
			t.Fatal(err)
		}
		top := stack[len(stack)-1]
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name, attrs: slices.Clone(token.Attr)}
			top.kids = append(top.kids, e)
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(token)
		}
	}
}

func (e *element) write(b *strings.Builder) {
	name := e.name.Space + ":" + e.name.Local
	b.WriteString("<" + name)
	for _, a := range e.attrs {
		fmt.Fprintf(b, ` %s="%s"`, a.Name.Local, a.Value)
	}
	b.WriteString(">" + e.text)
	for _, kid := range e.kids {
		kid.write(b)
	}
	b.WriteString("</" + name + ">")
}

func (e *element) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

// bend calls yield with every request that differs from this one in one place:
// an element missing, twice, in another namespace, before its neighbour, with a
// child it does not know; an attribute missing, unknown or with another value;
// a leaf with another text.
func (e *element) bend(yield func(what string)) {
	e.bendAttrs(yield)
	if len(e.kids) == 0 {
		old := e.text
		e.text = "bent"
		yield("text of " + e.name.Local)
		e.text = old
	}
	for n, kid := range e.kids {
		e.bendKid(n, yield)
		kid.bend(yield)
	}
}

func (e *element) bendKid(n int, yield func(what string)) {
	kids, kid := e.kids, e.kids[n]
	try := func(what string, bent []*element) {
		e.kids = bent
		yield(what + " " + e.name.Local + "/" + kid.name.Local)
		e.kids = kids
	}
	try("without", slices.Delete(slices.Clone(kids), n, n+1))
	try("twice", slices.Insert(slices.Clone(kids), n, kid))
	try("with Bent before", slices.Insert(slices.Clone(kids), n, &element{name: xml.Name{Space: "t", Local: "Bent"}}))
	if n > 0 {
		swapped := slices.Clone(kids)
		swapped[n-1], swapped[n] = swapped[n], swapped[n-1]
		try("earlier", swapped)
	}
	other := *kid
	other.name.Space = map[string]string{"t": "m", "m": "t"}[kid.name.Space]
	try("in the other namespace", slices.Replace(slices.Clone(kids), n, n+1, &other))
}

func (e *element) bendAttrs(yield func(what string)) {
	attrs := e.attrs
	for n, a := range attrs {
		e.attrs = slices.Delete(slices.Clone(attrs), n, n+1)
		yield("without attribute " + e.name.Local + "@" + a.Name.Local)
		e.attrs = slices.Clone(attrs)
		e.attrs[n].Value = "bent"
		yield("value of attribute " + e.name.Local + "@" + a.Name.Local)
	}
	e.attrs = append(slices.Clone(attrs), xml.Attr{Name: xml.Name{Local: "Bent"}, Value: "1"})
	if e.name.Local != "RequestServerVersion" && len(e.kids)+len(attrs) > 0 {
		yield("with an attribute " + e.name.Local + "@Bent")
	}
	e.attrs = attrs
}

// newer are the parts of the requests below that came after 2007.
var newer = []string{
	`<t:StartTimeZone Id="UTC"/><t:EndTimeZone Id="UTC"/>`, `<m:SyncScope>NormalItems</m:SyncScope>`, `<t:SmtpAddress>x@y.example</t:SmtpAddress>`,
	` SuppressReadReceipts="true"`, `<t:FieldURI FieldURI="calendar:StartTimeZoneId"/>`, `<t:FieldURI FieldURI="calendar:EndTimeZone"/>`, `<t:FirstDayOfWeek>Monday</t:FirstDayOfWeek>`,
	` ContactDataShape="Default"`, `<t:LegacyFreeBusyStatus>WorkingElsewhere</t:LegacyFreeBusyStatus>`, ` SubscribeToAllFolders="true"`,
}

// requests of everything we answer; {} is a place for something newer.
var requests = func() []string {
	mark := `<t:ExtendedFieldURI PropertySetId="c11ff724-aa03-4555-9952-8fa248a11c3e" PropertyName="x" PropertyType="String"/>`
	who := `<t:Attendee><t:Mailbox><t:Name>A</t:Name><t:EmailAddress>a@b.example</t:EmailAddress></t:Mailbox></t:Attendee>`
	bias := `<t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>1</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>`
	item := func() string {
		return `<m:CreateItem MessageDisposition="SaveOnly" SendMeetingInvitations="SendToNone"><m:SavedItemFolderId>` + calendarFolder + `</m:SavedItemFolderId><m:Items><t:CalendarItem><t:Subject>x</t:Subject>` +
			`<t:Sensitivity>Private</t:Sensitivity><t:Body BodyType="Text">b</t:Body><t:Categories><t:String>c</t:String></t:Categories><t:Importance>High</t:Importance><t:ReminderIsSet>true</t:ReminderIsSet>` +
			`<t:ReminderMinutesBeforeStart>5</t:ReminderMinutesBeforeStart><t:ExtendedProperty>` + mark + `<t:Value>v</t:Value></t:ExtendedProperty><t:UID>u</t:UID><t:Start>2030-01-01T09:00:00Z</t:Start>` +
			`<t:End>2030-01-01T10:00:00Z</t:End><t:IsAllDayEvent>false</t:IsAllDayEvent><t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus><t:Location>l</t:Location><t:RequiredAttendees>` + who +
			`</t:RequiredAttendees><t:OptionalAttendees>` + who + `</t:OptionalAttendees><t:Resources>` + who + `</t:Resources></t:CalendarItem></m:Items></m:CreateItem>`
	}
	small := func(rest string) string {
		return `<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:Subject>x</t:Subject>` + rest + `</t:CalendarItem></m:Items></m:CreateItem>`
	}
	recurring := func(pattern, limit string) string {
		return small(`<t:Recurrence>` + pattern + limit + `</t:Recurrence>`)
	}
	subscription := `<t:FolderIds>` + calendarFolder + `</t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes>`
	none, until, count := `<t:NoEndRecurrence><t:StartDate>2030-01-01</t:StartDate></t:NoEndRecurrence>`, `<t:EndDateRecurrence><t:StartDate>2030-01-01</t:StartDate><t:EndDate>2031-01-01</t:EndDate></t:EndDateRecurrence>`,
		`<t:NumberedRecurrence><t:StartDate>2030-01-01</t:StartDate><t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence>`
	mime := `<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:MimeContent CharacterSet="UTF-8">QkVHSU4=</t:MimeContent><t:ParentFolderId Id="bm8="/></t:CalendarItem></m:Items></m:CreateItem>`
	return []string{
		getFolder,
		`<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>Default</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="folder:DisplayName"/></t:AdditionalProperties></m:FolderShape><m:IndexedPageFolderView MaxEntriesReturned="9" Offset="0" BasePoint="Beginning"/><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindFolder>`,
		`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="calendar:UID"/><t:FieldURI FieldURI="calendar:EndTimeZone"/><t:FieldURI FieldURI="calendar:StartTimeZoneId"/></t:AdditionalProperties></m:ItemShape><m:CalendarView MaxEntriesReturned="9" StartDate="2030-01-01T00:00:00Z" EndDate="2030-02-01T00:00:00Z"/><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`,
		`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned="9" Offset="0" BasePoint="Beginning"/><m:Restriction><t:And><t:IsEqualTo>` + mark + `<t:FieldURIOrConstant><t:Constant Value="x"/></t:FieldURIOrConstant></t:IsEqualTo><t:Not><t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase"><t:FieldURI FieldURI="item:Subject"/><t:Constant Value="x"/></t:Contains></t:Not></t:And></m:Restriction><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`,
		`<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:BodyType>Text</t:BodyType></m:ItemShape><m:ItemIds><t:ItemId Id="bm8=" ChangeKey="bm8="/><t:OccurrenceItemId RecurringMasterId="bm8=" InstanceIndex="1"/><t:RecurringMasterItemId OccurrenceId="bm8="/></m:ItemIds></m:GetItem>`,
		item(), small(`<t:MeetingTimeZone TimeZoneName="UTC"/>`), small(`<t:StartTimeZone Id="UTC"/><t:EndTimeZone Id="UTC"/>`),
		recurring(`<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>`, none),
		recurring(`<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday Tuesday</t:DaysOfWeek><t:FirstDayOfWeek>Monday</t:FirstDayOfWeek></t:WeeklyRecurrence>`, until),
		recurring(`<t:AbsoluteMonthlyRecurrence><t:Interval>1</t:Interval><t:DayOfMonth>3</t:DayOfMonth></t:AbsoluteMonthlyRecurrence>`, count),
		recurring(`<t:RelativeYearlyRecurrence><t:DaysOfWeek>Monday</t:DaysOfWeek><t:DayOfWeekIndex>Last</t:DayOfWeekIndex><t:Month>May</t:Month></t:RelativeYearlyRecurrence>`, count),
		`<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:AcceptItem><t:Body BodyType="Text">b</t:Body><t:ReferenceItemId Id="bm8=" ChangeKey="bm8="/></t:AcceptItem></m:Items></m:CreateItem>`,
		`<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:CancelCalendarItem><t:ReferenceItemId Id="bm8=" ChangeKey="bm8="/><t:NewBodyContent BodyType="Text">b</t:NewBodyContent></t:CancelCalendarItem></m:Items></m:CreateItem>`,
		`<m:UpdateItem ConflictResolution="AutoResolve" MessageDisposition="SaveOnly" SendMeetingInvitationsOrCancellations="SendToNone" SuppressReadReceipts="true"><m:ItemChanges><t:ItemChange><t:ItemId Id="bm8=" ChangeKey="bm8="/><t:Updates><t:SetItemField><t:FieldURI FieldURI="calendar:LegacyFreeBusyStatus"/><t:CalendarItem><t:LegacyFreeBusyStatus>WorkingElsewhere</t:LegacyFreeBusyStatus></t:CalendarItem></t:SetItemField><t:DeleteItemField><t:FieldURI FieldURI="calendar:Location"/></t:DeleteItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`,
		`<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds><t:ItemId Id="bm8="/></m:ItemIds></m:DeleteItem>`,
		`<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>` + calendarFolder + `</m:SyncFolderId><m:SyncState>bm8=</m:SyncState><m:MaxChangesReturned>512</m:MaxChangesReturned><m:SyncScope>NormalItems</m:SyncScope></m:SyncFolderItems>`,
		`<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>0</t:Bias><t:StandardTime>` + bias + `</t:StandardTime><t:DaylightTime>` + bias + `</t:DaylightTime></t:TimeZone><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>a@b.example</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>2030-01-01T00:00:00</t:StartTime><t:EndTime>2030-01-02T00:00:00</t:EndTime></t:TimeWindow><t:RequestedView>Detailed</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>`,
		`<m:ResolveNames ReturnFullContactData="true" SearchScope="ActiveDirectory" ContactDataShape="Default"><m:UnresolvedEntry>x</m:UnresolvedEntry></m:ResolveNames>`,
		`<m:ExpandDL><m:Mailbox><t:EmailAddress>a@b.example</t:EmailAddress></m:Mailbox></m:ExpandDL>`,
		`<m:ConvertId DestinationFormat="EwsId"><m:SourceIds><t:AlternateId Format="EwsId" Id="bm8=" Mailbox="a@b.example"/></m:SourceIds></m:ConvertId>`,
		`<m:Subscribe><m:PullSubscriptionRequest SubscribeToAllFolders="true">` + subscription + `<t:Timeout>30</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>`,
		`<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderId><m:Folders><t:Folder><t:FolderClass>IPF.Appointment</t:FolderClass><t:DisplayName>x</t:DisplayName></t:Folder><t:CalendarFolder><t:DisplayName>y</t:DisplayName></t:CalendarFolder></m:Folders></m:CreateFolder>`,
		`<m:DeleteFolder DeleteType="HardDelete"><m:FolderIds>` + calendarFolder + `</m:FolderIds></m:DeleteFolder>`, mime,
		`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds><t:ItemId Id="bm8="/></m:ItemIds></m:GetItem>`,
		`<m:Unsubscribe><m:SubscriptionId>x</m:SubscriptionId></m:Unsubscribe>`, `<m:GetEvents><m:SubscriptionId>x</m:SubscriptionId><m:Watermark>y</m:Watermark></m:GetEvents>`,
	}
}()

// requests2010 do not exist in 2007.
var requests2010 = []string{
	`<m:GetUserConfiguration><m:UserConfigurationName Name="OWA.UserOptions"><t:DistinguishedFolderId Id="root"/></m:UserConfigurationName><m:UserConfigurationProperties>All</m:UserConfigurationProperties></m:GetUserConfiguration>`,
	`<m:GetRooms><m:RoomList><t:EmailAddress>a@b.example</t:EmailAddress></m:RoomList></m:GetRooms>`,
	`<m:GetServerTimeZones ReturnFullTimeZoneData="true"><m:Ids><t:Id>UTC</t:Id></m:Ids></m:GetServerTimeZones>`,
	`<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds>` + calendarFolder + `</t:FolderIds><t:EventTypes><t:EventType>FreeBusyChangedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>`,
	`<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>x</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>`,
}

const soapStart = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Header>`

// TestSameVerdictAsTheSchema bends requests in every single place and compares
// what the server says with Microsoft's schema of that version.
func TestSameVerdictAsTheSchema(t *testing.T) {
	t.Parallel()
	schemas := os.Getenv("KALENDS_SCHEMAS")
	if schemas == "" {
		t.Skip("KALENDS_SCHEMAS is not set")
	}
	for _, version := range []string{"Exchange2007_SP1", "Exchange2010_SP1", "Exchange2010_SP2", "Exchange2013_SP1", "Exchange2016"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			server := startWith(t, sandbox.Config{People: 3}, ewsfake.Options{Version: version})
			c := newClient(t, server)
			var names, texts []string
			collect := func(name, operation string) {
				names = append(names, name)
				texts = append(texts, soapStart+`<t:RequestServerVersion Version="`+version+`"/></s:Header><s:Body>`+operation+`</s:Body></s:Envelope>`)
			}
			all := slices.Clone(requests)
			if version != "Exchange2007_SP1" {
				all = append(all, requests2010...)
			}
			for _, request := range all {
				collect("whole "+request, request)
				e := readElement(t, plainest(version, request))
				e.bend(func(what string) { collect(what+" in "+e.name.Local, e.String()) })
			}
			compareVerdicts(t, c, schemaFile(schemas, version), names, texts)
		})
	}
}

// plainest takes out of a request what the oldest schema lacks, so that one
// bend is the only difference.
func plainest(version, request string) string {
	if version == "Exchange2016" || version == "Exchange2013_SP1" {
		return request
	}
	for _, part := range newer {
		request = strings.ReplaceAll(request, part, strings.Repeat(`<t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus>`, strings.Count(part, "WorkingElsewhere")))
	}
	return request
}

func compareVerdicts(t *testing.T, c *client, schema string, names, texts []string) {
	t.Helper()
	bad := invalid(t, schema, texts)
	wrong := 0
	for n, text := range texts {
		_, answer := c.post("/EWS/Exchange.asmx", text)
		if refused := strings.Contains(answer, "ErrorSchemaValidation"); refused != bad[n] {
			if wrong++; wrong < 40 {
				t.Errorf("%s: refused %v, invalid by the schema %v", names[n], refused, bad[n])
			}
		}
	}
	t.Logf("%d requests, %d verdicts differ", len(texts), wrong)
}

// invalid asks xmllint which texts break the schema.
func invalid(t *testing.T, schema string, texts []string) map[int]bool {
	t.Helper()
	dir, args := t.TempDir(), []string{"--nonet", "--noout", "--schema", schema}
	for n, text := range texts {
		path := filepath.Join(dir, fmt.Sprintf("%05d.xml", n))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	out, _ := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput()
	bad, good := map[int]bool{}, 0
	for line := range bytes.Lines(out) {
		name, verdict, _ := strings.Cut(strings.TrimSpace(string(line)), ".xml ")
		var n int
		if _, err := fmt.Sscanf(filepath.Base(name), "%d", &n); err != nil {
			continue
		}
		switch verdict {
		case "validates":
			good++
		case "fails to validate":
			bad[n] = true
		}
	}
	if good+len(bad) != len(texts) {
		t.Fatalf("xmllint judged %d of %d", good+len(bad), len(texts))
	}
	return bad
}
