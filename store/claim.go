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
