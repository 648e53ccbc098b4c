package notify

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"

	kalends "kalends"
	"kalends/jobs"
)

// worker is a River worker around one kind of delivery.
type worker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	do      func(context.Context, T) error        // nil: delivered, or no longer wanted
	lost    func(context.Context, T, error) error // notes that it was given up
	timeout time.Duration                         // of a post
}

// Register adds the workers of jobs.AuthorizationCallback and
// jobs.ConnectionChanged.
func (s *Service) Register(workers *river.Workers) {
	river.AddWorker(workers, &worker[jobs.AuthorizationCallback]{do: s.answer, lost: s.answerLost, timeout: s.c.Timeout})
	river.AddWorker(workers, &worker[jobs.ConnectionChanged]{do: s.connectionChanged, lost: s.changeLost, timeout: s.c.Timeout})
}

// retryAfter gives how long after the nth failed attempt the next one comes, in
// all just under 24 hours; false when it was the last.
func retryAfter(attempt int) (time.Duration, bool) {
	waits := [...]time.Duration{
		15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour,
		2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 10 * time.Hour,
	}
	if attempt > len(waits) {
		return 0, false
	}
	return waits[max(attempt, 1)-1], true
}

// Work implements river.Worker.
func (w *worker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	err := w.do(ctx, job.Args)
	_, again := retryAfter(job.Attempt)
	again = again && time.Since(job.CreatedAt) < 24*time.Hour
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errBusy):
		return river.JobSnooze(time.Second + rand.N(2*time.Second))
	case errors.Is(err, errAiling) && again:
		return river.JobSnooze(5*time.Second + rand.N(10*time.Second))
	case ctx.Err() != nil, again && !lasting(err):
		return err
	}
	if noted := w.lost(ctx, job.Args, err); noted != nil {
		return noted // tried again, to be noted at least
	}
	return river.JobCancel(err)
}

// lasting tells whether trying again cannot help.
func lasting(err error) bool {
	kind := kalends.KindOf(err)
	return kind == kalends.KindDenied || kind == kalends.KindInvalid
}

// NextRetry implements river.Worker.
func (w *worker[T]) NextRetry(job *river.Job[T]) time.Time {
	wait, _ := retryAfter(job.Attempt)
	return time.Now().Add(max(wait, time.Second))
}

// Timeout implements river.Worker: a turn, a post and two small transactions.
func (w *worker[T]) Timeout(*river.Job[T]) time.Duration { return 6 * w.timeout }
