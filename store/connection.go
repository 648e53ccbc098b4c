package store

import (
	"context"
	"encoding/json"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/secret"
)

const connectionColumns = `id, organisation_id, provider, tenant, domain, level, status, cause_key, cause_facts,
	connected_at, connected_by, checked_at, throttled_until`

func scanConnection(row db.Row) (kalends.Connection, error) {
	var c kalends.Connection
	var cause string
	var facts map[string]string
	err := row.Scan(&c.ID, &c.OrganisationID, &c.Provider, &c.Tenant, &c.Domain, &c.Level, &c.Status,
		&cause, db.ScanJSON(&facts), db.ScanTime(&c.ConnectedAt), &c.ConnectedBy, db.ScanTime(&c.CheckedAt),
		db.ScanTime(&c.ThrottledUntil))
	c.Cause = causeOf(cause, facts)
	return c, err
}

// InsertConnection adds a connection with its credentials. Its identity is
// kept as a keyed hash only.
func (s *Store) InsertConnection(ctx context.Context, tx *db.Tx, c kalends.Connection) error {
	sealed, err := s.sealCredentials("connections", c.ID, c.Credentials)
	if err != nil {
		return err
	}
	key, facts := causeColumns(c.Cause)
	_, err = tx.Exec(ctx, `INSERT INTO connections (`+connectionColumns+`, identity_hash, credentials)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, $13, $14)`,
		c.ID, c.OrganisationID, c.Provider, c.Tenant, c.Domain, c.Level, c.Status, key, facts,
		db.Micros(c.ConnectedAt), c.ConnectedBy, db.Micros(c.CheckedAt), s.IdentityHash(c.Identity), sealed)
	return err
}

// ReplaceConnection writes a connection anew with credentials and identity, as
// a reconnect does; one that had ended lives again and is not purged.
func (s *Store) ReplaceConnection(ctx context.Context, tx *db.Tx, c kalends.Connection) error {
	sealed, err := s.sealCredentials("connections", c.ID, c.Credentials)
	if err != nil {
		return err
	}
	key, facts := causeColumns(c.Cause)
	return must(tx.Exec(ctx, `UPDATE connections SET provider = $1, tenant = $2, domain = $3, level = $4, status = $5,
		cause_key = $6, cause_facts = $7, connected_at = $8, connected_by = $9, checked_at = $10, identity_hash = $11,
		credentials = $12, purge_at = NULL, throttled_until = NULL WHERE id = $13`,
		c.Provider, c.Tenant, c.Domain, c.Level, c.Status, key, facts, db.Micros(c.ConnectedAt), c.ConnectedBy,
		db.Micros(c.CheckedAt), s.IdentityHash(c.Identity), sealed, c.ID))
}

// EndConnection disconnects: the credentials are gone at once, what is left is
// purged from purgeAt on. False if it was disconnected before.
func (s *Store) EndConnection(ctx context.Context, tx *db.Tx, id string, cause *kalends.Cause, purgeAt time.Time) (bool, error) {
	key, facts := causeColumns(cause)
	return happened(tx.Exec(ctx, `UPDATE connections SET status = 'disconnected', cause_key = $1, cause_facts = $2,
		checked_at = $3, credentials = '', purge_at = $4, throttled_until = NULL WHERE id = $5 AND status <> 'disconnected'`,
		key, facts, db.Micros(tx.Now()), db.Micros(purgeAt), id))
}

// Connection gives a connection without its credentials.
func (s *Store) Connection(ctx context.Context, tx *db.Tx, id string) (kalends.Connection, error) {
	return one(ctx, tx, scanConnection, `SELECT `+connectionColumns+` FROM connections WHERE id = $1`, id)
}

// Credentials gives the credentials of a connection, for opening a driver; a
// connection that has ended has none: KindNotFound.
func (s *Store) Credentials(ctx context.Context, tx *db.Tx, connectionID string) (kalends.Credentials, error) {
	sealed, err := one(ctx, tx, db.Value[string], `SELECT credentials FROM connections WHERE id = $1 AND credentials <> ''`, connectionID)
	if err != nil {
		return nil, err
	}
	return s.openCredentials("connections", connectionID, sealed)
}

// CredentialsVersion tells which credentials a connection has: another text
// whenever they are stored anew, "" if there is none of either.
func (s *Store) CredentialsVersion(ctx context.Context, tx *db.Tx, connectionID string) (string, error) {
	sealed, err := one(ctx, tx, db.Value[string], `SELECT credentials FROM connections WHERE id = $1 AND credentials <> ''`, connectionID)
	switch {
	case db.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", err
	}
	return secret.SHA256(sealed), nil
}

// Connections lists the connections of an organisation, the oldest first.
func (s *Store) Connections(ctx context.Context, tx *db.Tx, organisationID string) ([]kalends.Connection, error) {
	return db.All(ctx, tx, scanConnection, `SELECT `+connectionColumns+` FROM connections
		WHERE organisation_id = $1 ORDER BY connected_at, id`, organisationID)
}

// ConnectionsByIdentity lists the connections, of all applications, that the
// proven identity controls.
func (s *Store) ConnectionsByIdentity(ctx context.Context, tx *db.Tx, identityHash string) ([]kalends.Connection, error) {
	return db.All(ctx, tx, scanConnection, `SELECT `+connectionColumns+` FROM connections
		WHERE identity_hash = $1 ORDER BY connected_at, id`, identityHash)
}

// ConnectionsToPurge lists ended connections whose remains are to be deleted now.
func (s *Store) ConnectionsToPurge(ctx context.Context, tx *db.Tx, organisationID string) ([]kalends.Connection, error) {
	return db.All(ctx, tx, scanConnection, `SELECT `+connectionColumns+` FROM connections
		WHERE purge_at <= $1 AND (organisation_id = $2 OR $2 = '') ORDER BY purge_at, id`, db.Micros(tx.Now()), organisationID)
}

// IdentityHash is how the identity of a connection is known.
func (s *Store) IdentityHash(identity string) string {
	return s.box.Hash("connection identity", identity)
}

// sealCredentials seals values for a row; none at all are "".
func (s *Store) sealCredentials(table, row string, credentials kalends.Credentials) (string, error) {
	if len(credentials) == 0 {
		return "", nil
	}
	return s.box.Seal([]byte(db.JSON(credentials)), secret.Place(table, row, "credentials"))
}

func (s *Store) openCredentials(table, row, sealed string) (kalends.Credentials, error) {
	if sealed == "" {
		return nil, nil
	}
	plain, err := s.box.Open(sealed, secret.Place(table, row, "credentials"))
	if err != nil {
		return nil, err
	}
	var credentials kalends.Credentials
	if json.Unmarshal(plain, &credentials) != nil { // its error would show values
		return nil, kalends.Errorf(kalends.KindInternal, "store: credentials of %s can not be read", row)
	}
	return credentials, nil
}
