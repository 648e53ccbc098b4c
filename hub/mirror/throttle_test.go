package mirror_test

import (
	"strconv"
	"testing"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/hub/mirror"
	"kalends/provider/memory"
)

func busyServer(after time.Duration) memory.Fault {
	return memory.Fault{Err: &kalends.Error{Kind: kalends.KindThrottled, After: after}}
}

const (
	held    = `SELECT COALESCE(throttled_until, 0) FROM connections`
	harmed  = `SELECT count(*) FROM calendars WHERE tries > 0`
	current = `SELECT count(*) FROM calendars WHERE last_sync_at = `
)

func (h *house) micros() string { return strconv.FormatInt(db.Micros(h.clock.Now()), 10) }

// throttled lets the calendar system ask for a minute at the time when
// everybody's calendar is due.
func (h *house) throttled(t *testing.T, people int) {
	t.Helper()
	h.readDue(t, people)
	h.world.Break(busyServer(time.Minute))
	h.clock.Advance(7 * time.Minute)
	if _, err := h.ReadDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if until, want := h.value(t, held), strconv.FormatInt(db.Micros(h.clock.Now().Add(time.Minute)), 10); until != want {
		t.Fatalf("held until %s, want %s", until, want)
	}
}

// harmless fails if throttling did more than make people wait.
func (h *house) harmless(t *testing.T) {
	t.Helper()
	if state := h.value(t, `SELECT status || cause_key FROM connections`); state != "connected" {
		t.Errorf("the connection is %s", state)
	}
	if n := h.value(t, `SELECT count(*) FROM accounts WHERE status <> 'connected' OR cause_key <> '' OR due_at IS NOT NULL`); n != "0" {
		t.Errorf("%s accounts suffered", n)
	}
	if n := h.value(t, harmed); n != "0" {
		t.Errorf("%s calendars count a failure", n)
	}
	if n := h.value(t, `SELECT count(*) FROM audits`); n != "0" || len(h.jobs.args) != 0 {
		t.Errorf("%s audit entries, jobs %v", n, h.jobs.args)
	}
}

func TestThrottledConnectionWaitsAndGoesOn(t *testing.T) {
	t.Parallel()
	each(t, 40, throttledConnectionWaits)
}

func throttledConnectionWaits(t *testing.T, h *house) {
	t.Helper()
	h.throttled(t, 40)
	h.harmless(t)
	sent := h.world.Calls("changes")
	if sent -= 40; sent > 10 {
		t.Errorf("%d requests to a server that asks for rest", sent)
	}
	h.clock.Advance(59 * time.Second)
	h.readDue(t, 0)
	h.world.Heal()
	h.clock.Advance(time.Second)
	h.readDue(t, 40)
	if until := h.value(t, held); until != "0" {
		t.Errorf("still held until %s", until)
	}
	if n := h.value(t, current+h.micros()); n != "40" {
		t.Errorf("%s of 40 calendars are current", n)
	}
	h.harmless(t)
}

func TestThrottledConnectionIsTriedByOneRequest(t *testing.T) {
	t.Parallel()
	each(t, 40, triedByOneRequest)
}

func triedByOneRequest(t *testing.T, h *house) {
	t.Helper()
	h.throttled(t, 40)
	before := h.value(t, held)
	h.clock.Advance(time.Minute)
	sent := h.world.Calls("changes")
	if _, err := h.ReadDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if more := h.world.Calls("changes") - sent; more != 1 {
		t.Errorf("%d requests, want one that tries for all", more)
	}
	if h.value(t, held) <= before {
		t.Error("the new time is not known")
	}
	h.harmless(t)
}

// Another node, or this one after a restart, knows from the row alone.
func TestThrottledConnectionIsKnownToEveryNode(t *testing.T) {
	t.Parallel()
	each(t, 20, knownToEveryNode)
}

func knownToEveryNode(t *testing.T, h *house) {
	t.Helper()
	h.throttled(t, 20)
	other := &house{db: h.db, world: h.world, clock: h.clock, jobs: h.jobs}
	other.open(t)
	other.Mirror = other.mirror(mirror.Config{})
	sent := h.world.Calls("changes")
	other.readDue(t, 0)
	if more := h.world.Calls("changes") - sent; more != 0 {
		t.Errorf("%d requests by a node that should have known", more)
	}
	h.world.Heal()
	h.clock.Advance(time.Minute)
	other.readDue(t, 20)
	if until := h.value(t, held); until != "0" {
		t.Errorf("still held until %s", until)
	}
	h.clock.Advance(7 * time.Minute)
	h.readDue(t, 20) // and the first node goes on too
	h.harmless(t)
}

func TestThrottlingOfASmallCompanyIsNoticedAndEnds(t *testing.T) {
	t.Parallel()
	each(t, 4, func(t *testing.T, h *house) {
		t.Helper()
		h.running(t)
		h.until(t, unread, "0")
		h.passes(t)
		h.world.Break(busyServer(time.Minute))
		for n := 1; n <= 3; n++ {
			h.clock.Advance(6 * time.Second)
			h.until(t, `SELECT count(*) FROM calendars WHERE cause_key = 'throttled'`, strconv.Itoa(n))
			h.passes(t)
		}
		h.until(t, held, strconv.FormatInt(db.Micros(h.clock.Now().Add(time.Minute)), 10))
		h.world.Heal()
		h.clock.Advance(time.Minute)
		h.until(t, held, "0")
		h.harmless(t)
	})
}

// One mailbox with its own limit is its own matter.
func TestAThrottledMailboxHoldsNobodyElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 20)
	h.readDue(t, 20)
	fault := busyServer(time.Minute)
	fault.Mailbox = h.emails[3]
	h.world.Break(fault)
	h.clock.Advance(7 * time.Minute)
	h.readDue(t, 20)
	if until := h.value(t, held); until != "0" {
		t.Errorf("held until %s", until)
	}
	if n := h.value(t, current+h.micros()); n != "19" {
		t.Errorf("%s of 19 calendars are current", n)
	}
	h.clock.Advance(59 * time.Second)
	h.readDue(t, 0)
}
