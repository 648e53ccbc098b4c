package store

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/secret"
)

// CheckState is how the check of a connect in progress stands.
type CheckState string

// The states of a check.
const (
	CheckNone    CheckState = ""
	CheckRunning CheckState = "running"
	CheckOK      CheckState = "ok"
	CheckFailed  CheckState = "failed"
)

// Connect is a browser's connect in progress. ID is the SHA-256 of the value in
// the browser's cookie.
type Connect struct {
	ID             string
	ApplicationID  string
	IntentID       string
	OrganisationID string
	RedirectURI    string
	State          string
	Scope          string
	DelegatedScope string
	CodeChallenge  string
	Provider       kalends.Provider
	Credentials    kalends.Credentials // sealed at rest
	CheckID        string
	CheckAt        time.Time
	CheckState     CheckState
	CheckSteps     []kalends.Step
	CheckResult    []byte // sealed at rest; nil without a result
	Preview        string // JSON of the room that makes it
	CreatedAt      time.Time
	ExpiresAt      time.Time
	DoneAt         time.Time
}

const connectColumns = `id, application_id, intent_id, organisation_id, redirect_uri, state, scope, delegated_scope,
	code_challenge, provider, credentials, check_id, check_at, check_state, check_steps, check_result, preview,
	created_at, expires_at, done_at`

func (s *Store) scanConnect(row db.Row) (Connect, error) {
	var c Connect
	var credentials, result string
	err := row.Scan(&c.ID, &c.ApplicationID, &c.IntentID, &c.OrganisationID, &c.RedirectURI, &c.State, &c.Scope, &c.DelegatedScope,
		&c.CodeChallenge, &c.Provider, &credentials, &c.CheckID, db.ScanTime(&c.CheckAt), &c.CheckState, db.ScanJSON(&c.CheckSteps),
		&result, &c.Preview, db.ScanTime(&c.CreatedAt), db.ScanTime(&c.ExpiresAt), db.ScanTime(&c.DoneAt))
	if err != nil {
		return c, err
	}
	if c.Credentials, err = s.openCredentials("connects", c.ID, credentials); err != nil || result == "" {
		return c, err
	}
	c.CheckResult, err = s.box.Open(result, secret.Place("connects", c.ID, "check_result"))
	return c, err
}

func (s *Store) connectArgs(c Connect) ([]any, error) {
	credentials, err := s.sealCredentials("connects", c.ID, c.Credentials)
	if err != nil {
		return nil, err
	}
	result := ""
	if len(c.CheckResult) > 0 {
		if result, err = s.box.Seal(c.CheckResult, secret.Place("connects", c.ID, "check_result")); err != nil {
			return nil, err
		}
	}
	steps := "[]"
	if len(c.CheckSteps) > 0 {
		steps = db.JSON(c.CheckSteps)
	}
	var checked int64
	if !c.CheckAt.IsZero() {
		checked = db.Micros(c.CheckAt)
	}
	return []any{
		c.ID, c.ApplicationID, c.IntentID, c.OrganisationID, c.RedirectURI, c.State, c.Scope, c.DelegatedScope,
		c.CodeChallenge, c.Provider, credentials, c.CheckID, checked, c.CheckState, steps, result, c.Preview,
		db.Micros(c.CreatedAt), db.Micros(c.ExpiresAt), db.NullMicros(c.DoneAt),
	}, nil
}

// InsertConnect adds a connect in progress.
func (s *Store) InsertConnect(ctx context.Context, tx *db.Tx, c Connect) error {
	args, err := s.connectArgs(c)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO connects (`+connectColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`, args...)
	return err
}

// UpdateConnect writes a connect in progress anew. Whoever reads it first and
// then writes holds the lock "connect/" and its id.
func (s *Store) UpdateConnect(ctx context.Context, tx *db.Tx, c Connect) error {
	args, err := s.connectArgs(c)
	if err != nil {
		return err
	}
	return must(tx.Exec(ctx, `UPDATE connects SET application_id = $2, intent_id = $3, organisation_id = $4,
		redirect_uri = $5, state = $6, scope = $7, delegated_scope = $8, code_challenge = $9, provider = $10,
		credentials = $11, check_id = $12, check_at = $13, check_state = $14, check_steps = $15, check_result = $16,
		preview = $17, created_at = $18, expires_at = $19, done_at = $20 WHERE id = $1`, args...))
}

// Connect gives a connect in progress that has not expired.
func (s *Store) Connect(ctx context.Context, tx *db.Tx, id string) (Connect, error) {
	return one(ctx, tx, s.scanConnect, `SELECT `+connectColumns+` FROM connects WHERE id = $1 AND expires_at > $2`, id, db.Micros(tx.Now()))
}
