package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// How much one group may hold: enough to share the cost of a sync, short enough
// that nobody waits long for the others.
const (
	groupSize = 256
	groupTime = 30 * time.Millisecond
)

// errClosed is returned by writes after Close.
var errClosed = errors.New("db: closed")

// writer is the one goroutine that writes to a SQLite file. It takes all
// functions that wait and runs them in one transaction.
type writer struct {
	db    *DB
	queue chan *job
	quit  chan struct{}
	once  sync.Once
	done  chan struct{}
}

// job is a function that waits to be run in a transaction.
type job struct {
	ctx     context.Context
	fn      func(*Tx) error
	durable bool
	tx      *Tx
	err     error
	panic   any
	over    chan struct{}
}

func newWriter(d *DB) *writer {
	w := &writer{
		db: d, queue: make(chan *job, groupSize),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	go w.loop()
	return w
}

func (w *writer) stop() {
	w.once.Do(func() { close(w.quit) })
	<-w.done
}

// run has fn run by the writer and waits until it is committed or undone. Once
// it is queued it is not abandoned: the caller learns what became of it.
func (w *writer) run(ctx context.Context, fn func(*Tx) error, durable bool) error {
	j := &job{ctx: ctx, fn: fn, durable: durable, over: make(chan struct{})}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.done:
		return errClosed
	}
	select {
	case <-j.over:
	case <-w.done:
		return w.last(j)
	}
	return j.outcome()
}

// outcome gives the result to the goroutine that waited for it.
func (j *job) outcome() error {
	if j.panic != nil {
		panic(j.panic)
	}
	if j.err == nil {
		j.tx.committed()
	}
	return j.err
}

// last answers for a job whose writer has ended: perhaps it was just done.
func (w *writer) last(j *job) error {
	select {
	case <-j.over:
		return j.outcome()
	default:
		return errClosed
	}
}

func (w *writer) loop() {
	defer close(w.done)
	for {
		select {
		case first := <-w.queue:
			w.work(first)
		case <-w.quit:
			w.drain()
			return
		}
	}
}

// drain runs what was queued before the end.
func (w *writer) drain() {
	for j := w.next(); j != nil; j = w.next() {
		w.work(j)
	}
}

// work runs a job and all that wait behind it, in one group or, if they take
// long, in several.
func (w *writer) work(first *job) {
	waiting := []*job{first}
	for len(waiting) < groupSize {
		j := w.next()
		if j == nil {
			break
		}
		waiting = append(waiting, j)
	}
	for len(waiting) > 0 {
		waiting = waiting[w.group(waiting):]
	}
}

func (w *writer) next() *job {
	select {
	case j := <-w.queue:
		return j
	default:
		return nil
	}
}

// group runs as many of the jobs as its time allows in one transaction, tells
// them what became of it, and gives their number.
func (w *writer) group(jobs []*job) int {
	ran := 0
	err := w.transact(slices.ContainsFunc(jobs, func(j *job) bool { return j.durable }), func(tx *sql.Tx) error {
		start := time.Now()
		for ran < len(jobs) && (ran == 0 || time.Since(start) < groupTime) {
			ran++
			if err := w.runOne(tx, jobs[ran-1]); err != nil {
				return err
			}
		}
		return nil
	})
	ran = max(ran, 1)
	for _, j := range jobs[:ran] {
		j.finish(err)
	}
	return ran
}

// transact runs fn in a transaction. How far a commit is synced is a setting
// of the connection that can only be changed between transactions.
func (w *writer) transact(durable bool, fn func(*sql.Tx) error) error {
	ctx := context.Background()
	conn, err := w.db.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("db: connection: %w", err)
	}
	defer func() { _ = conn.Close() }()
	level := "NORMAL"
	if durable {
		level = "FULL"
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA synchronous = "+level); err != nil {
		return fmt.Errorf("db: synchronous: %w", err)
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("db: begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("db: commit: %w", err)
	}
	return nil
}

// runOne runs a job in a savepoint. Its own failure is kept in the job; an
// error means that the whole transaction can not go on.
func (w *writer) runOne(tx *sql.Tx, j *job) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil
	}
	ctx := context.Background()
	if _, err := tx.ExecContext(ctx, "SAVEPOINT job"); err != nil {
		return fmt.Errorf("db: savepoint: %w", err)
	}
	j.tx = &Tx{sql: tx, now: w.db.now(), dialect: SQLite, shared: true}
	j.call()
	end := "RELEASE job"
	if j.err != nil || j.panic != nil {
		end = "ROLLBACK TO job; RELEASE job"
	}
	if _, err := tx.ExecContext(ctx, end); err != nil {
		return fmt.Errorf("db: end savepoint: %w", err)
	}
	return nil
}

// call runs the function and catches its panic for the goroutine it came from.
func (j *job) call() {
	defer func() { j.panic = recover() }()
	j.err = j.fn(j.tx)
}

// finish tells the waiting goroutine what became of its function, given the
// error of the whole group.
func (j *job) finish(group error) {
	if j.err == nil {
		j.err = group
	}
	close(j.over)
}
