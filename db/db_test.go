package db_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"kalends/db"
	"kalends/db/dbtest"
)

var tables = fstest.MapFS{"00001_things.sql": {Data: []byte(`-- +goose Up
CREATE TABLE things (id TEXT PRIMARY KEY, n BIGINT NOT NULL, at BIGINT, note TEXT NOT NULL, yes BOOLEAN NOT NULL);
CREATE TABLE parts (id TEXT PRIMARY KEY, thing TEXT NOT NULL REFERENCES things (id));
`)}}

func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	dbtest.Each(t, db.Options{}, func(t *testing.T, d *db.DB) {
		migrate(t, d)
		test(t, d)
	})
}

func migrate(t testing.TB, d *db.DB) {
	t.Helper()
	if err := d.Migrate(context.Background(), tables, "test_migrations"); err != nil {
		t.Fatal(err)
	}
}

func insert(ctx context.Context, tx *db.Tx, id string, n int) error {
	_, err := tx.Exec(ctx, "INSERT INTO things (id, n, at, note, yes) VALUES ($1, $2, NULL, '', TRUE)", id, n)
	return err
}

func count(t testing.TB, d *db.DB) int {
	t.Helper()
	var n int
	err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		n, err = db.One(context.Background(), tx, db.Value[int], "SELECT count(*) FROM things")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMigratingTwiceDoesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		migrate(t, d)
		done, err := d.Migrated(context.Background(), tables, "test_migrations")
		if err != nil || !done {
			t.Fatalf("Migrated = %v, %v", done, err)
		}
		done, err = d.Migrated(context.Background(), fstest.MapFS{"00001_a.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n")}}, "other_migrations")
		if err != nil || done {
			t.Fatalf("Migrated of another room = %v, %v, want false", done, err)
		}
	})
}

func TestWriteCommitsAndAnErrorUndoes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		woken := false
		err := d.Write(ctx, func(tx *db.Tx) error {
			tx.AfterCommit(func() { woken = true })
			return insert(ctx, tx, "a", 1)
		})
		if err != nil || count(t, d) != 1 || !woken {
			t.Fatalf("err %v, %d rows, woken %v", err, count(t, d), woken)
		}
		failure := errors.New("no")
		err = d.WriteRelaxed(ctx, func(tx *db.Tx) error {
			tx.AfterCommit(func() { t.Error("woken though undone") })
			if err := insert(ctx, tx, "b", 1); err != nil {
				return err
			}
			return failure
		})
		if !errors.Is(err, failure) || count(t, d) != 1 {
			t.Fatalf("err %v, %d rows, want the error and 1 row", err, count(t, d))
		}
	})
}

func TestOneOfManyWaitingWritesFailsAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		var group sync.WaitGroup
		var unique, other atomic.Int64
		for i := range 200 {
			group.Go(func() {
				err := d.Write(ctx, func(tx *db.Tx) error { return insert(ctx, tx, string(rune('A'+i%50)), i) })
				switch {
				case db.IsUnique(err):
					unique.Add(1)
				case err != nil:
					other.Add(1)
				}
			})
		}
		group.Wait()
		if count(t, d) != 50 || unique.Load() != 150 || other.Load() != 0 {
			t.Fatalf("%d rows, %d unique, %d other errors; want 50, 150, 0", count(t, d), unique.Load(), other.Load())
		}
	})
}

func TestErrAbandonedWriteSparesTheOthers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(context.Background())
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				if err := d.Write(context.Background(), func(tx *db.Tx) error { return insert(context.Background(), tx, string(rune('a'+i)), i) }); err != nil {
					t.Error(err)
				}
			})
		}
		err := d.Write(ctx, func(tx *db.Tx) error {
			if err := insert(ctx, tx, "gone", 1); err != nil {
				return err
			}
			cancel()
			return insert(ctx, tx, "gone too", 1)
		})
		group.Wait()
		if !errors.Is(err, context.Canceled) || count(t, d) != 20 {
			t.Fatalf("err %v, %d rows, want cancelled and 20", err, count(t, d))
		}
	})
}

func TestPanicOfOneWriteReachesItsCallerOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_ = d.Write(ctx, func(tx *db.Tx) error {
				if err := insert(ctx, tx, "a", 1); err != nil {
					return err
				}
				panic("no")
			})
		}()
		if err := d.Write(ctx, func(tx *db.Tx) error { return insert(ctx, tx, "b", 1) }); err != nil || count(t, d) != 1 {
			t.Fatalf("err %v, %d rows, want 1", err, count(t, d))
		}
	})
}

