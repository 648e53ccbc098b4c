package smartcalendar_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"kalends/provider/memory"
	"kalends/smartcalendar"
)

func (h *town) personID(email string) string {
	h.t.Helper()
	return h.text("SELECT id FROM sc_people WHERE email_key = $1 ORDER BY created_at, id LIMIT 1", email)
}

func (h *town) act(email, act string) {
	h.t.Helper()
	if a := h.browser.post(h.t, "/people/"+h.personID(email)+"/"+act); a.status != http.StatusSeeOther {
		h.t.Fatalf("%s %s: %d", act, email, a.status)
	}
}

func (h *town) change(email, name, to string) {
	h.t.Helper()
	a := h.browser.post(h.t, "/people/"+h.personID(email)+"/change", "name", name, "email", to, "role", "member")
	if a.status != http.StatusSeeOther {
		h.t.Fatalf("change %s to %s: %d\n%s", email, to, a.status, a.body)
	}
}

// Ended on the hub's own page: shown here with who did it.
func TestAConnectionEndedAtTheHubIsShownWithWhoAndWhy(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle(newPeople("Berta")...)
		h.connect()
		h.finished()
		organisation := h.text("SELECT organisation_id FROM sc_calendars")
		connection := h.text("SELECT id FROM connections")
		must(t, h.hub.EndConnection(t.Context(), organisation, connection, "svc-kalends@musterwerk.example"))
		h.until("the end is known", func() bool { return h.text("SELECT status FROM sc_calendars") == "ended" })
		says(t, h.browser.page(t, "/settings/calendar"), "svc-kalends@musterwerk.example", "Start authentication")
		if n := h.count("sc_links WHERE status <> 'none' OR refresh_token <> ''"); n != 0 {
			t.Errorf("%d links live on", n)
		}
		h.connect()
		h.becomes("ada@musterwerk.example", "connected")
	})
}

func newPeople(names ...string) []smartcalendar.NewPerson {
	people := make([]smartcalendar.NewPerson, len(names))
	for i, name := range names {
		people[i] = smartcalendar.NewPerson{Name: name, Email: strings.ToLower(name) + "@musterwerk.example", Password: password}
	}
	return people
}

func TestAChangedAddressIsMatchedAgainAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.lives("Berta")
		before := h.row("berta@musterwerk.example")
		h.known("Bertha")
		h.change("berta@musterwerk.example", "Bertha", "Bertha@Musterwerk.example")
		after := h.becomes("bertha@musterwerk.example", "connected")
		if after.Sub == before.Sub || after.Token == before.Token {
			t.Errorf("the link did not start anew: %+v then %+v", before, after)
		}
		h.ended()
		if got := h.callback(before.Token, `{"authorization":{"error":"access_denied","error_key":"errors.account_not_found"}}`); got != http.StatusOK {
			t.Errorf("a late answer to the old address: %d", got)
		}
		if got := h.row("bertha@musterwerk.example"); got.Status != "connected" {
			t.Errorf("a late answer changed her: %+v", got)
		}
	})
}

// Renamed at work: the new address leads to the same mailbox, which the hub gives
// to nobody else while the old grant lives.
func TestARenamedPersonKeepsHerMailbox(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.world.Add(memory.Person{Email: "berta@musterwerk.example", ID: "4711"})
		h.settle(newPeople("Berta")...)
		h.connect()
		h.finished()
		before := h.row("berta@musterwerk.example")
		h.world.Rename("berta@musterwerk.example", "bertha@musterwerk.example")
		h.change("berta@musterwerk.example", "Bertha", "bertha@musterwerk.example")
		h.ended()
		after := h.becomes("bertha@musterwerk.example", "connected")
		if n := h.count("sc_history WHERE action = 'link.error'"); n != 0 {
			t.Errorf("she was in error on the way: %d", n)
		}
		if after.Sub != before.Sub {
			t.Errorf("she is somebody else: %+v, then %+v", before, after)
		}
	})
}

func TestOnlyAnotherCaseChangesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.lives("Berta")
		before := h.row("berta@musterwerk.example")
		h.change("berta@musterwerk.example", "Berta", "Berta@MUSTERWERK.example")
		if after := h.row("berta@musterwerk.example"); after.Token != before.Token || after.Status != "connected" {
			t.Errorf("%+v, then %+v", before, after)
		}
	})
}

