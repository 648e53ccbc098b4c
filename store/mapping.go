package store

import (
	"context"
	"time"

	"kalends/db"
)

// Mapping says by hand which mailbox an address of an organisation means.
type Mapping struct {
	Email     string
	Mailbox   string
	CreatedAt time.Time
}

func scanMapping(row db.Row) (Mapping, error) {
	var m Mapping
	err := row.Scan(&m.Email, &m.Mailbox, db.ScanTime(&m.CreatedAt))
	return m, err
}

// PutMapping writes the mapping of an address, normalised.
func (s *Store) PutMapping(ctx context.Context, tx *db.Tx, organisationID, email, mailbox string) error {
	_, err := tx.Exec(ctx, `INSERT INTO mappings (organisation_id, email, mailbox, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (organisation_id, email) DO UPDATE SET mailbox = excluded.mailbox, created_at = excluded.created_at`,
		organisationID, email, mailbox, db.Micros(tx.Now()))
	return err
}

// DeleteMapping forgets a mapping; false if there was none.
func (s *Store) DeleteMapping(ctx context.Context, tx *db.Tx, organisationID, email string) (bool, error) {
	return happened(tx.Exec(ctx, `DELETE FROM mappings WHERE organisation_id = $1 AND email = $2`, organisationID, email))
}

// Mapping gives the mailbox that an address was mapped to, KindNotFound if none was.
func (s *Store) Mapping(ctx context.Context, tx *db.Tx, organisationID, email string) (string, error) {
	return one(ctx, tx, db.Value[string], `SELECT mailbox FROM mappings WHERE organisation_id = $1 AND email = $2`, organisationID, email)
}

// Mappings lists an organisation's mappings by address.
func (s *Store) Mappings(ctx context.Context, tx *db.Tx, organisationID string) ([]Mapping, error) {
	return db.All(ctx, tx, scanMapping, `SELECT email, mailbox, created_at FROM mappings WHERE organisation_id = $1 ORDER BY email`, organisationID)
}
