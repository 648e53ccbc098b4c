package store

import (
	"context"

	kalends "kalends"
	"kalends/db"
)

// PersonProfile is a profile with what its connection is like.
type PersonProfile struct {
	kalends.Profile
	Provider         kalends.Provider
	ConnectionStatus kalends.ConnectionStatus
}

// PersonProfiles lists the profiles of an account that are not revoked.
func (s *Store) PersonProfiles(ctx context.Context, tx *db.Tx, accountID string) ([]PersonProfile, error) {
	scan := func(row db.Row) (PersonProfile, error) {
		var p PersonProfile
		err := row.Scan(&p.ID, &p.AccountID, &p.ConnectionID, &p.Name, &p.Provider, &p.ConnectionStatus)
		return p, err
	}
	return db.All(ctx, tx, scan, `
		SELECT p.id, p.account_id, p.connection_id, p.name, COALESCE(n.provider, ''), COALESCE(n.status, 'disconnected')
		FROM profiles p LEFT JOIN connections n ON n.id = p.connection_id
		WHERE p.account_id = $1 AND p.revoked_at IS NULL ORDER BY p.id`, accountID)
}

// PersonCalendars lists the calendars of an account's living profiles, those
// that are deleted too, the primary ones first. Those of an ended connection are
// gone at once, whatever else still stands.
func (s *Store) PersonCalendars(ctx context.Context, tx *db.Tx, accountID string) ([]kalends.Calendar, error) {
	scan := func(row db.Row) (kalends.Calendar, error) {
		var c kalends.Calendar
		err := row.Scan(&c.ID, &c.ProfileID, &c.AccountID, &c.RemoteID, &c.Name, &c.Primary, &c.ReadOnly,
			db.ScanTime(&c.DeletedAt), db.ScanTime(&c.LastSyncAt))
		return c, err
	}
	return db.All(ctx, tx, scan, `
		SELECT c.id, c.profile_id, c.account_id, c.remote_id, c.name, c.is_primary, c.read_only, c.deleted_at, c.last_sync_at
		FROM calendars c JOIN profiles p ON p.id = c.profile_id
		JOIN connections n ON n.id = p.connection_id
		WHERE c.account_id = $1 AND p.revoked_at IS NULL AND n.status <> 'disconnected' ORDER BY c.is_primary DESC, c.id`, accountID)
}

// RevokeProfile ends a profile of an account and removes its calendars with
// their busy times; false if the account has no such living profile.
func (s *Store) RevokeProfile(ctx context.Context, tx *db.Tx, accountID, profileID string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE profiles SET revoked_at = $1 WHERE id = $2 AND account_id = $3 AND revoked_at IS NULL`,
		db.Micros(tx.Now()), profileID, accountID)
	if err != nil || n == 0 {
		return false, err
	}
	// The calendars first: a reading that is being written down holds their rows,
	// and its busy times are there to be deleted afterwards.
	_, err = tx.Exec(ctx, `UPDATE calendars SET deleted_at = $1, due_at = NULL, cursor = '' WHERE profile_id = $2 AND deleted_at IS NULL`,
		db.Micros(tx.Now()), profileID)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM busy_months WHERE calendar_id IN (SELECT id FROM calendars WHERE profile_id = $1)`, profileID)
	return true, err
}
