package mirror_test

import (
	"testing"
	"time"

	kalends "kalends"
)

// Anybody can invite to an event that lasts for ages. It is kept in few rows, and
// the calendar stays readable.
func TestAnEndlessEventIsKeptInFewRows(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1)
	h.world.Book(h.emails[0], kalends.Event{
		Start: time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(9990, 1, 1, 0, 0, 0, 0, time.UTC), Status: kalends.StatusBusy,
	})
	h.book(h.emails[0], monday.Add(time.Hour), 30, kalends.StatusBusy)
	h.readDue(t, 1)
	if rows := h.value(t, "SELECT count(*) < 50 FROM busy_months"); rows != "1" {
		t.Errorf("%s rows", h.value(t, "SELECT count(*) FROM busy_months"))
	}
	if got := h.value(t, "SELECT count(*) FROM calendars WHERE last_sync_at IS NOT NULL AND cause_key = ''"); got != "1" {
		t.Error("the calendar was not read")
	}
}
