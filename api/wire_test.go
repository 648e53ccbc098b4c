package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/api"
	"kalends/cronofy"
)

const form = "application/x-www-form-urlencoded"

// TestDialects sends what the SDKs send, as the reference describes it.
func TestDialects(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(3)
	email, other := people[0], people[1]
	company, companyToken := h.connect(h.client)
	_, person := h.person(h.client, company, email)
	as := func(token string) map[string]string {
		return map[string]string{"Authorization": "Bearer " + token, "X-Dialect": "yes"}
	}
	with := func(token, name, value string) map[string]string {
		header := as(token)
		header[name] = value
		return header
	}
	ids := fmt.Sprintf("client_id=%s&client_secret=%s", h.app.ClientID, h.secret)
	refresh := fmt.Sprintf(`{"client_id":%q,"client_secret":%q,"grant_type":"refresh_token","refresh_token":%q,"code":null}`, h.app.ClientID, h.secret, person.RefreshToken)
	one := fmt.Sprintf(`{"email":%q,"callback_url":%q,"scope":["read_account","list_calendars"],"state":null}`, other, h.receiver.url+"/x")
	bulk := `{"state":"default","service_account_authorizations":[` + one + `]}`
	const auths = "/v1/service_account_authorizations"
	cases := map[string]struct {
		raw
		want int
	}{
		"python get with body":         {raw{"GET", "/v1/account", "{}", with(person.AccessToken, "Content-Type", "application/json")}, 200},
		"trailing slash":               {raw{"GET", "/v1/calendars/", "", as(person.AccessToken)}, 200},
		"csharp content encoding":      {raw{"POST", auths, one, with(companyToken.AccessToken, "Content-Encoding", "gzip;q=1.0,deflate;q=0.6,identity;q=0.3")}, 202},
		"scheme in another case":       {raw{"GET", "/v1/userinfo", "", map[string]string{"Authorization": "bearer " + person.AccessToken}}, 200},
		"ruby form refresh":            {raw{"POST", "/oauth/token", ids + "&grant_type=refresh_token&refresh_token=" + person.RefreshToken, map[string]string{"Content-Type": form}}, 200},
		"node authorization ignored":   {raw{"POST", "/oauth/token", refresh, with("undefined", "Content-Type", "application/json; charset=utf-8")}, 200},
		"no content type":              {raw{"POST", "/oauth/token", refresh, map[string]string{"X-Dialect": "yes"}}, 200},
		"revoke of unknown":            {raw{"POST", "/oauth/token/revoke", ids + "&token=unknown", map[string]string{"Content-Type": form}}, 200},
		"revoke wrong client":          {raw{"POST", "/oauth/token/revoke", "client_id=x&client_secret=y&token=z", map[string]string{"Content-Type": form}}, 400},
		"token wrong client":           {raw{"POST", "/oauth/token", "client_id=x&client_secret=y", map[string]string{"Content-Type": form}}, 401},
		"client in the query":          {raw{"POST", "/oauth/token/revoke?" + ids + "&token=z", "", nil}, 400},
		"no grant type":                {raw{"POST", "/oauth/token", ids, map[string]string{"Content-Type": form}}, 400},
		"other grant type":             {raw{"POST", "/oauth/token", ids + "&grant_type=password", map[string]string{"Content-Type": form}}, 400},
		"oauth broken json":            {raw{"POST", "/oauth/token", "{", nil}, 400},
		"python bulk with state":       {raw{"POST", auths, bulk, as(companyToken.AccessToken)}, 202},
		"single":                       {raw{"POST", auths, one, as(companyToken.AccessToken)}, 202},
		"mixed forms":                  {raw{"POST", auths, `{"email":"a@b.example",` + bulk[1:], as(companyToken.AccessToken)}, 422},
		"empty list":                   {raw{"POST", auths, `{"service_account_authorizations":[]}`, as(companyToken.AccessToken)}, 422},
		"51":                           {raw{"POST", auths, `{"service_account_authorizations":[` + strings.Repeat(one+",", 50) + one + `]}`, as(companyToken.AccessToken)}, 422},
		"php empty array as object":    {raw{"POST", auths, "[]", as(companyToken.AccessToken)}, 422},
		"unknown profile, empty array": {raw{"POST", "/v1/profiles/pro_x/revoke", "[]", as(person.AccessToken)}, 404},
		"ruby form without body":       {raw{"POST", "/v1/profiles/pro_x/revoke", "", with(person.AccessToken, "Content-Type", form)}, 404},
		"delete with body":             {raw{"DELETE", "/v1/enterprise_connect/connections/con_x", `{"a":1}`, as(companyToken.AccessToken)}, 404},
		"list for an object":           {raw{"POST", auths, "[1]", as(companyToken.AccessToken)}, 422},
		"deep json":                    {raw{"POST", auths, strings.Repeat("[", 100000), as(companyToken.AccessToken)}, 422},
		"large body":                   {raw{"POST", auths, strings.Repeat(" ", 2<<20), as(companyToken.AccessToken)}, 413},
		"booleans and lists": {raw{
			"GET", "/v1/free_busy?tzid=Europe/Berlin&include_free=True&include_ids=1&localized_times=false&unknown=x&calendar_ids%5B%5D=" + h.calendar(person), "", as(person.AccessToken),
		}, 200},
		"times with space":           {raw{"GET", "/v1/free_busy?tzid=Etc/UTC&from=2026-11-24%2009:00:00Z&to=2026-11-25T09:00:00%2B00:00", "", as(person.AccessToken)}, 200},
		"dates":                      {raw{"GET", "/v1/free_busy?tzid=Etc/UTC&from=2026-11-24&to=2026-11-25", "", as(person.AccessToken)}, 200},
		"raw plus":                   {raw{"GET", "/v1/free_busy?tzid=Etc/UTC&from=2026-11-24T09:00:00+01:00", "", as(person.AccessToken)}, 200},
		"zero fraction":              {raw{"GET", "/v1/free_busy?tzid=Etc/UTC&from=2026-11-24T09:00:00.000Z", "", as(person.AccessToken)}, 200},
		"fraction":                   {raw{"GET", "/v1/free_busy?tzid=Etc/UTC&from=2026-11-24T09:00:00.5Z", "", as(person.AccessToken)}, 422},
		"no zone":                    {raw{"GET", "/v1/free_busy", "", as(person.AccessToken)}, 422},
		"the server's zone":          {raw{"GET", "/v1/free_busy?tzid=Local", "", as(person.AccessToken)}, 422},
		"zone outside":               {raw{"GET", "/v1/free_busy?tzid=../../etc/passwd", "", as(person.AccessToken)}, 422},
		"wrong way round":            {raw{"GET", "/v1/free_busy?tzid=Etc/UTC&from=2026-11-25&to=2026-11-24", "", as(person.AccessToken)}, 422},
		"unknown calendar":           {raw{"GET", "/v1/free_busy?tzid=Etc/UTC&calendar_ids[]=cal_x", "", as(person.AccessToken)}, 422},
		"unknown page":               {raw{"GET", "/v1/free_busy/pages/abc", "", as(person.AccessToken)}, 410},
		"unknown accounts page":      {raw{"GET", "/v1/enterprise_connect/accounts?page=abc", "", as(companyToken.AccessToken)}, 410},
		"unknown status":             {raw{"GET", "/v1/enterprise_connect/accounts?status=maybe", "", as(companyToken.AccessToken)}, 422},
		"no token":                   {raw{"GET", "/v1/userinfo", "", nil}, 401},
		"token in the query":         {raw{"GET", "/v1/userinfo?access_token=" + person.AccessToken, "", nil}, 401},
		"refresh token as bearer":    {raw{"GET", "/v1/userinfo", "", as(person.RefreshToken)}, 401},
		"client secret as bearer":    {raw{"GET", "/v1/userinfo", "", as(h.secret)}, 403},
		"person for the company":     {raw{"GET", "/v1/resources", "", as(person.AccessToken)}, 403},
		"company for a person":       {raw{"GET", "/v1/calendars", "", as(companyToken.AccessToken)}, 403},
		"unknown path":               {raw{"GET", "/v1/nothing", "", nil}, 404},
		"other method":               {raw{"PUT", "/v1/userinfo", "", nil}, 405},
		"preflight of a browser":     {raw{"OPTIONS", "/v1/userinfo", "", map[string]string{"Origin": "https://x.example"}}, 405},
		"intent without credentials": {raw{"POST", "/v1/enterprise_connect/intents", "{}", nil}, 401},
		"openapi":                    {raw{"GET", "/v1/openapi.yaml", "", nil}, 200},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			response, body := h.send(c.raw)
			if response.StatusCode != c.want {
				t.Fatalf("status %d, want %d: %s", response.StatusCode, c.want, body)
			}
			equal(t, fmt.Sprintf("%d %s", c.want, http.StatusText(c.want)), response.Header.Get("Status"))
			shape(t, response, body)
		})
	}
}

