package cronofy_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kalends/cronofy"
)

func TestFreeBusyFollowsPagesOnOurOwnHost(t *testing.T) {
	t.Parallel()
	client, requests := serve(t,
		answer{200, nil, `{"pages":{"current":1,"total":2,"next_page":"https://elsewhere.example/v1/free_busy/pages/P2"},
			"free_busy":[{"calendar_id":"cal_1","start":"2026-11-24T09:00:00Z","end":"2026-11-24T10:00:00Z","free_busy_status":"busy"}]}`},
		answer{200, nil, `{"pages":{"current":2,"total":2},
			"free_busy":[{"calendar_id":"cal_1","start":"2026-11-25","end":"2026-11-26","free_busy_status":"tentative"},
			{"calendar_id":"cal_1","start":{"time":"2026-11-26T10:00:00+01:00","tzid":"Europe/Berlin"},"end":"2026-11-26T10:00:00Z","free_busy_status":"unknown"}]}`})
	query := cronofy.FreeBusyQuery{From: time.Date(2026, 11, 24, 1, 0, 0, 0, time.FixedZone("", 3600)), CalendarIDs: []string{"cal_1"}, IncludeFree: true}
	rows, err := cronofy.Collect(client.Bearer(cronofy.StaticToken("T")).FreeBusy(t.Context(), query))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, 3, len(rows))
	equal(t, time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), rows[0].Start.Time)
	equal(t, true, rows[1].Start.Date && !rows[0].Start.Date)
	equal(t, "Europe/Berlin", rows[2].Start.TZID)
	equal(t, "calendar_ids%5B%5D=cal_1&from=2026-11-24T00%3A00%3A00Z&include_free=true&tzid=Etc%2FUTC", (*requests)[0].Query)
	equal(t, seen{Method: "GET", Path: "/v1/free_busy/pages/P2", Bearer: "T"}, (*requests)[1])
}

func TestFreeBusyStopsWhenTheCallerDoes(t *testing.T) {
	t.Parallel()
	client, requests := serve(t, answer{200, nil, `{"pages":{"current":1,"total":9,"next_page":"/v1/free_busy/pages/P"},
		"free_busy":[{"calendar_id":"a","start":"2026-11-25","end":"2026-11-26"},{"calendar_id":"b","start":"2026-11-25","end":"2026-11-26"}]}`})
	for range client.Bearer(cronofy.StaticToken("T")).FreeBusy(t.Context(), cronofy.FreeBusyQuery{}) {
		break
	}
	equal(t, 1, len(*requests))
}

func TestErrPages(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]string{"no api": "https://x/y", "no url": "http://%zz/v1/"} {
		client, _ := serve(t, answer{200, nil, `{"pages":{"next_page":"` + next + `"},"accounts":[{"email":"a@b"}]}`})
		rows, err := cronofy.Collect(client.Bearer(cronofy.StaticToken("T")).Accounts(t.Context(), cronofy.AccountsFilter{}))
		if err == nil || len(rows) != 1 {
			t.Errorf("%s: rows %d, error %v", name, len(rows), err)
		}
	}
	client, _ := serve(t, answer{200, nil, `{"pages":{},"free_busy":[{"start":17}]}`})
	if _, err := cronofy.Collect(client.Bearer(cronofy.StaticToken("T")).FreeBusy(t.Context(), cronofy.FreeBusyQuery{})); err == nil {
		t.Error("a number was taken for a time")
	}
}

