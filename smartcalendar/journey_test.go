package smartcalendar_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kalends/internal/tools/await"
	"kalends/smartcalendar"
)

const password = "langes sicheres passwort"

// connected makes a company with people and connects it as an administrator would.
func connected(t *testing.T, people ...smartcalendar.NewPerson) (*house, string) {
	t.Helper()
	h := newHouse(t)
	id, err := h.app.CreateCompany(t.Context(), "Musterwerk", "musterwerk.example", []smartcalendar.Feature{smartcalendar.SmartCalendar})
	must(t, err)
	_, err = h.app.AddPeople(t.Context(), id, append([]smartcalendar.NewPerson{{Name: "Ada Admin", Email: "admin@musterwerk.example", Role: smartcalendar.RoleAdministrator, Password: password}}, people...))
	must(t, err)
	h.signIn(t, "admin@musterwerk.example")
	h.connect(t)
	return h, id
}

func (h *house) signIn(t *testing.T, email string) {
	t.Helper()
	if status, body := h.send(t, "/sign-in", "email", email, "password", password); status != http.StatusOK || strings.Contains(body, `name="password"`) {
		t.Fatalf("sign in as %s: %d", email, status)
	}
}

func (h *house) connect(t *testing.T) {
	t.Helper()
	h.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	status, _ := h.send(t, "/settings/calendar/connect")
	h.browser.CheckRedirect = nil
	if status != http.StatusSeeOther {
		t.Fatalf("connect leads nowhere: %d", status)
	}
	h.get(t, smartcalendar.RedirectPath+"?code=company&state="+fmt.Sprint(h.hub.intent["state"]))
}

func TestConnectingRunsAndShowsEverybody(t *testing.T) {
	t.Parallel()
	h, _ := connected(t,
		smartcalendar.NewPerson{Name: "Berta", Email: "berta@musterwerk.example"},
		smartcalendar.NewPerson{Name: "Fehlt", Email: "fehlt@musterwerk.example"},
		smartcalendar.NewPerson{Name: "Alias", Email: "alias@musterwerk.example"},
		smartcalendar.NewPerson{Name: "Neu", Email: "neu@musterwerk.example"},
		smartcalendar.NewPerson{Name: "Berta Zwei", Email: "BERTA@musterwerk.example"})
	for _, want := range []string{
		"Accept haupt@musterwerk.example", "Sync errors (3)", "Waiting for a mailbox (1)", "is also used by Berta", "Exchange · musterwerk.example",
	} {
		h.eventually(t, "/settings/calendar?lang=en", want)
	}
}

func TestACallbackCountsOnceAndOnlySigned(t *testing.T) {
	t.Parallel()
	h, _ := connected(t)
	h.eventually(t, "/people?status=connected", "Ada Admin")
	if got := post(h.url+"/calendar/callbacks/x", `{"authorization":{"code":"y"}}`, "wrong"); got != http.StatusUnauthorized {
		t.Errorf("a forged callback: %d", got)
	}
	if got := post(h.url+"/calendar/callbacks/x", `{"authorization":{"code":"y"}}`, clientSecret); got != http.StatusOK || h.hub.exchanged("y") != 0 {
		t.Errorf("a callback for nobody: %d, exchanged %d times", got, h.hub.exchanged("y"))
	}
	_, body := h.get(t, smartcalendar.RedirectPath+"?code=company&state="+fmt.Sprint(h.hub.intent["state"]))
	if h.hub.exchanged("company") != 1 || !strings.Contains(body, "bereits erledigt") && !strings.Contains(body, "done already") {
		t.Errorf("a return twice: code exchanged %d times", h.hub.exchanged("company"))
	}
}

func TestARevokedConnectionShowsWhoAndWhy(t *testing.T) {
	t.Parallel()
	h, _ := connected(t)
	h.eventually(t, "/people?status=connected", "Ada Admin")
	got := post(h.url+smartcalendar.NotifyPath, `{"notification":{"type":"connection_changed","organisation":"ser_1","connection_id":"con_1","status":"disconnected","by":"svc@musterwerk.example","cause":{"key":"revoked"}}}`, clientSecret)
	if got != http.StatusOK {
		t.Fatalf("notification: %d", got)
	}
	h.eventually(t, "/settings/calendar", "svc@musterwerk.example")
}

func TestDisconnectWantsTheNameAndReconnectConnectsAgain(t *testing.T) {
	t.Parallel()
	h, _ := connected(t)
	h.eventually(t, "/people?status=connected", "Ada Admin")
	if status, _ := h.send(t, "/settings/calendar/disconnect", "confirm", "anders"); status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong name disconnects: %d", status)
	}
	h.send(t, "/settings/calendar/disconnect", "confirm", "Musterwerk")
	h.eventually(t, "/settings/calendar?lang=en", "Start authentication")
	for end := time.Now().Add(await.Patience); ; {
		h.hub.mu.Lock()
		n := h.hub.revoked
		h.hub.mu.Unlock()
		if n > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the grant is never ended at the hub")
		}
	}
	h.connect(t)
	h.eventually(t, "/people?status=connected", "Ada Admin")
}

func TestMembersAndStrangersSeeNoAdministratorPage(t *testing.T) {
	t.Parallel()
	h, _ := connected(t, smartcalendar.NewPerson{Name: "Mia", Email: "mia@musterwerk.example", Password: password})
	h.browser = newBrowser(t)
	h.signIn(t, "mia@musterwerk.example")
	for _, path := range []string{"/people", "/people/new", "/people/import", "/people/x", "/settings/calendar", "/settings/calendar/errors.csv", "/settings/calendar/rooms", "/settings/calendar/disconnect"} {
		if status, _ := h.get(t, path); status != http.StatusForbidden {
			t.Errorf("member sees %s: %d", path, status)
		}
	}
	for _, path := range []string{"connect", "link", "resync", "retry", "accept", "disconnect"} {
		if status, _ := h.send(t, "/settings/calendar/"+path); status != http.StatusForbidden {
			t.Errorf("member may %s: %d", path, status)
		}
	}
	h.browser = newBrowser(t)
	if _, body := h.get(t, "/people"); !strings.Contains(body, `name="password"`) {
		t.Error("a stranger is not sent to the sign-in")
	}
	for _, topic := range []string{"exchange", "exchange-rights", "troubleshooting", "data", "disconnect", "which-system"} {
		if status, _ := h.get(t, "/help/"+topic); status != http.StatusOK {
			t.Errorf("help %s: %d", topic, status)
		}
	}
}

func TestFirstStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	link, err := h.app.FirstLink(t.Context())
	must(t, err)
	path := strings.TrimPrefix(link, h.url)
	_, body := h.send(t, path, "company", "Musterwerk", "name", "Ada", "email", "ada@musterwerk.example", "password", password)
	if !strings.Contains(body, "betrieb@musterwerk.example") {
		t.Errorf("the settings do not name who switches the feature on:\n%s", body)
	}
	if status, _ := h.get(t, path); status != http.StatusGone {
		t.Errorf("the link works twice: %d", status)
	}
}
