package store

import (
	"context"
	"time"

	"kalends/db"
)

// Try counts what went wrong under a key, which is a keyed hash. Whoever reads
// it first and then writes locks the key.
type Try struct {
	Key         string
	Failures    int
	LastAt      time.Time
	LockedUntil time.Time
}

func scanTry(row db.Row) (Try, error) {
	var t Try
	err := row.Scan(&t.Key, &t.Failures, db.ScanTime(&t.LastAt), db.ScanTime(&t.LockedUntil))
	return t, err
}

// Try gives what is counted under a key: nothing yet is no error.
func (s *Store) Try(ctx context.Context, tx *db.Tx, key string) (Try, error) {
	t, err := db.One(ctx, tx, scanTry, `SELECT key, failures, last_at, locked_until FROM tries WHERE key = $1`, key)
	if db.IsNotFound(err) {
		return Try{Key: key}, nil
	}
	return t, err
}

// PutTry writes what is counted under its key.
func (s *Store) PutTry(ctx context.Context, tx *db.Tx, t Try) error {
	_, err := tx.Exec(ctx, `INSERT INTO tries (key, failures, last_at, locked_until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at, locked_until = excluded.locked_until`,
		t.Key, t.Failures, db.Micros(t.LastAt), db.NullMicros(t.LockedUntil))
	return err
}
