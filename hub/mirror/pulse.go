package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kalends/db"
)

const (
	// A connection of which nothing was read for silence has its next calendar
	// read early, so that a refused password is noticed within seconds also where
	// there are few calendars. A company with many is never silent that long.
	silence = 5 * time.Second
	// look is how often silent connections are looked for.
	look = time.Second
	// No more early readings than this are taken at one look.
	mostEarly = 32
)

// pulse knows when something was read of each connection. It belongs to the
// goroutine of its round.
type pulse struct {
	looked time.Time
	read   map[string]time.Time // by connection: when a reading ended, or the connection was first seen
}

func newPulse() *pulse { return &pulse{read: map[string]time.Time{}} }

// due tells whether it is time to look, and notes that it was done.
func (p *pulse) due(now time.Time) bool {
	if now.Sub(p.looked) < look {
		return false
	}
	p.looked = now
	return true
}

// silent gives the connections of which nothing was read for a while, and
// forgets those that no longer work.
func (p *pulse) silent(working []string, now time.Time) []string {
	var found []string
	read := make(map[string]time.Time, len(working))
	for _, id := range working {
		at, known := p.read[id]
		if !known {
			at = now
		}
		read[id] = at
		if now.Sub(at) >= silence && len(found) < mostEarly {
			found = append(found, id)
		}
	}
	p.read = read
	return found
}

// beat reads the next calendar of silent connections early. A connection that
// does not work is left alone: how often it is tried is decided elsewhere.
func (r *round) beat(ctx context.Context) error {
	now := r.m.c.DB.Clock()()
	if !r.pulse.due(now) {
		return nil
	}
	err := r.m.c.DB.Read(ctx, func(tx *db.Tx) error {
		working, err := r.m.c.Store.WorkingConnections(ctx, tx)
		if err != nil {
			return err
		}
		for _, id := range r.pulse.silent(working, now) {
			if err := r.early(ctx, tx, id, now); err != nil {
				return err
			}
		}
		return nil
	})
	r.startWaiting(ctx)
	if err != nil {
		return fmt.Errorf("mirror: pulse: %w", err)
	}
	return nil
}

// early queues a connection's next calendar, unless some are queued already.
func (r *round) early(ctx context.Context, tx *db.Tx, connectionID string, now time.Time) error {
	if l := r.lanes[connectionID]; l != nil && !l.idle() {
		return nil
	}
	r.pulse.read[connectionID] = now // also if there is no calendar to read
	next, err := r.m.c.Store.NextCalendar(ctx, tx, connectionID)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err == nil {
		r.take(ctx, next)
	}
	return err
}
