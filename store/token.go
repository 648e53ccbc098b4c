package store

import (
	"context"

	kalends "kalends"
	"kalends/db"
)

const codeColumns = `hash, grant_id, client_id, redirect_uri, code_challenge, scope, expires_at, used_at`

func scanCode(row db.Row) (kalends.Code, error) {
	var c kalends.Code
	err := row.Scan(&c.Hash, &c.GrantID, &c.ClientID, &c.RedirectURI, &c.CodeChallenge, &c.Scope,
		db.ScanTime(&c.ExpiresAt), db.ScanTime(&c.UsedAt))
	return c, err
}

// InsertCode adds a code.
func (s *Store) InsertCode(ctx context.Context, tx *db.Tx, c kalends.Code) error {
	_, err := tx.Exec(ctx, `INSERT INTO codes (`+codeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)`,
		c.Hash, c.GrantID, c.ClientID, c.RedirectURI, c.CodeChallenge, c.Scope, db.Micros(c.ExpiresAt))
	return err
}

// Code gives a code, used or expired ones too.
func (s *Store) Code(ctx context.Context, tx *db.Tx, hash string) (kalends.Code, error) {
	return one(ctx, tx, scanCode, `SELECT `+codeColumns+` FROM codes WHERE hash = $1`, hash)
}

// UseCode notes that a code was used. Of all who try, one gets true.
func (s *Store) UseCode(ctx context.Context, tx *db.Tx, hash string) (bool, error) {
	return happened(tx.Exec(ctx, `UPDATE codes SET used_at = $1 WHERE hash = $2 AND used_at IS NULL`, db.Micros(tx.Now()), hash))
}

// DeleteCode forgets a code that was never given to anybody.
func (s *Store) DeleteCode(ctx context.Context, tx *db.Tx, hash string) error {
	_, err := tx.Exec(ctx, `DELETE FROM codes WHERE hash = $1`, hash)
	return err
}

const tokenColumns = `hash, kind, grant_id, code_hash, expires_at`

func scanToken(row db.Row) (kalends.Token, error) {
	var t kalends.Token
	err := row.Scan(&t.Hash, &t.Kind, &t.GrantID, &t.CodeHash, db.ScanTime(&t.ExpiresAt))
	return t, err
}

// InsertToken adds a token.
func (s *Store) InsertToken(ctx context.Context, tx *db.Tx, t kalends.Token) error {
	_, err := tx.Exec(ctx, `INSERT INTO tokens (`+tokenColumns+`, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		t.Hash, t.Kind, t.GrantID, t.CodeHash, db.NullMicros(t.ExpiresAt), db.Micros(tx.Now()))
	return err
}

// Token gives a token, expired ones too.
func (s *Store) Token(ctx context.Context, tx *db.Tx, hash string) (kalends.Token, error) {
	return one(ctx, tx, scanToken, `SELECT `+tokenColumns+` FROM tokens WHERE hash = $1`, hash)
}

// DeleteTokensOfCode ends all tokens that came from a code; it gives their number.
func (s *Store) DeleteTokensOfCode(ctx context.Context, tx *db.Tx, codeHash string) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM tokens WHERE code_hash = $1`, codeHash)
}
