package ewsfake_test

import (
	"net/http"
	"runtime"
	"strings"
	"testing"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// raw asks for the calendar folder and gives the whole answer's head.
func (c *client) raw() (status int, header http.Header, text string) {
	c.t.Helper()
	b := c.server.Ready().Exchange.(ewsfake.Block)
	body := soapStart + `<t:RequestServerVersion Version="Exchange2013_SP1"/><t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>` + c.me().Email +
		`</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body>` + getFolder + `</s:Body></s:Envelope>`
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "https://"+c.server.Resolve()["mail.musterwerk.example:443"]+"/EWS/Exchange.asmx", strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.SetBasicAuth(b.ServiceAccount, b.Password)
	client := *c.http
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Transport = spy{client.Transport, &status, &header}
	_, text = c.do(&client, request)
	return status, header, text
}

// spy keeps an answer's head.
type spy struct {
	http.RoundTripper
	status *int
	header *http.Header
}

func (s spy) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.RoundTripper.RoundTrip(r)
	if err == nil {
		*s.status, *s.header = response.StatusCode, response.Header
	}
	return response, err
}

func TestBusyInEveryForm(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	cases := []struct {
		kind   string
		status int
		parts  []string
		header string
	}{
		{"server_busy", 500, []string{"a:ErrorServerBusy", `<t:Value Name="Policy">EWSMaxConcurrency</t:Value><t:Value Name="MaxConcurrencyLimit">27</t:Value><t:Value Name="BackOffMilliseconds">7000</t:Value><t:Value`}, ""},
		{"server_busy_bare", 500, []string{"a:ErrorServerBusy", `Name="MaxConcurrencyLimit"`}, ""},
		{"message:ErrorServerBusy", 200, []string{`<m:ResponseCode>ErrorServerBusy<`, `<m:MessageXml><t:Value Name="Policy">`, `Name="BackOffMilliseconds">7000<`}, ""},
		{"status_503", 503, nil, "Retry-After"},
		{"status_401", 401, nil, "Www-Authenticate"},
		{"cut", 0, []string{"EOF"}, ""},
		{"error_page", 302, nil, "Location"},
		{"server_error_page", 500, []string{"Server Error in '/EWS' Application."}, ""},
		{"ErrorExceededConnectionCount", 500, []string{"a:ErrorExceededConnectionCount"}, ""},
		{"message:ErrorTimeoutExpired", 200, []string{`<m:ResponseCode>ErrorTimeoutExpired<`}, ""},
		{"ErrorTooManyObjectsOpened", 500, []string{"a:ErrorTooManyObjectsOpened"}, ""},
		{"ErrorInternalServerTransientError", 500, []string{"a:ErrorInternalServerTransientError"}, ""},
	}
	for _, q := range cases {
		c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: q.kind, Count: 1, DelayMS: map[bool]int{true: 0, false: 7000}[q.kind == "cut"], Target: c.me().Email})
		status, header, text := c.raw()
		if status != q.status || q.header != "" && header.Get(q.header) == "" {
			t.Errorf("%s: %d %v", q.kind, status, header)
		}
		wants(t, q.kind, text, q.parts...)
		if q.kind == "server_busy_bare" && strings.Contains(text, "BackOff") {
			t.Errorf("%s: %s", q.kind, text)
		}
		if status, _, text := c.raw(); status != 200 || !strings.Contains(text, ">NoError<") {
			t.Errorf("%s struck twice", q.kind)
		}
	}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+c.server.Resolve()["mail.musterwerk.example:443"]+"/ews/genericerrorpage.htm", nil)
	if status, text := c.do(c.http, request); status != 200 || !strings.Contains(text, "<html>") {
		t.Errorf("the error page: %d", status)
	}
}

