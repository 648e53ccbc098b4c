package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"kalends/db"
	"kalends/db/dbtest"
	"kalends/internal/tools/await"
	"kalends/jobs"
)

type note struct {
	ID string `json:"id"`
}

func (note) Kind() string { return "note" }

// notes is a worker that tells when it ran.
type notes struct {
	river.WorkerDefaults[note]
	ran  chan string
	fail func(job *river.Job[note]) error
}

func (n *notes) Work(_ context.Context, job *river.Job[note]) error {
	if n.fail != nil {
		if err := n.fail(job); err != nil {
			return err
		}
	}
	n.ran <- job.Args.ID
	return nil
}

func (n *notes) NextRetry(*river.Job[note]) time.Time { return time.Now() }

func start(t testing.TB, d *db.DB, n *notes) *jobs.Runner {
	t.Helper()
	ctx := context.Background()
	workers := river.NewWorkers()
	river.AddWorker(workers, n)
	r, err := jobs.New(ctx, d, workers, jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

func insert(d *db.DB, r *jobs.Runner, id string) error {
	ctx := context.Background()
	return d.Write(ctx, func(tx *db.Tx) error { return r.Insert(ctx, tx, note{id}, nil) })
}

func wait(t testing.TB, ran <-chan string) string {
	t.Helper()
	return await.Value(t, "the job runs", ran)
}

func TestJobRunsSoonAfterItsCommit(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, db.Options{}, func(t *testing.T, d *db.DB) {
		n := &notes{ran: make(chan string, 1)}
		r := start(t, d, n)
		var took []time.Duration
		for i := range 20 {
			id, begin := fmt.Sprint(i), time.Now()
			if err := insert(d, r, id); err != nil {
				t.Fatal(err)
			}
			if got := wait(t, n.ran); got != id {
				t.Fatalf("job %q ran, want %q", got, id)
			}
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		t.Logf("from commit to start: median %v, worst %v", took[10], took[19])
	})
}

func TestJobOfAnUndoneTransactionDoesNotExist(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, db.Options{}, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		n := &notes{ran: make(chan string, 2)}
		r := start(t, d, n)
		undone := errors.New("undone")
		err := d.Write(ctx, func(tx *db.Tx) error { return errors.Join(r.Insert(ctx, tx, note{"never"}, nil), undone) })
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		if err := insert(d, r, "after"); err != nil {
			t.Fatal(err)
		}
		if got := wait(t, n.ran); got != "after" {
			t.Fatalf("job %q ran", got)
		}
		err = d.Read(ctx, func(tx *db.Tx) error {
			counts, err := r.Counts(ctx, tx)
			if len(counts) != 1 || counts[0].Jobs != 1 || counts[0].Kind != "note" {
				t.Errorf("counts %v, want one note", counts)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestFailedJobRunsAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, db.Options{}, func(t *testing.T, d *db.DB) {
		n := &notes{ran: make(chan string, 1), fail: func(job *river.Job[note]) error {
			if job.Attempt < 3 {
				return errors.New("not yet")
			}
			return nil
		}}
		r := start(t, d, n)
		if err := insert(d, r, "a"); err != nil {
			t.Fatal(err)
		}
		wait(t, n.ran)
	})
}

func TestManyInsertersBesideWorkersLoseNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, db.Options{}, func(t *testing.T, d *db.DB) {
		const jobs = 400
		n := &notes{ran: make(chan string, jobs)}
		r := start(t, d, n)
		begin := time.Now()
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for j := range jobs / 8 {
					if err := insert(d, r, fmt.Sprint(i, "-", j)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		inserted := time.Since(begin)
		seen := map[string]bool{}
		for range jobs {
			seen[wait(t, n.ran)] = true
		}
		t.Logf("%d jobs inserted in %v, all run after %v", jobs, inserted, time.Since(begin))
		if len(seen) != jobs {
			t.Errorf("%d jobs ran, want %d", len(seen), jobs)
		}
	})
}

// A process that was killed leaves its jobs marked as running and itself as leader.
func TestJobOfAKilledProcessRunsAtOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.SQLite(t, db.Options{})
	inserter, err := jobs.New(ctx, d, nil, jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := insert(d, inserter, "left"); err != nil {
		t.Fatal(err)
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE river_job SET state = 'running', attempt = 1, attempted_at = '2020-01-01 00:00:00'")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	n := &notes{ran: make(chan string, 1)}
	start(t, d, n)
	if got := wait(t, n.ran); got != "left" {
		t.Fatalf("job %q ran", got)
	}
}