func TestCompanyCalls(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		call func(*cronofy.Bearer) error
		body string // of the answer
		want seen
	}{
		"authorize": {
			func(b *cronofy.Bearer) error {
				return b.AuthorizeAccounts(t.Context(), []cronofy.Authorize{{Email: "a@b", CallbackURL: "https://x/y", Scope: "read_write"}})
			}, "",
			seen{Method: "POST", Path: "/v1/service_account_authorizations", Body: `{"service_account_authorizations":[{"email":"a@b","callback_url":"https://x/y","scope":"read_write"}]}`},
		},
		"connections": {
			func(b *cronofy.Bearer) error { _, err := b.Connections(t.Context()); return err }, `{"connections":[]}`,
			seen{Method: "GET", Path: "/v1/enterprise_connect/connections"},
		},
		"end connection": {
			func(b *cronofy.Bearer) error { return b.EndConnection(t.Context(), "con_1") }, "",
			seen{Method: "DELETE", Path: "/v1/enterprise_connect/connections/con_1"},
		},
		"accounts": {
			func(b *cronofy.Bearer) error {
				_, err := cronofy.Collect(b.Accounts(t.Context(), cronofy.AccountsFilter{Status: "error", Cause: "tls", ConnectionID: "con_1"}))
				return err
			}, `{"pages":{"current":1,"total":1},"accounts":[]}`,
			seen{Method: "GET", Path: "/v1/enterprise_connect/accounts", Query: "cause=tls&connection_id=con_1&status=error"},
		},
		"diagnosis": {
			func(b *cronofy.Bearer) error { _, err := b.Diagnosis(t.Context(), "a+b/c@d", true); return err }, `{"steps":[]}`,
			seen{Method: "GET", Path: "/v1/enterprise_connect/accounts/a+b%2Fc@d/diagnosis", Query: "check=true"},
		},
		"preview": {
			func(b *cronofy.Bearer) error { _, err := b.Preview(t.Context(), []string{"a@b"}); return err }, `{"accounts":[]}`,
			seen{Method: "POST", Path: "/v1/enterprise_connect/preview", Body: `{"emails":["a@b"]}`},
		},
		"map": {
			func(b *cronofy.Bearer) error { return b.PutMapping(t.Context(), "a@b", "c@d") }, "",
			seen{Method: "PUT", Path: "/v1/enterprise_connect/mappings/a@b", Body: `{"mailbox":"c@d"}`},
		},
		"unmap": {
			func(b *cronofy.Bearer) error { return b.DeleteMapping(t.Context(), "a@b") }, "",
			seen{Method: "DELETE", Path: "/v1/enterprise_connect/mappings/a@b"},
		},
		"resources": {
			func(b *cronofy.Bearer) error { _, err := b.Resources(t.Context()); return err }, `{"resources":[]}`,
			seen{Method: "GET", Path: "/v1/resources", Query: "include_details=capacity+location"},
		},
		"account": {
			func(b *cronofy.Bearer) error { _, err := b.Account(t.Context()); return err }, `{"account":{}}`,
			seen{Method: "GET", Path: "/v1/account"},
		},
		"revoke profile": {
			func(b *cronofy.Bearer) error { return b.RevokeProfile(t.Context(), "pro_1") }, "",
			seen{Method: "POST", Path: "/v1/profiles/pro_1/revoke", Body: `{}`},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, requests := serve(t, answer{200, nil, c.body})
			if err := c.call(client.Bearer(cronofy.StaticToken("T")).In("de")); err != nil {
				t.Fatal(err)
			}
			c.want.Bearer, c.want.Language = "T", "de"
			equal(t, []seen{c.want}, *requests)
		})
	}
}

func TestErrAuthorizeTooMany(t *testing.T) {
	t.Parallel()
	client, requests := serve(t, answer{202, nil, ""})
	for _, n := range []int{0, 51} {
		if err := client.Bearer(cronofy.StaticToken("T")).AuthorizeAccounts(t.Context(), make([]cronofy.Authorize, n)); err == nil {
			t.Errorf("%d were taken", n)
		}
	}
	equal(t, 0, len(*requests))
}

func TestCreateIntentAndRevoke(t *testing.T) {
	t.Parallel()
	client, requests := serve(t, answer{200, nil, `{"intent":"int_1","url":"https://hub/i/x"}`})
	intent, err := client.CreateIntent(t.Context(), cronofy.IntentRequest{RedirectURI: "https://a/b", Scope: "s", DelegatedScope: "d", Emails: []string{"a@b"}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, cronofy.Intent{ID: "int_1", URL: "https://hub/i/x"}, intent)
	equal(t, `{"client_id":"client","client_secret":"CRN_secret","redirect_uri":"https://a/b","scope":"s","delegated_scope":"d","emails":["a@b"]}`, (*requests)[0].Body)
	if err := errors.Join(client.Revoke(t.Context(), "RT"), client.RevokeSub(t.Context(), "ser_1")); err != nil {
		t.Fatal(err)
	}
	equal(t, `{"client_id":"client","client_secret":"CRN_secret","token":"RT"}`, (*requests)[1].Body)
	equal(t, `{"client_id":"client","client_secret":"CRN_secret","sub":"ser_1"}`, (*requests)[2].Body)
}

func TestUserinfoOfServiceAccount(t *testing.T) {
	t.Parallel()
	client, _ := serve(t, answer{200, nil, `{"sub":"ser_1","email":"svc@musterwerk.example","cronofy.type":"service_account",
		"cronofy.data":{"service_account":{"provider_name":"exchange","domain":"musterwerk.example"},"authorization":{"scope":"a b","status":"active","delegated_scope":"read_write"}},
		"cronofy.service_account.domain":"musterwerk.example"}`})
	info, err := client.Bearer(cronofy.StaticToken("T")).Userinfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, cronofy.TypeServiceAccount, info.Type)
	equal(t, "musterwerk.example", info.Data.ServiceAccount.Domain)
	equal(t, "read_write", info.Data.Authorization.DelegatedScope)
}

