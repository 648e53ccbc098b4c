package connect_test

import (
	"testing"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/db/dbtest"
	"kalends/provider/memory"
)

// Whoever falls out of reach while connected leaves nothing that was read, loses
// the grant in time, and comes back under the same ids.
func TestErrOutOfReachWhileConnected(t *testing.T) {
	t.Parallel()
	outOfReach(t, newHouse(t))
}

func TestErrOutOfReachWhileConnectedOnPostgreSQL(t *testing.T) {
	t.Parallel()
	outOfReach(t, newHouseOn(t, dbtest.Postgres))
}

func outOfReach(t *testing.T, h *house) {
	t.Helper()
	organisation, _ := h.connect()
	people := h.world.Staff(2)
	h.ask(organisation, people...)
	h.tick()
	before := h.account(organisation, people[0])
	h.busy(before.ID)

	h.world.SetState(people[0], memory.NotPermitted)
	h.clock.pass(time.Hour)
	h.ask(organisation, people[0])
	h.tick()
	h.status(organisation, people[0], kalends.AccountError, kalends.CauseNotPermitted)
	h.left(before.ID, 0, 1)
	if n := h.count("SELECT count(*) FROM audits WHERE action = 'account.lost' AND actor = 'hub'"); n != 1 {
		t.Errorf("%d entries say that somebody is out of reach", n)
	}

	h.clock.pass(29 * 24 * time.Hour)
	h.tick()
	h.left(before.ID, 0, 1)
	h.clock.pass(2 * 24 * time.Hour)
	h.tick()
	h.left(before.ID, 0, 0)
	if n := h.count("SELECT count(*) FROM audits WHERE action = 'account.grant_ended'"); n != 1 {
		t.Errorf("%d entries say that a grant ended", n)
	}

	h.world.SetState(people[0], "")
	h.clock.pass(25 * time.Hour)
	h.tick()
	if after := h.status(organisation, people[0], kalends.AccountConnected, ""); after.ID != before.ID {
		t.Errorf("came back as %s, was %s", after.ID, before.ID)
	}
	h.left(before.ID, 1, 1)
	if n := h.count("SELECT count(*) FROM audits WHERE action = 'account.lost'"); n != 1 {
		t.Errorf("%d entries about one person", n)
	}
}

// busy stores busy time of an account, as the mirror does.
func (h *house) busy(accountID string) {
	h.t.Helper()
	h.must(h.db.Write(h.t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(h.t.Context(), `INSERT INTO busy_months (calendar_id, month, packed)
			SELECT id, '2027-03', 'AA==' FROM calendars WHERE account_id = $1`, accountID)
		return err
	}))
}

// left compares what an account has: living calendars, and living grants. What
// was read of a calendar that is gone is gone with it.
func (h *house) left(accountID string, calendars, grants int) {
	h.t.Helper()
	if n := h.count("SELECT count(*) FROM calendars WHERE account_id = $1 AND deleted_at IS NULL AND due_at IS NOT NULL", accountID); n != calendars {
		h.t.Errorf("%d calendars that are read, want %d", n, calendars)
	}
	if n := h.count("SELECT count(*) FROM busy_months WHERE calendar_id IN (SELECT id FROM calendars WHERE account_id = $1 AND deleted_at IS NOT NULL)", accountID); n != 0 {
		h.t.Errorf("%d months of busy time are kept", n)
	}
	if n := h.count("SELECT count(*) FROM grants WHERE account_id = $1 AND revoked_at IS NULL", accountID); n != grants {
		h.t.Errorf("%d living grants, want %d", n, grants)
	}
}
