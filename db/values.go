package db

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// Micros is how an instant is stored.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time is the instant of a stored value, in UTC.
func Time(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// NullMicros stores an instant in a column that may be NULL, which the zero
// time becomes.
func NullMicros(t time.Time) sql.Null[int64] {
	if t.IsZero() {
		return sql.Null[int64]{}
	}
	return sql.Null[int64]{V: t.UnixMicro(), Valid: true}
}

// NullTime is the instant of a value that may be NULL: then the zero time.
func NullTime(micros sql.Null[int64]) time.Time {
	if !micros.Valid {
		return time.Time{}
	}
	return Time(micros.V)
}

// ScanTime scans an instant, NULL as the zero time, into t.
func ScanTime(t *time.Time) sql.Scanner { return timeScanner{t} }

type timeScanner struct{ t *time.Time }

// Scan implements sql.Scanner.
func (s timeScanner) Scan(value any) error {
	var micros sql.Null[int64]
	if err := micros.Scan(value); err != nil {
		return fmt.Errorf("db: instant: %w", err)
	}
	*s.t = NullTime(micros)
	return nil
}

// JSON stores a value as text. Values that can not be JSON are a programming
// mistake, shown by the database as an invalid value.
func JSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}

// ScanJSON scans JSON text into what v points to; empty text leaves it alone.
func ScanJSON(v any) sql.Scanner { return jsonScanner{v} }

type jsonScanner struct{ v any }

// Scan implements sql.Scanner.
func (s jsonScanner) Scan(value any) error {
	var text sql.Null[string]
	if err := text.Scan(value); err != nil {
		return fmt.Errorf("db: json: %w", err)
	}
	if text.V == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text.V), s.v); err != nil {
		return fmt.Errorf("db: json: %w", err)
	}
	return nil
}
