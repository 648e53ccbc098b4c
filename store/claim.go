package store

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/db"
)

// ClaimAccounts takes accounts of an organisation that are due, the longest due
// first, by putting their due time off until then: whoever claims next takes
// others, and if the claimer dies they are due again. The accounts carry the
// new due time, which tells later whether the claim still holds.
func (s *Store) ClaimAccounts(ctx context.Context, tx *db.Tx, organisationID string, until time.Time, limit int) ([]kalends.Account, error) {
	return db.All(ctx, tx, scanAccount, `UPDATE accounts SET due_at = $1 WHERE due_at <= $2 AND id IN (
		SELECT id FROM accounts WHERE organisation_id = $3 AND due_at <= $2 ORDER BY due_at, id LIMIT $4)
		RETURNING `+accountColumns, db.Micros(until), db.Micros(tx.Now()), organisationID, limit)
}

// ClaimAccount takes one account if it is due.
func (s *Store) ClaimAccount(ctx context.Context, tx *db.Tx, id string, until time.Time) (kalends.Account, error) {
	return one(ctx, tx, scanAccount, `UPDATE accounts SET due_at = $1 WHERE id = $2 AND due_at <= $3
		RETURNING `+accountColumns, db.Micros(until), id, db.Micros(tx.Now()))
}

// PutOffAccounts has an organisation's accounts that are due before then wait
// until then: a connection does not answer.
func (s *Store) PutOffAccounts(ctx context.Context, tx *db.Tx, organisationID string, until time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE accounts SET due_at = $1 WHERE organisation_id = $2 AND due_at < $1
		AND status = 'pending'`, db.Micros(until), organisationID)
	return err
}

// MoveRequests has another account stand behind the requests of an account.
func (s *Store) MoveRequests(ctx context.Context, tx *db.Tx, accountID, toID string) error {
	_, err := tx.Exec(ctx, `UPDATE authorization_requests SET account_id = $1 WHERE account_id = $2`, toID, accountID)
	return err
}

// DeleteAccount forgets an account that was never connected.
func (s *Store) DeleteAccount(ctx context.Context, tx *db.Tx, id string) error {
	return must(tx.Exec(ctx, `DELETE FROM accounts WHERE id = $1`, id))
}

// EndOtherAccounts notes that an organisation's accounts which belong to no
// connection are disconnected.
func (s *Store) EndOtherAccounts(ctx context.Context, tx *db.Tx, organisationID string, cause *kalends.Cause) error {
	key, facts := causeColumns(cause)
	_, err := tx.Exec(ctx, `UPDATE accounts SET status = 'disconnected', cause_key = $1, cause_facts = $2, detail = '',
		since = $3, due_at = NULL WHERE organisation_id = $4 AND status <> 'disconnected'`, key, facts, db.Micros(tx.Now()), organisationID)
	return err
}

// PurgeEndedAccounts deletes some of an organisation's disconnected accounts with
// all that belongs to them, and gives their number.
func (s *Store) PurgeEndedAccounts(ctx context.Context, tx *db.Tx, organisationID string, limit int) (int64, error) {
	n, err := s.purgeAccounts(ctx, tx, `status = 'disconnected' AND organisation_id = $1`, organisationID, limit)
	return int64(n), err
}

// ConnectionsOfDomain lists the living connections of a provider for a domain,
// of all applications: for the sign-in by proof of control.
func (s *Store) ConnectionsOfDomain(ctx context.Context, tx *db.Tx, provider kalends.Provider, domain string) ([]kalends.Connection, error) {
	return db.All(ctx, tx, scanConnection, `SELECT `+connectionColumns+` FROM connections
		WHERE provider = $1 AND domain = $2 AND status <> 'disconnected' ORDER BY connected_at DESC, id`, provider, domain)
}

// QueuedRequests tells which open requests of an account have a callback on its way.
func (s *Store) QueuedRequests(ctx context.Context, tx *db.Tx, accountID string) ([]string, error) {
	return db.All(ctx, tx, db.Value[string], `SELECT id FROM authorization_requests
		WHERE account_id = $1 AND answered_at IS NULL AND queued_at IS NOT NULL`, accountID)
}

// QueueRequests notes that all open requests of an account have a callback on its way.
func (s *Store) QueueRequests(ctx context.Context, tx *db.Tx, accountID string) error {
	_, err := tx.Exec(ctx, `UPDATE authorization_requests SET queued_at = $1
		WHERE account_id = $2 AND answered_at IS NULL`, db.Micros(tx.Now()), accountID)
	return err
}

// PutOffDueAccounts has an organisation's accounts that are due now, whatever
// their status, wait until then.
func (s *Store) PutOffDueAccounts(ctx context.Context, tx *db.Tx, organisationID string, until time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE accounts SET due_at = $1 WHERE organisation_id = $2 AND due_at <= $3`,
		db.Micros(until), organisationID, db.Micros(tx.Now()))
	return err
}
