package store

import (
	"context"

	kalends "kalends"
	"kalends/db"
	"kalends/secret"
)

const intentColumns = `id, application_id, organisation_id, redirect_uri, state, scope, delegated_scope,
	code_challenge, emails, company, company_id, created_at, expires_at, used_at`

func scanIntent(row db.Row) (kalends.Intent, error) {
	var i kalends.Intent
	err := row.Scan(&i.ID, &i.ApplicationID, &i.OrganisationID, &i.RedirectURI, &i.State, &i.Scope, &i.DelegatedScope,
		&i.CodeChallenge, db.ScanJSON(&i.Emails), &i.Company, &i.CompanyID, db.ScanTime(&i.CreatedAt), db.ScanTime(&i.ExpiresAt), db.ScanTime(&i.UsedAt))
	return i, err
}

// InsertIntent adds an intent, found again by the token in its link; CreatedAt
// is set to now.
func (s *Store) InsertIntent(ctx context.Context, tx *db.Tx, i kalends.Intent, token string) error {
	_, err := tx.Exec(ctx, `INSERT INTO intents (`+intentColumns+`, token_hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL, $14)`,
		i.ID, i.ApplicationID, i.OrganisationID, i.RedirectURI, i.State, i.Scope, i.DelegatedScope,
		i.CodeChallenge, list(i.Emails), i.Company, i.CompanyID, db.Micros(tx.Now()), db.Micros(i.ExpiresAt), secret.SHA256(token))
	return err
}

// Intent gives an intent, used or expired ones too.
func (s *Store) Intent(ctx context.Context, tx *db.Tx, id string) (kalends.Intent, error) {
	return one(ctx, tx, scanIntent, `SELECT `+intentColumns+` FROM intents WHERE id = $1`, id)
}

// IntentByToken gives an intent by the token in its link.
func (s *Store) IntentByToken(ctx context.Context, tx *db.Tx, token string) (kalends.Intent, error) {
	return one(ctx, tx, scanIntent, `SELECT `+intentColumns+` FROM intents WHERE token_hash = $1`, secret.SHA256(token))
}

// UseIntent notes that a connect through the intent succeeded, and forgets its
// addresses. Of all who try, one gets true; nobody once it has expired.
func (s *Store) UseIntent(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	return happened(tx.Exec(ctx, `UPDATE intents SET used_at = $1, emails = '[]' WHERE id = $2 AND used_at IS NULL AND expires_at > $1`,
		db.Micros(tx.Now()), id))
}
