package mirror

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/jobs"
	"kalends/provider"
	"kalends/store"
)

const (
	firstBackOff = 30 * time.Second
	mostBackOff  = 30 * time.Minute
	// probeAfter is how long a refused credential is left alone: directories
	// commonly forget a wrong password within half an hour.
	probeAfter = 30 * time.Minute
)

// readOne reads one calendar and notes on its row how it went. An error that
// cannot even be noted is logged; the row stays due.
func (m *Mirror) readOne(ctx context.Context, due store.DueCalendar) {
	now := m.c.DB.Clock()()
	r, err := m.fetch(ctx, due, now)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		err = m.apply(ctx, due, r, WindowAt(now))
	}
	if err != nil && ctx.Err() == nil {
		err = m.fail(ctx, due, r.pace, err)
	}
	if err != nil && ctx.Err() == nil {
		m.c.Log.ErrorContext(ctx, "mirror cannot note a reading", "calendar", due.ID, "error", err)
	}
}

// fetch reads from the provider. The window moves on every day, and then a
// cursor no longer covers it: the first reading of a day is a full one.
func (m *Mirror) fetch(ctx context.Context, due store.DueCalendar, now time.Time) (reading, error) {
	client, err := m.c.Pool.Client(ctx, due.ConnectionID)
	if err != nil {
		return reading{}, err
	}
	window := WindowAt(now)
	request := provider.ChangesRequest{Mailbox: due.Mailbox, Calendar: due.RemoteID, Cursor: due.Cursor, Window: window}
	if WindowAt(due.LastSyncAt) != window {
		request.Cursor = ""
	}
	r, err := read(ctx, client, due.ID, request)
	r.pace = client.Pace()
	return r, err
}

// probe has a refused credential tried again, by whichever reading comes first.
func (m *Mirror) probe(ctx context.Context, connectionID string) {
	if !m.mayProbe(connectionID, m.c.DB.Clock()()) {
		return
	}
	if client, err := m.c.Pool.Client(ctx, connectionID); err == nil { // an error shows in the reading
		client.Resume()
	}
}

// mayProbe lets one caller in half an hour try a refused credential again.
func (m *Mirror) mayProbe(connectionID string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.probed[connectionID]) < probeAfter {
		return false
	}
	m.probed[connectionID] = now
	return true
}

// apply writes a reading, unless the row is no longer as it was before it. It
// can be read again, so it is not synced to the disk at once; writes of many
// readings share a transaction.
func (m *Mirror) apply(ctx context.Context, due store.DueCalendar, r reading, window kalends.Window) error {
	err := m.c.DB.WriteRelaxed(ctx, func(tx *db.Tx) error {
		ok, err := m.c.Store.FinishReading(ctx, tx, due, store.ReadResult{
			Cursor: r.cursor, DueAt: tx.Now().Add(m.jittered(m.c.Interval)), Synced: true,
		})
		if err != nil || !ok {
			return err
		}
		if err := m.notePace(ctx, tx, due, r.pace); err != nil {
			return err
		}
		before, err := m.c.Store.AllBusy(ctx, tx, due.ID)
		if err != nil {
			return err
		}
		return m.c.Store.ReplaceBusy(ctx, tx, due.ID, r.merge(before, window))
	})
	if err != nil {
		return fmt.Errorf("mirror: apply: %w", err)
	}
	if due.ConnectionStatus == kalends.ConnectionDegraded {
		return m.restore(ctx, due)
	}
	return nil
}

// restore marks a connection that works again, and tells its application, once.
func (m *Mirror) restore(ctx context.Context, due store.DueCalendar) error {
	return m.c.DB.Write(ctx, func(tx *db.Tx) error {
		first, err := m.c.Store.RestoreConnection(ctx, tx, due.ConnectionID)
		if err != nil || !first {
			return err
		}
		return m.tell(ctx, tx, due, "connection.restored", nil)
	})
}

func (m *Mirror) jittered(d time.Duration) time.Duration {
	return d - d/5 + rand.N(2*d/5+1)
}