// TestConcurrency: an account that has one request under way gets no second.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	for version, code := range map[string]string{"Exchange2010_SP2": "ErrorExceededConnectionCount", "Exchange2013_SP1": "ErrorServerBusy"} {
		c := newClient(t, startWith(t, sandbox.Config{People: 5}, ewsfake.Options{Version: version, Concurrency: 1}))
		c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "hold", Target: c.me().Email})
		held := make(chan string)
		go func() {
			_, text := c.ask("Exchange2010", c.me().Email, getFolder)
			held <- text
		}()
		for c.server.Desk().Stats()["exchange"].Faults["hold"] == 0 {
			runtime.Gosched() // until the first is under way
		}
		other := newClient(t, c.server)
		if _, text := other.ask("Exchange2010", "admin@musterwerk.example", getFolder); !strings.Contains(text, code) {
			t.Errorf("%s: the second: %s", version, text)
		}
		if c.server.Desk().Stats()["exchange"].LimitsHit == 0 {
			t.Error("not counted")
		}
		c.server.Desk().ClearFaults("")
		if text := <-held; !strings.Contains(text, ">NoError<") {
			t.Errorf("%s: the first: %s", version, text)
		}
	}
}

func TestFindCountLimit(t *testing.T) {
	t.Parallel()
	view := `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>%<m:ParentFolderIds>` + calendarFolder + `</m:ParentFolderIds></m:FindItem>`
	for version, cut := range map[string]bool{"Exchange2007_SP1": false, "Exchange2010_SP2": true} {
		c := newClient(t, startWith(t, sandbox.Config{People: 5, EventsPerMailbox: 1200}, ewsfake.Options{Version: version}))
		c.version = "Exchange2007_SP1"
		now := c.server.World().Now()
		window := `<m:CalendarView MaxEntriesReturned="2000" StartDate="` + now.AddDate(0, 0, -60).Format("2006-01-02T15:04:05Z") + `" EndDate="` + now.AddDate(0, 0, 120).Format("2006-01-02T15:04:05Z") + `"/>`
		found := c.say(strings.Replace(view, "%", window, 1))
		if n := len(idsIn(found)); (n == 1000) != cut || strings.Contains(found, `IncludesLastItemInRange="false"`) != cut {
			t.Errorf("%s: %d", version, n)
		}
		if all := c.say(strings.Replace(view, "%", "", 1)); strings.Contains(all, ">ErrorExceededFindCountLimit<") != cut {
			t.Errorf("%s without a page: %.300s", version, all)
		}
	}
}

// TestMailboxMoves: first nothing works, then every id of before is void.
func TestMailboxMoves(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	change := func(body string) {
		t.Helper()
		if status, text := c.control("PATCH", "mailboxes/"+c.me().Email, body); status != 200 {
			t.Fatal(text)
		}
	}
	folder, item, state := attrOf(c.say(getFolder), "<t:FolderId", "Id"), c.create("SendToNone", oneHour), stateOf(c.sync("", 512, ""))
	change(`{"moving":true}`)
	wants(t, "on its way", c.getItem(item)+c.sync(state, 1, "")+c.say(getFolder), ">ErrorMailboxMoveInProgress</m:ResponseCode>")
	change(`{"moving":false,"moves":1}`)
	wants(t, "the old item", c.getItem(item), ">ErrorItemNotFound<")
	wants(t, "the old state", c.sync(state, 1, ""), ">ErrorInvalidSyncStateData<")
	wants(t, "the old folder", c.say(strings.Replace(getFolder, calendarFolder, `<t:FolderId Id="`+folder+`"/>`, 1)), ">ErrorItemNotFound<")
	if now := attrOf(c.say(getFolder), "<t:FolderId", "Id"); now == folder || now == "" {
		t.Errorf("the folder is %q as before", now)
	}
	change(`{"site":"mail2"}`)
	wants(t, "passed on", c.say(getFolder), ">NoError<")
	c.control("PATCH", "systems/exchange", `{"cross_site":"proxy_denied"}`)
	wants(t, "not passed on", c.say(getFolder), ">ErrorProxyRequestNotAllowed<")
	c.control("PATCH", "systems/exchange", `{"cross_site":"redirect"}`)
	if status, header, _ := c.raw(); status != 302 || header.Get("Location") != "https://mail2.musterwerk.example/EWS/Exchange.asmx" {
		t.Errorf("%d %s", status, header.Get("Location"))
	}
}

func TestTraces(t *testing.T) {
	t.Parallel()
	c := newClient(t, start(t, sandbox.Config{People: 5}))
	_, header, _ := c.raw()
	if header.Get("request-id") == "" || !strings.Contains(strings.Join(header.Values("Set-Cookie"), ";"), "X-BackEndCookie=") {
		t.Errorf("%v", header)
	}
}
