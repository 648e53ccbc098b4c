package smartcalendar

import (
	"context"
	"errors"
	"maps"
	"time"

	"kalends/cronofy"
	"kalends/db"
)

const (
	refreshEvery = 30 * time.Second // all figures of a connected company are read
	lookEvery    = 5 * time.Second  // how its connections are, which is one small request
	restEvery    = 3 * time.Second  // an open page asks whether anything changed
)

// refreshDue reads a company's figures, or how its connections are, if it is time.
func (a *App) refreshDue(ctx context.Context, companyID string) error {
	all, look := false, false
	err := a.db.Read(ctx, func(tx *db.Tx) (err error) {
		if all, err = due(ctx, tx, "read_due_at", companyID); err == nil {
			look, err = due(ctx, tx, "look_due_at", companyID)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case all:
		return a.refresh(ctx, companyID)
	case look:
		return a.look(ctx, companyID)
	}
	return nil
}

func due(ctx context.Context, tx *db.Tx, column, companyID string) (bool, error) {
	n, err := db.One(ctx, tx, db.Value[int64], "SELECT count(*) FROM sc_calendars WHERE company_id = $1 AND "+column+" <= $2", companyID, db.Micros(tx.Now()))
	return n > 0, err
}

// look reads how the connections are, and leaves what it finds ended or cannot
// read to the next refresh.
func (a *App) look(ctx context.Context, companyID string) error {
	connections, err := a.company(companyID).Connections(ctx)
	if err == nil && anyAlive(connections) {
		return a.db.Write(ctx, func(tx *db.Tx) error { return takeConnections(ctx, tx, companyID, connections) })
	}
	return errors.Join(err, a.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE sc_calendars SET look_due_at = NULL, read_due_at = $2 WHERE company_id = $1 AND read_due_at IS NOT NULL",
			companyID, db.Micros(tx.Now()))
		return err
	}))
}

// refresh reads the connections and the accounts from the hub and takes over
// what callbacks do not say: figures, expiry, how addresses matched, proposals,
// and what broke since.
func (a *App) refresh(ctx context.Context, companyID string) error {
	hub := a.company(companyID)
	connections, err := hub.Connections(ctx)
	if err == nil && !anyAlive(connections) {
		return a.db.Write(ctx, func(tx *db.Tx) error {
			return a.endCalendar(ctx, tx, companyID, ending{Cause: "revoked", Grant: true})
		})
	}
	var accounts []cronofy.CompanyAccount
	if err == nil {
		accounts, err = cronofy.Collect(hub.Accounts(ctx, cronofy.AccountsFilter{}))
	}
	if err != nil {
		return a.stalled(ctx, companyID, errors.Join(err, a.later(ctx, companyID)))
	}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		if err := takeConnections(ctx, tx, companyID, connections); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE sc_calendars SET read_due_at = $2 WHERE company_id = $1 AND read_due_at IS NOT NULL",
			companyID, db.Micros(tx.Now().Add(refreshEvery)))
		if err != nil {
			return err
		}
		return takeAccounts(ctx, tx, companyID, accounts)
	})
}

// later puts the next reading off after one that failed.
func (a *App) later(ctx context.Context, companyID string) error {
	return a.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE sc_calendars SET read_due_at = $2 WHERE company_id = $1 AND read_due_at IS NOT NULL",
			companyID, db.Micros(tx.Now().Add(refreshEvery/3)))
		return err
	})
}

func anyAlive(connections []cronofy.Connection) bool {
	for _, c := range connections {
		if c.Status != cronofy.ConnectionDisconnected {
			return true
		}
	}
	return false
}

func takeConnections(ctx context.Context, tx *db.Tx, companyID string, connections []cronofy.Connection) error {
	status, key, f := calendarConnected, "", facts{}
	for _, c := range connections {
		if c.Status == cronofy.ConnectionDegraded {
			status = calendarDegraded
			if c.Cause != nil {
				key, f = c.Cause.Key, c.Cause.Facts
			}
		}
	}
	_, err := tx.Exec(ctx, `UPDATE sc_calendars SET status = $2, cause_key = $3, cause_facts = $4, connections = $5, read_at = $6,
		look_due_at = $7 WHERE company_id = $1 AND status IN ('connected', 'degraded')`,
		companyID, status, key, factsJSON(f), db.JSON(connections), db.Micros(tx.Now()), db.Micros(tx.Now().Add(lookEvery)))
	return err
}

func factsJSON(f facts) string {
	if f == nil {
		f = facts{}
	}
	return db.JSON(f)
}

// takeAccounts compares the hub's accounts with the links and writes what
// differs.
func takeAccounts(ctx context.Context, tx *db.Tx, companyID string, accounts []cronofy.CompanyAccount) error {
	known := make(map[string]cronofy.CompanyAccount, len(accounts))
	for _, account := range accounts {
		known[normalise(account.Email)] = account
	}
	links, err := db.All(ctx, tx, scanLink, "SELECT "+linkColumns+" FROM sc_links l WHERE l.company_id = $1 AND l.status <> 'none'", companyID)
	if err != nil {
		return err
	}
	for _, l := range links {
		account, ok := known[l.EmailKey]
		if !ok || l.CauseKey == "address_not_unique" && l.CauseFacts["other"] != "" {
			continue
		}
		if err := takeAccount(ctx, tx, l, account); err != nil {
			return err
		}
	}
	return nil
}

func takeAccount(ctx context.Context, tx *db.Tx, l link, account cronofy.CompanyAccount) error {
	if !l.open() && account.Cause != nil && (account.Status == cronofy.AccountError || account.Status == cronofy.AccountWaiting) {
		if l.Status != account.Status || l.CauseKey != account.Cause.Key || !maps.Equal(l.CauseFacts, account.Cause.Facts) {
			return setCause(ctx, tx, l, account.Status, account.Cause.Key, account.Cause.Facts)
		}
		return nil
	}
	if account.Status != cronofy.AccountConnected {
		return nil
	}
	if !l.open() && (l.Status != statusConnected || l.Refresh == "") {
		return setDueNow(ctx, tx, l)
	}
	synced := time.Time{}
	if account.LastSyncAt != nil {
		synced = *account.LastSyncAt
	}
	if l.MatchedEmail == account.MatchedEmail && l.MatchedBy == account.MatchedBy && l.LastSyncAt.Equal(synced) {
		return nil
	}
	_, err := tx.Exec(ctx, "UPDATE sc_links SET matched_email = $2, matched_by = $3, last_sync_at = $4 WHERE id = $1",
		l.ID, account.MatchedEmail, account.MatchedBy, db.NullMicros(synced))
	return err
}

// setDueNow asks again for somebody whom the hub has connected without our
// having a token.
func setDueNow(ctx context.Context, tx *db.Tx, l link) error {
	_, err := tx.Exec(ctx, "UPDATE sc_links SET due_at = $2, tries = 0 WHERE id = $1 AND due_at IS NULL", l.ID, db.Micros(tx.Now()))
	return err
}
