package jobs

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"kalends/db"
)

// River's own defaults are made for throughput of many nodes: a fetch every
// 100 ms. Ours are made so that a job starts as soon as it is committed. River
// tells of at most one insert per cooldown, so the poll bounds what the next one
// in a quick row waits.
const (
	fetchCooldown = 5 * time.Millisecond
	fetchPoll     = 50 * time.Millisecond
	jobTimeout    = time.Minute
	rescueAfter   = 2 * time.Minute
)

// Options are the choices of an installation. The zero value works.
type Options struct {
	Log      *slog.Logger
	Workers  int            // jobs that run at the same time in the default queue; 50 if 0
	Queues   map[string]int // further queues and how many of their jobs run at the same time
	Periodic []*river.PeriodicJob
}

// Runner inserts jobs and, once started, runs them.
type Runner struct {
	db       *db.DB
	sqlite   *river.Client[*sql.Tx]
	postgres *river.Client[pgx.Tx]
	wake     func() // SQLite: a job was committed
}

// New makes a Runner and brings the tables of jobs up to date. With nil workers
// it only inserts.
func New(ctx context.Context, d *db.DB, workers *river.Workers, options Options) (*Runner, error) {
	r := &Runner{db: d}
	var err error
	if d.Dialect() == db.Postgres {
		r.postgres, err = newClient(ctx, riverpgxv5.New(d.Pool()), workers, options)
	} else {
		driver := newWakingDriver(d.SQL())
		r.wake = driver.committed
		r.sqlite, err = newClient(ctx, driver, workers, options)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func newClient[T any](ctx context.Context, driver riverdriver.Driver[T], workers *river.Workers, o Options) (*river.Client[T], error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Log = slog.New(warnings{o.Log.Handler()})
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: o.Log})
	if err != nil {
		return nil, fmt.Errorf("jobs: migrator: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, fmt.Errorf("jobs: migrate: %w", err)
	}
	client, err := river.NewClient(driver, config(workers, o))
	if err != nil {
		return nil, fmt.Errorf("jobs: client: %w", err)
	}
	return client, nil
}

func config(workers *river.Workers, o Options) *river.Config {
	c := &river.Config{
		Logger: o.Log, FetchCooldown: fetchCooldown, FetchPollInterval: fetchPoll,
		JobTimeout: jobTimeout, RescueStuckJobsAfter: rescueAfter, PeriodicJobs: o.Periodic,
	}
	if workers == nil {
		return c
	}
	if o.Workers == 0 {
		o.Workers = 50
	}
	c.Workers = workers
	c.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.Workers}}
	for name, n := range o.Queues {
		c.Queues[name] = river.QueueConfig{MaxWorkers: n}
	}
	return c
}

// Insert adds a job that exists if and only if the transaction is committed.
// After an error the transaction can not go on.
func (r *Runner) Insert(ctx context.Context, tx *db.Tx, args river.JobArgs, opts *river.InsertOpts) error {
	return r.InsertMany(ctx, tx, []river.InsertManyParams{{Args: args, InsertOpts: opts}})
}

// InsertMany adds several jobs at once, much faster than one by one.
func (r *Runner) InsertMany(ctx context.Context, tx *db.Tx, jobs []river.InsertManyParams) error {
	if len(jobs) == 0 {
		return nil
	}
	var err error
	if r.postgres != nil {
		_, err = r.postgres.InsertManyTx(ctx, tx.PGX(), jobs)
	} else {
		_, err = r.sqlite.InsertManyTx(tx.Context(ctx), tx.SQL(), jobs)
		tx.AfterCommit(r.wake)
	}
	if err != nil {
		return fmt.Errorf("jobs: insert %s: %w", jobs[0].Args.Kind(), err)
	}
	return nil
}

// Start runs jobs until Stop or the end of ctx. A SQLite file belongs to one
// running process: what an earlier one left half done is taken up again at once.
func (r *Runner) Start(ctx context.Context) error {
	if r.postgres != nil {
		return wrap("start", r.postgres.Start(ctx))
	}
	if err := r.takeOver(ctx); err != nil {
		return err
	}
	return wrap("start", r.sqlite.Start(ctx))
}

func (r *Runner) takeOver(ctx context.Context) error {
	return r.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM river_leader"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE river_job SET state = 'available' WHERE state = 'running'")
		return err
	})
}

// Stop lets running jobs end, until ctx ends, and then interrupts them: they
// are tried again later.
func (r *Runner) Stop(ctx context.Context) error {
	if r.postgres != nil {
		return stop(ctx, r.postgres)
	}
	return stop(ctx, r.sqlite)
}

func stop[T any](ctx context.Context, client *river.Client[T]) error {
	if err := client.Stop(ctx); err == nil || ctx.Err() == nil {
		return wrap("stop", err)
	}
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	return wrap("stop", client.StopAndCancel(hard))
}

// Counts tells how many jobs there are by kind and state.
func (r *Runner) Counts(ctx context.Context, tx *db.Tx) ([]Count, error) {
	return db.All(ctx, tx, scanCount, "SELECT kind, CAST(state AS TEXT), count(*) FROM river_job GROUP BY kind, state ORDER BY kind, state")
}

// Count is a number of jobs.
type Count struct {
	Kind, State string
	Jobs        int
}

func scanCount(row db.Row) (Count, error) {
	var c Count
	err := row.Scan(&c.Kind, &c.State, &c.Jobs)
	return c, err
}

func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("jobs: %s: %w", op, err)
}
