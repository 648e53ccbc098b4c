package connect_test

import (
	"testing"
	"time"
)

func TestTheLastUseOfAnApplicationIsKnown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	handle := h.authorize()
	h.check(handle, h.world.Credentials())
	back, err := h.Finish(t.Context(), handle)
	h.must(err)
	tokens, err := h.ExchangeCode(t.Context(), h.app, query(t, back, "code"), redirectURI, "")
	h.must(err)
	lastUse := func() time.Time {
		t.Helper()
		list, err := h.Connections(t.Context(), tokens.OrganisationID)
		h.must(err)
		return list[0].LastUsedAt
	}
	if at := lastUse(); !at.IsZero() {
		t.Errorf("used %s before anybody used it", at)
	}
	use := func() {
		t.Helper()
		_, err := h.Authenticate(t.Context(), tokens.AccessToken)
		h.must(err)
	}
	first := h.clock.Now()
	use()
	h.clock.pass(4 * time.Minute)
	use()
	if at := lastUse(); !at.Equal(first) {
		t.Errorf("noted %s, want %s: a use within five minutes costs no write", at, first)
	}
	h.clock.pass(2 * time.Minute)
	use()
	if at := lastUse(); !at.Equal(h.clock.Now()) {
		t.Errorf("noted %s, want %s", at, h.clock.Now())
	}
	h.open() // a program that has just started, or another node, never puts the time back
	h.clock.pass(-3 * time.Minute)
	later := lastUse()
	use()
	if at := lastUse(); !at.Equal(later) {
		t.Errorf("put back to %s", at)
	}
	h.must(h.RevokeSub(t.Context(), h.app, tokens.OrganisationID))
	o, err := h.Organisation(t.Context(), tokens.OrganisationID)
	h.must(err)
	if !o.LastUsedAt.IsZero() {
		t.Error("an ended organisation remembers its use")
	}
}
