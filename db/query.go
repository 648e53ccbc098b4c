package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrNotFound is returned by One when there is no row.
var ErrNotFound = errors.New("db: no such row")

// Row is one row of an answer.
type Row interface {
	Scan(dest ...any) error
}

// One gives the first row of a query, or ErrNotFound.
func One[T any](ctx context.Context, tx *Tx, scan func(Row) (T, error), query string, args ...any) (T, error) {
	var zero T
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return zero, err
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return zero, errors.Join(ErrNotFound, rows.Err())
	}
	value, err := scan(rows)
	if err != nil {
		return zero, fmt.Errorf("db: scan: %w", err)
	}
	return value, rows.Close()
}

// All gives every row of a query, in its order.
func All[T any](ctx context.Context, tx *Tx, scan func(Row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		value, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("db: scan: %w", err)
		}
		all = append(all, value)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("db: rows: %w", err)
	}
	return all, nil
}

// Value scans a row of one column, for counts and single values:
// db.One(ctx, tx, db.Value[int64], "SELECT count(*) …").
func Value[T any](row Row) (T, error) {
	var value T
	err := row.Scan(&value)
	return value, err
}

// List gives n placeholders from $from on: List(3, 2) is "$2, $3, $4". For no
// values at all it gives NULL, which is in no list.
func List(n, from int) string {
	if n == 0 {
		return "NULL"
	}
	var text strings.Builder
	for i := range n {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString("$" + strconv.Itoa(from+i))
	}
	return text.String()
}

// Args makes arguments of a list of values.
func Args[T any](values []T) []any {
	args := make([]any, len(values))
	for i, value := range values {
		args[i] = value
	}
	return args
}

// IsUnique tells whether a statement failed because a value that must be
// unique is already there. The transaction can not go on after it.
func IsUnique(err error) bool {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

// IsNotFound tells whether an error says that there is no such row.
func IsNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
