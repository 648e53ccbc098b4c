package store

import (
	"context"
	"embed"
	"io/fs"

	kalends "kalends"
	"kalends/db"
	"kalends/secret"
)

//go:embed migrations/*.sql
var migrations embed.FS

// MigrationTable is where the database remembers which migrations it has.
const MigrationTable = "hub_migrations"

// Migrations are the numbered SQL files for db.Migrate.
func Migrations() fs.FS {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return files
}

// Store reads and writes the hub's tables. It keeps nothing itself and may be
// used by many goroutines at once.
type Store struct {
	db  *db.DB
	box *secret.Box
}

// New makes a Store that seals with box.
func New(d *db.DB, box *secret.Box) *Store { return &Store{db: d, box: box} }

// Migrate brings the hub's tables up to date.
func (s *Store) Migrate(ctx context.Context) error {
	return s.db.Migrate(ctx, Migrations(), MigrationTable)
}

// Migrated tells whether the hub's tables are up to date.
func (s *Store) Migrated(ctx context.Context) (bool, error) {
	return s.db.Migrated(ctx, Migrations(), MigrationTable)
}

// one gives one row; none is KindNotFound.
func one[T any](ctx context.Context, tx *db.Tx, scan func(db.Row) (T, error), query string, args ...any) (T, error) {
	value, err := db.One(ctx, tx, scan, query, args...)
	if db.IsNotFound(err) {
		err = &kalends.Error{Kind: kalends.KindNotFound, Err: err}
	}
	return value, err
}

// must turns a change that met no row into KindNotFound.
func must(n int64, err error) error {
	if err == nil && n == 0 {
		return &kalends.Error{Kind: kalends.KindNotFound, Err: db.ErrNotFound}
	}
	return err
}

// happened tells whether a change met a row.
func happened(n int64, err error) (bool, error) { return n > 0, err }

// causeOf makes a cause of its columns.
func causeOf(key string, facts map[string]string) *kalends.Cause {
	if key == "" {
		return nil
	}
	if len(facts) == 0 {
		facts = nil
	}
	return &kalends.Cause{Key: kalends.CauseKey(key), Facts: facts}
}

// list makes JSON of a list that is never null.
func list(values []string) string {
	if len(values) == 0 {
		return "[]"
	}
	return db.JSON(values)
}

// facts makes JSON of facts that is never null.
func factsText(facts map[string]string) string {
	if len(facts) == 0 {
		return "{}"
	}
	return db.JSON(facts)
}
