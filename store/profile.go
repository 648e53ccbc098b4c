package store

import (
	"context"

	kalends "kalends"
	"kalends/db"
)

const profileColumns = `id, account_id, connection_id, name, revoked_at`

func scanProfile(row db.Row) (kalends.Profile, error) {
	var p kalends.Profile
	err := row.Scan(&p.ID, &p.AccountID, &p.ConnectionID, &p.Name, db.ScanTime(&p.RevokedAt))
	return p, err
}

// PutProfile writes a profile, new or known by its id.
func (s *Store) PutProfile(ctx context.Context, tx *db.Tx, p kalends.Profile) error {
	_, err := tx.Exec(ctx, `INSERT INTO profiles (`+profileColumns+`) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, connection_id = excluded.connection_id,
		name = excluded.name, revoked_at = excluded.revoked_at`,
		p.ID, p.AccountID, p.ConnectionID, p.Name, db.NullMicros(p.RevokedAt))
	return err
}

// Profile gives a profile, revoked or not.
func (s *Store) Profile(ctx context.Context, tx *db.Tx, id string) (kalends.Profile, error) {
	return one(ctx, tx, scanProfile, `SELECT `+profileColumns+` FROM profiles WHERE id = $1`, id)
}

// Profiles lists the profiles of an account, revoked ones too.
func (s *Store) Profiles(ctx context.Context, tx *db.Tx, accountID string) ([]kalends.Profile, error) {
	return db.All(ctx, tx, scanProfile, `SELECT `+profileColumns+` FROM profiles WHERE account_id = $1 ORDER BY id`, accountID)
}
