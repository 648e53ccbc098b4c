package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// openSQLite opens one writing connection and several reading ones on the same
// file. Jobs and migrations share the writing one: whoever waits for a connection
// has his turn, while SQLite's own lock goes to whoever happens to ask in the
// right moment, and under load never to the one who asks seldom.
func openSQLite(ctx context.Context, path string, options Options) (*DB, error) {
	if options.Connections == 0 {
		options.Connections = 4
	}
	d := &DB{dialect: SQLite, clock: options.Clock}
	var err error
	if d.write, err = openFile(ctx, path, 1, "_txlock=immediate"); err != nil {
		return nil, err
	}
	if d.read, err = openFile(ctx, path, options.Connections, "_pragma=query_only(1)"); err != nil {
		return nil, errors.Join(err, d.write.Close())
	}
	d.side = d.write
	d.writer = newWriter(d)
	return d, nil
}

func openFile(ctx context.Context, path string, connections int, extra string) (*sql.DB, error) {
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + extra +
		"&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)" +
		"&_pragma=foreign_keys(1)&_pragma=journal_size_limit(67108864)&_pragma=temp_store(MEMORY)"
	pool, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, fmt.Errorf("db: open: %w", err)
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	if err := pool.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("db: open: %w", errors.Join(err, pool.Close()))
	}
	return pool, nil
}
