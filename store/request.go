package store

import (
	"context"

	kalends "kalends"
	"kalends/db"
)

const requestColumns = `r.id, r.organisation_id, a.email, r.callback_url, r.scope, r.state, r.account_id,
	a.cause_key, a.cause_facts, r.created_at, r.answered_at`

func scanRequest(row db.Row) (kalends.AuthorizationRequest, error) {
	var r kalends.AuthorizationRequest
	var cause string
	var facts map[string]string
	err := row.Scan(&r.ID, &r.OrganisationID, &r.Email, &r.CallbackURL, &r.Scope, &r.State, &r.AccountID,
		&cause, db.ScanJSON(&facts), db.ScanTime(&r.CreatedAt), db.ScanTime(&r.DoneAt))
	r.Cause = causeOf(cause, facts)
	return r, err
}

// InsertRequest adds an authorization request for its account; CreatedAt is
// set to now. Email and Cause are the account's and not stored.
func (s *Store) InsertRequest(ctx context.Context, tx *db.Tx, r kalends.AuthorizationRequest) error {
	_, err := tx.Exec(ctx, `INSERT INTO authorization_requests
		(id, organisation_id, account_id, callback_url, scope, state, created_at, answered_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)`,
		r.ID, r.OrganisationID, r.AccountID, r.CallbackURL, r.Scope, r.State, db.Micros(tx.Now()))
	return err
}

// OpenRequests lists the requests for an account that still owe a callback,
// the oldest first.
func (s *Store) OpenRequests(ctx context.Context, tx *db.Tx, accountID string) ([]kalends.AuthorizationRequest, error) {
	return db.All(ctx, tx, scanRequest, `SELECT `+requestColumns+` FROM authorization_requests r
		JOIN accounts a ON a.id = r.account_id
		WHERE r.account_id = $1 AND r.answered_at IS NULL ORDER BY r.created_at, r.id`, accountID)
}

// LatestRequest gives the newest request for an account, answered or not.
func (s *Store) LatestRequest(ctx context.Context, tx *db.Tx, accountID string) (kalends.AuthorizationRequest, error) {
	return one(ctx, tx, scanRequest, `SELECT `+requestColumns+` FROM authorization_requests r
		JOIN accounts a ON a.id = r.account_id
		WHERE r.account_id = $1 ORDER BY r.created_at DESC, r.id DESC`, accountID)
}

// AnswerRequest notes that no callback is owed any more; false if that was so before.
func (s *Store) AnswerRequest(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	return happened(tx.Exec(ctx, `UPDATE authorization_requests SET answered_at = $1
		WHERE id = $2 AND answered_at IS NULL`, db.Micros(tx.Now()), id))
}

// ReopenRequest notes that a callback is owed again.
func (s *Store) ReopenRequest(ctx context.Context, tx *db.Tx, id string) error {
	return must(tx.Exec(ctx, `UPDATE authorization_requests SET answered_at = NULL WHERE id = $1`, id))
}
