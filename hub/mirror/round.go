package mirror

import (
	"context"
	"fmt"
	"sync"

	kalends "kalends"
	"kalends/db"
	"kalends/store"
)

// One look for due calendars takes at most this many: few, so that somebody new
// does not stand behind a long queue.
const batch = 64

// round knows what is being read and what waits for it. It belongs to one
// goroutine; the readings run in their own and report to done.
type round struct {
	m       *Mirror
	lanes   map[string]*lane // by connection
	known   map[string]bool  // calendars waiting or being read
	more    bool             // the last look was full: there may be more
	pulse   *pulse
	done    chan store.DueCalendar
	running sync.WaitGroup
	quit    chan struct{}
}

// lane is one connection's queue.
type lane struct {
	waiting []store.DueCalendar
	active  int
}

// enough tells whether the lane has work until the next look.
func (l *lane) enough() bool { return l != nil && len(l.waiting) >= 16 }

// idle tells whether nothing is read or waits.
func (l *lane) idle() bool { return l.active == 0 && len(l.waiting) == 0 }

func newRound(m *Mirror) *round {
	return &round{
		m: m, lanes: map[string]*lane{}, known: map[string]bool{}, pulse: newPulse(),
		done: make(chan store.DueCalendar), quit: make(chan struct{}),
	}
}

// stop waits for the readings. Their context has ended, or ends the wait by itself.
func (r *round) stop() {
	close(r.quit)
	r.running.Wait()
}

func (r *round) lane(connectionID string) *lane {
	l := r.lanes[connectionID]
	if l == nil {
		l = &lane{}
		r.lanes[connectionID] = l
	}
	return l
}

// fill looks for due calendars, leaving out connections with enough to do, so
// that a large one never hides the others.
func (r *round) fill(ctx context.Context) error {
	var without []string
	for id, l := range r.lanes {
		if l.enough() {
			without = append(without, id)
		}
	}
	var due []store.DueCalendar
	err := r.m.c.DB.Read(ctx, func(tx *db.Tx) (err error) {
		due, err = r.m.c.Store.DueCalendars(ctx, tx, without, batch)
		return err
	})
	if err != nil {
		return fmt.Errorf("mirror: due calendars: %w", err)
	}
	r.more = len(due) == batch
	for _, d := range due {
		if !r.known[d.ID] {
			r.take(ctx, d)
		}
	}
	r.startWaiting(ctx)
	return nil
}

func (r *round) take(ctx context.Context, due store.DueCalendar) {
	r.known[due.ID] = true
	l := r.lane(due.ConnectionID)
	l.waiting = append(l.waiting, due)
	if due.ConnectionStatus == kalends.ConnectionDegraded {
		r.m.probe(ctx, due.ConnectionID)
	}
}

// startWaiting starts as many readings as the connections may have.
func (r *round) startWaiting(ctx context.Context) {
	for _, l := range r.lanes {
		for l.active < r.m.c.Concurrency && len(l.waiting) > 0 {
			next := l.waiting[0]
			l.waiting = l.waiting[1:]
			l.active++
			r.running.Go(func() { r.work(ctx, next) })
		}
	}
}

func (r *round) work(ctx context.Context, due store.DueCalendar) {
	r.m.readOne(ctx, due)
	select {
	case r.done <- due:
	case <-r.quit:
	}
}

// finish forgets a calendar that was read.
func (r *round) finish(done store.DueCalendar) {
	delete(r.known, done.ID)
	r.pulse.read[done.ConnectionID] = r.m.c.DB.Clock()()
	l := r.lanes[done.ConnectionID]
	l.active--
	if l.idle() {
		delete(r.lanes, done.ConnectionID)
	}
}
