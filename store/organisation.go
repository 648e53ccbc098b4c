package store

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/db"
)

const organisationColumns = `id, application_id, domain, email, scope, delegated_scope, confirm_aliases, created_at, revoked_at,
	last_used_at, company, company_id`

func scanOrganisation(row db.Row) (kalends.Organisation, error) {
	var o kalends.Organisation
	err := row.Scan(&o.ID, &o.ApplicationID, &o.Domain, &o.Email, &o.Scope, &o.DelegatedScope, &o.ConfirmAliases,
		db.ScanTime(&o.CreatedAt), db.ScanTime(&o.RevokedAt), db.ScanTime(&o.LastUsedAt), &o.Company, &o.CompanyID)
	return o, err
}

// InsertOrganisation adds an organisation; CreatedAt is set to now.
func (s *Store) InsertOrganisation(ctx context.Context, tx *db.Tx, o kalends.Organisation) error {
	_, err := tx.Exec(ctx, `INSERT INTO organisations (`+organisationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $10, $11)`,
		o.ID, o.ApplicationID, o.Domain, o.Email, o.Scope, o.DelegatedScope, o.ConfirmAliases,
		db.Micros(tx.Now()), db.NullMicros(o.RevokedAt), o.Company, o.CompanyID)
	return err
}

// UpdateOrganisation replaces everything but the id, the application and the
// time of creation. With a zero RevokedAt the organisation lives (again).
func (s *Store) UpdateOrganisation(ctx context.Context, tx *db.Tx, o kalends.Organisation) error {
	return must(tx.Exec(ctx, `UPDATE organisations SET domain = $1, email = $2, scope = $3, delegated_scope = $4,
		confirm_aliases = $5, revoked_at = $6, company = $7, company_id = $8 WHERE id = $9`,
		o.Domain, o.Email, o.Scope, o.DelegatedScope, o.ConfirmAliases, db.NullMicros(o.RevokedAt), o.Company, o.CompanyID, o.ID))
}

// NoteUse keeps when a living organisation's application last used a token of
// it; an earlier time than the one known changes nothing.
func (s *Store) NoteUse(ctx context.Context, tx *db.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE organisations SET last_used_at = $1
		WHERE id = $2 AND revoked_at IS NULL AND (last_used_at IS NULL OR last_used_at < $1)`, db.Micros(at), id)
	return err
}

// RevokeOrganisation ends an organisation; false if it has ended before.
func (s *Store) RevokeOrganisation(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	return happened(tx.Exec(ctx, `UPDATE organisations SET revoked_at = $1, last_used_at = NULL WHERE id = $2 AND revoked_at IS NULL`, db.Micros(tx.Now()), id))
}

// Organisation gives an organisation, living or not.
func (s *Store) Organisation(ctx context.Context, tx *db.Tx, id string) (kalends.Organisation, error) {
	return one(ctx, tx, scanOrganisation, `SELECT `+organisationColumns+` FROM organisations WHERE id = $1`, id)
}

// Organisations lists the organisations of an application, or all for "".
func (s *Store) Organisations(ctx context.Context, tx *db.Tx, applicationID string) ([]kalends.Organisation, error) {
	return db.All(ctx, tx, scanOrganisation, `SELECT `+organisationColumns+` FROM organisations
		WHERE application_id = $1 OR $1 = '' ORDER BY domain, id`, applicationID)
}
