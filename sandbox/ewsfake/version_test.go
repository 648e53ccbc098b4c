package ewsfake_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// control asks the sandbox's control API.
func (c *client) control(method, path, body string) (int, string) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.server.Ready().SandboxURL+"/_sandbox/"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do(http.DefaultClient, request)
}

// askAs sends an operation with a ConnectingSID of one's own.
func (c *client) askAs(version, connecting, operation string) (int, string) {
	c.t.Helper()
	return c.post("/EWS/Exchange.asmx", soapStart+`<t:RequestServerVersion Version="`+version+`"/><t:ExchangeImpersonation><t:ConnectingSID>`+connecting+
		`</t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body>`+operation+`</s:Body></s:Envelope>`)
}

func (c *client) me() *sandbox.Recipient {
	r, _ := c.server.World().Recipient(c.server.Ready().Exchange.(ewsfake.Block).TestEmail)
	return r
}

// expect asks and compares status and response code.
func (c *client) expect(name, version, operation string, status int, code string) {
	c.t.Helper()
	if got, text := c.ask(version, c.me().Email, operation); got != status || !strings.Contains(text, ">"+code+"<") {
		c.t.Errorf("%s: %d %.900s; want %d %s", name, got, text, status, code)
	}
}

func TestVersionsOfTheServer(t *testing.T) {
	t.Parallel()
	cases := []struct{ server, info, highest, tooNew string }{
		{"Exchange2007", `MajorVersion="8" MinorVersion="0" MajorBuildNumber="595" MinorBuildNumber="0" xmlns`, "Exchange2007", "Exchange2007_SP1"},
		{"Exchange2007_SP1", `MajorVersion="8" MinorVersion="1" MajorBuildNumber="436" MinorBuildNumber="0" Version="Exchange2007_SP1"`, "Exchange2007_SP1", "Exchange2010"},
		{"Exchange2010_SP2", `MajorVersion="14" MinorVersion="2"`, "Exchange2010_SP2", "Exchange2013"},
		{"Exchange2013_SP1", `MajorVersion="15" MinorVersion="0"`, "Exchange2013_SP1", "Exchange2016"},
		{"Exchange2016", `MajorVersion="15" MinorVersion="1"`, "V2017_07_11", "Exchange2019"},
		{"ExchangeSE", `MajorVersion="15" MinorVersion="2" MajorBuildNumber="2562"`, "Exchange2016", "V2023_01_01"},
	}
	for _, q := range cases {
		t.Run(q.server, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, startWith(t, sandbox.Config{People: 5}, ewsfake.Options{Version: q.server}))
			if _, text := c.ask(q.highest, c.me().Email, getFolder); !strings.Contains(text, q.info) || !strings.Contains(text, "NoError") {
				t.Errorf("%s", text)
			}
			c.expect("too new", q.tooNew, getFolder, 500, "ErrorInvalidServerVersion")
			c.expect("oldest", "Exchange2007", getFolder, 200, "NoError")
		})
	}
}

func TestOperationsOfTheVersion(t *testing.T) {
	t.Parallel()
	streaming := `<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>x</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>`
	zones := `<m:GetServerTimeZones/>`
	availability := `<m:GetUserAvailabilityRequest><m:MailboxDataArray/><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>2030-01-01T00:00:00</t:StartTime><t:EndTime>2030-01-02T00:00:00</t:EndTime></t:TimeWindow></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>`
	old := newClient(t, startWith(t, sandbox.Config{People: 5}, ewsfake.Options{Version: "Exchange2007_SP1"}))
	for _, operation := range []string{`<m:GetRoomLists/>`, zones, streaming} {
		old.expect("unknown to 2007", "Exchange2007_SP1", operation, 500, "ErrorInvalidRequest")
	}
	old.expect("no time zone", "Exchange2007_SP1", availability, 500, "ErrorSchemaValidation")
	c := newClient(t, startWith(t, sandbox.Config{People: 5}, ewsfake.Options{Version: "Exchange2010_SP2"}))
	c.expect("rooms", "Exchange2010", `<m:GetRoomLists/>`, 200, "NoError")
	c.expect("an older schema", "Exchange2007_SP1", `<m:GetRoomLists/>`, 500, "ErrorInvalidServerVersion")
	c.expect("streaming came with SP1", "Exchange2010", streaming, 500, "ErrorInvalidServerVersion")
	if status, text := c.ask("Exchange2010_SP2", c.me().Email, availability); status != 200 {
		t.Errorf("2010 needs no time zone: %s", text)
	}
}

