package db_test

import (
	"fmt"
	"testing"

	"kalends/db"
	"kalends/db/dbtest"
)

// The same statement, again and again, in all the ways that could spoil one that
// is kept for the next.
func TestStatementsMayBeRepeated(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t, db.Options{})
	run := func(do func(tx *db.Tx) error) error { return d.Write(t.Context(), do) }
	const insert, list = "INSERT INTO things (id) VALUES ($1)", "SELECT id FROM things ORDER BY id"
	add := func(id int) error {
		return run(func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), insert, id)
			return err
		})
	}
	must(t, run(func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), "CREATE TABLE things (id BIGINT PRIMARY KEY)")
		return err
	}))
	for i := range 3 {
		must(t, add(i))
	}
	if err := add(1); !db.IsUnique(err) {
		t.Errorf("the same again: %v", err)
	}
	must(t, add(3)) // after one that failed

	t.Run("while it is being read", func(t *testing.T) {
		must(t, d.Read(t.Context(), func(tx *db.Tx) error {
			rows, err := tx.Query(t.Context(), list)
			must(t, err)
			defer rows.Close()
			for n := 0; rows.Next(); n++ {
				inner, err := db.All(t.Context(), tx, db.Value[int], list)
				if err != nil || len(inner) != 4 {
					t.Errorf("at row %d: %v, %v", n, inner, err)
				}
			}
			return rows.Err()
		}))
	})
	t.Run("after it was left half read", func(t *testing.T) {
		for range 3 {
			must(t, d.Read(t.Context(), func(tx *db.Tx) error {
				first, err := db.One(t.Context(), tx, db.Value[int], list)
				if first != 0 {
					t.Errorf("begins with %d", first)
				}
				return err
			}))
		}
	})
	t.Run("beside very many others", func(t *testing.T) {
		must(t, d.Read(t.Context(), func(tx *db.Tx) error {
			for n := range 1000 {
				got, err := db.One(t.Context(), tx, db.Value[int], fmt.Sprintf("SELECT count(*) + %d FROM things WHERE id IN (%s)", n, db.List(4, 1)), 0, 1, 2, 3)
				if err != nil || got != n+4 {
					return fmt.Errorf("statement %d gives %d: %w", n, got, err)
				}
			}
			return nil
		}))
	})
	t.Run("after the table changed", func(t *testing.T) {
		must(t, run(func(tx *db.Tx) error {
			if _, err := tx.Exec(t.Context(), "ALTER TABLE things ADD COLUMN name TEXT NOT NULL DEFAULT ''"); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), insert, 4)
			return err
		}))
		must(t, d.Read(t.Context(), func(tx *db.Tx) error {
			all, err := db.All(t.Context(), tx, db.Value[int], list)
			if len(all) != 5 {
				t.Errorf("%v", all)
			}
			return err
		}))
	})
}

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
