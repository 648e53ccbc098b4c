package store

import (
	"database/sql"
	"strconv"
)

// nullableText scans a text that may be NULL.
type nullableText = sql.Null[string]

// nullText stores "" as NULL.
func nullText(text string) sql.Null[string] { return sql.Null[string]{V: text, Valid: text != ""} }

// place is the nth placeholder.
func place(n int) string { return "$" + strconv.Itoa(n) }
