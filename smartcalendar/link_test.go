package smartcalendar_test

import (
	"testing"

	"kalends/provider/memory"
)

// A mailbox that fails does not end its grant: the tokens stay, and end with it.
func TestSomebodyWhoseMailboxFailsKeepsTheTokens(t *testing.T) {
	t.Parallel()
	h := newTown(t)
	h.settle(h.known("Berta")...)
	h.connect()
	h.finished()
	const berta = "berta@musterwerk.example"
	h.world.SetState(berta, memory.NotPermitted)
	h.browser.post(t, "/settings/calendar/resync")
	h.becomes(berta, "error")
	h.finished()
	if n := h.count("sc_links WHERE email_key = '" + berta + "' AND access_token <> '' AND refresh_token <> ''"); n != 1 {
		t.Error("the tokens are gone, the grant is not")
	}
	h.browser.post(t, "/settings/calendar/disconnect", "confirm", "Musterwerk")
	h.ended()
	if n := h.count("sc_links WHERE refresh_token <> ''"); n != 0 {
		t.Errorf("%d links keep tokens of a calendar that was disconnected", n)
	}
	h.until("the hub has no living grant", func() bool { return h.count("grants WHERE revoked_at IS NULL") == 0 })
}