const changed = `{"notification":{"type":"connection_changed","organisation":"ser_1","connection_id":"con_1","provider":"exchange",
	"domain":"musterwerk.example","status":"disconnected","by":"service account svc@musterwerk.example","at":"2026-11-23T10:00:00Z","cause":null}}`

func TestReadCallback(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body string
		want cronofy.Callback
	}{
		"code":  {`{"authorization":{"code":"C","state":"s"}}`, cronofy.Callback{Authorization: &cronofy.Authorization{Code: "C", State: "s"}}},
		"error": {`{"authorization":{"error":"access_denied","error_key":"errors.no_mailbox"}}`, cronofy.Callback{Authorization: &cronofy.Authorization{Error: "access_denied", ErrorKey: "errors.no_mailbox"}}},
		"changed": {changed, cronofy.Callback{ConnectionChanged: &cronofy.ConnectionChanged{
			Type: "connection_changed", Organisation: "ser_1", ConnectionID: "con_1", Provider: "exchange", Domain: "musterwerk.example",
			Status: "disconnected", By: "service account svc@musterwerk.example", At: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
		}}},
		"push": {
			`{"notification":{"type":"change","changes_since":"2026-11-23T09:24:16Z"},"channel":{"channel_id":"chn_1"}}`,
			cronofy.Callback{Push: &cronofy.Push{Type: "change", ChangesSince: time.Date(2026, 11, 23, 9, 24, 16, 0, time.UTC), ChannelID: "chn_1"}},
		},
		"unknown": {`{"smart_invite":{}}`, cronofy.Callback{}},
	}
	for name, c := range cases {
		got, err := cronofy.ReadCallback(signed(c.body, "other", "CRN_secret"), "CRN_secret")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		equal(t, c.want, got)
	}
}

func TestErrReadCallback(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		request *http.Request
		want    error
	}{
		"other secret": {signed(changed, "other"), cronofy.ErrSignature},
		"no signature": {signed(changed), cronofy.ErrSignature},
		"no json":      {signed("no", "CRN_secret"), cronofy.ErrCallback},
		"wrong types":  {signed(`{"notification":{"type":"connection_changed","at":5}}`, "CRN_secret"), cronofy.ErrCallback},
		"no object":    {signed(`{"notification":7}`, "CRN_secret"), cronofy.ErrCallback},
		"endless":      {signed(strings.Repeat(" ", 2<<20), "CRN_secret"), cronofy.ErrCallback},
	}
	for name, c := range cases {
		if _, err := cronofy.ReadCallback(c.request, "CRN_secret"); !errors.Is(err, c.want) {
			t.Errorf("%s: want %v, got %v", name, c.want, err)
		}
	}
}

func signed(body string, secrets ...string) *http.Request {
	var values []string
	for _, secret := range secrets {
		values = append(values, cronofy.SignBody([]byte(body), secret))
	}
	request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	request.Header.Set(cronofy.SignatureHeader, strings.Join(values, ","))
	return request
}

// The vector was made with: printf '{"example":"well-known"}' | openssl dgst -sha256 -hmac pDY0Oi7TJSP2hfNmZNkm5 -binary | base64
func TestVerifyHMAC(t *testing.T) {
	t.Parallel()
	body, secret := []byte(`{"example":"well-known"}`), "pDY0Oi7TJSP2hfNmZNkm5"
	const good = "6r2/HjBkqymGegX0wOfifieeUXbbHwtV/LohHS+jv6c="
	for header, want := range map[string]bool{
		good: true, "x," + good: true, good + ",x": true, "x, " + good: true, "": false, ",": false, "x": false, good[1:]: false,
	} {
		equal(t, want, cronofy.VerifyHMAC(body, header, secret))
	}
	equal(t, false, cronofy.VerifyHMAC(body, cronofy.SignBody(body, ""), ""))
}

func FuzzParseCallback(f *testing.F) {
	f.Add([]byte(changed))
	f.Add([]byte(`{"authorization":{"code":"C"}}`))
	f.Add([]byte(`{"notification":{"type":"change","changes_since":"2026-11-23T09:24:16Z"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := cronofy.ParseCallback(body)
		if err != nil && !errors.Is(err, cronofy.ErrCallback) {
			t.Errorf("unexpected error %v", err)
		}
		if err != nil && got != (cronofy.Callback{}) {
			t.Error("both an error and a callback")
		}
	})
}
