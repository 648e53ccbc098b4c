package db_test

import (
	"testing"

	"kalends/db"
	"kalends/db/dbtest"
)

// How far a commit is synced is set anew for every transaction.
func TestPromisesAreSyncedEveryTime(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t, db.Options{})
	const normal, full = 1, 2
	for range 3 {
		for level, write := range map[int]func(fn func(*db.Tx) error) error{
			full:   func(fn func(*db.Tx) error) error { return d.Write(t.Context(), fn) },
			normal: func(fn func(*db.Tx) error) error { return d.WriteRelaxed(t.Context(), fn) },
		} {
			must(t, write(func(tx *db.Tx) error {
				got, err := db.One(t.Context(), tx, db.Value[int], "PRAGMA synchronous")
				if got != level {
					t.Errorf("synchronous = %d, want %d", got, level)
				}
				return err
			}))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
