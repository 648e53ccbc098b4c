package store_test

import (
	"testing"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/db/dbtest"
	"kalends/store"
)

// A reading that is being written down while its profile is ended leaves no busy
// times behind.
func TestAnEndedProfileLeavesNoBusyTimesOnPostgreSQL(t *testing.T) {
	t.Parallel()
	c := &clock{}
	c.micros.Store(time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC).UnixMicro())
	h := settle(t, dbtest.Postgres(t, db.Options{Clock: c.now}), c)
	h.connection("con_1")
	calendar := h.calendar(h.account("acc_1", "a@musterwerk.example", "con_1"))
	h.write(func(tx *db.Tx) error {
		calendar.DueAt = c.now()
		return h.s.PutCalendar(ctx, tx, calendar)
	})
	var due []store.DueCalendar
	h.read(func(tx *db.Tx) (err error) {
		due, err = h.s.DueCalendars(ctx, tx, nil, 10)
		return err
	})
	if len(due) != 1 {
		t.Fatalf("due: %+v", due)
	}
	ended := make(chan error, 1)
	h.write(func(tx *db.Tx) error {
		ok, err := h.s.FinishReading(ctx, tx, due[0], store.ReadResult{Synced: true, DueAt: c.now().Add(time.Hour)})
		if err != nil || !ok {
			t.Errorf("reading not taken: %v", err)
		}
		go func() {
			ended <- h.db.Write(ctx, func(tx *db.Tx) error {
				_, err := h.s.RevokeProfile(ctx, tx, calendar.AccountID, calendar.ProfileID)
				return err
			})
		}()
		h.somebodyWaits()
		return h.s.ReplaceBusy(ctx, tx, calendar.ID, []kalends.Interval{{Start: c.now(), End: c.now().Add(time.Hour), Status: kalends.StatusBusy, Key: "k"}})
	})
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if n := h.rows("busy_months"); n != 0 {
		t.Errorf("%d months of an ended profile stay", n)
	}
}

// somebodyWaits returns once a transaction waits for another one's row.
func (h *home) somebodyWaits() {
	h.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		n := 0
		h.read(func(tx *db.Tx) (err error) {
			n, err = db.One(ctx, tx, db.Value[int], `SELECT count(*) FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`)
			return err
		})
		if n > 0 {
			return
		}
	}
	h.Fatal("nobody waits")
}