// shape checks what every answer of a status has in common.
func shape(t *testing.T, response *http.Response, body string) {
	t.Helper()
	if response.Header.Get("X-Request-Id") == "" || response.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("an answer without request id, or open to browsers")
	}
	switch response.StatusCode {
	case 202, 403, 410, 413:
		equal(t, "", body)
	case 401:
		if !strings.Contains(response.Header.Get("WWW-Authenticate"), "Bearer") && !strings.Contains(body, "invalid_client") {
			t.Error("401 without WWW-Authenticate")
		}
	case 405:
		equal(t, "method_not_allowed", decode(t, body)["error"])
		equal(t, "GET", response.Header.Get("Allow"))
	case 422:
		if fields, ok := decode(t, body)["errors"].(map[string]any); !ok || len(fields) == 0 {
			t.Errorf("no field is named: %s", body)
		}
	}
}

func (h *house) calendar(person cronofy.Token) string {
	h.t.Helper()
	calendars, err := h.client.Bearer(cronofy.StaticToken(person.AccessToken)).Calendars(h.t.Context())
	h.must(err)
	if len(calendars) == 0 {
		h.t.Fatal("no calendars")
	}
	return calendars[0].ID
}

func TestFieldsAreNamedByEntry(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.world.Staff(1)
	_, token := h.connect(h.client)
	good := fmt.Sprintf(`{"email":"a@musterwerk.example","callback_url":%q,"scope":"read_write"}`, h.receiver.url)
	for entry, field := range map[string]string{
		`{}`: "email", `7`: "", strings.Replace(good, "read_write", "create_calendar", 1): "scope",
		strings.Replace(good, h.receiver.host, "other.example", 1): "callback_url", strings.Replace(good, "a@", "a", 1): "email",
	} {
		body := `{"service_account_authorizations":[` + good + `,` + entry + `]}`
		response, text := h.send(raw{"POST", "/v1/service_account_authorizations", body, map[string]string{"Authorization": "Bearer " + token.AccessToken}})
		equal(t, 422, response.StatusCode)
		name := strings.TrimSuffix("service_account_authorizations[1]."+field, ".")
		if decode(t, text)["errors"].(map[string]any)[name] == nil {
			t.Errorf("%s: %q is not named in %s", entry, name, text)
		}
	}
}

