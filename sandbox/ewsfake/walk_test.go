package ewsfake_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// client speaks raw EWS to a sandbox and keeps every answer.
type client struct {
	t       *testing.T
	server  *sandbox.Server
	http    *http.Client
	answers []string
	version string // of RequestServerVersion in say
}

func newClient(t *testing.T, server *sandbox.Server) *client {
	return &client{t: t, server: server, version: "Exchange2013_SP1", http: newTransport(server)}
}

func newTransport(server *sandbox.Server) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server.CAPEM())
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "mail.musterwerk.example"},
	}}
}

// ask sends one operation acting for a mailbox ("" = without impersonation).
func (c *client) ask(version, mailbox, operation string) (int, string) {
	c.t.Helper()
	header := `<t:RequestServerVersion Version="` + version + `"/>`
	if mailbox != "" {
		header += `<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>` + mailbox + `</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`
	}
	body := `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Header>` +
		header + `</s:Header><s:Body>` + operation + `</s:Body></s:Envelope>`
	return c.post("/EWS/Exchange.asmx", body)
}

func (c *client) post(path, body string) (int, string) {
	c.t.Helper()
	b := c.server.Ready().Exchange.(ewsfake.Block)
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "https://"+c.server.Resolve()["mail.musterwerk.example:443"]+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.SetBasicAuth(b.ServiceAccount, b.Password)
	status, text := c.do(c.http, request)
	if status != 0 {
		c.answers = append(c.answers, text)
	}
	return status, text
}

// do gives status and body, or 0 and the error's text.
func (c *client) do(client *http.Client, request *http.Request) (int, string) {
	response, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}

