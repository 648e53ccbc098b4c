package smartcalendar_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kalends/smartcalendar"
)

// Who shares an address with somebody who leaves gets the calendar, and the end
// of the other's grant does not take it away again.
func TestTheOtherOfTwoWithOneAddressFollows(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle(append(h.known("Berta"), smartcalendar.NewPerson{Name: "Berta Zwei", Email: "Berta@Musterwerk.EXAMPLE"})...)
		h.connect()
		h.finished()
		says(t, h.browser.page(t, "/settings/calendar"), "is also used by Berta")
		first := h.text("SELECT person_id FROM sc_links WHERE email_key = 'berta@musterwerk.example' AND status = 'connected'")
		second := h.text("SELECT person_id FROM sc_links WHERE email_key = 'berta@musterwerk.example' AND status = 'error'")
		h.browser.post(t, "/people/"+first+"/deactivate")
		h.until("the other is connected", func() bool {
			return h.count("sc_links WHERE person_id = $1 AND status = 'connected' AND due_at IS NULL", second) == 1
		})
		h.ended()
		if n := h.count("grants WHERE revoked_at IS NULL AND account_id IS NOT NULL AND account_id <> ''"); n != 2 {
			t.Errorf("%d living grants, Ada and the other Berta should have one each", n)
		}
	})
}

func TestAReturnWorksOnceAndOnlyForWhoStarted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle(h.known("Mia")...)
		back := h.atHub(h.begin(h.browser))
		query, err := url.Parse(back)
		must(t, err)
		state := query.Query().Get("state")

		mia, stranger := newVisitor(t, h.appServer.URL), newVisitor(t, h.appServer.URL)
		mia.signIn(t, "mia@musterwerk.example")
		if a := mia.get(t, back); a.status != http.StatusBadRequest {
			t.Errorf("somebody else returns: %d", a.status)
		}
		if a := stranger.get(t, back); a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, "/sign-in?next=") {
			t.Errorf("a stranger returns: %d to %q", a.status, a.to)
		}
		for name, path := range map[string]string{
			"no state": "?code=x", "unknown state": "?code=x&state=abc", "nothing": "",
		} {
			if a := h.browser.get(t, smartcalendar.RedirectPath+path); a.status != http.StatusBadRequest {
				t.Errorf("%s: %d", name, a.status)
			}
		}
		if n := h.count("sc_calendars WHERE status <> 'none'"); n != 0 {
			t.Fatal("connected without a good return")
		}
		if a := h.browser.get(t, back); a.to != "/settings/calendar" {
			t.Fatalf("the return: %d to %q", a.status, a.to)
		}
		h.finished()
		for range 2 { // the back button
			if a := h.browser.get(t, back); a.to != "/settings/calendar" {
				t.Errorf("the same return again: %d to %q", a.status, a.to)
			}
			says(t, h.browser.page(t, "/settings/calendar"), "already")
		}
		if a := h.browser.get(t, smartcalendar.RedirectPath+"?error=access_denied&state="+state); a.to != "/settings/calendar" {
			t.Errorf("a late refusal: %d", a.status)
		}
		if n := h.count("sc_runs"); n != 1 || h.row("ada@musterwerk.example").Status != "connected" {
			t.Errorf("%d runs", n)
		}
	})
}

func TestADeclinedOrExpiredConnectChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle()
		link := h.begin(h.browser)
		begun, err := h.hub.BeginIntent(t.Context(), link[strings.LastIndex(link, "/")+1:])
		must(t, err)
		back, err := h.hub.Decline(t.Context(), begun.Handle)
		must(t, err)
		if a := h.browser.get(t, strings.TrimPrefix(back, h.appServer.URL)); a.to != "/settings/calendar" {
			t.Errorf("declined: %d", a.status)
		}
		if n := h.count("sc_calendars WHERE status <> 'none'"); n != 0 {
			t.Error("declined, and connected")
		}
		good := h.atHub(h.begin(h.browser))
		h.later(3 * time.Hour)
		if a := h.browser.get(t, good); a.status != http.StatusBadRequest {
			t.Errorf("an expired state: %d", a.status)
		}
	})
}

// The link for IT works in a browser that never saw the application.
func TestTheLinkForITWorksWithoutSigningIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle()
		h.browser.post(t, "/settings/calendar/link")
		body := h.browser.page(t, "/settings/calendar")
		at := strings.Index(body, h.hubServer.URL+"/enterprise_connect/i/")
		if at < 0 {
			t.Fatalf("no link:\n%s", body)
		}
		link := body[at : at+strings.IndexAny(body[at:], "\"<& ")]
		back, stranger := h.atHub(link), newVisitor(t, h.appServer.URL)
		if a := stranger.get(t, back); a.status != http.StatusOK {
			t.Errorf("IT returns: %d to %q", a.status, a.to)
		}
		h.finished()
		if a := stranger.get(t, back); a.status != http.StatusOK {
			t.Errorf("IT returns twice: %d", a.status)
		}
		if h.row("ada@musterwerk.example").Status != "connected" || h.count("sc_runs") != 1 {
			t.Error("the link did not connect")
		}
	})
}