func TestDeactivatedAndExcludedPeopleAreDisconnected(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.lives("Berta", "Cem")
		before := h.row("berta@musterwerk.example")
		berta := newVisitor(t, h.appServer.URL)
		berta.signIn(t, "berta@musterwerk.example")
		h.act("berta@musterwerk.example", "deactivate")
		h.act("cem@musterwerk.example", "exclude")
		h.ended()
		if n := h.count("grants WHERE revoked_at IS NULL AND account_id IS NOT NULL AND account_id <> ''"); n != 1 {
			t.Errorf("%d people have living grants, only Ada should", n)
		}
		if a := berta.get(t, "/me"); a.status != http.StatusSeeOther {
			t.Errorf("a deactivated person is still signed in: %d", a.status)
		}
		if a := berta.post(t, "/sign-in", "email", "berta@musterwerk.example", "password", password); a.status != http.StatusUnprocessableEntity {
			t.Errorf("a deactivated person signs in: %d", a.status)
		}
		h.browser.post(t, "/settings/calendar/resync")
		h.finished()
		for _, email := range []string{"berta@musterwerk.example", "cem@musterwerk.example"} {
			if got := h.row(email); got.Status != "none" || got.Open {
				t.Errorf("a resync asks for %s: %+v", email, got)
			}
		}
		h.act("berta@musterwerk.example", "reactivate")
		h.act("cem@musterwerk.example", "include")
		if after := h.becomes("berta@musterwerk.example", "connected"); after.Sub != before.Sub {
			t.Errorf("she is somebody else: %+v, then %+v", before, after)
		}
		h.becomes("cem@musterwerk.example", "connected")
	})
}

func TestTheFirstSignInConnects(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.lives()
		h.add(h.known("Neu")...)
		if got := h.row("neu@musterwerk.example"); got.Status != "none" {
			t.Fatalf("asked for before she signed in: %+v", got)
		}
		neu := newVisitor(t, h.appServer.URL)
		neu.signIn(t, "neu@musterwerk.example")
		h.becomes("neu@musterwerk.example", "connected")
		says(t, neu.page(t, "/me"), "Your calendar")
		if n := h.count("sc_people WHERE notice <> ''"); n != 0 {
			t.Errorf("%d notices are shown again", n)
		}
		neu.post(t, "/sign-out")
		neu.signIn(t, "neu@musterwerk.example")
		if got := h.row("neu@musterwerk.example"); got.Open {
			t.Errorf("a second sign-in asks again: %+v", got)
		}
	})
}

func TestTheFirstSignInOfSomebodyWithoutAMailboxWaits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.lives()
		h.world.Add(memory.Person{Email: "neu@musterwerk.example", State: memory.NoMailbox})
		h.add(newPeople("Neu")...)
		newVisitor(t, h.appServer.URL).signIn(t, "neu@musterwerk.example")
		h.becomes("neu@musterwerk.example", "waiting")
	})
}

// Killed in the middle: nothing is lost, nobody is somebody else afterwards.
func TestAKilledRunGoesOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		people := make([]smartcalendar.NewPerson, 150)
		for i, email := range h.world.Staff(len(people)) {
			people[i] = smartcalendar.NewPerson{Name: fmt.Sprintf("Person %d", i), Email: email}
		}
		h.settle(people...)
		gate := h.connectsHeld()
		for _, part := range []int{20, 60} {
			gate.Let(part + 20)
			h.until("some are connected", func() bool { return h.count("sc_links WHERE status = 'connected'") >= part })
			h.kill()
			if h.count("sc_links WHERE due_at IS NOT NULL") == 0 {
				t.Fatal("killed too late to prove anything")
			}
			h.start()
		}
		gate.Open()
		if body := h.browser.page(t, "/settings/calendar"); !strings.Contains(body, "151") {
			t.Error("the page does not say how many there are")
		}
		h.later(3 * time.Minute) // what was asked for and never answered is asked for again
		h.finished()
		if n := h.count("sc_links WHERE status = 'connected' AND refresh_token <> ''"); n != 151 {
			t.Errorf("%d are connected", n)
		}
		if n := h.count("sc_runs"); n != 1 {
			t.Errorf("%d runs", n)
		}
	})
}

func TestTwoAdministratorsConnectAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		second := h.known("Emil")
		second[0].Role = smartcalendar.RoleAdministrator
		h.settle(second...)
		emil := newVisitor(t, h.appServer.URL)
		emil.signIn(t, "emil@musterwerk.example")
		first, other := h.atHub(h.begin(h.browser)), h.atHub(h.begin(emil))
		var both sync.WaitGroup
		answers := make([]answer, 2)
		both.Go(func() { answers[0] = h.browser.get(t, first) })
		both.Go(func() { answers[1] = emil.get(t, other) })
		both.Wait()
		for i, a := range answers {
			if a.status != http.StatusSeeOther || a.to != "/settings/calendar" {
				t.Errorf("%d: %d to %q", i, a.status, a.to)
			}
		}
		h.finished()
		h.ended()
		if n := h.count("sc_links WHERE status = 'connected' AND refresh_token <> ''"); n != 2 {
			t.Errorf("%d are connected", n)
		}
		if n := h.count("sc_runs"); n != 1 {
			t.Errorf("%d runs", n)
		}
		h.browser.post(t, "/settings/calendar/resync") // the grant that was kept works
		h.finished()
		if n := h.count("sc_links WHERE status = 'connected'"); n != 2 {
			t.Errorf("%d are connected after a resync", n)
		}
	})
}
