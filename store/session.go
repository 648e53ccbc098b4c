package store

import (
	"context"
	"time"

	"kalends/db"
	"kalends/secret"
)

// Session is an administrator's stay on the hub's own pages: she sees the
// connections of the identity she proved, or those of one organisation that an
// operator's link was for.
type Session struct {
	IdentityHash   string
	OrganisationID string
	Actor          string
	ExpiresAt      time.Time
}

// InsertSession adds a session, known by the token in the browser's cookie.
func (s *Store) InsertSession(ctx context.Context, tx *db.Tx, token string, n Session) error {
	_, err := tx.Exec(ctx, `INSERT INTO console_sessions (id, identity_hash, organisation_id, actor, expires_at)
		VALUES ($1, $2, $3, $4, $5)`, secret.SHA256(token), n.IdentityHash, n.OrganisationID, n.Actor, db.Micros(n.ExpiresAt))
	return err
}

// Session gives the session of a token, if it has not expired.
func (s *Store) Session(ctx context.Context, tx *db.Tx, token string) (Session, error) {
	scan := func(row db.Row) (Session, error) {
		var n Session
		err := row.Scan(&n.IdentityHash, &n.OrganisationID, &n.Actor, db.ScanTime(&n.ExpiresAt))
		return n, err
	}
	return one(ctx, tx, scan, `SELECT identity_hash, organisation_id, actor, expires_at FROM console_sessions
		WHERE id = $1 AND expires_at > $2`, secret.SHA256(token), db.Micros(tx.Now()))
}

// DeleteSession ends a session.
func (s *Store) DeleteSession(ctx context.Context, tx *db.Tx, token string) error {
	_, err := tx.Exec(ctx, `DELETE FROM console_sessions WHERE id = $1`, secret.SHA256(token))
	return err
}

// InsertLink adds an operator's one-time link to the pages of an organisation.
func (s *Store) InsertLink(ctx context.Context, tx *db.Tx, token, organisationID string, expiresAt time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO console_links (token_hash, organisation_id, expires_at, used_at) VALUES ($1, $2, $3, NULL)`,
		secret.SHA256(token), organisationID, db.Micros(expiresAt))
	return err
}

// UseLink gives the organisation that a link is for and ends the link. Of all
// who try, one gets it; the others, and all once it has expired, KindNotFound.
func (s *Store) UseLink(ctx context.Context, tx *db.Tx, token string) (organisationID string, err error) {
	return one(ctx, tx, db.Value[string], `UPDATE console_links SET used_at = $1
		WHERE token_hash = $2 AND used_at IS NULL AND expires_at > $1 RETURNING organisation_id`,
		db.Micros(tx.Now()), secret.SHA256(token))
}
