package store

import (
	"context"
	"time"

	"kalends/db"
)

// HoldConnection notes until when the calendar system keeps the requests of a
// working connection away; the zero time says that it no longer does. What
// reaches further into the future, as another node may have noted, stays.
func (s *Store) HoldConnection(ctx context.Context, tx *db.Tx, id string, until time.Time) error {
	if until.IsZero() {
		_, err := tx.Exec(ctx, `UPDATE connections SET throttled_until = NULL WHERE id = $1 AND throttled_until <= $2`,
			id, db.Micros(tx.Now()))
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE connections SET throttled_until = $1 WHERE id = $2 AND status = 'connected'
		AND (throttled_until IS NULL OR throttled_until < $1)`, db.Micros(until), id)
	return err
}