func attrOf(text, marker, attr string) string {
	_, rest, _ := strings.Cut(text, marker)
	_, rest, _ = strings.Cut(rest, attr+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

const calendarFolder = `<t:DistinguishedFolderId Id="calendar"/>`

// walk asks for everything the server can do and returns nothing: answers are kept.
func (c *client) walk(version string) {
	me := c.server.Ready().Exchange.(ewsfake.Block).TestEmail
	now := c.server.World().Now().UTC()
	at := func(hours int) string {
		return now.AddDate(0, 0, 300).Format("2006-01-02T") + fmt.Sprintf("%02d:00:00Z", hours)
	}
	ask := func(operation string) string {
		_, text := c.ask(version, me, operation)
		return text
	}
	ask(`<m:GetFolder><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape><m:FolderIds>` + calendarFolder + `<t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder>`)
	ask(`<m:FindFolder Traversal="Deep"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:ParentFolderIds><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderIds></m:FindFolder>`)
	for _, shape := range []string{"IdOnly", "Default", "AllProperties"} {
		found := ask(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>` + shape + `</t:BaseShape></m:ItemShape><m:CalendarView StartDate="` +
			now.AddDate(0, 0, -40).Format("2006-01-02T15:04:05Z") + `" EndDate="` + now.AddDate(0, 0, 80).Format("2006-01-02T15:04:05Z") + `"/><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`)
		ask(`<m:GetItem><m:ItemShape><t:BaseShape>` + shape + `</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="` + attrOf(found, "<t:ItemId", "Id") + `"/><t:ItemId Id="bm9wZQ=="/></m:ItemIds></m:GetItem>`)
	}
	all := ask(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned="20" Offset="0" BasePoint="Beginning"/><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`)
	for _, part := range strings.Split(all, "<t:CalendarItem>")[1:] {
		ask(`<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="` + attrOf(part, "<t:ItemId", "Id") + `"/></m:ItemIds></m:GetItem>`)
	}
	stamp := `<t:ExtendedFieldURI PropertySetId="c11ff724-aa03-4555-9952-8fa248a11c3e" PropertyName="eventId" PropertyType="String"/>`
	made := ask(`<m:CreateItem SendMeetingInvitations="SendToAllAndSaveCopy"><m:SavedItemFolderId>` + calendarFolder + `</m:SavedItemFolderId><m:Items><t:CalendarItem><t:Subject>A &amp; B</t:Subject><t:ExtendedProperty>` + stamp +
		`<t:Value>evt_1</t:Value></t:ExtendedProperty><t:Start>` + at(9) + `</t:Start><t:End>` + at(10) + `</t:End><t:Resources><t:Attendee><t:Mailbox><t:EmailAddress>raum-elbe@musterwerk.example</t:EmailAddress></t:Mailbox></t:Attendee></t:Resources></t:CalendarItem></m:Items></m:CreateItem>`)
	id := attrOf(made, "<t:ItemId", "Id")
	c.server.World().Settle()
	found := ask(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` + stamp + `</t:AdditionalProperties></m:ItemShape><m:Restriction><t:IsEqualTo>` + stamp +
		`<t:FieldURIOrConstant><t:Constant Value="evt_1"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`)
	if !strings.Contains(found, id) || !strings.Contains(found, ">evt_1<") {
		c.t.Errorf("%s: the stamped item is not found: %s", version, found)
	}
	got := ask(`<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="` + id + `"/></m:ItemIds></m:GetItem>`)
	if !strings.Contains(got, "<t:ResponseType>Accept</t:ResponseType>") {
		c.t.Errorf("%s: the room did not accept: %s", version, got)
	}
	ask(`<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToAllAndSaveCopy"><m:ItemChanges><t:ItemChange><t:ItemId Id="` + id +
		`"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="calendar:Start"/><t:CalendarItem><t:Start>` + at(8) + `</t:Start></t:CalendarItem></t:SetItemField><t:DeleteItemField><t:FieldURI FieldURI="calendar:Resources"/></t:DeleteItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
	synced := ask(`<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>` + calendarFolder + `</m:SyncFolderId><m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>`)
	_, state, _ := strings.Cut(synced, "<m:SyncState>")
	state, _, _ = strings.Cut(state, "<")
	ask(`<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToAllAndSaveCopy"><m:ItemIds><t:ItemId Id="` + id + `"/></m:ItemIds></m:DeleteItem>`)
	again := ask(`<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>` + calendarFolder + `</m:SyncFolderId><m:SyncState>` + state + `</m:SyncState><m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>`)
	if !strings.Contains(again, "<t:Delete>") {
		c.t.Errorf("%s: the deletion is not reported: %s", version, again)
	}
	bias := `<t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>1</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>`
	ask(`<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>0</t:Bias><t:StandardTime>` + bias + `</t:StandardTime><t:DaylightTime>` + bias + `</t:DaylightTime></t:TimeZone><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>` + me +
		`</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData><t:MailboxData><t:Email><t:Address>niemand@musterwerk.example</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>` +
		now.Format("2006-01-02T15:04:05") + `</t:StartTime><t:EndTime>` + now.AddDate(0, 0, 30).Format("2006-01-02T15:04:05") + `</t:EndTime></t:TimeWindow><t:RequestedView>DetailedMerged</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>`)
	for _, name := range []string{"smtp:" + me, "raum", "niemand", "oskar", "team-vertrieb", "lena.f"} {
		ask(`<m:ResolveNames ReturnFullContactData="true" SearchScope="ActiveDirectory"><m:UnresolvedEntry>` + name + `</m:UnresolvedEntry></m:ResolveNames>`)
	}
	if expanded := ask(`<m:ExpandDL><m:Mailbox><t:EmailAddress>raeume-werk2@musterwerk.example</t:EmailAddress></m:Mailbox></m:ExpandDL>`); !strings.Contains(expanded, "raum-donau@") {
		c.t.Errorf("%s: the group has no members: %s", version, expanded)
	}
	ask(`<m:ExpandDL><m:Mailbox><t:EmailAddress>` + me + `</t:EmailAddress></m:Mailbox></m:ExpandDL>`)
	if version != "Exchange2007_SP1" {
		ask(`<m:GetRoomLists/>`)
		ask(`<m:GetRooms><m:RoomList><t:EmailAddress>raeume-werk2@musterwerk.example</t:EmailAddress></m:RoomList></m:GetRooms>`)
		ask(`<m:GetRooms><m:RoomList><t:EmailAddress>nichts@musterwerk.example</t:EmailAddress></m:RoomList></m:GetRooms>`)
		ask(`<m:GetServerTimeZones ReturnFullTimeZoneData="true"/>`)
		ask(`<m:GetServerTimeZones ReturnFullTimeZoneData="false"/>`)
	}
	ask(`<m:ConvertId DestinationFormat="EwsId"><m:SourceIds><t:AlternateId Format="EwsId" Id="` + id + `" Mailbox="` + me + `"/><t:AlternateId Format="EwsId" Id="AAA=" Mailbox="` + me + `"/></m:SourceIds></m:ConvertId>`)
	for _, who := range []string{"vera.vorstand@musterwerk.example", "max.hofer@musterwerk.example", "klaus.altmann@musterwerk.example"} {
		c.ask(version, who, `<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>`+calendarFolder+`</m:FolderIds></m:GetFolder>`)
	}
	ask(`<m:GetFolder><m:FolderIds>` + calendarFolder + `</m:FolderIds></m:GetFolder>`)
}

// TestAnswersAreValid checks every answer of a broad walk against Microsoft's schema.
func TestAnswersAreValid(t *testing.T) {
	t.Parallel()
	schemas := os.Getenv("KALENDS_SCHEMAS")
	if schemas == "" {
		t.Skip("KALENDS_SCHEMAS is not set")
	}
	for _, version := range []string{"Exchange2007_SP1", "Exchange2010_SP1", "Exchange2010_SP2", "Exchange2013_SP1", "Exchange2016"} {
		for _, server := range []string{version, "ExchangeSE"} {
			t.Run(version+" on "+server, func(t *testing.T) {
				t.Parallel()
				c := newClient(t, startWith(t, sandbox.Config{}, ewsfake.Options{Version: server}))
				c.walk(version)
				if len(c.answers) < 40 {
					t.Fatalf("only %d answers", len(c.answers))
				}
				validate(t, schemaFile(schemas, version), c.answers)
			})
		}
	}
}

func validate(t *testing.T, schema string, answers []string) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"--nonet", "--noout", "--schema", schema}
	for n, text := range answers {
		path := filepath.Join(dir, fmt.Sprintf("%03d.xml", n))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	out, err := exec.CommandContext(t.Context(), "xmllint", args...).CombinedOutput()
	if err == nil {
		return
	}
	for line := range bytes.Lines(out) {
		if !bytes.Contains(line, []byte(" validates")) {
			t.Logf("%.400s", line)
		}
	}
	t.Errorf("answers do not validate against %s: %v", schema, err)
}

// DavMail learns its own address from ConvertId, and what a folder holds and
// whether it changed from MAPI's properties.
func TestFoldersOfDavMail(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	me := c.me().Email
	const ask = `<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="folder:DisplayName"/>` +
		`<t:ExtendedFieldURI PropertyTag="0x3613" PropertyType="String"/><t:ExtendedFieldURI PropertyTag="0x670a" PropertyType="SystemTime"/></t:AdditionalProperties></m:FolderShape>` +
		`<m:FolderIds>` + calendarFolder + `</m:FolderIds></m:GetFolder>`
	_, before := c.ask("Exchange2010_SP2", me, ask)
	if !strings.Contains(before, `PropertyTag="0x3613" PropertyType="String"/><t:Value>IPF.Appointment</t:Value>`) {
		t.Errorf("no class: %s", before)
	}
	if _, again := c.ask("Exchange2010_SP2", me, ask); again != before {
		t.Errorf("nothing happened, and yet: %s", again)
	}
	if _, err := c.server.World().Create(c.me(), sandbox.Item{Subject: "neu"}, false); err != nil {
		t.Fatal(err)
	}
	if _, after := c.ask("Exchange2010_SP2", me, ask); after == before {
		t.Errorf("a change does not show: %s", after)
	}
	_, id, _ := strings.Cut(before, `<t:FolderId Id="`)
	id, _, _ = strings.Cut(id, `"`)
	_, text := c.ask("Exchange2010_SP2", me, `<m:ConvertId DestinationFormat="EwsId"><m:SourceIds><t:AlternateId Format="EwsId" Id="`+id+`" Mailbox="blah@blah.com"/></m:SourceIds></m:ConvertId>`)
	if !strings.Contains(text, `Mailbox="`+me+`"`) {
		t.Errorf("whose folder: %s", text)
	}
}

// DavMail searches series by PidLidRecurring and reads when an item changed.
func TestSearchOfDavMail(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	singles, series := 0, 0
	for _, item := range c.server.World().Items(c.me()) {
		if item.Rule == nil {
			singles++
		} else {
			series++
		}
	}
	for value, want := range map[string]int{"true": series, "false": singles} {
		_, text := c.ask("Exchange2013", c.me().Email, `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>`+
			`<t:ExtendedFieldURI PropertyTag="0x3008" PropertyType="SystemTime"/><t:ExtendedFieldURI PropertyTag="0x37" PropertyType="String"/></t:AdditionalProperties></m:ItemShape>`+
			`<m:IndexedPageItemView MaxEntriesReturned="500" Offset="0" BasePoint="Beginning"/><m:Restriction><t:IsEqualTo>`+
			`<t:ExtendedFieldURI DistinguishedPropertySetId="Appointment" PropertyId="33315" PropertyType="Boolean"/><t:FieldURIOrConstant><t:Constant Value="`+value+
			`"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction><m:ParentFolderIds>`+calendarFolder+`</m:ParentFolderIds></m:FindItem>`)
		found, dated := strings.Count(text, "<t:CalendarItem>"), strings.Count(text, `PropertyTag="0x3008" PropertyType="SystemTime"/><t:Value>20`)
		if want == 0 || found != want || dated != want {
			t.Errorf("recurring %s: %d found, %d with a time, want %d", value, found, dated, want)
		}
	}
}

// DavMail asks for items in the order of their making and drops what has no
// number, or a lower one than the last.
func TestNumbersOfDavMail(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	for _, day := range []string{"2030-02-09", "2030-02-08"} {
		c.create("SendToNone", `<t:Start>`+day+`T09:00:00Z</t:Start><t:End>`+day+`T10:00:00Z</t:End>`)
	}
	const number = `<t:ExtendedFieldURI PropertyTag="0xe23" PropertyType="Integer"/>`
	for order, sign := range map[string]int{"Ascending": 1, "Descending": -1} {
		text := c.say(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` + number + `</t:AdditionalProperties></m:ItemShape>` +
			`<m:SortOrder><t:FieldOrder Order="` + order + `">` + number + `</t:FieldOrder></m:SortOrder><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`)
		last := 0
		for n, part := range strings.Split(text, number+"<t:Value>")[1:] {
			value, _, _ := strings.Cut(part, "<")
			next, err := strconv.Atoi(value)
			if err != nil || next <= 0 || n > 0 && (next-last)*sign <= 0 {
				t.Errorf("%s: %q after %d (%v)", order, value, last, err)
			}
			last = next
		}
		if last == 0 {
			t.Errorf("%s: no numbers in %.600s", order, text)
		}
	}
}

// DavMail writes subject and body by their MAPI names.
func TestTextsOfDavMail(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	id := c.create("SendToNone", `<t:Body BodyType="HTML">alt</t:Body>`+oneHour)
	set := func(tag, value string) string {
		path := `<t:ExtendedFieldURI PropertyTag="` + tag + `" PropertyType="String"/>`
		if value == "" {
			return `<t:DeleteItemField>` + path + `</t:DeleteItemField>`
		}
		return `<t:SetItemField>` + path + `<t:Item><t:ExtendedProperty>` + path + `<t:Value>` + value + `</t:Value></t:ExtendedProperty></t:Item></t:SetItemField>`
	}
	c.update(id, "", "AlwaysOverwrite", set("0x37", "neu")+set("0x1000", "auch neu"))
	wants(t, "set", c.getItem(id), "<t:Subject>neu<", `<t:Body BodyType="Text">auch neu<`)
	c.update(id, "", "AlwaysOverwrite", set("0x1000", ""))
	wants(t, "deleted", c.getItem(id), "<t:Subject>neu<", `<t:Body BodyType="Text"></t:Body>`)
}