func TestReadSeesOneStateAndCanNotWrite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		read := func(tx *db.Tx) int {
			n, err := db.One(ctx, tx, db.Value[int], "SELECT count(*) FROM things")
			if err != nil {
				t.Error(err)
			}
			return n
		}
		err := d.Read(ctx, func(tx *db.Tx) error {
			before := read(tx)
			if err := d.Write(ctx, func(tx *db.Tx) error { return insert(ctx, tx, "a", 1) }); err != nil {
				return err
			}
			if after := read(tx); after != before {
				t.Errorf("read %d then %d in one transaction", before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Read(ctx, func(tx *db.Tx) error { return insert(ctx, tx, "b", 1) }); err == nil {
			t.Error("Read wrote")
		}
	})
}

func TestLockPartsNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		if err := d.Write(ctx, func(tx *db.Tx) error { return insert(ctx, tx, "n", 0) }); err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 30 {
			group.Go(func() {
				if err := d.Write(ctx, func(tx *db.Tx) error { return addOne(ctx, tx) }); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		err := d.Read(ctx, func(tx *db.Tx) error {
			n, err := db.One(ctx, tx, db.Value[int], "SELECT n FROM things")
			if n != 30 {
				t.Errorf("n = %d, want 30: a check and an act were parted", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func addOne(ctx context.Context, tx *db.Tx) error {
	if err := tx.Lock(ctx, "things/n"); err != nil {
		return err
	}
	n, err := db.One(ctx, tx, db.Value[int], "SELECT n FROM things WHERE id = 'n'")
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE things SET n = $1 WHERE id = 'n'", n+1)
	return err
}

func TestForeignKeysHold(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		err := d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO parts (id, thing) VALUES ('p', 'nobody')")
			return err
		})
		if err == nil || db.IsUnique(err) {
			t.Fatalf("err = %v, want a broken reference", err)
		}
	})
}

func TestValuesComeBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 123456789, time.FixedZone("x", 3600))
	dbtest.Each(t, db.Options{Clock: func() time.Time { return now }}, func(t *testing.T, d *db.DB) {
		migrate(t, d)
		ctx := context.Background()
		var seen time.Time
		err := d.Write(ctx, func(tx *db.Tx) error {
			seen = tx.Now()
			_, err := tx.Exec(ctx, `INSERT INTO things (id, n, at, note, yes) VALUES ('a', 1, $1, $2, $3), ('b', 2, $4, '', FALSE)`,
				db.NullMicros(tx.Now()), db.JSON([]string{"ä", "<"}), true, db.NullMicros(time.Time{}))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		type thing struct {
			at   time.Time
			note []string
			yes  bool
		}
		scan := func(row db.Row) (th thing, err error) {
			return th, row.Scan(db.ScanTime(&th.at), db.ScanJSON(&th.note), &th.yes)
		}
		err = d.Read(ctx, func(tx *db.Tx) error {
			all, err := db.All(ctx, tx, scan, "SELECT at, note, yes FROM things WHERE id IN ("+db.List(2, 1)+") ORDER BY id", "a", "b")
			if err != nil {
				return err
			}
			if len(all) != 2 || !all[0].at.Equal(seen) || !all[0].yes || len(all[0].note) != 2 || !all[1].at.IsZero() || all[1].yes {
				t.Errorf("got %+v, now was %v", all, seen)
			}
			_, err = db.One(ctx, tx, scan, "SELECT at, note, yes FROM things WHERE id IN ("+db.List(0, 1)+")")
			if !db.IsNotFound(err) {
				t.Errorf("err = %v, want not found", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhatWasCommittedOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := "sqlite:" + filepath.Join(t.TempDir(), "a?b #c.db")
	first, err := db.Open(ctx, path, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	migrate(t, first)
	if err := first.Write(ctx, func(tx *db.Tx) error { return insert(ctx, tx, "a", 1) }); err != nil {
		t.Fatal(err)
	}
	second, err := db.Open(ctx, path, db.Options{}) // beside it, as after a kill
	if err != nil {
		t.Fatal(err)
	}
	if count(t, second) != 1 {
		t.Error("what was committed is not there")
	}
	if err := errors.Join(first.Close(), second.Close()); err != nil {
		t.Fatal(err)
	}
	if err := first.Write(ctx, func(*db.Tx) error { return nil }); err == nil {
		t.Error("Write after Close succeeded")
	}
}

func TestErrURL(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "sqlite:", "mysql://x", "postgres://user:hush@:bad port/x"} {
		_, err := db.Open(context.Background(), address, db.Options{})
		if err == nil {
			t.Errorf("Open(%q) succeeded", address)
		} else if text := err.Error(); strings.Contains(text, "hush") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// BenchmarkDurableWrites shows what grouping gives: many small durable writes.
func BenchmarkDurableWrites(b *testing.B) {
	d := dbtest.SQLite(b, db.Options{})
	migrate(b, d)
	ctx := context.Background()
	var next atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := time.Now().String() + string(rune(next.Add(1)))
			if err := d.Write(ctx, func(tx *db.Tx) error { return insert(ctx, tx, id, 1) }); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}
