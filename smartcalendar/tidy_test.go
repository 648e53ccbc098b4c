package smartcalendar_test

import (
	"testing"
	"time"
)

// Whoever tries addresses that nobody has leaves rows, but not for ever.
func TestOldRowsGo(t *testing.T) {
	t.Parallel()
	h := newTown(t).settle()
	h.browser.post(t, "/settings/calendar/link")
	v := newVisitor(t, h.appServer.URL)
	v.tries(t, "nobody@musterwerk.example", "falsch")
	v.post(t, "/password", "email", "ada@musterwerk.example")
	kept := func() int { return h.count("sc_tries") + h.count("sc_tickets") + h.count("sc_connects") }
	if kept() < 4 {
		t.Fatalf("%d rows to begin with", kept())
	}
	h.later(60 * 24 * time.Hour)
	h.until("old rows are gone", func() bool { return kept() == 0 })
}
