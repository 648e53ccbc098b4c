package store

import (
	"context"

	"kalends/db"
)

// superseded tells of a request that its account has a newer one: the newest is
// what an application is told by when the account changes, as long as it is there.
const superseded = `EXISTS (SELECT 1 FROM authorization_requests n
	WHERE n.account_id = authorization_requests.account_id AND n.created_at > authorization_requests.created_at)`

// givenUp tells of a request that its callback was tried for a day, in vain. One
// of an account that is not matched yet still waits.
const givenUp = `answered_at IS NULL AND queued_at <= $1
	AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = authorization_requests.account_id AND a.status <> 'pending')`

// DeleteExpired deletes at most limit rows of each kind that time has passed
// by: codes, tokens, client secrets, intents (their addresses at once), connects in
// progress, sessions, links, counted tries, and requests that were answered or
// given up 90 days ago. It gives how many rows went or were emptied; call it in transactions of its own until that is 0.
func (s *Store) DeleteExpired(ctx context.Context, tx *db.Tx, limit int) (int64, error) {
	const day = int64(24 * 60 * 60 * 1e6)
	now := db.Micros(tx.Now())
	total, err := tx.Exec(ctx, `UPDATE intents SET emails = '[]' WHERE id IN (SELECT id FROM intents
		WHERE expires_at <= $1 AND emails <> '[]' ORDER BY id LIMIT $2)`, now, limit) // what stays of a dead link names nobody
	if err != nil {
		return 0, err
	}
	for _, d := range []struct {
		table, key, where string
		before            int64
	}{
		{"codes", "hash", "expires_at <= $1", now - day}, // a while longer, so that a second use is noticed
		{"tokens", "hash", "expires_at <= $1", now},
		{"application_secrets", "id", "expires_at <= $1", now},
		{"intents", "id", "expires_at <= $1", now - 30*day}, // so that the link can say why it is dead
		{"connects", "id", "expires_at <= $1", now},
		{"console_sessions", "id", "expires_at <= $1", now},
		{"console_links", "token_hash", "expires_at <= $1", now - 30*day},
		{"tries", "key", "last_at <= $1 AND (locked_until IS NULL OR locked_until <= $1)", now - 2*day},
		{"authorization_requests", "id", "answered_at <= $1 AND " + superseded, now - 90*day},
		{"authorization_requests", "id", givenUp, now - 90*day},
	} {
		n, err := tx.Exec(ctx, `DELETE FROM `+d.table+` WHERE `+d.key+` IN (SELECT `+d.key+` FROM `+d.table+
			` WHERE `+d.where+` ORDER BY `+d.key+` LIMIT $2)`, d.before, limit)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// PurgeConnection deletes what belongs to an ended connection, at most limit
// accounts at a time and the connection itself at last; done tells that nothing
// is left. Call it in transactions of its own until it is done. A connection
// that lives (again) is not touched.
func (s *Store) PurgeConnection(ctx context.Context, tx *db.Tx, id string, limit int) (done bool, err error) {
	ended, err := db.One(ctx, tx, db.Value[int], `SELECT count(*) FROM connections WHERE id = $1 AND purge_at IS NOT NULL`, id)
	if err != nil || ended == 0 {
		return err == nil, err
	}
	n, err := s.purgeAccounts(ctx, tx, `connection_id = $1`, id, limit)
	if err != nil || n > 0 {
		return false, err
	}
	return true, run(ctx, tx, id,
		`DELETE FROM busy_months WHERE calendar_id IN (SELECT c.id FROM calendars c JOIN profiles p ON p.id = c.profile_id WHERE p.connection_id = $1)`,
		`DELETE FROM calendars WHERE profile_id IN (SELECT id FROM profiles WHERE connection_id = $1)`,
		`DELETE FROM profiles WHERE connection_id = $1`,
		`DELETE FROM connections WHERE id = $1`)
}

// PurgeOrganisation deletes a revoked organisation with everything that belongs
// to it, at most limit accounts at a time and itself at last; done tells that
// nothing is left. One that lives is not touched. Identities and audit entries stay.
func (s *Store) PurgeOrganisation(ctx context.Context, tx *db.Tx, id string, limit int) (done bool, err error) {
	ended, err := db.One(ctx, tx, db.Value[int], `SELECT count(*) FROM organisations WHERE id = $1 AND revoked_at IS NOT NULL`, id)
	if err != nil || ended == 0 {
		return err == nil, err
	}
	n, err := s.purgeAccounts(ctx, tx, `organisation_id = $1`, id, limit)
	if err != nil || n > 0 {
		return false, err
	}
	return true, run(ctx, tx, id,
		`DELETE FROM tokens WHERE grant_id IN (SELECT id FROM grants WHERE organisation_id = $1)`,
		`DELETE FROM codes WHERE grant_id IN (SELECT id FROM grants WHERE organisation_id = $1)`,
		`DELETE FROM grants WHERE organisation_id = $1`,
		`DELETE FROM mappings WHERE organisation_id = $1`,
		`DELETE FROM connections WHERE organisation_id = $1`,
		`DELETE FROM organisations WHERE id = $1`)
}

// purgeAccounts deletes some accounts with all that belongs to them and gives
// their number.
func (s *Store) purgeAccounts(ctx context.Context, tx *db.Tx, where, id string, limit int) (int, error) {
	ids, err := db.All(ctx, tx, db.Value[string], `SELECT id FROM accounts WHERE `+where+` ORDER BY id LIMIT $2`, id, limit)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	accounts := db.List(len(ids), 1)
	for _, statement := range []string{
		`DELETE FROM busy_months WHERE calendar_id IN (SELECT id FROM calendars WHERE account_id IN (` + accounts + `))`,
		`DELETE FROM calendars WHERE account_id IN (` + accounts + `)`,
		`DELETE FROM profiles WHERE account_id IN (` + accounts + `)`,
		`DELETE FROM authorization_requests WHERE account_id IN (` + accounts + `)`,
		`DELETE FROM tokens WHERE grant_id IN (SELECT id FROM grants WHERE account_id IN (` + accounts + `))`,
		`DELETE FROM codes WHERE grant_id IN (SELECT id FROM grants WHERE account_id IN (` + accounts + `))`,
		`DELETE FROM grants WHERE account_id IN (` + accounts + `)`,
		`DELETE FROM accounts WHERE id IN (` + accounts + `)`,
	} {
		if _, err := tx.Exec(ctx, statement, db.Args(ids)...); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

func run(ctx context.Context, tx *db.Tx, id string, statements ...string) error {
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement, id); err != nil {
			return err
		}
	}
	return nil
}
