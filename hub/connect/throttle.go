package connect

import (
	"context"
	"time"

	kalends "kalends"
)

// heldNews is for how long after the promised time a connection still counts as
// throttled while nobody was answered: by then somebody has been, as a rule.
const heldNews = 2 * time.Minute

// causeNow is why a connection does not work as it should. One that is kept away
// by its calendar system is connected all the same: it goes on by itself.
func causeNow(c kalends.Connection, now time.Time) *kalends.Cause {
	if c.Cause != nil || c.Status != kalends.ConnectionConnected || c.ThrottledUntil.IsZero() || now.Sub(c.ThrottledUntil) > heldNews {
		return c.Cause
	}
	return kalends.NewCause(kalends.CauseThrottled, "until", c.ThrottledUntil.UTC().Format(time.RFC3339))
}

// notePaces writes down, where it is news, until when connections are kept away,
// or that they no longer are.
func (a *applying) notePaces(ctx context.Context) error {
	for _, w := range a.team.ways {
		if w.err != nil {
			continue
		}
		known, now := a.team.connection(w.connectionID).ThrottledUntil, a.tx.Now()
		until, news := w.finder.Pace().Next(known, now)
		if news {
			if err := a.c.Store.HoldConnection(ctx, a.tx, w.connectionID, until); err != nil {
				return err
			}
		}
		if until.After(now) && kalends.KindOf(a.found.broken[w.connectionID]) == kalends.KindThrottled {
			if err := a.waitFor(ctx, until); err != nil {
				return err
			}
		}
	}
	return nil
}

// waitFor has the organisation's due accounts wait for the end of a pause, unless
// another connection can answer for them. Those that are asked for just now say
// for themselves what became of them.
func (a *applying) waitFor(ctx context.Context, until time.Time) error {
	if a.othersAnswer() {
		return nil
	}
	a.until = until
	return a.c.Store.PutOffDueAccounts(ctx, a.tx, a.account.OrganisationID, until)
}
