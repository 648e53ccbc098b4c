package db

import (
	"context"
	"errors"
	"fmt"
)

// Backup copies a SQLite database to a file that does not exist, as one
// consistent moment of it, while the program runs. PostgreSQL has pg_dump.
func (d *DB) Backup(ctx context.Context, path string) error {
	if d.Dialect() != SQLite {
		return errors.New("db: only an embedded database is copied here")
	}
	if _, err := d.SQL().ExecContext(ctx, "VACUUM INTO $1", path); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}
