package smartcalendar

import (
	"context"
	"time"

	"kalends/db"
)

const (
	tidyEvery = time.Hour
	keepSent  = 30 * 24 * time.Hour // mails that were sent, and connects that are over
)

// tidy deletes rows that time has passed by: links in mails, counted tries,
// connects, and mails that were sent. A demo keeps its mails.
func (a *App) tidy(ctx context.Context) {
	err := a.db.WriteRelaxed(ctx, func(tx *db.Tx) error {
		now, old := db.Micros(tx.Now()), db.Micros(tx.Now().Add(-keepSent))
		statements := map[string]int64{
			"DELETE FROM sc_tickets WHERE expires_at <= $1":                                             now,
			"DELETE FROM sc_connects WHERE expires_at <= $1":                                            old,
			"DELETE FROM sc_tries WHERE last_at <= $1 AND (locked_until IS NULL OR locked_until <= $1)": db.Micros(tx.Now().Add(-forgetTries)),
		}
		if !a.config.DemoOutbox {
			statements["DELETE FROM sc_mails WHERE sent_at <= $1"] = old
		}
		for statement, before := range statements {
			if _, err := tx.Exec(ctx, statement, before); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		a.log.Warn("old rows not deleted", "error", err)
	}
}