func TestNextPageComesFromThePublicURL(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(1)
	h.world.BookMany(people[0], soon(), 7)
	company, _ := h.connect(h.client)
	_, person := h.person(h.client, company, people[0])
	get := raw{"GET", "/v1/free_busy?tzid=Etc/UTC", "", map[string]string{"Authorization": "Bearer " + person.AccessToken, "Host": "api.cronofy.com"}}
	var pages map[string]any
	h.until(func() bool {
		_, body := h.send(get)
		pages = decode(t, body)["pages"].(map[string]any)
		return pages["total"] == 2.0
	})
	if next, _ := pages["next_page"].(string); !strings.HasPrefix(next, publicURL+"/v1/free_busy/pages/") {
		t.Errorf("next page %v", pages["next_page"])
	}
}

// A POST without body and length, and one that waits for 100-continue.
func TestBareRequests(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(1)
	company, companyToken := h.connect(h.client)
	_, person := h.person(h.client, company, people[0])
	equal(t, 404, h.bare("POST /v1/profiles/pro_x/revoke HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+person.AccessToken+"\r\n\r\n", ""))
	body := fmt.Sprintf(`{"email":%q,"callback_url":%q,"scope":"read_write"}`, people[0], h.receiver.url)
	equal(t, 202, h.bare(fmt.Sprintf("POST /v1/service_account_authorizations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nX-Dialect: yes\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n",
		companyToken.AccessToken, len(body)), body))
}

// bare speaks HTTP by hand; a body is sent once the server asked to continue.
func (h *house) bare(head, body string) int {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.server.Listener.Addr().String())
	h.must(err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, head)
	h.must(err)
	reader := bufio.NewReader(conn)
	if body != "" {
		response, err := http.ReadResponse(reader, nil)
		h.must(err)
		equal(h.t, 100, response.StatusCode)
		_, err = io.WriteString(conn, body)
		h.must(err)
	}
	response, err := http.ReadResponse(reader, nil)
	h.must(err)
	_ = response.Body.Close()
	return response.StatusCode
}

// standsStill lets no allowance grow again while a test runs, however long it takes.
func standsStill(c *api.Config) {
	at := time.Now()
	c.Clock = func() time.Time { return at }
}

func TestLimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *api.Config) { c.PerSecond, c.PerMinute = 3, 5; standsStill(c) })
	h.world.Staff(1)
	_, _, other := h.application("Other")
	statuses := map[int]int{}
	for range 20 {
		err := h.client.Revoke(t.Context(), "unknown")
		statuses[cronofy.StatusOf(err)]++
		if err != nil && statusOf(t, err, 429).RetryAfter < 1 {
			t.Error("429 without Retry-After")
		}
	}
	if statuses[0] != 3 || statuses[429] != 17 {
		t.Errorf("statuses %v", statuses)
	}
	h.must(other.Revoke(t.Context(), "unknown")) // one application's calls are not another's
}

