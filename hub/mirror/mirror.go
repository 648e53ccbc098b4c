package mirror

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"kalends/db"
	"kalends/provider"
	"kalends/store"
)

// Inserter puts a job into the transaction of the fact that it is for.
// *jobs.Runner is one.
type Inserter interface {
	Insert(ctx context.Context, tx *db.Tx, args river.JobArgs, opts *river.InsertOpts) error
}

// Config is what a Mirror works with. DB, Store, Pool and Jobs are required.
// Its clock is the database's.
type Config struct {
	DB    *db.DB
	Store *store.Store
	Pool  *provider.Pool
	Jobs  Inserter
	Log   *slog.Logger

	Interval    time.Duration // between two readings of a calendar, give or take a fifth: 5 min
	Concurrency int           // readings at once for one connection, some of which wait: 16
	Poll        time.Duration // how often due rows are looked for without Wake: 200 ms
}

// Mirror is the engine. Its methods may be called by many goroutines at once.
type Mirror struct {
	c    Config
	wake chan struct{}

	mu     sync.Mutex
	probed map[string]time.Time // connections whose refused credential was tried again, and when
}

// New makes a Mirror; nothing runs until Run.
func New(c Config) *Mirror {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Interval <= 0 {
		c.Interval = 5 * time.Minute
	}
	if c.Concurrency <= 0 {
		c.Concurrency = 16
	}
	if c.Poll <= 0 {
		c.Poll = 200 * time.Millisecond
	}
	return &Mirror{c: c, wake: make(chan struct{}, 1), probed: map[string]time.Time{}}
}

// Wake has due calendars read at once: call it after the commit that made them
// due. It never blocks, and a lost call costs one Poll.
func (m *Mirror) Wake() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Run reads calendars when they are due until the context ends, and waits for
// the readings under way to stop. What they did not finish stays due.
func (m *Mirror) Run(ctx context.Context) error {
	r := newRound(m)
	defer r.stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-m.wake:
		case <-timer.C:
		case done := <-r.done:
			r.finish(done)
			if r.startWaiting(ctx); r.lanes[done.ConnectionID].enough() || !r.more {
				continue
			}
		}
		if err := errors.Join(r.fill(ctx), r.beat(ctx)); err != nil && ctx.Err() == nil {
			m.c.Log.ErrorContext(ctx, "mirror cannot look for due calendars", "error", err)
		}
		timer.Reset(m.c.Poll)
	}
}

// ReadDue reads everything that is due now, once, and gives the number of
// readings. It is for tests and commands; Run does the same for ever.
func (m *Mirror) ReadDue(ctx context.Context) (int, error) {
	r := newRound(m)
	defer r.stop()
	n := 0
	for {
		if err := r.fill(ctx); err != nil {
			return n, err
		}
		if len(r.known) == 0 {
			return n, nil
		}
		select {
		case done := <-r.done:
			r.finish(done)
			r.startWaiting(ctx)
			n++
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
}
