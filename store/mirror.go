package store

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/db"
)

// DueCalendar is a calendar whose reading is due, with what reading it needs.
type DueCalendar struct {
	kalends.Calendar
	OrganisationID   string
	ConnectionID     string
	Mailbox          string // primary address
	ConnectionStatus kalends.ConnectionStatus
	ThrottledUntil   time.Time // of the connection
}

// DueCalendars lists calendars that are due: those never read before, then the
// longest due. Those of ended connections, profiles and accounts are not among them, nor those of
// connections that are kept away just now, nor of the connections in without.
func (s *Store) DueCalendars(ctx context.Context, tx *db.Tx, without []string, limit int) ([]DueCalendar, error) {
	args := append([]any{db.Micros(tx.Now()), limit}, db.Args(without)...)
	return db.All(ctx, tx, scanDue, dueQuery+`
		WHERE c.due_at <= $1 AND c.deleted_at IS NULL AND p.revoked_at IS NULL
			AND n.status <> 'disconnected' AND `+notThrottled+` AND `+notIn("p.connection_id", len(without), 3)+`
		ORDER BY CASE WHEN c.last_sync_at IS NULL THEN 0 ELSE 1 END, c.due_at, c.id LIMIT $2`, args...)
}

const notThrottled = `(n.throttled_until IS NULL OR n.throttled_until <= $1)`

const dueQuery = `
	SELECT c.id, c.profile_id, c.account_id, c.remote_id, c.cursor, c.due_at, c.last_sync_at, c.tries, c.cause_key,
		a.organisation_id, p.connection_id, a.matched_email, n.status, n.throttled_until
	FROM calendars c
	JOIN profiles p ON p.id = c.profile_id
	JOIN accounts a ON a.id = c.account_id
	JOIN connections n ON n.id = p.connection_id`

// NextCalendar gives the calendar of a working connection that will be due next,
// among those whose last reading succeeded; db.ErrNotFound if there is none, or
// the connection is kept away just now.
func (s *Store) NextCalendar(ctx context.Context, tx *db.Tx, connectionID string) (DueCalendar, error) {
	return db.One(ctx, tx, scanDue, dueQuery+`
		WHERE p.connection_id = $2 AND n.status = 'connected' AND p.revoked_at IS NULL AND `+notThrottled+`
			AND c.deleted_at IS NULL AND c.due_at IS NOT NULL AND c.tries = 0 AND c.cause_key = ''
		ORDER BY c.due_at, c.id LIMIT 1`, db.Micros(tx.Now()), connectionID)
}

// WorkingConnections lists the connections that work, as far as is known.
func (s *Store) WorkingConnections(ctx context.Context, tx *db.Tx) ([]string, error) {
	return db.All(ctx, tx, db.Value[string], `SELECT id FROM connections WHERE status = 'connected' ORDER BY id`)
}

func notIn(column string, n, from int) string {
	if n == 0 {
		return "1 = 1"
	}
	return column + " NOT IN (" + db.List(n, from) + ")"
}

func scanDue(row db.Row) (DueCalendar, error) {
	var d DueCalendar
	var cause kalends.CauseKey
	err := row.Scan(&d.ID, &d.ProfileID, &d.AccountID, &d.RemoteID, &d.Cursor, db.ScanTime(&d.DueAt), db.ScanTime(&d.LastSyncAt),
		&d.Tries, &cause, &d.OrganisationID, &d.ConnectionID, &d.Mailbox, &d.ConnectionStatus,
		db.ScanTime(&d.ThrottledUntil))
	if cause != "" {
		d.Cause = kalends.NewCause(cause)
	}
	return d, err
}

// ReadResult is what a reading made of a calendar's row.
type ReadResult struct {
	Cursor string
	DueAt  time.Time // when it is read again
	Synced bool      // it was read whole
	Tries  int
	Cause  *kalends.Cause
}

// FinishReading writes the result of a reading, if the row is still as it was
// when the reading began; false if it is not, and then nothing of the reading
// may be applied. A due time that was set meanwhile stays.
func (s *Store) FinishReading(ctx context.Context, tx *db.Tx, before DueCalendar, r ReadResult) (bool, error) {
	key, facts := causeColumns(r.Cause)
	synced := db.NullMicros(before.LastSyncAt)
	if r.Synced {
		synced = db.NullMicros(tx.Now())
	}
	n, err := tx.Exec(ctx, `
		UPDATE calendars SET cursor = $1, last_sync_at = $2, tries = $3, cause_key = $4, cause_facts = $5,
			due_at = CASE WHEN due_at = $6 THEN $7 ELSE due_at END
		WHERE id = $8 AND deleted_at IS NULL AND cursor = $9 AND tries = $10 AND COALESCE(last_sync_at, 0) = $11`,
		r.Cursor, synced, r.Tries, key, facts, db.Micros(before.DueAt), db.Micros(r.DueAt),
		before.ID, before.Cursor, before.Tries, db.NullMicros(before.LastSyncAt).V)
	if err != nil || n == 0 {
		return false, err
	}
	if r.Synced {
		_, err = tx.Exec(ctx, `UPDATE accounts SET last_sync_at = $1 WHERE id = $2`, synced, before.AccountID)
	}
	return true, err
}

func causeColumns(cause *kalends.Cause) (key, facts string) {
	if cause == nil {
		return "", "{}"
	}
	if cause.Facts == nil {
		return string(cause.Key), "{}"
	}
	return string(cause.Key), db.JSON(cause.Facts)
}

// RecheckAccount has a connected account matched anew: its mailbox does not answer.
func (s *Store) RecheckAccount(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, `UPDATE accounts SET due_at = $1 WHERE id = $2 AND due_at IS NULL AND status = 'connected'`, db.Micros(tx.Now()), id)
	return err
}

// DegradeConnection notes that a connection as a whole does not work. True only
// for the first who says so.
func (s *Store) DegradeConnection(ctx context.Context, tx *db.Tx, id string, cause *kalends.Cause) (bool, error) {
	key, facts := causeColumns(cause)
	n, err := tx.Exec(ctx, `UPDATE connections SET status = 'degraded', cause_key = $1, cause_facts = $2, checked_at = $3
		WHERE id = $4 AND status = 'connected'`, key, facts, db.Micros(tx.Now()), id)
	return n > 0, err
}

// RestoreConnection notes that a degraded connection works again. True only for
// the first who says so; its calendars that failed, and the accounts that wait to
// be matched, are due at once.
func (s *Store) RestoreConnection(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE connections SET status = 'connected', cause_key = '', cause_facts = '{}', checked_at = $1
		WHERE id = $2 AND status = 'degraded'`, db.Micros(tx.Now()), id)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = tx.Exec(ctx, `UPDATE calendars SET due_at = $1 WHERE cause_key <> '' AND due_at > $1 AND deleted_at IS NULL
		AND profile_id IN (SELECT id FROM profiles WHERE connection_id = $2)`, db.Micros(tx.Now()), id)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `UPDATE accounts SET due_at = $1 WHERE status = 'pending' AND due_at > $1
		AND organisation_id = (SELECT organisation_id FROM connections WHERE id = $2)`, db.Micros(tx.Now()), id)
	return true, err
}
