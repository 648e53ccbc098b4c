package main

import (
	"context"
	"errors"

	"github.com/riverqueue/river"

	"kalends/db"
	"kalends/jobs"
)

// lateRunner breaks a knot of the wiring: rooms insert jobs, and the runner needs
// the rooms' workers. It is complete before anything runs.
type lateRunner struct{ runner *jobs.Runner }

// Insert adds a job in the transaction.
func (l *lateRunner) Insert(ctx context.Context, tx *db.Tx, args river.JobArgs, opts *river.InsertOpts) error {
	if l.runner == nil {
		return errors.New("jobs are not wired yet")
	}
	return l.runner.Insert(ctx, tx, args, opts)
}
