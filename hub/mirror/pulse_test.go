package mirror_test

import (
	"context"
	"testing"
	"time"

	"kalends/hub/mirror"
	"kalends/internal/tools/await"
)

// running runs the mirror, looking for work all the time, until the test ends.
func (h *house) running(t *testing.T) {
	t.Helper()
	m := h.mirror(mirror.Config{Poll: time.Millisecond})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// until waits for a query to give a value.
func (h *house) until(t *testing.T, query, want string) {
	t.Helper()
	await.True(t, query+" gives "+want, func() bool { return h.value(t, query) == want }, func() any { return h.value(t, query) })
}

// passes lets the mirror look for work some more times.
func (h *house) passes(t *testing.T) {
	t.Helper()
	until := h.clock.asked.Load() + 100
	await.True(t, "the mirror looks for work", func() bool { return h.clock.asked.Load() >= until })
}

const unread = `SELECT count(*) FROM calendars WHERE last_sync_at IS NULL`

func TestRefusedPasswordOfASmallCompanyIsNoticedSoon(t *testing.T) {
	t.Parallel()
	each(t, 2, func(t *testing.T, h *house) {
		t.Helper()
		h.running(t)
		h.until(t, unread, "0")
		h.passes(t)
		h.world.SetPassword("changed")
		h.clock.Advance(6 * time.Second)
		h.until(t, `SELECT status || ' ' || cause_key FROM connections`, "degraded credentials_expired")
		sent := h.world.Calls("changes")
		h.clock.Advance(2 * time.Minute)
		h.passes(t)
		if more := h.world.Calls("changes") - sent; more > 0 {
			t.Errorf("%d readings with a refused password", more)
		}
	})
}

func TestPulseReadsNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 3)
	h.running(t)
	h.until(t, unread, "0")
	h.passes(t)
	at := h.value(t, `SELECT max(last_sync_at) FROM calendars`)
	h.clock.Advance(4 * time.Second)
	h.passes(t)
	if n := h.world.Calls("changes"); n != 3 {
		t.Fatalf("%d readings after four seconds, want the first three", n)
	}
	h.clock.Advance(2 * time.Second)
	h.until(t, `SELECT count(*) FROM calendars WHERE last_sync_at > `+at, "1")
	h.passes(t)
	if n := h.world.Calls("changes"); n != 4 {
		t.Errorf("%d readings after six seconds, want one more", n)
	}
}

func TestPulseLeavesFailedCalendarsToTheirBackOff(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1)
	h.running(t)
	h.until(t, unread, "0")
	h.passes(t)
	h.world.Remove(h.emails[0])
	h.clock.Advance(6 * time.Second)
	h.until(t, `SELECT tries FROM calendars`, "1")
	sent := h.world.Calls("changes")
	h.clock.Advance(10 * time.Second) // its turn comes after 24 s at the earliest
	h.passes(t)
	if more := h.world.Calls("changes") - sent; more > 0 {
		t.Errorf("%d readings during the back-off", more)
	}
}
