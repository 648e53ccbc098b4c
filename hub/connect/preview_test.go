package connect_test

import (
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider/memory"
)

// A caller waits for a preview no longer than a call may take: what is known by
// then is said, the rest is still open.
func TestAPreviewEndsInTime(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	people := h.world.Staff(12)
	h.SetPreviewTime(200 * time.Millisecond)
	h.world.Break(memory.Fault{Operation: "find", Hang: make(chan struct{})})
	items, err := h.Preview(t.Context(), organisation, people)
	h.must(err)
	for _, item := range items {
		if item.Status != kalends.AccountPending || item.Cause == nil || item.Email == "" {
			t.Errorf("%+v", item)
		}
	}
}

// Nor does an administrator who maps an address by hand.
func TestErrAMappingOnThePreviewEndsInTime(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	handle := h.authorize()
	h.check(handle, h.world.Credentials())
	h.SetPreviewTime(200 * time.Millisecond)
	h.world.Break(memory.Fault{Operation: "find", Hang: make(chan struct{})})
	person := h.world.Staff(1)[0]
	if err := h.PreviewMapping(t.Context(), handle, person, person); err == nil {
		t.Error("mapped without an answer")
	}
}

// A calendar system takes part of a name for a search: what is no address is not
// looked up.
func TestErrWhatIsNoAddressIsNotLookedUp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	before := h.world.Calls("find")
	for _, text := range []string{"a", "", "@", "a@b@musterwerk.example", "<a@musterwerk.example>"} {
		items, err := h.Preview(t.Context(), organisation, []string{text})
		h.must(err)
		if items[0].Status != kalends.AccountError || items[0].Cause.Key != kalends.CauseAccountNotFound {
			t.Errorf("%q: %+v", text, items[0])
		}
		if _, err := h.Diagnose(t.Context(), organisation, text, true); kalends.KindOf(err) != kalends.KindNotFound {
			t.Errorf("%q: %v", text, err)
		}
	}
	if n := h.world.Calls("find") - before; n != 0 {
		t.Errorf("%d look-ups", n)
	}
}