// fail notes a reading that did not succeed. What was mirrored before stays. A
// throttled one is no try: there is nothing wrong with the calendar.
func (m *Mirror) fail(ctx context.Context, due store.DueCalendar, pace provider.Pace, failure error) error {
	cause := kalends.CauseOf(failure)
	if cause == nil {
		cause = kalends.NewCause(kalends.CauseInternal)
	}
	result := store.ReadResult{Cursor: due.Cursor, Tries: due.Tries + 1, Cause: cause}
	wait := m.backOff(due, failure)
	if kalends.KindOf(failure) == kalends.KindThrottled {
		result.Tries = due.Tries
	}
	if kalends.KindOf(failure) == kalends.KindGone && due.Cursor != "" {
		result = store.ReadResult{Tries: due.Tries, Cause: due.Cause}
		wait = 0
	}
	err := m.c.DB.WriteRelaxed(ctx, func(tx *db.Tx) error {
		if err := m.notePace(ctx, tx, due, pace); err != nil {
			return err
		}
		result.DueAt = tx.Now().Add(wait)
		ok, err := m.c.Store.FinishReading(ctx, tx, due, result)
		if err != nil || !ok || !left(due, failure) {
			return err
		}
		return m.c.Store.RecheckAccount(ctx, tx, due.AccountID)
	})
	if err != nil {
		return fmt.Errorf("mirror: note failure: %w", err)
	}
	if ofConnection(failure) && due.ConnectionStatus == kalends.ConnectionConnected {
		return m.degrade(ctx, due, cause)
	}
	return nil
}

// left tells whether a mailbox seems to be gone for good, so that its person is
// to be matched anew: the third failure in a row with a cause of the person.
func left(due store.DueCalendar, failure error) bool {
	cause := kalends.CauseOf(failure)
	return due.Tries == 2 && cause != nil && cause.Key.OfPerson()
}

// backOff says when a failed reading is tried again.
func (m *Mirror) backOff(due store.DueCalendar, failure error) time.Duration {
	after := kalends.RetryAfter(failure)
	if after > 0 && kalends.KindOf(failure) == kalends.KindThrottled {
		return after // the other end knows best
	}
	wait := m.jittered(min(firstBackOff<<min(due.Tries, 10), mostBackOff))
	if ofConnection(failure) {
		wait = probeAfter + rand.N(probeAfter/5) // never before it may be tried, which would cost a further wait
	}
	return max(wait, after)
}

// ofConnection tells whether a failure concerns everybody of the connection.
func ofConnection(failure error) bool {
	switch kalends.KindOf(failure) {
	case kalends.KindUnauthorized:
		return true
	case kalends.KindDenied:
		cause := kalends.CauseOf(failure)
		return cause != nil && !cause.Key.OfPerson()
	}
	return false
}

// degrade marks the connection and tells its application, once.
func (m *Mirror) degrade(ctx context.Context, due store.DueCalendar, cause *kalends.Cause) error {
	m.mayProbe(due.ConnectionID, m.c.DB.Clock()()) // the refusal was a probe
	return m.c.DB.Write(ctx, func(tx *db.Tx) error {
		first, err := m.c.Store.DegradeConnection(ctx, tx, due.ConnectionID, cause)
		if err != nil || !first {
			return err
		}
		return m.tell(ctx, tx, due, "connection.degraded", cause)
	})
}

// tell writes the audit entry and has the application told of it.
func (m *Mirror) tell(ctx context.Context, tx *db.Tx, due store.DueCalendar, action string, cause *kalends.Cause) error {
	entry := kalends.Audit{
		ID: kalends.NewID("aud_"), At: tx.Now(), OrganisationID: due.OrganisationID, ConnectionID: due.ConnectionID,
		Actor: "provider", Action: action,
	}
	if cause != nil {
		entry.Facts = cause.Entry()
	}
	if err := m.c.Store.InsertAudit(ctx, tx, entry); err != nil {
		return err
	}
	return m.c.Jobs.Insert(ctx, tx, jobs.ConnectionChanged{ConnectionID: due.ConnectionID, AuditID: entry.ID}, nil)
}
