package store

import (
	"context"

	kalends "kalends"
	"kalends/db"
)

// Callback is an authorization request with all that answering it needs.
type Callback struct {
	Request       kalends.AuthorizationRequest
	AccountStatus kalends.AccountStatus
	ApplicationID string
	ClientID      string
	Hosts         []string
	Unwanted      bool   // the organisation is revoked, or no answer is owed any more
	GrantID       string // the account's living grant, or ""
}

// CallbackOf gives a request for answering it; KindNotFound if there is none.
func (s *Store) CallbackOf(ctx context.Context, tx *db.Tx, requestID string) (Callback, error) {
	return one(ctx, tx, scanCallback, `
		SELECT r.id, r.organisation_id, r.account_id, r.callback_url, r.scope, r.state, a.email, a.status, a.cause_key, a.cause_facts,
			p.id, p.client_id, p.callback_hosts, o.revoked_at IS NOT NULL OR r.answered_at IS NOT NULL,
			COALESCE((SELECT g.id FROM grants g WHERE g.organisation_id = r.organisation_id AND g.account_id = r.account_id
				AND g.revoked_at IS NULL ORDER BY g.created_at DESC, g.id LIMIT 1), '')
		FROM authorization_requests r
		JOIN accounts a ON a.id = r.account_id
		JOIN organisations o ON o.id = r.organisation_id
		JOIN applications p ON p.id = o.application_id
		WHERE r.id = $1`, requestID)
}

func scanCallback(row db.Row) (Callback, error) {
	var c Callback
	var key string
	var facts map[string]string
	r := &c.Request
	err := row.Scan(&r.ID, &r.OrganisationID, &r.AccountID, &r.CallbackURL, &r.Scope, &r.State, &r.Email, &c.AccountStatus, &key,
		db.ScanJSON(&facts), &c.ApplicationID, &c.ClientID, db.ScanJSON(&c.Hosts), &c.Unwanted, &c.GrantID)
	r.Cause = causeOf(key, facts)
	return c, err
}
