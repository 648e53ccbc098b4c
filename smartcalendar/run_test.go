package smartcalendar_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider/memory"
	"kalends/smartcalendar"
)

// Everything that can be true of an address, through the real hub.
func TestARunShowsWhatIsTrueOfEverybody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.world.AddRoom(kalends.Room{Email: "elbe@musterwerk.example", Name: "Raum Elbe", Capacity: 8, Building: "A", Floor: "2"})
		h.world.Add(memory.Person{Email: "elbe@musterwerk.example", Name: "Raum Elbe", Kind: kalends.MailboxResource})
		h.world.Add(
			memory.Person{Email: "haupt@musterwerk.example", Aliases: []string{"alias@musterwerk.example"}},
			memory.Person{Email: "neu@musterwerk.example", State: memory.NoMailbox},
			memory.Person{Email: "verboten@musterwerk.example", State: memory.NotPermitted},
			memory.Person{Email: "team@musterwerk.example", Kind: kalends.MailboxGroup})
		h.settle(append(h.known("Berta", "Cem"),
			smartcalendar.NewPerson{Name: "Alias", Email: "alias@musterwerk.example"},
			smartcalendar.NewPerson{Name: "Neu", Email: "neu@musterwerk.example"},
			smartcalendar.NewPerson{Name: "Verboten", Email: "verboten@musterwerk.example"},
			smartcalendar.NewPerson{Name: "Team", Email: "team@musterwerk.example"},
			smartcalendar.NewPerson{Name: "Fehlt", Email: "fehlt@musterwerk.example"},
			smartcalendar.NewPerson{Name: "Berta Zwei", Email: "BERTA@Musterwerk.example"})...)
		h.connect()
		h.finished()
		for email, want := range map[string]row{
			"ada@musterwerk.example":      {Status: "connected"},
			"cem@musterwerk.example":      {Status: "connected"},
			"elbe@musterwerk.example":     {Status: "connected"},
			"alias@musterwerk.example":    {Status: "error", Cause: "address_is_alias"},
			"neu@musterwerk.example":      {Status: "waiting", Cause: "no_mailbox"},
			"verboten@musterwerk.example": {Status: "error", Cause: "not_permitted"},
			"team@musterwerk.example":     {Status: "error", Cause: "not_a_person"},
			"fehlt@musterwerk.example":    {Status: "error", Cause: "account_not_found"},
		} {
			if got := h.row(email); got.Status != want.Status || got.Cause != want.Cause {
				t.Errorf("%s is %s %s, want %s %s", email, got.Status, got.Cause, want.Status, want.Cause)
			}
		}
		if n := h.count("sc_links WHERE email_key = 'berta@musterwerk.example' AND status = 'connected'"); n != 1 {
			t.Errorf("%d people have Berta's calendar", n)
		}
		h.until("the proposal is read", func() bool { return h.row("alias@musterwerk.example").Facts["mailbox"] != "" })
		body := h.browser.page(t, "/settings/calendar")
		says(t, body, "Sync errors (5)", "Waiting for a mailbox (1)", "is also used by Berta", "Accept haupt@musterwerk.example", "musterwerk.example")
		says(t, h.browser.page(t, "/settings/calendar/rooms"), "Raum Elbe", "A 2")
		if n := h.number("SELECT connected * 1000 + waiting * 100 + errors * 10 + rooms FROM sc_runs"); n != 3151 {
			t.Errorf("the run says %d", n)
		}
	})
}

func TestAProposalIsAcceptedByMapping(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.world.Add(memory.Person{Email: "haupt@musterwerk.example", Aliases: []string{"alias@musterwerk.example"}})
		h.settle(smartcalendar.NewPerson{Name: "Alias", Email: "alias@musterwerk.example"})
		h.connect()
		h.finished()
		h.until("the proposal is read", func() bool { return h.row("alias@musterwerk.example").Facts["mailbox"] == "haupt@musterwerk.example" })
		id := h.text("SELECT id FROM sc_links WHERE email_key = 'alias@musterwerk.example'")
		h.browser.post(t, "/settings/calendar/accept", "link", id)
		h.becomes("alias@musterwerk.example", "connected")
		h.until("how it matched is read", func() bool {
			r := h.row("alias@musterwerk.example")
			return r.Matched == "haupt@musterwerk.example" && r.By == "manual"
		}, func() any { return h.row("alias@musterwerk.example") })
		h.finished()
		if a := h.browser.post(t, "/settings/calendar/accept", "link", id); a.status != 303 {
			t.Errorf("accepting twice: %d", a.status)
		}
		if n := h.count("sc_history WHERE action = 'link.accepted'"); n != 1 {
			t.Errorf("accepted %d times", n)
		}
	})
}

func TestRetryOfOneAGroupAndAll(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.world.Add(memory.Person{Email: "verboten@musterwerk.example", State: memory.NotPermitted})
		h.settle(
			smartcalendar.NewPerson{Name: "Eins", Email: "eins@musterwerk.example"}, smartcalendar.NewPerson{Name: "Zwei", Email: "zwei@musterwerk.example"},
			smartcalendar.NewPerson{Name: "Drei", Email: "drei@musterwerk.example"}, smartcalendar.NewPerson{Name: "Verboten", Email: "verboten@musterwerk.example"})
		h.connect()
		h.finished()
		h.known("Eins", "Zwei", "Drei")
		h.browser.post(t, "/settings/calendar/retry", "link", h.text("SELECT id FROM sc_links WHERE email_key = 'eins@musterwerk.example'"))
		h.becomes("eins@musterwerk.example", "connected")
		h.finished()
		if got := h.row("zwei@musterwerk.example"); got.Status != "error" {
			t.Errorf("the retry of one asked for others: %+v", got)
		}
		h.world.SetState("verboten@musterwerk.example", "")
		h.browser.post(t, "/settings/calendar/retry", "cause", "account_not_found")
		h.becomes("zwei@musterwerk.example", "connected")
		h.becomes("drei@musterwerk.example", "connected")
		h.finished()
		if got := h.row("verboten@musterwerk.example"); got.Status != "error" {
			t.Errorf("the retry of a group asked for others: %+v", got)
		}
		h.browser.post(t, "/settings/calendar/retry", "all", "1")
		h.becomes("verboten@musterwerk.example", "connected")
		h.finished()
		if n := h.count("sc_runs WHERE kind = 'retry'"); n != 3 {
			t.Errorf("%d retries", n)
		}
	})
}

