package store

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/secret"
)

const applicationColumns = `a.id, a.client_id, a.name, a.redirect_uris, a.callback_hosts, a.notify_url, a.created_at`

func scanApplication(row db.Row) (kalends.Application, error) {
	var a kalends.Application
	err := row.Scan(&a.ID, &a.ClientID, &a.Name, db.ScanJSON(&a.RedirectURIs), db.ScanJSON(&a.CallbackHosts),
		&a.NotifyURL, db.ScanTime(&a.CreatedAt))
	return a, err
}

// InsertApplication adds an application; CreatedAt is set to now. A name or
// client id that is taken is db.IsUnique.
func (s *Store) InsertApplication(ctx context.Context, tx *db.Tx, a kalends.Application) error {
	_, err := tx.Exec(ctx, `INSERT INTO applications (id, client_id, name, redirect_uris, callback_hosts, notify_url, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, a.ID, a.ClientID, a.Name, list(a.RedirectURIs), list(a.CallbackHosts),
		a.NotifyURL, db.Micros(tx.Now()))
	return err
}

// UpdateApplication replaces what an application is registered with.
func (s *Store) UpdateApplication(ctx context.Context, tx *db.Tx, a kalends.Application) error {
	return must(tx.Exec(ctx, `UPDATE applications SET name = $1, redirect_uris = $2, callback_hosts = $3, notify_url = $4
		WHERE id = $5`, a.Name, list(a.RedirectURIs), list(a.CallbackHosts), a.NotifyURL, a.ID))
}

// Application gives an application by its id.
func (s *Store) Application(ctx context.Context, tx *db.Tx, id string) (kalends.Application, error) {
	return one(ctx, tx, scanApplication, `SELECT `+applicationColumns+` FROM applications a WHERE a.id = $1`, id)
}

// ApplicationByClient gives an application by its client id.
func (s *Store) ApplicationByClient(ctx context.Context, tx *db.Tx, clientID string) (kalends.Application, error) {
	return one(ctx, tx, scanApplication, `SELECT `+applicationColumns+` FROM applications a WHERE a.client_id = $1`, clientID)
}

// ApplicationByName gives an application by its name.
func (s *Store) ApplicationByName(ctx context.Context, tx *db.Tx, name string) (kalends.Application, error) {
	return one(ctx, tx, scanApplication, `SELECT `+applicationColumns+` FROM applications a WHERE a.name = $1`, name)
}

// ApplicationBySecret gives the application that a client secret belongs to,
// if the secret is valid now.
func (s *Store) ApplicationBySecret(ctx context.Context, tx *db.Tx, clientSecret string) (kalends.Application, error) {
	return one(ctx, tx, scanApplication, `SELECT `+applicationColumns+` FROM application_secrets s
		JOIN applications a ON a.id = s.application_id
		WHERE s.hash = $1 AND (s.expires_at IS NULL OR s.expires_at > $2)`, secret.SHA256(clientSecret), db.Micros(tx.Now()))
}

// Applications lists all applications by name. There are few.
func (s *Store) Applications(ctx context.Context, tx *db.Tx) ([]kalends.Application, error) {
	return db.All(ctx, tx, scanApplication, `SELECT `+applicationColumns+` FROM applications a ORDER BY a.name`)
}

// ClientSecret is one of an application's secrets, unsealed.
type ClientSecret struct {
	ID        string
	Secret    string
	CreatedAt time.Time
	ExpiresAt time.Time // zero: until it is rotated
}

// InsertClientSecret adds a secret to an application.
func (s *Store) InsertClientSecret(ctx context.Context, tx *db.Tx, applicationID, clientSecret string) error {
	id := kalends.NewID("sec_")
	sealed, err := s.box.Seal([]byte(clientSecret), secret.Place("application_secrets", id, "sealed"))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO application_secrets (id, application_id, hash, sealed, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, NULL)`, id, applicationID, secret.SHA256(clientSecret), sealed, db.Micros(tx.Now()))
	return err
}

// ClientSecrets lists the secrets of an application that are valid now, the
// newest first.
func (s *Store) ClientSecrets(ctx context.Context, tx *db.Tx, applicationID string) ([]ClientSecret, error) {
	return db.All(ctx, tx, s.scanClientSecret, `SELECT id, sealed, created_at, expires_at FROM application_secrets
		WHERE application_id = $1 AND (expires_at IS NULL OR expires_at > $2)
		ORDER BY created_at DESC, id`, applicationID, db.Micros(tx.Now()))
}

func (s *Store) scanClientSecret(row db.Row) (ClientSecret, error) {
	var c ClientSecret
	var sealed string
	if err := row.Scan(&c.ID, &sealed, db.ScanTime(&c.CreatedAt), db.ScanTime(&c.ExpiresAt)); err != nil {
		return c, err
	}
	plain, err := s.box.Open(sealed, secret.Place("application_secrets", c.ID, "sealed"))
	c.Secret = string(plain)
	return c, err
}

// ExpireClientSecret ends a secret at a time; one that ends sooner is left alone.
func (s *Store) ExpireClientSecret(ctx context.Context, tx *db.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE application_secrets SET expires_at = $1
		WHERE id = $2 AND (expires_at IS NULL OR expires_at > $1)`, db.Micros(at), id)
	return err
}
