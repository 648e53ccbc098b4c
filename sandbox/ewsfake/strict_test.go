package ewsfake_test

import (
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

const shape = `<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>`

const getFolder = `<m:GetFolder>` + shape + `<m:FolderIds>` + calendarFolder + `</m:FolderIds></m:GetFolder>`

func TestRefusals(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	me := c.server.Ready().Exchange.(ewsfake.Block).TestEmail
	view := func(end string) string {
		return `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:CalendarView StartDate="2026-01-01T00:00:00Z" EndDate="` + end +
			`"/><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`
	}
	event := `<m:Items><t:CalendarItem><t:Subject>x</t:Subject></t:CalendarItem></m:Items>`
	cases := []struct {
		name, version, mailbox, operation, code string
		status                                  int
	}{
		{"wrong order", "Exchange2013_SP1", me, `<m:GetFolder><m:FolderIds>` + calendarFolder + `</m:FolderIds>` + shape + `</m:GetFolder>`, "ErrorSchemaValidation", 500},
		{"empty attendees", "Exchange2013_SP1", me, `<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:RequiredAttendees/></t:CalendarItem></m:Items></m:CreateItem>`, "ErrorSchemaValidation", 500},
		{"no such version", "Exchange2019", me, getFolder, "ErrorInvalidServerVersion", 500},
		{"version of a newer server", "Exchange2016", me, getFolder, "ErrorInvalidServerVersion", 500},
		{"outside the scope", "Exchange2013_SP1", "vera.vorstand@musterwerk.example", getFolder, "ErrorImpersonateUserDenied", 500},
		{"nobody", "Exchange2013_SP1", "klaus.altmann@musterwerk.example", getFolder, "ErrorNonExistentMailbox", 500},
		{"alias", "Exchange2013_SP1", "max.hofer@musterwerk.example", getFolder, "ErrorNonPrimarySmtpAddress", 500},
		{"three years", "Exchange2013_SP1", me, view("2029-01-02T00:00:00Z"), "ErrorCalendarViewRangeTooBig", 200},
		{"nobody told about invitations", "Exchange2013_SP1", me, `<m:CreateItem>` + event + `</m:CreateItem>`, "ErrorSendMeetingInvitationsRequired", 200},
		{"rooms on 2007", "Exchange2007_SP1", me, `<m:GetRoomLists/>`, "ErrorInvalidServerVersion", 500},
		{"fine", "Exchange2007_SP1", me, getFolder, "NoError", 200},
	}
	for _, q := range cases {
		status, text := c.ask(q.version, q.mailbox, q.operation)
		if status != q.status || !strings.Contains(text, ">"+q.code+"<") {
			t.Errorf("%s: %d %s; want %d %s", q.name, status, text, q.status, q.code)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	me := c.server.Ready().Exchange.(ewsfake.Block).TestEmail
	for kind, want := range map[string]string{
		"status_503": "", "expired_secret": "", "server_busy": "BackOffMilliseconds", "no_impersonation": "ErrorImpersonateUserDenied",
		"html": "<!DOCTYPE", "cut": "EOF", "truncated": "unexpected EOF", "ErrorMailboxMoveInProgress": "ErrorMailboxMoveInProgress",
	} {
		c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: kind, Count: 1})
		status, text := c.ask("Exchange2013_SP1", me, getFolder)
		if !strings.Contains(text, want) || status == 200 && strings.Contains(text, "NoError") && strings.HasSuffix(text, "Envelope>") {
			t.Errorf("%s: %d %.200s", kind, status, text)
		}
		if status, _ := c.ask("Exchange2013_SP1", me, getFolder); status != 200 {
			t.Errorf("%s struck twice", kind)
		}
	}
	if stats := c.server.Desk().Stats()["exchange"]; stats.Operations["GetFolder"] != 16 || stats.Faults["cut"] != 1 {
		t.Errorf("stats: %+v", stats)
	}
}

func TestAHeldRequestGoesOnWhenTheFaultIsRemoved(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	desk, block := c.server.Desk(), c.server.Ready().Exchange.(ewsfake.Block)
	desk.AddFault(sandbox.Fault{Provider: "exchange", Kind: "hold", Target: block.TestEmail})
	answered := make(chan int)
	go func() {
		status, _ := c.ask("Exchange2013_SP1", block.TestEmail, getFolder)
		answered <- status
	}()
	for desk.Stats()["exchange"].Faults["hold"] == 0 {
		runtime.Gosched()
	}
	if status, _ := c.ask("Exchange2013_SP1", block.ServiceAccount, getFolder); status != http.StatusOK {
		t.Errorf("another mailbox is held as well: %d", status)
	}
	if ended := len(desk.Calls("exchange", time.Time{})); ended != 1 {
		t.Errorf("%d requests have ended", ended)
	}
	desk.ClearFaultsOf(block.ServiceAccount, "hold")
	if len(desk.Faults()) != 1 {
		t.Error("the fault of another target is gone")
	}
	desk.ClearFaultsOf(block.TestEmail, "hold")
	if status := <-answered; status != http.StatusOK {
		t.Errorf("what was held is answered with %d", status)
	}
}

func TestAutodiscover(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	for email, want := range map[string]string{
		"admin@musterwerk.example": "<EwsUrl>https://mail.musterwerk.example/EWS/Exchange.asmx</EwsUrl>", "niemand@musterwerk.example": "<ErrorCode>500</ErrorCode>",
		"oskar.wolkenstein@musterwerk.example": "mail.onmicrosoft.com</RedirectAddr>",
	} {
		_, text := c.post("/autodiscover/autodiscover.xml", `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>`+email+
			`</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`)
		if !strings.Contains(text, want) {
			t.Errorf("%s: %s", email, text)
		}
	}
}

func TestRoomDeclinesClash(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{}))
	w := c.server.World()
	me, _ := w.Recipient("admin@musterwerk.example")
	item := sandbox.Item{
		Subject: "Interview", Start: w.Now().AddDate(1, 0, 0), End: w.Now().AddDate(1, 0, 0).Add(3600e9),
		Attendees: []sandbox.Attendee{{Email: "raum-isar@musterwerk.example", Kind: "resource"}},
	}
	var answers []string
	for range 2 {
		made, err := w.Create(me, item, true)
		if err != nil {
			t.Fatal(err)
		}
		w.Settle()
		now, err := w.Item(me, made.ID)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, now.Attendees[0].Response)
	}
	if answers[0] != "Accept" || answers[1] != "Decline" {
		t.Errorf("the room answered %v", answers)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(`<m:GetFolder/>`)
	for _, request := range append(slices.Clone(requests), requests2010...) {
		f.Add(request)
	}
	f.Add(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:Restriction><t:Not/></m:Restriction><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`)
	f.Add(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:Restriction><t:IsLessThan/></m:Restriction><m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`)
	f.Add(`<m:UpdateItem ConflictResolution="AutoResolve"><m:ItemChanges><t:ItemChange><t:ItemId Id="SXxifGl8MQ=="/><t:Updates/></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
	server, err := ewsfake.Start(f.Context(), sandbox.Config{People: 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = server.Close() })
	transport := newTransport(server) // one for all: a connection each would use up the machine's
	f.Fuzz(func(t *testing.T, operation string) {
		c := &client{t: t, server: server, http: transport}
		if status, text := c.ask("Exchange2013_SP1", "admin@musterwerk.example", operation); status == 0 {
			t.Fatalf("the connection broke: %s", text)
		}
	})
}

func BenchmarkGetFolder(b *testing.B) { benchmark(b, getFolder) }

func BenchmarkCalendarView(b *testing.B) {
	benchmark(b, `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="calendar:Start"/><t:FieldURI FieldURI="calendar:End"/><t:FieldURI FieldURI="calendar:LegacyFreeBusyStatus"/></t:AdditionalProperties></m:ItemShape><m:CalendarView StartDate="2026-10-01T00:00:00Z" EndDate="2027-03-01T00:00:00Z"/><m:ParentFolderIds>`+calendarFolder+`</m:ParentFolderIds></m:FindItem>`)
}
