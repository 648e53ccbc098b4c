package console

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many connects one address may begin: each is a row, and anybody may begin
// one. Far more than a person or a company behind one address needs.
const (
	beginsAtOnce    = 120
	beginsPerSecond = 2
	mostAddresses   = 10000 // remembered; then all are forgotten
)

// begins counts connects by the address they are begun from.
type begins struct {
	clock func() time.Time
	mu    sync.Mutex
	from  map[netip.Addr]*rate.Limiter
}

func newBegins(clock func() time.Time) *begins {
	if clock == nil {
		clock = time.Now
	}
	return &begins{clock: clock, from: map[netip.Addr]*rate.Limiter{}}
}

// take tells whether one more may begin. An IPv6 customer has a /64.
func (b *begins) take(addr netip.Addr) bool {
	if addr.Is6() {
		if prefix, err := addr.WithZone("").Prefix(64); err == nil {
			addr = prefix.Addr()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	limiter, ok := b.from[addr]
	if !ok {
		if len(b.from) >= mostAddresses {
			clear(b.from)
		}
		limiter = rate.NewLimiter(beginsPerSecond, beginsAtOnce)
		b.from[addr] = limiter
	}
	return limiter.AllowN(b.clock(), 1)
}
