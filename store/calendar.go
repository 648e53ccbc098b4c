package store

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/db"
)

const calendarColumns = `id, profile_id, account_id, remote_id, name, is_primary, read_only, deleted_at, cursor,
	due_at, last_sync_at, tries, cause_key, cause_facts`

func scanCalendar(row db.Row) (kalends.Calendar, error) {
	var c kalends.Calendar
	var cause string
	var facts map[string]string
	err := row.Scan(&c.ID, &c.ProfileID, &c.AccountID, &c.RemoteID, &c.Name, &c.Primary, &c.ReadOnly,
		db.ScanTime(&c.DeletedAt), &c.Cursor, db.ScanTime(&c.DueAt), db.ScanTime(&c.LastSyncAt), &c.Tries,
		&cause, db.ScanJSON(&facts))
	c.Cause = causeOf(cause, facts)
	return c, err
}

// PutCalendar writes a calendar, new or known by its id.
func (s *Store) PutCalendar(ctx context.Context, tx *db.Tx, c kalends.Calendar) error {
	key, facts := causeColumns(c.Cause)
	_, err := tx.Exec(ctx, `INSERT INTO calendars (`+calendarColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (id) DO UPDATE SET profile_id = excluded.profile_id, account_id = excluded.account_id,
		remote_id = excluded.remote_id, name = excluded.name, is_primary = excluded.is_primary,
		read_only = excluded.read_only, deleted_at = excluded.deleted_at, cursor = excluded.cursor,
		due_at = excluded.due_at, last_sync_at = excluded.last_sync_at, tries = excluded.tries,
		cause_key = excluded.cause_key, cause_facts = excluded.cause_facts`,
		c.ID, c.ProfileID, c.AccountID, c.RemoteID, c.Name, c.Primary, c.ReadOnly, db.NullMicros(c.DeletedAt), c.Cursor,
		db.NullMicros(c.DueAt), db.NullMicros(c.LastSyncAt), c.Tries, key, facts)
	return err
}

// Calendar gives a calendar, deleted or not.
func (s *Store) Calendar(ctx context.Context, tx *db.Tx, id string) (kalends.Calendar, error) {
	return one(ctx, tx, scanCalendar, `SELECT `+calendarColumns+` FROM calendars WHERE id = $1`, id)
}

// Calendars lists the calendars of an account, deleted ones too, the primary ones first.
func (s *Store) Calendars(ctx context.Context, tx *db.Tx, accountID string) ([]kalends.Calendar, error) {
	return db.All(ctx, tx, scanCalendar, `SELECT `+calendarColumns+` FROM calendars
		WHERE account_id = $1 ORDER BY is_primary DESC, id`, accountID)
}

// SyncTimes lists when the living calendars of a connection were last read
// whole, the longest ago first; the zero time stands for never.
func (s *Store) SyncTimes(ctx context.Context, tx *db.Tx, connectionID string) ([]time.Time, error) {
	scan := func(row db.Row) (at time.Time, err error) { return at, row.Scan(db.ScanTime(&at)) }
	return db.All(ctx, tx, scan, `SELECT c.last_sync_at FROM profiles p JOIN calendars c ON c.profile_id = p.id
		WHERE p.connection_id = $1 AND p.revoked_at IS NULL AND c.deleted_at IS NULL
		ORDER BY COALESCE(c.last_sync_at, 0), c.id`, connectionID)
}
