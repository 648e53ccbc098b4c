package smartcalendar

import (
	"context"
	"errors"
	"time"

	"kalends/db"
	"kalends/secret"
)

// The kinds of one-time link.
const (
	ticketSetup  = "setup"
	ticketInvite = "invite"
	ticketReset  = "reset"
)

const (
	inviteLife = 14 * 24 * time.Hour
	resetLife  = time.Hour
)

// errTicket means that a link is unknown, used or too old.
var errTicket = errors.New("smartcalendar: the link does not work any more")

// issueTicket makes a one-time link's token. Only its hash is stored.
func issueTicket(ctx context.Context, tx *db.Tx, kind, personID string, life time.Duration) (string, error) {
	token := newToken()
	_, err := tx.Exec(ctx, "INSERT INTO sc_tickets (hash, kind, person_id, expires_at) VALUES ($1, $2, $3, $4)",
		secret.SHA256(token), kind, personID, db.Micros(tx.Now().Add(life)))
	return token, err
}

// seeTicket gives whom a link is for, without using it up.
func seeTicket(ctx context.Context, tx *db.Tx, kind, token string) (string, error) {
	id, err := db.One(ctx, tx, db.Value[string], `SELECT person_id FROM sc_tickets
		WHERE hash = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3`, secret.SHA256(token), kind, db.Micros(tx.Now()))
	if db.IsNotFound(err) {
		return "", errTicket
	}
	return id, err
}

// useTicket uses a link up and gives whom it is for.
func useTicket(ctx context.Context, tx *db.Tx, kind, token string) (string, error) {
	id, err := seeTicket(ctx, tx, kind, token)
	if err != nil {
		return "", err
	}
	n, err := tx.Exec(ctx, "UPDATE sc_tickets SET used_at = $1 WHERE hash = $2 AND used_at IS NULL",
		db.Micros(tx.Now()), secret.SHA256(token))
	if err == nil && n != 1 {
		return "", errTicket
	}
	return id, err
}

// voidTickets ends the other links of a person: after a new password, an old
// mail must not set another one.
func voidTickets(ctx context.Context, tx *db.Tx, personID string) error {
	_, err := tx.Exec(ctx, "DELETE FROM sc_tickets WHERE person_id = $1", personID)
	return err
}
