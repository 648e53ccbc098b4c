package store

import (
	"context"

	kalends "kalends"
	"kalends/db"
)

const grantColumns = `id, application_id, organisation_id, account_id, scope, created_at, revoked_at`

func scanGrant(row db.Row) (kalends.Grant, error) {
	var g kalends.Grant
	err := row.Scan(&g.ID, &g.ApplicationID, &g.OrganisationID, &g.AccountID, &g.Scope,
		db.ScanTime(&g.CreatedAt), db.ScanTime(&g.RevokedAt))
	return g, err
}

// InsertGrant adds a grant; CreatedAt is set to now.
func (s *Store) InsertGrant(ctx context.Context, tx *db.Tx, g kalends.Grant) error {
	_, err := tx.Exec(ctx, `INSERT INTO grants (`+grantColumns+`) VALUES ($1, $2, $3, $4, $5, $6, NULL)`,
		g.ID, g.ApplicationID, g.OrganisationID, g.AccountID, g.Scope, db.Micros(tx.Now()))
	return err
}

// SetGrantScope changes what a living grant allows from now on.
func (s *Store) SetGrantScope(ctx context.Context, tx *db.Tx, id, scope string) error {
	return must(tx.Exec(ctx, `UPDATE grants SET scope = $1 WHERE id = $2 AND revoked_at IS NULL`, scope, id))
}

// Grant gives a grant, revoked or not.
func (s *Store) Grant(ctx context.Context, tx *db.Tx, id string) (kalends.Grant, error) {
	return one(ctx, tx, scanGrant, `SELECT `+grantColumns+` FROM grants WHERE id = $1`, id)
}

// LiveGrant gives the living grant for an account of an organisation, or the
// organisation's own for "".
func (s *Store) LiveGrant(ctx context.Context, tx *db.Tx, organisationID, accountID string) (kalends.Grant, error) {
	return one(ctx, tx, scanGrant, `SELECT `+grantColumns+` FROM grants
		WHERE organisation_id = $1 AND account_id = $2 AND revoked_at IS NULL ORDER BY created_at DESC, id`, organisationID, accountID)
}

// LiveGrantOfSub gives the living grant of an application for ser_…, acc_… or res_….
func (s *Store) LiveGrantOfSub(ctx context.Context, tx *db.Tx, applicationID, sub string) (kalends.Grant, error) {
	return one(ctx, tx, scanGrant, `SELECT `+grantColumns+` FROM grants
		WHERE application_id = $1 AND revoked_at IS NULL
		AND (account_id = $2 OR (account_id = '' AND organisation_id = $2)) ORDER BY created_at DESC, id`, applicationID, sub)
}

// RevokeGrant ends a grant and deletes its tokens and unused codes; false if it
// had ended before.
func (s *Store) RevokeGrant(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	ended, err := happened(tx.Exec(ctx, `UPDATE grants SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL`, db.Micros(tx.Now()), id))
	if err != nil {
		return false, err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM tokens WHERE grant_id = $1`, id); err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM codes WHERE grant_id = $1 AND used_at IS NULL`, id)
	return ended, err
}

// RevokeGrants ends all grants of an organisation, its own and its accounts',
// with their tokens and codes; it gives how many lived.
func (s *Store) RevokeGrants(ctx context.Context, tx *db.Tx, organisationID string) (int64, error) {
	return s.revokeGrants(ctx, tx, `organisation_id = $1`, organisationID)
}

// RevokeConnectionGrants ends the grants for all accounts of a connection.
func (s *Store) RevokeConnectionGrants(ctx context.Context, tx *db.Tx, connectionID string) (int64, error) {
	return s.revokeGrants(ctx, tx, `account_id IN (SELECT id FROM accounts WHERE connection_id = $1)`, connectionID)
}

func (s *Store) revokeGrants(ctx context.Context, tx *db.Tx, where, id string) (int64, error) {
	n, err := tx.Exec(ctx, `UPDATE grants SET revoked_at = $2 WHERE `+where+` AND revoked_at IS NULL`, id, db.Micros(tx.Now()))
	if err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM tokens WHERE grant_id IN (SELECT id FROM grants WHERE `+where+`)`, id); err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM codes WHERE used_at IS NULL AND grant_id IN (SELECT id FROM grants WHERE `+where+`)`, id)
	return n, err
}
