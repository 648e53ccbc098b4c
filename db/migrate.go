package db

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Migrate brings the tables of one room up to date with its numbered SQL files.
// table keeps what was done, so that several rooms do not mix. Several
// processes may migrate at once; a second run does nothing.
func (d *DB) Migrate(ctx context.Context, files fs.FS, table string) error {
	options := []goose.ProviderOption{goose.WithTableName(table), goose.WithDisableGlobalRegistry(true)}
	dialect := goose.DialectSQLite3
	if d.dialect == Postgres {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("db: migrate %s: %w", table, err)
		}
		dialect = goose.DialectPostgres
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, d.side, files, options...)
	if err != nil {
		return fmt.Errorf("db: migrate %s: %w", table, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("db: migrate %s: %w", table, err)
	}
	return nil
}

// Migrated tells whether Migrate with the same files would have nothing to do.
func (d *DB) Migrated(ctx context.Context, files fs.FS, table string) (bool, error) {
	dialect := goose.DialectSQLite3
	if d.dialect == Postgres {
		dialect = goose.DialectPostgres
	}
	provider, err := goose.NewProvider(dialect, d.side, files,
		goose.WithTableName(table), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return false, fmt.Errorf("db: migrated %s: %w", table, err)
	}
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("db: migrated %s: %w", table, err)
	}
	return !pending, nil
}
