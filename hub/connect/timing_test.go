package connect_test

import (
	"testing"
	"time"

	kalends "kalends"
)

// A name that nothing is connected with is refused no sooner than a wrong
// password, although no server is asked about it.
func TestErrSignInIsNotRefusedSooner(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.connect()
	h.refuse = 300 * time.Millisecond
	h.open()
	wrong := h.world.Credentials()
	wrong["password"] = "guess"
	unknown := kalends.Credentials{"username": "nobody", "password": "guess", "test_email": "a@fremd.example"}
	for name, values := range map[string]kalends.Credentials{"known": wrong, "unknown": unknown, "empty": {}} {
		begun := time.Now()
		_, err := h.SignIn(t.Context(), kalends.Exchange, values, browser)
		h.kind(err, kalends.KindUnauthorized)
		if took := time.Since(begun); took < h.refuse {
			t.Errorf("%s: refused after %s", name, took)
		}
	}
}
