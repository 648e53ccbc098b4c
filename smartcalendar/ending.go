package smartcalendar

import (
	"context"
	"fmt"
	"time"

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

// owedEnding is a grant that is to end: its sealed token, and whose it was.
type owedEnding struct {
	Token, Context            string
	Company, LinkID, EmailKey string
}

func (l link) ending(sealed string) owedEnding {
	return owedEnding{Token: sealed, Context: l.refreshContext(), Company: l.CompanyID, LinkID: l.ID, EmailKey: l.EmailKey}
}

// endingFirst is how long asking again waits for the end of an older grant: the
// hub gives a mailbox to another address only when the first let go of it, and
// the late end of a grant would end its successor for the same address too.
const endingFirst = time.Minute

// endGrant has a grant ended. Without a token there is nothing to end.
func (a *App) endGrant(ctx context.Context, tx *db.Tx, e owedEnding) error {
	if e.Token == "" {
		return nil
	}
	token, err := a.box.Open(e.Token, e.Context)
	if err != nil {
		return fmt.Errorf("smartcalendar: open token: %w", err)
	}
	id := newID("end_")
	again, err := a.box.Seal(token, endingContext(id))
	if err != nil {
		return fmt.Errorf("smartcalendar: seal token: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO sc_endings (id, company_id, link_id, email_key, token, created_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, id, e.Company, e.LinkID, e.EmailKey, again, db.Micros(tx.Now())); err != nil {
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
		tx.AfterCommit(a.nudge)
		_, err := tx.Exec(ctx, "DELETE FROM sc_endings WHERE id = $1", id)
		return err
	})
}

func endingContext(id string) string { return "sc_endings/" + id + "/token" }
