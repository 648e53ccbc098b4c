package connect_test

import (
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider/memory"
)

// matching runs a Tick beside the test. It gives what ends when the Tick does.
func (h *house) matching() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := h.Tick(h.t.Context()); err != nil {
			h.t.Error(err)
		}
	}()
	return done
}

func (h *house) connected() int {
	h.t.Helper()
	return h.count("SELECT count(*) FROM accounts WHERE status = 'connected'")
}

// Somebody is matched first, and that mailbox hangs: the others come in at once,
// and so does whoever is asked for later.
func TestAMailboxThatHangsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.SetProbePatience(time.Millisecond)
	organisation, _ := h.connect()
	hang := make(chan struct{})
	h.world.Break(memory.Fault{Operation: "find", Hang: hang, Times: 1})
	h.ask(organisation, h.world.Staff(30)...)
	done := h.matching()
	for h.connected() < 29 && h.pendingTries() == 0 {
	}
	h.ask(organisation, h.world.Staff(60)[30:]...)
	for h.connected() < 59 && h.pendingTries() == 0 {
		h.tick()
	}
	if n := h.connected(); n != 59 {
		t.Errorf("%d connected before the hanging mailbox was given up, want 59", n)
	}
	close(hang)
	<-done
	if n := h.connected(); n != 60 {
		t.Errorf("%d connected, want 60", n)
	}
}

// pendingTries counts how often pending accounts were tried in vain.
func (h *house) pendingTries() int {
	h.t.Helper()
	return h.count("SELECT COALESCE(sum(tries), 0) FROM accounts WHERE status = 'pending'")
}

// Nobody knows yet that the password was changed, and the server takes long to
// say so: it is sent twice, whatever waits.
func TestErrARefusalThatTakesLongIsMetTwiceAtMost(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.SetProbePatience(time.Millisecond)
	organisation, _ := h.connect()
	h.world.SetPassword("new one")
	hang := make(chan struct{})
	h.world.Break(memory.Fault{Operation: "find", Hang: hang})
	before := h.world.Calls("find")
	h.ask(organisation, h.world.Staff(30)...)
	done := h.matching()
	for h.world.Calls("find")-before < 2 {
		_ = h.connected()
	}
	for range 50 { // time for a third
		_ = h.connected()
	}
	close(hang)
	<-done
	if sent := h.world.Calls("find") - before; sent != 2 {
		t.Errorf("the password was sent %d times", sent)
	}
	list, err := h.Connections(t.Context(), organisation)
	h.must(err)
	if list[0].Status != kalends.ConnectionDegraded || list[0].Cause.Key != kalends.CauseCredentialsExpired {
		t.Errorf("the connection is %s, %+v", list[0].Status, list[0].Cause)
	}
}
