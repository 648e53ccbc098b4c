package provider

import (
	"context"
	"errors"
	"sync"
	"time"

	kalends "kalends"
)

// gate lets a connection's requests through under its budgets: so many at once
// in all, so many for one mailbox, some kept free for interactive work. It also
// remembers what the other end thinks of us: a refused credential closes the
// gate, repeated throttling pauses it (pace.go).
type gate struct {
	inFlight, reserved, perMailbox int // budgets
	maxWait                        time.Duration
	clock                          Clock

	mu        sync.Mutex
	busy      int
	mailboxes map[string]int
	waiting   [2][]*waiter  // [0] interactive, [1] the rest
	refused   int           // unauthorized answers in a row
	throttled int           // throttled answers in a row
	left      time.Time     // when a request ended last
	took      time.Duration // how long that one took
	hurried   time.Time     // when an interactive request came last
	answered  time.Time     // when a request was last answered as it should be

	throttledSince time.Time // the first throttled answer of the row
	pausedUntil    time.Time // zero = no pause, or a request was answered after it
}

type waiter struct {
	mailbox     string
	interactive bool
	let         chan error // buffered: nil = go
}

const (
	refusalsAllowed = 2 // one more could lock a directory account
	throttlesToWait = 3 // a single one concerns its own mailbox only
	// The reserved places are lent while requests are so fast that interactive
	// work would get a place at once, and none came for a while.
	fast = time.Second
	calm = 10 * time.Second
)

func newGate(o Options) *gate {
	return &gate{
		inFlight: o.InFlight, reserved: o.Reserved, perMailbox: o.PerMailbox,
		maxWait: o.MaxWait, clock: o.Clock, mailboxes: map[string]int{},
	}
}

// enter waits until a request may be sent. KindUnauthorized at once while the
// credential is known to be refused.
func (g *gate) enter(ctx context.Context, mailbox string) error {
	w := &waiter{mailbox: mailbox, interactive: isInteractive(ctx), let: make(chan error, 1)}
	g.mu.Lock()
	if w.interactive {
		g.hurried = g.clock.Now()
	}
	lane := g.lane(w)
	*lane = append(*lane, w)
	g.dispatch()
	g.mu.Unlock()
	select {
	case err := <-w.let:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return g.abandon(w, g.late(ctx.Err()))
	}
	if err := g.sitOut(ctx); err != nil {
		g.exit(mailbox, kalends.KindUnavailable, 0, fast)
		return err
	}
	return nil
}

// sitOut waits, with a place taken, for the end of a pause that the other end
// asked for. A pause that is too long for that is KindThrottled at once.
func (g *gate) sitOut(ctx context.Context) error {
	for {
		g.mu.Lock()
		left := g.pausedUntil.Sub(g.clock.Now())
		g.mu.Unlock()
		switch {
		case left <= 0:
			return ctx.Err()
		case left > g.maxWait:
			return &kalends.Error{Kind: kalends.KindThrottled, After: left, Op: "provider.Client"}
		}
		if err := g.clock.Wait(ctx, left); err != nil {
			return g.late(err)
		}
	}
}

// late gives the error of somebody whose time ran out: KindThrottled where it
// was a pause that took it.
func (g *gate) late(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.held() || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &kalends.Error{Kind: kalends.KindThrottled, After: max(g.pausedUntil.Sub(g.clock.Now()), 0), Op: "provider.Client", Err: err}
}

func (g *gate) lane(w *waiter) *[]*waiter {
	if w.interactive {
		return &g.waiting[0]
	}
	return &g.waiting[1]
}

// abandon takes a waiter out whose caller gave up; if it was let in meanwhile,
// its place is given back.
func (g *gate) abandon(w *waiter, err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	lane := g.lane(w)
	for i, other := range *lane {
		if other == w {
			*lane = append((*lane)[:i], (*lane)[i+1:]...)
			return err
		}
	}
	if let := <-w.let; let == nil {
		g.leave(w.mailbox)
		g.dispatch()
	}
	return err
}

// exit gives the place back and notes the answer's kind and how long it took.
func (g *gate) exit(mailbox string, kind kalends.Kind, after, took time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave(mailbox)
	g.left, g.took = g.clock.Now(), took
	g.note(kind, after)
	g.dispatch()
}

func (g *gate) leave(mailbox string) {
	g.busy--
	if g.mailboxes[mailbox]--; g.mailboxes[mailbox] <= 0 {
		delete(g.mailboxes, mailbox)
	}
}

// note draws the conclusions of an answer. Unavailable says nothing about the
// credential; every other answer proves that it was accepted.
func (g *gate) note(kind kalends.Kind, after time.Duration) {
	switch kind {
	case kalends.KindUnauthorized:
		g.refused++
		return
	case kalends.KindUnavailable, kalends.KindInternal, kalends.KindInvalid, kalends.KindUnsupported:
		return
	case kalends.KindThrottled:
		g.slow(after)
		return
	}
	g.flow()
	if g.refused < refusalsAllowed {
		g.refused = 0
	}
}

// dispatch lets in whoever may go, interactive work first.
func (g *gate) dispatch() {
	for i := range g.waiting {
		kept := g.waiting[i][:0]
		for _, w := range g.waiting[i] {
			switch {
			case g.refused >= refusalsAllowed:
				w.let <- errRefused()
			case g.room(w):
				g.busy++
				g.mailboxes[w.mailbox]++
				w.let <- nil
			default:
				kept = append(kept, w)
			}
		}
		clear(g.waiting[i][len(kept):])
		g.waiting[i] = kept
	}
}

// room tells whether the waiter may go now. After a first refusal requests go
// one by one, so that a changed password costs two tries and not a whole burst;
// after a pause too, to see whether it is over.
func (g *gate) room(w *waiter) bool {
	if g.busy > 0 && (g.refused > 0 || g.held()) {
		return false
	}
	limit := g.inFlight
	if !w.interactive && !g.lends() {
		limit -= g.reserved
	}
	return g.busy < limit && (w.mailbox == "" || g.mailboxes[w.mailbox] < g.perMailbox)
}

// lends tells whether other work may have the reserved places just now.
func (g *gate) lends() bool {
	now := g.clock.Now()
	return g.took < fast && now.Sub(g.left) < fast && now.Sub(g.hurried) > calm
}

// resume opens a gate that refusals closed, for one request: the others wait to
// see whether it is refused again.
func (g *gate) resume() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refused >= refusalsAllowed {
		g.refused = refusalsAllowed - 1
	}
}

// isClosed tells whether refusals closed the gate.
func (g *gate) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused >= refusalsAllowed
}

func errRefused() error {
	return &kalends.Error{
		Kind:  kalends.KindUnauthorized,
		Cause: kalends.NewCause(kalends.CauseCredentialsExpired),
		Op:    "provider.Client",
	}
}
