package mirror

import (
	"context"

	"kalends/db"
	"kalends/provider"
	"kalends/store"
)

// notePace writes down, where it is news, until when a reading's connection is
// kept away by its calendar system, or that it no longer is. Its calendars wait
// for that time, on every node.
func (m *Mirror) notePace(ctx context.Context, tx *db.Tx, due store.DueCalendar, pace provider.Pace) error {
	until, news := pace.Next(due.ThrottledUntil, tx.Now())
	if !news {
		return nil
	}
	return m.c.Store.HoldConnection(ctx, tx, due.ConnectionID, until)
}
