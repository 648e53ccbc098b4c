package smartcalendar_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"kalends/smartcalendar"
)

// Browsers leave tabs and line breaks out of addresses before they read them:
// "/<tab>/elsewhere" is another site.
func TestErrSigningInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	h := newTown(t).settle()
	for _, next := range []string{
		"//elsewhere.example", "/\t/elsewhere.example", "/\n/elsewhere.example", "/\r/elsewhere.example", `/\elsewhere.example`,
		"\t//elsewhere.example", "https://elsewhere.example", "/\x00/elsewhere.example", "/\x7f/x",
	} {
		v := newVisitor(t, h.appServer.URL)
		if a := v.post(t, "/sign-in", "email", "ada@musterwerk.example", "password", password, "next", next); a.to != "/" {
			t.Errorf("%q leads to %q", next, a.to)
		}
	}
	v := newVisitor(t, h.appServer.URL)
	if a := v.post(t, "/sign-in", "email", "ada@musterwerk.example", "password", password, "next", "/people?q=a+b"); a.to != "/people?q=a+b" {
		t.Errorf("a page of ours leads to %q", a.to)
	}
}

// another is the same application once more, so that a test sees its log and
// chooses where requests come from.
func (h *town) another(log *bytes.Buffer) http.Handler {
	h.t.Helper()
	app, err := smartcalendar.New(smartcalendar.Config{
		DB: h.db, Box: h.box, HubURL: h.hubServer.URL, AppURL: h.appServer.URL, ClientID: h.own.ClientID, ClientSecret: h.secret,
		Log: slog.New(slog.NewTextHandler(log, nil)), Clock: h.now, Passwords: cheap,
	})
	must(h.t, err)
	return app.Handler()
}

// Whoever reads the log must not be able to use a link that was mailed.
func TestErrTheLogHoldsNoOneTimeLinks(t *testing.T) {
	t.Parallel()
	h := newTown(t).settle()
	log := &bytes.Buffer{}
	handler := h.another(log)
	h.exec("ALTER TABLE sc_tickets RENAME TO sc_gone")
	for _, path := range []string{"/setup/", "/password/", "/welcome/"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path+"ONETIMESECRET", nil))
		if w.Code != http.StatusInternalServerError {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if text := log.String(); strings.Contains(text, "ONETIMESECRET") || strings.Count(text, "page failed") != 3 {
		t.Error(text)
	}
}

// One customer of an internet provider has a whole network of IPv6 addresses.
func TestSprayingFromOneNetworkIsSlowedDown(t *testing.T) {
	t.Parallel()
	h := newTown(t).settle()
	handler := h.another(&bytes.Buffer{})
	last := 0
	for i := range 31 {
		form := url.Values{"email": {fmt.Sprintf("p%d@musterwerk.example", i)}, "password": {"Sommer2026!"}}
		r := httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = fmt.Sprintf("[2001:db8:1:2::%x]:4711", i+1)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		last = w.Code
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("try 31: %d", last)
	}
}

// The link of the first start is worth nothing once there is a company, whoever
// made it.
func TestErrTheFirstLinkEndsWithTheFirstCompany(t *testing.T) {
	t.Parallel()
	h := newTown(t)
	link, err := h.app.FirstLink(t.Context())
	must(t, err)
	h.settle()
	path := strings.TrimPrefix(link, h.appServer.URL)
	a := newVisitor(t, h.appServer.URL).post(t, path, "company", "Zweite", "name", "Zoe", "email", "zoe@zweite.example", "password", password)
	if n := h.count("sc_companies"); a.status != http.StatusGone || n != 1 {
		t.Errorf("%d, and %d companies", a.status, n)
	}
}
