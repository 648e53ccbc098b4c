package api

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits counts calls per application: so many a second and so many a minute.
type limits struct {
	perSecond, perMinute int
	exempt               []string
	clock                func() time.Time

	mu   sync.Mutex
	apps map[string][2]*rate.Limiter // few: one entry a registered application
}

func newLimits(c Config) *limits {
	l := &limits{perSecond: c.PerSecond, perMinute: c.PerMinute, exempt: c.Exempt, clock: c.Clock, apps: map[string][2]*rate.Limiter{}}
	if l.perSecond == 0 {
		l.perSecond = 50
	}
	if l.perMinute == 0 {
		l.perMinute = 500
	}
	return l
}

// take counts a call; it gives how long to wait if there is none left.
func (l *limits) take(application string) time.Duration {
	if slices.Contains(l.exempt, application) {
		return 0
	}
	now := l.clock()
	taken := make([]*rate.Reservation, 0, 2)
	for _, limiter := range l.of(application) {
		r := limiter.ReserveN(now, 1)
		taken = append(taken, r)
		if wait := r.DelayFrom(now); wait > 0 {
			for _, t := range taken {
				t.CancelAt(now)
			}
			return wait
		}
	}
	return 0
}

// giveBack undoes a take: the call was one that the hub itself asked for.
func (l *limits) giveBack(application string) {
	if slices.Contains(l.exempt, application) {
		return
	}
	now := l.clock()
	for _, limiter := range l.of(application) {
		limiter.AllowN(now, -1) // never more than the burst: the next call cuts it
	}
}

func (l *limits) of(application string) [2]*rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	pair, ok := l.apps[application]
	if !ok {
		pair = [2]*rate.Limiter{
			rate.NewLimiter(rate.Limit(l.perSecond), l.perSecond),
			rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute),
		}
		l.apps[application] = pair
	}
	return pair
}