func TestMailboxOnAnOlderServer(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	if status, text := c.control("PATCH", "mailboxes/"+c.me().Email, `{"server":"Exchange2007_SP1"}`); status != 200 {
		t.Fatal(text)
	}
	c.expect("newer schema", "Exchange2010", getFolder, 500, "ErrorInvalidSchemaVersionForMailboxVersion")
	_, text := c.ask("Exchange2007_SP1", c.me().Email, getFolder)
	if !strings.Contains(text, `MajorVersion="8"`) || !strings.Contains(text, "NoError") {
		t.Errorf("its own server does not answer: %s", text)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	if status, text := c.control("PATCH", "systems/exchange", `{"version":"Exchange2010_SP2","bare_version":true}`); status != 200 || !strings.Contains(text, `"Exchange2010_SP2"`) {
		t.Fatal(text)
	}
	if _, text := c.ask("Exchange2010_SP2", c.me().Email, getFolder); !strings.Contains(text, `MinorBuildNumber="9" xmlns:h`) {
		t.Errorf("%s", text)
	}
	for _, body := range []string{`{"version":"Exchange5.5"}`, `{"versoin":"Exchange2016"}`, `[]`} {
		if status, text := c.control("PATCH", "systems/exchange", body); status != 400 {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	c.control("POST", "reset", "")
	if _, text := c.control("GET", "systems/exchange", ""); !strings.Contains(text, `"Exchange2013_SP1"`) {
		t.Errorf("reset left %s", text)
	}
	if status, _ := c.control("GET", "systems/lotus", ""); status != 400 {
		t.Error(status)
	}
}

func TestImpersonation(t *testing.T) {
	t.Parallel()
	servers := map[string]*client{}
	for _, version := range []string{"Exchange2007_SP1", "Exchange2010_SP2"} {
		servers[version] = newClient(t, startWith(t, sandbox.Config{}, ewsfake.Options{Version: version}))
	}
	max, _ := servers["Exchange2010_SP2"].server.World().Recipient("max.hofer@musterwerk.example")
	cases := []struct{ name, version, connecting, code string }{
		{"by address on 2007", "Exchange2007_SP1", `<t:PrimarySmtpAddress>` + max.Email + `</t:PrimarySmtpAddress>`, "NoError"},
		{"by UPN on 2007", "Exchange2007_SP1", `<t:PrincipalName>` + max.Email + `</t:PrincipalName>`, "NoError"},
		{"by SID on 2007", "Exchange2007_SP1", `<t:SID>` + max.SID() + `</t:SID>`, "NoError"},
		{"by any address on 2007", "Exchange2007_SP1", `<t:SmtpAddress>` + max.Email + `</t:SmtpAddress>`, "ErrorSchemaValidation"},
		{"by any address", "Exchange2010", `<t:SmtpAddress>max.hofer@musterwerk.example</t:SmtpAddress>`, "NoError"},
		{"an alias as the primary one", "Exchange2010", `<t:PrimarySmtpAddress>max.hofer@musterwerk.example</t:PrimarySmtpAddress>`, "ErrorNonPrimarySmtpAddress"},
		{"by two", "Exchange2010", `<t:SID>` + max.SID() + `</t:SID><t:SmtpAddress>` + max.Email + `</t:SmtpAddress>`, "ErrorSchemaValidation"},
		{"a wrong UPN", "Exchange2010", `<t:PrincipalName>hofer</t:PrincipalName>`, "ErrorInvalidUserPrincipalName"},
		{"a wrong SID", "Exchange2010", `<t:SID>hofer</t:SID>`, "ErrorInvalidUserSid"},
		{"somebody unknown", "Exchange2010", `<t:SID>S-1-5-21-1-2-3-4</t:SID>`, "ErrorNonExistentMailbox"},
	}
	for _, q := range cases {
		c := servers["Exchange2010_SP2"]
		if q.version == "Exchange2007_SP1" {
			c = servers[q.version]
		}
		if _, text := c.askAs(q.version, q.connecting, getFolder); !strings.Contains(text, ">"+q.code+"<") {
			t.Errorf("%s: %s", q.name, text)
		}
	}
}

// TestTwoRightsOf2007 tells the server's right from the database's.
func TestTwoRightsOf2007(t *testing.T) {
	t.Parallel()
	c := newClient(t, startWith(t, sandbox.Config{}, ewsfake.Options{Version: "Exchange2007_SP1"}))
	for kind, code := range map[string]string{"no_impersonation": "ErrorImpersonationDenied", "no_database_right": "ErrorImpersonateUserDenied"} {
		c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: kind, Count: 1})
		c.expect(kind, "Exchange2007_SP1", getFolder, 500, code)
	}
	if _, text := c.ask("Exchange2007_SP1", "vera.vorstand@musterwerk.example", getFolder); !strings.Contains(text, ">ErrorImpersonateUserDenied<") {
		t.Errorf("%s", text)
	}
}

// TestZoneOfTheVersion: 2007 means naive times in MeetingTimeZone, later
// versions in StartTimeZone.
func TestZoneOfTheVersion(t *testing.T) {
	t.Parallel()
	create := func(zones string) string {
		return `<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:Subject>z</t:Subject><t:Start>2030-07-01T09:00:00</t:Start><t:End>2030-07-01T10:00:00</t:End>` + zones + `</t:CalendarItem></m:Items></m:CreateItem>`
	}
	meeting, start := `<t:MeetingTimeZone TimeZoneName="W. Europe Standard Time"/>`, `<t:StartTimeZone Id="W. Europe Standard Time"/>`
	for _, q := range []struct{ version, zones, want string }{
		{"Exchange2007_SP1", meeting, "2030-07-01T07:00:00Z"},
		{"Exchange2010_SP2", start, "2030-07-01T07:00:00Z"},
		{"Exchange2010_SP2", meeting, "2030-07-01T09:00:00Z"},
		{"Exchange2007_SP1", "", "2030-07-01T09:00:00Z"},
	} {
		c := newClient(t, startWith(t, sandbox.Config{People: 5}, ewsfake.Options{Version: q.version}))
		_, made := c.ask(q.version, c.me().Email, create(q.zones))
		_, text := c.ask(q.version, c.me().Email, `<m:GetItem><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="`+attrOf(made, "<t:ItemId", "Id")+`"/></m:ItemIds></m:GetItem>`)
		if !strings.Contains(text, "<t:Start>"+q.want+"<") {
			t.Errorf("%s %s: %s", q.version, q.zones, text)
		}
	}
}

func schemaFile(folder, version string) string {
	file := map[string]string{"Exchange2016": "SE", "Exchange2019": "SE", "ExchangeSE": "SE"}[version]
	if file == "" {
		file = strings.TrimPrefix(version, "Exchange")
	}
	return filepath.Join(folder, "ews-schema", "envelope-"+file+".xsd")
}