func TestForgedAndReplayedCallbacks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.lives("Berta")
		before := h.row("berta@musterwerk.example")
		token := before.Token
		revoke := `{"authorization":{"error":"access_denied","error_key":"errors.not_permitted"}}`
		for name, c := range map[string]struct {
			body, key string
			want      int
		}{
			"signed with another secret": {revoke, "other", http.StatusUnauthorized},
			"not signed":                 {revoke, "", http.StatusUnauthorized},
			"no JSON":                    {"{", h.secret, http.StatusBadRequest},
			"nothing in it":              {"{}", h.secret, http.StatusBadRequest},
			"a code nobody gave":         {`{"authorization":{"code":"invented"}}`, h.secret, http.StatusServiceUnavailable},
		} {
			if got := post(h.appServer.URL+"/calendar/callbacks/"+token, c.body, c.key); got != c.want {
				t.Errorf("%s: %d, want %d", name, got, c.want)
			}
		}
		if got := post(h.appServer.URL+smartcalendar.NotifyPath, `{"notification":{"type":"connection_changed","organisation":"`+
			h.text("SELECT organisation_id FROM sc_calendars")+`","connection_id":"x","status":"disconnected"}}`, "other"); got != http.StatusUnauthorized {
			t.Errorf("a forged notification: %d", got)
		}
		if got := h.callback("nobody", revoke); got != http.StatusOK {
			t.Errorf("for nobody: %d", got)
		}
		if after := h.row("berta@musterwerk.example"); after.Status != before.Status || after.Sub != before.Sub {
			t.Errorf("%+v, then %+v", before, after)
		}
	})
}

// counted counts the requests to a path of the hub.
func (h *town) counted(path string) *atomic.Int64 {
	n, hub := &atomic.Int64{}, *h.hubNow.Load()
	var counting http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, path) {
			n.Add(1)
		}
		hub.ServeHTTP(w, r)
	})
	h.hubNow.Store(&counting)
	return n
}

func TestAnExpiredTokenIsRenewedOnceForAll(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.lives("Berta")
		renewals := h.counted("/oauth/token")
		h.exec("UPDATE sc_links SET access_until = $1", h.now().Add(-time.Minute).UnixMicro())
		path := "/people/" + h.personID("berta@musterwerk.example")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if a := h.browser.get(t, path); a.status != http.StatusOK {
					t.Errorf("%d", a.status)
				}
			})
		}
		all.Wait()
		if n := renewals.Load(); n != 1 {
			t.Errorf("renewed %d times", n)
		}
		if got := h.row("berta@musterwerk.example"); got.Status != "connected" {
			t.Errorf("%+v", got)
		}
	})
}

// Ended at the hub for one person: her page says so, and the others live on.
func TestARevokedTokenIsAClearState(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.lives("Berta")
		berta := h.row("berta@musterwerk.example")
		must(t, h.hub.RevokeProfile(context.Background(), berta.Sub, berta.Profile, "berta"))
		h.browser.get(t, "/people/"+h.personID("berta@musterwerk.example"))
		h.until("the end is known", func() bool { return h.row("berta@musterwerk.example").Status == "error" },
			func() any { return h.row("berta@musterwerk.example") })
		if got := h.row("ada@musterwerk.example"); got.Status != "connected" {
			t.Errorf("Ada: %+v", got)
		}
		h.browser.post(t, "/settings/calendar/retry", "all", "1")
		if got := h.becomes("berta@musterwerk.example", "connected"); got.Sub != berta.Sub {
			t.Errorf("%+v, then %+v", berta, got)
		}
	})
}

// The hub is away in the middle: the page says so, and the run goes on.
func TestAHubThatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.lives("Berta")
		hub := h.hubNow.Swap(nil)
		h.browser.post(t, "/settings/calendar/resync")
		h.until("the trouble is noted", func() bool { return h.count("sc_runs WHERE problem <> ''") == 1 })
		if a := h.browser.get(t, "/people/"+h.personID("berta@musterwerk.example")); a.status != http.StatusOK {
			t.Errorf("her page without the hub: %d", a.status)
		}
		if a := h.browser.post(t, "/settings/calendar/connect"); a.to != "/settings/calendar" {
			t.Errorf("connecting without the hub: %d to %q", a.status, a.to)
		}
		h.hubNow.Store(hub)
		h.later(5 * time.Second)
		h.finished()
		if n := h.count("sc_links WHERE status = 'connected'"); n != 2 {
			t.Errorf("%d are connected", n)
		}
	})
}
