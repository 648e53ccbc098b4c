package store

import (
	"context"

	"kalends/db"
)

// IdentityKind says what an identity belongs to.
type IdentityKind string

// The things that are found again after a disconnect.
const (
	IdentityOrganisation IdentityKind = "organisation"
	IdentityAccount      IdentityKind = "account"
	IdentityProfile      IdentityKind = "profile"
	IdentityCalendar     IdentityKind = "calendar"
)

// Identity gives the id that a thing had before, KindNotFound if it is new.
// value is what identifies it at its provider; only its keyed hash is kept.
func (s *Store) Identity(ctx context.Context, tx *db.Tx, applicationID string, kind IdentityKind, value string) (string, error) {
	return one(ctx, tx, db.Value[string], `SELECT id FROM identities WHERE application_id = $1 AND kind = $2 AND hash = $3`,
		applicationID, kind, s.box.Hash("identity/"+string(kind), value))
}

// PutIdentity remembers the id of a thing; what is remembered already stays,
// and is what it gives.
func (s *Store) PutIdentity(ctx context.Context, tx *db.Tx, applicationID string, kind IdentityKind, value, id string) (string, error) {
	return one(ctx, tx, db.Value[string], `INSERT INTO identities (application_id, hash, kind, id) VALUES ($1, $2, $3, $4)
		ON CONFLICT (application_id, kind, hash) DO UPDATE SET id = identities.id RETURNING id`,
		applicationID, s.box.Hash("identity/"+string(kind), value), kind, id)
}
