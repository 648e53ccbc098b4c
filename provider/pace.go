package provider

import "time"

// Pace is how a calendar system takes a connection's requests.
type Pace struct {
	Until    time.Time // it asked to be left alone until then; zero = it did not, or only for a moment
	Answered time.Time // when it last answered a request as it should; zero = not yet
}

// heldFor is how long in all a calendar system has to keep requests away before
// that is worth telling: what is over sooner is nobody's concern.
const heldFor = 5 * time.Second

// leastHeld keeps what is told from changing with every answer of a calendar
// system that asks for a second again and again.
const leastHeld = 10 * time.Second

// Pace tells how the calendar system takes the requests: Until is set once it
// put off three of them in a row, and for five seconds in all.
func (c *Client) Pace() Pace { return c.gate.pace() }

// Next says what is to be known of a connection that was known to be held until
// then (zero: not held), and whether that is news. Somebody who was asked to wait
// goes on being held until a request is answered, from that time on.
func (p Pace) Next(known, now time.Time) (until time.Time, news bool) {
	switch {
	case p.Until.After(known) && p.Until.After(now):
		return latest(p.Until, now.Add(leastHeld)), true
	case !known.IsZero() && !p.Answered.Before(known):
		return time.Time{}, true
	}
	return known, false
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (g *gate) pace() Pace {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := Pace{Answered: g.answered}
	if g.pausedUntil.Sub(g.throttledSince) >= heldFor {
		p.Until = g.pausedUntil
	}
	return p
}

// slow notes a throttled answer. Some in a row pause the connection; from then on
// each further one does, until a request is answered.
func (g *gate) slow(after time.Duration) {
	now := g.clock.Now()
	if g.throttled++; g.throttled == 1 {
		g.throttledSince = now
	}
	if g.throttled >= throttlesToWait {
		g.pausedUntil = latest(g.pausedUntil, now.Add(max(after, time.Second)))
	}
}

// flow notes an answer as it should be. One that comes during a pause was on its
// way before it, and does not end it.
func (g *gate) flow() {
	g.answered = g.clock.Now()
	if !g.answered.Before(g.pausedUntil) {
		g.throttled, g.throttledSince, g.pausedUntil = 0, time.Time{}, time.Time{}
	}
}

// held tells that the connection was paused and nothing was answered since:
// requests go one by one.
func (g *gate) held() bool { return !g.pausedUntil.IsZero() }
