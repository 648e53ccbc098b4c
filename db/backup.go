package db

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Backup copies a SQLite database to a file that must not exist, readable by its
// owner only, as one consistent moment of it, while the program runs. PostgreSQL
// has pg_dump.
func (d *DB) Backup(ctx context.Context, path string) error {
	if d.Dialect() != SQLite {
		return errors.New("only an embedded database is copied; for PostgreSQL use pg_dump")
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	if err := file.Close(); err != nil {
		return err
	}
	if _, err := d.SQL().ExecContext(ctx, "VACUUM INTO $1", path); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return nil
}