func TestAResyncKeepsIdentities(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.world.AddRoom(kalends.Room{Email: "elbe@musterwerk.example", Name: "Raum Elbe"})
		h.world.Add(memory.Person{Email: "elbe@musterwerk.example", Name: "Raum Elbe", Kind: kalends.MailboxResource})
		h.lives("Berta", "Cem")
		before := h.identities()
		for range 2 {
			h.browser.post(t, "/settings/calendar/resync")
			h.finished()
		}
		equal(t, before, h.identities())
		if n := h.count("accounts"); n != 4 {
			t.Errorf("%d accounts at the hub", n)
		}
	})
}

// Rooms are forgotten when the calendar system lists them no more, and not when
// it cannot list them just now.
func TestErrRoomsThatCannotBeListedAreKept(t *testing.T) {
	t.Parallel()
	h := newTown(t)
	h.world.AddRoom(kalends.Room{Email: "elbe@musterwerk.example", Name: "Raum Elbe"})
	h.lives("Berta")
	before := h.identities()
	h.world.HideRooms(true)
	h.later(10 * time.Minute) // the hub remembers the list for a while
	asked := h.world.Calls("rooms")
	h.browser.post(t, "/settings/calendar/resync")
	h.finished()
	if h.world.Calls("rooms") == asked {
		t.Fatal("nobody asked for the rooms")
	}
	equal(t, before, h.identities())
	says(t, h.browser.page(t, "/settings/calendar/rooms"), "Raum Elbe")
}

// identities gives the subs of all who are connected.
func (h *town) identities() map[string]string {
	h.t.Helper()
	subs := map[string]string{}
	for _, name := range []string{"ada", "berta", "cem", "elbe"} {
		if r, err := h.link(name + "@musterwerk.example"); err == nil && r.Status == "connected" {
			subs[name] = r.Sub + " " + r.Profile
		}
	}
	return subs
}

func TestDisconnectWithTheNameAndReconnectFindsTheSamePeople(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.world.AddRoom(kalends.Room{Email: "elbe@musterwerk.example", Name: "Raum Elbe"})
		h.world.Add(memory.Person{Email: "elbe@musterwerk.example", Name: "Raum Elbe", Kind: kalends.MailboxResource})
		h.lives("Berta", "Cem")
		before := h.identities()
		says(t, h.browser.page(t, "/settings/calendar/disconnect"), "3", "Musterwerk")
		if a := h.browser.post(t, "/settings/calendar/disconnect", "confirm", "muster"); a.status != 422 {
			t.Errorf("a wrong name: %d", a.status)
		}
		if len(h.identities()) != 4 {
			t.Fatal("a wrong name disconnects")
		}
		h.browser.post(t, "/settings/calendar/disconnect", "confirm", "Musterwerk")
		h.ended()
		if n := h.count("sc_links WHERE status <> 'none' OR access_token <> '' OR refresh_token <> '' OR due_at IS NOT NULL"); n != 0 {
			t.Errorf("%d links are left", n)
		}
		h.until("the hub has no living grant", func() bool { return h.count("grants WHERE revoked_at IS NULL") == 0 })
		h.connect()
		h.finished()
		equal(t, before, h.identities())
	})
}

func TestAWaitingMailboxIsConnectedWhenItComes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.world.Add(memory.Person{Email: "neu@musterwerk.example", State: memory.NoMailbox})
		h.settle(smartcalendar.NewPerson{Name: "Neu", Email: "neu@musterwerk.example"})
		h.connect()
		h.finished()
		if got := h.row("neu@musterwerk.example"); got.Status != "waiting" {
			t.Fatalf("%+v", got)
		}
		if body := h.browser.page(t, "/settings/calendar"); strings.Contains(body, "Sync errors (1)") {
			t.Error("waiting counts as an error")
		}
		h.world.SetState("neu@musterwerk.example", "")
		for range 6 {
			h.later(2 * time.Hour)
		}
		h.becomes("neu@musterwerk.example", "connected")
	})
}

func equal(t *testing.T, want, got map[string]string) {
	t.Helper()
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %q, want %q", key, got[key], value)
		}
	}
	if len(want) != len(got) || len(want) == 0 {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A company as large as they come, through the real hub.
func TestARunOfSeveralBatchesEnds(t *testing.T) {
	t.Parallel()
	h := newTown(t)
	people := make([]smartcalendar.NewPerson, 160)
	for i, email := range h.world.Staff(len(people)) {
		people[i] = smartcalendar.NewPerson{Name: fmt.Sprintf("Person %04d", i), Email: email}
	}
	h.settle(people...)
	h.connect()
	h.finished()
	if n := h.count("sc_links WHERE status = 'connected' AND refresh_token <> '' AND due_at IS NULL"); n != 161 {
		t.Errorf("%d are connected", n)
	}
	if n := h.number("SELECT connected FROM sc_runs"); n != 161 {
		t.Errorf("the run says %d", n)
	}
	says(t, h.browser.page(t, "/settings/calendar"), "161")
}
