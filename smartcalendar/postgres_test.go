package smartcalendar_test

import (
	"testing"

	"kalends/db/dbtest"
	"kalends/smartcalendar"
)

// The whole life of a company's calendar on the other database.
func TestTheRowsLiveOnPostgreSQLToo(t *testing.T) {
	t.Parallel()
	h := newTownOn(t, dbtest.Postgres)
	h.settle(append(h.known("Berta", "Cem"),
		smartcalendar.NewPerson{Name: "Fehlt", Email: "fehlt@musterwerk.example"},
		smartcalendar.NewPerson{Name: "Berta Zwei", Email: "BERTA@musterwerk.example"})...)
	h.connect()
	h.finished()
	before := h.row("cem@musterwerk.example")
	if n := h.number("SELECT connected * 10 + errors FROM sc_runs"); n != 32 {
		t.Errorf("the run says %d", n)
	}
	for _, path := range []string{"/people", "/people?q=ber&status=connected", "/people/" + h.personID("cem@musterwerk.example"), "/settings/calendar", "/settings/calendar/errors.csv", "/settings/calendar/rooms", "/settings/calendar/disconnect", "/me", "/outbox"} {
		if a := h.browser.get(t, path); a.status != 200 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	h.known("Cemil")
	h.change("cem@musterwerk.example", "Cemil", "cemil@musterwerk.example")
	h.becomes("cemil@musterwerk.example", "connected")
	h.act("cemil@musterwerk.example", "deactivate")
	h.ended()
	h.browser.post(t, "/settings/calendar/retry", "all", "1")
	h.finished()
	a := h.browser.uploads(t, "Name;E-Mail\nNeu;neu@musterwerk.example\n")
	h.browser.post(t, a.to, "invite", "1")
	h.letterTo("neu@musterwerk.example")
	h.browser.post(t, "/settings/calendar/disconnect", "confirm", "Musterwerk")
	h.ended()
	h.connect()
	h.finished()
	if after := h.row("cemil@musterwerk.example"); after.Status != "none" || before.Sub == "" {
		t.Errorf("%+v", after)
	}
}
