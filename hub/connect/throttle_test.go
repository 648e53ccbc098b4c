package connect_test

import (
	"testing"
	"time"

	kalends "kalends"
	"kalends/db/dbtest"
	"kalends/provider/memory"
)

// causeOf gives the cause that is shown of the only connection, which is
// connected whatever it is.
func (h *house) causeOf(organisation string) *kalends.Cause {
	h.t.Helper()
	list, err := h.Connections(h.t.Context(), organisation)
	h.must(err)
	if len(list) != 1 || list[0].Status != kalends.ConnectionConnected {
		h.t.Fatalf("connections = %+v, want one that is connected", list)
	}
	return list[0].Cause
}

func (h *house) wantThrottled(organisation string, until time.Time) {
	h.t.Helper()
	cause := h.causeOf(organisation)
	if cause == nil || cause.Key != kalends.CauseThrottled || cause.Facts["until"] != until.UTC().Format(time.RFC3339) {
		h.t.Fatalf("cause = %+v, want throttled until %v", cause, until)
	}
}

func TestThrottledWhileConnecting(t *testing.T) {
	t.Parallel()
	throttledWhileConnecting(t, newHouse(t))
}

func TestThrottledWhileConnectingOnPostgreSQL(t *testing.T) {
	t.Parallel()
	throttledWhileConnecting(t, newHouseOn(t, dbtest.Postgres))
}

func throttledWhileConnecting(t *testing.T, h *house) {
	t.Helper()
	organisation, _ := h.connect()
	people := h.world.Staff(60)
	h.world.Break(memory.Fault{Err: &kalends.Error{Kind: kalends.KindThrottled, After: 5 * time.Minute}})
	h.ask(organisation, people...)
	before := h.world.Calls("find")
	h.tick()
	until := h.clock.Now().Add(5 * time.Minute)
	h.wantThrottled(organisation, until)
	if sent := h.world.Calls("find") - before; sent > 20 {
		t.Errorf("%d requests to a server that asks for rest", sent)
	}
	for _, email := range people {
		if a := h.account(organisation, email); a.Status != kalends.AccountPending {
			t.Fatalf("%s is %s", email, a.Status)
		}
	}
	h.open() // a restart, or another node: it knows from the rows
	h.wantThrottled(organisation, until)
	before = h.world.Calls("find")
	h.clock.pass(4 * time.Minute)
	h.tick()
	if sent := h.world.Calls("find") - before; sent != 0 {
		t.Errorf("%d requests before the time", sent)
	}
	h.world.Heal()
	h.clock.pass(time.Minute + 30*time.Second)
	h.tick()
	for _, email := range people {
		h.status(organisation, email, kalends.AccountConnected, "")
	}
	if cause := h.causeOf(organisation); cause != nil {
		t.Errorf("cause = %+v after answers", cause)
	}
	if n := h.inserted("connection_changed"); n != 0 {
		t.Errorf("%d notifications, want none", n)
	}
}

// However long it lasts, nobody turns to an error and the connection stays.
func TestErrThrottledForHoursHarmsNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	people := h.world.Staff(3)
	h.ask(organisation, people[0])
	h.tick()
	h.status(organisation, people[0], kalends.AccountConnected, "")
	h.world.Break(memory.Fault{Err: &kalends.Error{Kind: kalends.KindThrottled, After: 10 * time.Minute}})
	h.ask(organisation, people...)
	for range 40 {
		h.tick()
		h.clock.pass(5 * time.Minute)
	}
	h.status(organisation, people[0], kalends.AccountConnected, "")
	for _, email := range people[1:] {
		h.status(organisation, email, kalends.AccountPending, kalends.CauseThrottled)
	}
	if cause := h.causeOf(organisation); cause == nil || cause.Key != kalends.CauseThrottled {
		t.Errorf("cause = %+v", cause)
	}
	h.world.Heal()
	h.clock.pass(11 * time.Minute)
	h.tick()
	for _, email := range people {
		h.status(organisation, email, kalends.AccountConnected, "")
	}
	if n := h.inserted("connection_changed"); n != 0 {
		t.Errorf("%d notifications, want none", n)
	}
}

// A time that has passed without anybody asking is not shown for ever.
func TestThrottledIsForgottenAfterItsTime(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	h.world.Break(memory.Fault{Err: &kalends.Error{Kind: kalends.KindThrottled, After: 5 * time.Minute}})
	h.ask(organisation, h.world.Staff(60)...)
	h.tick()
	h.clock.pass(6 * time.Minute)
	if h.causeOf(organisation) == nil {
		t.Error("it is over before an answer")
	}
	h.clock.pass(2 * time.Minute)
	if cause := h.causeOf(organisation); cause != nil {
		t.Errorf("cause = %+v", cause)
	}
}

func TestDiagnosisSaysUntilWhenItIsThrottled(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	h.world.Break(memory.Fault{Err: &kalends.Error{Kind: kalends.KindThrottled, After: 5 * time.Minute}})
	d, err := h.Diagnose(t.Context(), organisation, h.world.Staff(1)[0], true)
	h.must(err)
	cause := d.Steps[0].Cause
	if cause == nil || cause.Key != kalends.CauseThrottled || cause.Facts["until"] != h.clock.Now().Add(5*time.Minute).UTC().Format(time.RFC3339) {
		t.Errorf("first step = %+v", d.Steps[0])
	}
}
