package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Dialect names the kind of database behind a DB.
type Dialect string

// The databases that are supported.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// Options are the choices of an installation. The zero value works.
type Options struct {
	Clock       func() time.Time // what Tx.Now is bound from; time.Now if nil
	Connections int              // readers on SQLite (default 4), all connections on PostgreSQL (default 16)
}

// DB is an open database. It may be used by many goroutines at once.
type DB struct {
	dialect Dialect
	clock   func() time.Time
	write   *sql.DB // SQLite: one connection
	read    *sql.DB
	side    *sql.DB       // migrations and jobs
	pool    *pgxpool.Pool // PostgreSQL only
	writer  *writer       // SQLite only
}

// Open opens the database at a URL: "sqlite:PATH" or "postgres://…". A SQLite
// file is created where there is none. Close the DB after use.
func Open(ctx context.Context, url string, options Options) (*DB, error) {
	if options.Clock == nil {
		options.Clock = time.Now
	}
	path, isSQLite := strings.CutPrefix(url, "sqlite:")
	switch {
	case isSQLite && path != "":
		return openSQLite(ctx, path, options)
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		return openPostgres(ctx, url, options)
	}
	return nil, errors.New("db: the url must be sqlite:PATH or postgres://…")
}

// Dialect tells which kind of database this is.
func (d *DB) Dialect() Dialect { return d.dialect }

// Clock gives the time as transactions see it.
func (d *DB) Clock() func() time.Time { return d.clock }

// SQL gives the connections of the job runner and of migrations. On SQLite it is
// the one that Write uses: whoever asks for it inside Write waits forever.
func (d *DB) SQL() *sql.DB { return d.side }

// Pool gives the native PostgreSQL connections, nil on SQLite.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// Ping tells whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.read.PingContext(ctx); err != nil {
		return fmt.Errorf("db: ping: %w", err)
	}
	return nil
}

// Close waits for running writes and closes all connections.
func (d *DB) Close() error {
	if d.writer != nil {
		d.writer.stop()
	}
	var errs []error
	for _, pool := range []*sql.DB{d.read, d.side, d.write} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	if d.pool != nil {
		d.pool.Close()
	}
	return errors.Join(errs...)
}

// Write runs fn in a transaction and commits it durably: once Write returned
// nil, a power loss does not undo it. An error of fn undoes everything it did
// and is returned as it is.
//
// fn may run more than once, so it changes nothing but the database and
// variables it sets anew; it is short, sends nothing, and never calls Write
// itself. What should happen once it is committed belongs into Tx.AfterCommit.
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if d.writer != nil {
		return d.writer.run(ctx, fn, true)
	}
	return d.writePostgres(ctx, fn, true)
}

// WriteRelaxed is Write for what can be read again from its source, such as
// the mirror: it survives kill -9, but a power loss may undo the last moments.
func (d *DB) WriteRelaxed(ctx context.Context, fn func(*Tx) error) error {
	if d.writer != nil {
		return d.writer.run(ctx, fn, false)
	}
	return d.writePostgres(ctx, fn, false)
}

// Read runs fn in a transaction that sees one state of the database. fn must
// not write.
func (d *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	tx, err := d.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: d.readIsolation()})
	if err != nil {
		return fmt.Errorf("db: begin read: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	return fn(&Tx{sql: tx, now: d.now(), dialect: d.dialect})
}

func (d *DB) readIsolation() sql.IsolationLevel {
	if d.dialect == Postgres {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}

// now cuts to what the database keeps, so that a time read back compares equal.
func (d *DB) now() time.Time { return Time(Micros(d.clock())) }
