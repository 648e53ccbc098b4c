package await

import (
	"testing"
	"time"
)

// Patience only ends a test that waits in vain.
const Patience = 5 * time.Minute

// often is how long until the next look.
const often = 5 * time.Millisecond

// True waits until something is true. If it never is, the test fails, and logs
// what shows gives.
func True(t testing.TB, what string, done func() bool, shows ...func() any) {
	t.Helper()
	deadline := time.After(Patience)
	tick := time.NewTicker(often)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			for _, show := range shows {
				t.Logf("%+v", show())
			}
			t.Fatal("it never happened: " + what)
		}
	}
}

// Value waits for the next value of a channel, or for its end.
func Value[T any](t testing.TB, what string, values <-chan T) T {
	t.Helper()
	select {
	case value := <-values:
		return value
	case <-time.After(Patience):
		t.Fatal("it never came: " + what)
		panic("not reached")
	}
}
