package db

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Tx is a running transaction. It belongs to the function it was given to and
// must not be kept or used by several goroutines.
type Tx struct {
	sql     *sql.Tx
	pgx     pgx.Tx // PostgreSQL only: the same transaction for native callers
	now     time.Time
	dialect Dialect
	shared  bool // other functions share this transaction
	after   []func()
}

// Now is the one instant at which everything in this transaction happens, in UTC.
func (t *Tx) Now() time.Time { return t.now }

// Dialect tells which kind of database this is.
func (t *Tx) Dialect() Dialect { return t.dialect }

// SQL gives the transaction to the job runner on SQLite.
func (t *Tx) SQL() *sql.Tx { return t.sql }

// PGX gives the transaction to the job runner on PostgreSQL. Committing or
// rolling it back does nothing: that belongs to Write.
func (t *Tx) PGX() pgx.Tx { return t.pgx }

// Context gives the context to use with SQL: where functions share a
// transaction, cancelling one statement would undo the work of the others, so
// it can not be cancelled there.
func (t *Tx) Context(ctx context.Context) context.Context {
	if t.shared {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// Exec runs a statement and gives the number of rows it changed.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	result, err := t.sql.ExecContext(t.Context(ctx), query, args...)
	if err != nil {
		return 0, fmt.Errorf("db: exec: %w", err)
	}
	return result.RowsAffected()
}

// Query runs a query. The caller closes the rows; One and All do that by themselves.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := t.sql.QueryContext(t.Context(ctx), query, args...)
	if err != nil {
		return nil, fmt.Errorf("db: query: %w", err)
	}
	return rows, nil
}

// Lock makes other transactions that lock the same name wait until this one
// ends. It is for a check and an act that must not be parted; on SQLite, where
// only one transaction writes at a time, it costs nothing. Take several locks
// in one order everywhere.
func (t *Tx) Lock(ctx context.Context, name string) error {
	if t.dialect == SQLite {
		return nil
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name))
	_, err := t.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(hash.Sum64())) //nolint:gosec // the bits matter, not the sign
	return err
}

// AfterCommit has fn called once the transaction is committed, and not at all
// if it is undone. It is for waking loops; a kill in between loses it, so
// nothing that must happen may rest on it.
func (t *Tx) AfterCommit(fn func()) { t.after = append(t.after, fn) }

func (t *Tx) committed() {
	for _, fn := range t.after {
		fn()
	}
}
