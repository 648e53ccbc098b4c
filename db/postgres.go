package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// writeTries is how often a transaction is tried that lost against another one.
const writeTries = 8

// openPostgres opens one pool that the application and the job runner share.
func openPostgres(ctx context.Context, address string, options Options) (*DB, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, errors.New("db: the postgres url can not be read") // err may show the password
	}
	config.MaxConns = connections(address, options)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("db: open: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("db: open: %w", err)
	}
	shared := stdlib.OpenDBFromPool(pool)
	return &DB{dialect: Postgres, clock: options.Clock, read: shared, side: shared, pool: pool}, nil
}

// connections prefers what the url says (pool_max_conns) to the options.
func connections(address string, options Options) int32 {
	if parsed, err := url.Parse(address); err == nil {
		if n, err := strconv.ParseInt(parsed.Query().Get("pool_max_conns"), 10, 32); err == nil && n > 0 {
			return int32(n)
		}
	}
	if options.Connections > 0 {
		return int32(min(options.Connections, 1000)) //nolint:gosec // bounded
	}
	return 16
}

func (d *DB) writePostgres(ctx context.Context, fn func(*Tx) error, durable bool) error {
	for try := 1; ; try++ {
		err := d.tryPostgres(ctx, fn, durable)
		if err == nil || try == writeTries || !lostRace(err) {
			return err
		}
		select {
		case <-time.After(time.Duration(try*try) * 2 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryPostgres begins on a connection of its own, of which the job runner gets
// the native side.
func (d *DB) tryPostgres(ctx context.Context, fn func(*Tx) error, durable bool) error {
	conn, err := d.side.Conn(ctx)
	if err != nil {
		return fmt.Errorf("db: connection: %w", err)
	}
	defer func() { _ = conn.Close() }()
	native, err := nativeConn(conn)
	if err != nil {
		return err
	}
	begun, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("db: begin: %w", err)
	}
	defer func() { _ = begun.Rollback() }()
	tx := &Tx{sql: begun, pgx: nativeTx{native}, now: d.now(), dialect: Postgres}
	if !durable {
		if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit TO off"); err != nil {
			return err
		}
	}
	if err := fn(tx); err != nil {
		return err
	}
	if err := begun.Commit(); err != nil {
		return fmt.Errorf("db: commit: %w", err)
	}
	tx.committed()
	return nil
}

func nativeConn(conn *sql.Conn) (*pgx.Conn, error) {
	var native *pgx.Conn
	err := conn.Raw(func(driver any) error {
		std, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("db: unexpected connection %T", driver)
		}
		native = std.Conn()
		return nil
	})
	return native, err
}

// lostRace tells whether the database undid a transaction for another's sake.
func lostRace(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// nativeTx shows a connection whose transaction was begun through database/sql
// as a pgx.Tx. Its end belongs to Write.
type nativeTx struct{ conn *pgx.Conn }

// Begin makes a savepoint.
func (t nativeTx) Begin(ctx context.Context) (pgx.Tx, error) {
	if _, err := t.conn.Exec(ctx, "SAVEPOINT native"); err != nil {
		return nil, err
	}
	return savepoint{t}, nil
}

// Commit does nothing.
func (t nativeTx) Commit(context.Context) error { return nil }

// Rollback does nothing.
func (t nativeTx) Rollback(context.Context) error { return nil }

// CopyFrom implements pgx.Tx.
func (t nativeTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return t.conn.CopyFrom(ctx, table, columns, rows)
}

// SendBatch implements pgx.Tx.
func (t nativeTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.conn.SendBatch(ctx, b)
}

// LargeObjects implements pgx.Tx; nothing here uses them.
func (t nativeTx) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

// Prepare implements pgx.Tx.
func (t nativeTx) Prepare(ctx context.Context, name, query string) (*pgconn.StatementDescription, error) {
	return t.conn.Prepare(ctx, name, query)
}

// Exec implements pgx.Tx.
func (t nativeTx) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	return t.conn.Exec(ctx, query, args...)
}

// Query implements pgx.Tx.
func (t nativeTx) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	return t.conn.Query(ctx, query, args...)
}

// QueryRow implements pgx.Tx.
func (t nativeTx) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	return t.conn.QueryRow(ctx, query, args...)
}

// Conn implements pgx.Tx.
func (t nativeTx) Conn() *pgx.Conn { return t.conn }

// savepoint is a transaction within the transaction.
type savepoint struct{ nativeTx }

// Commit keeps what was done since the savepoint.
func (s savepoint) Commit(ctx context.Context) error {
	_, err := s.conn.Exec(ctx, "RELEASE SAVEPOINT native")
	return err
}

// Rollback undoes what was done since the savepoint.
func (s savepoint) Rollback(ctx context.Context) error {
	_, err := s.conn.Exec(ctx, "ROLLBACK TO SAVEPOINT native")
	return err
}
