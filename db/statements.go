package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
)

// statementsKept is how many prepared statements a connection keeps: more than
// the program has, so that only lists of many lengths push others out.
const statementsKept = 256

// connector opens connections to a SQLite file that keep their prepared
// statements: SQLite compiles every statement, and the driver keeps none.
type connector struct {
	name   string
	driver *sqlite.Driver
}

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return c.driver }

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	opened, err := c.driver.Open(c.name)
	if err != nil {
		return nil, err
	}
	conn, ok := opened.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("db: unexpected connection %T", opened), opened.Close())
	}
	return &keeping{sqliteConn: conn, kept: map[string]sqliteStmt{}}, nil
}

// sqliteConn is what the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keeping is a connection with the prepared statements that are not in use.
type keeping struct {
	sqliteConn
	kept map[string]sqliteStmt
}

// ExecContext implements driver.ExecerContext.
func (k *keeping) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !keeps(query) {
		return k.sqliteConn.ExecContext(ctx, query, args)
	}
	statement, err := k.take(ctx, query)
	if err != nil {
		return nil, err
	}
	defer k.putBack(query, statement)
	return statement.ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (k *keeping) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !keeps(query) {
		return k.sqliteConn.QueryContext(ctx, query, args)
	}
	statement, err := k.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := statement.QueryContext(ctx, args)
	if err != nil {
		k.putBack(query, statement)
		return nil, err
	}
	return &keptRows{rows, func() { k.putBack(query, statement) }}, nil
}

// Close implements driver.Conn.
func (k *keeping) Close() error {
	var errs []error
	for _, statement := range k.kept {
		errs = append(errs, statement.Close())
	}
	clear(k.kept)
	return errors.Join(append(errs, k.sqliteConn.Close())...)
}

// keeps tells whether a statement does its work when it runs. Others, such as
// PRAGMA, may do it while they are prepared.
func keeps(query string) bool {
	verb, _, _ := strings.Cut(strings.TrimLeft(query, " \t\n"), " ")
	switch verb {
	case "SELECT", "INSERT", "UPDATE", "DELETE":
		return true
	}
	return false
}

// take gives a statement that nobody uses: one that is kept, or a new one.
func (k *keeping) take(ctx context.Context, query string) (sqliteStmt, error) {
	if statement, ok := k.kept[query]; ok {
		delete(k.kept, query)
		return statement, nil
	}
	prepared, err := k.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	statement, ok := prepared.(sqliteStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("db: unexpected statement %T", prepared), prepared.Close())
	}
	return statement, nil
}

// putBack keeps a statement for the next one who needs it, at the cost of any other.
func (k *keeping) putBack(query string, statement sqliteStmt) {
	for other, old := range k.kept {
		if len(k.kept) < statementsKept {
			break
		}
		_ = old.Close()
		delete(k.kept, other)
	}
	if twin := k.kept[query]; twin != nil {
		_ = twin.Close()
	}
	k.kept[query] = statement
}

// keptRows give their statement back.
type keptRows struct {
	driver.Rows
	back func()
}

// Close implements driver.Rows.
func (r *keptRows) Close() error {
	err := r.Rows.Close()
	if r.back != nil {
		r.back()
		r.back = nil
	}
	return err
}
