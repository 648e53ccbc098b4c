package smartcalendar

import (
	"context"
	"fmt"

	"github.com/riverqueue/river"

	"kalends/db"
)

// endingJob ends a grant at the hub. It is repeated until the hub took it.
type endingJob struct {
	ID string `json:"id"`
}

// Kind implements river.JobArgs.
func (endingJob) Kind() string { return "smart_calendar_ending" }

type endingWorker struct {
	river.WorkerDefaults[endingJob]
	app *App
}

// Work implements river.Worker.
func (w *endingWorker) Work(ctx context.Context, job *river.Job[endingJob]) error {
	return w.app.workEnding(ctx, job.Args.ID)
}

// endGrant has the grant of a sealed token ended. Without a token there is
// nothing to end.
func (a *App) endGrant(ctx context.Context, tx *db.Tx, sealed, sealedFor string) error {
	if sealed == "" {
		return nil
	}
	token, err := a.box.Open(sealed, sealedFor)
	if err != nil {
		return fmt.Errorf("smartcalendar: open token: %w", err)
	}
	id := newID("end_")
	again, err := a.box.Seal(token, endingContext(id))
	if err != nil {
		return fmt.Errorf("smartcalendar: seal token: %w", err)
	}
	if _, err := tx.Exec(ctx, "INSERT INTO sc_endings (id, token, created_at) VALUES ($1, $2, $3)", id, again, db.Micros(tx.Now())); err != nil {
		return err
	}
	return a.jobs.Insert(ctx, tx, endingJob{ID: id}, nil)
}

func (a *App) workEnding(ctx context.Context, id string) error {
	sealed := ""
	err := a.db.Read(ctx, func(tx *db.Tx) (err error) {
		sealed, err = db.One(ctx, tx, db.Value[string], "SELECT token FROM sc_endings WHERE id = $1", id)
		return err
	})
	if db.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	token, err := a.box.Open(sealed, endingContext(id))
	if err != nil {
		return river.JobCancel(fmt.Errorf("smartcalendar: open token: %w", err))
	}
	if err := a.hub.Revoke(ctx, string(token)); err != nil {
		return fmt.Errorf("smartcalendar: revoke: %w", err)
	}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM sc_endings WHERE id = $1", id)
		return err
	})
}

func endingContext(id string) string { return "sc_endings/" + id + "/token" }