// A company of any size may exchange its codes as fast as they come; a code
// that is refused counts.
func TestLimitLeavesOutGoodCodes(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *api.Config) { c.PerSecond, c.PerMinute = 50, 20; standsStill(c) })
	h.world.Staff(1)
	for range 15 { // each one call for the intent, and one for the code
		h.connect(h.client)
	}
	statuses := map[int]int{}
	for range 12 {
		_, err := h.client.ExchangeCode(t.Context(), "unknown", "https://app.example/", "")
		statuses[cronofy.StatusOf(err)]++
	}
	if statuses[400] != 5 || statuses[429] != 7 {
		t.Errorf("statuses of wrong codes %v", statuses)
	}
}

func TestNoLimitForExempt(t *testing.T) {
	t.Parallel()
	exempt := make([]string, 1)
	h := newHouse(t, func(c *api.Config) { c.PerSecond, c.Exempt = 1, exempt })
	exempt[0] = h.app.ID
	for range 20 {
		h.must(h.client.Revoke(t.Context(), "unknown"))
	}
}

func TestLogAndMetricsKeepSecrets(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := h.world.Staff(1)
	company, token := h.connect(h.client)
	_, err := company.Diagnosis(t.Context(), people[0], true)
	h.must(err)
	h.server.Close()
	for _, text := range []string{h.secret, token.AccessToken, token.RefreshToken, people[0]} {
		if strings.Contains(h.log.String(), text) {
			t.Errorf("the log holds %q", text)
		}
	}
	if !strings.Contains(h.log.String(), "route=/v1/enterprise_connect/accounts/{email}/diagnosis") {
		t.Error("the call is not in the log")
	}
	found, err := h.registry.Gather()
	h.must(err)
	if len(found) != 1 || found[0].GetName() != "kalends_http_seconds" || len(found[0].GetMetric()) < 3 {
		t.Errorf("metrics %v", found)
	}
}

func TestErrDatabaseIsGone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.stop() // jobs would wait long for their database
	h.must(h.db.Close())
	_, err := h.client.Bearer(cronofy.StaticToken("x")).Userinfo(t.Context())
	e := statusOf(t, err, 500)
	if e.Description != "" || !strings.Contains(h.log.String(), "request="+e.RequestID) {
		t.Errorf("the log does not name request %q, or the answer tells too much", e.RequestID)
	}
}

func TestCausesInTheCallersLanguage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.world.Staff(1)
	company, _ := h.connect(h.client)
	texts := map[string]string{}
	for _, language := range []string{"de-AT,de;q=0.9,en;q=0.5", "en", "", "fr", "%%"} {
		found, err := company.In(language).Preview(t.Context(), []string{"nobody@musterwerk.example"})
		h.must(err)
		equal(t, string(kalends.CauseAccountNotFound), found[0].Cause.Key)
		texts[language] = found[0].Cause.Text + found[0].Cause.Fix
	}
	if texts["en"] == "" || texts["en"] == texts["de-AT,de;q=0.9,en;q=0.5"] {
		t.Error("German and English are the same")
	}
	equal(t, texts["en"], texts[""])
	equal(t, texts["en"], texts["fr"])
	equal(t, texts["en"], texts["%%"])
}
