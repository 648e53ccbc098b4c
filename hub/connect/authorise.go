package connect

import (
	"context"
	"net/url"
	"slices"
	"strings"

	kalends "kalends"
	"kalends/db"
	"kalends/oauth"
)

const (
	mostAuthorizations = 50
	urgentAtMost       = 3 // so few at once is somebody's first login, not a run
)

// Authorise stores 1 to 50 requests of an organisation and has them matched at
// once; each is answered by a callback. Wrong values are an InvalidError, and
// then nothing is stored.
func (s *Service) Authorise(ctx context.Context, organisationID string, list []Authorization) error {
	var ids []string
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		ids = ids[:0]
		if err := lockOrganisation(ctx, tx, organisationID); err != nil {
			return err
		}
		organisation, err := s.livingOrganisation(ctx, tx, "", organisationID)
		if err != nil {
			return err
		}
		app, err := s.c.Store.Application(ctx, tx, organisation.ApplicationID)
		if err != nil {
			return err
		}
		if err := checkAuthorizations(app, organisation, list); err != nil {
			return err
		}
		for _, item := range list {
			id, err := s.request(ctx, tx, organisation, item)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(list) <= urgentAtMost {
		s.hurry(ids...)
	}
	s.wakeUp()
	return nil
}

func checkAuthorizations(app kalends.Application, o kalends.Organisation, list []Authorization) error {
	if len(list) == 0 || len(list) > mostAuthorizations {
		return &InvalidError{[]FieldError{{-1, "service_account_authorizations", "errors.invalid", "1 to 50 entries"}}}
	}
	var wrong []FieldError
	for i, item := range list {
		for _, check := range item.checks(app, o) {
			if check.bad {
				wrong = append(wrong, FieldError{i, check.field, check.key, check.text})
			}
		}
	}
	if wrong != nil {
		return &InvalidError{wrong}
	}
	return nil
}

type valueCheck struct {
	bad              bool
	field, key, text string
}

func (a Authorization) checks(app kalends.Application, o kalends.Organisation) []valueCheck {
	email := kalends.NormalizeEmail(a.Email)
	return []valueCheck{
		{email == "", "email", "errors.required", "required"},
		{email != "" && !validEmail(email), "email", "errors.invalid", "not an e-mail address"},
		{a.CallbackURL == "", "callback_url", "errors.required", "required"},
		{a.CallbackURL != "" && !mayCall(app, a.CallbackURL), "callback_url", "errors.invalid", "its host is not registered for this application"},
		{a.Scope == "", "scope", "errors.required", "required"},
		{a.Scope != "" && !oauth.Within(a.Scope, o.DelegatedScope), "scope", "errors.scope_not_delegated", "exceeds what was delegated"},
		{len(a.State) > maxState, "state", "errors.too_long", "too long"},
	}
}

// mayCall tells whether callbacks may go to the URL: to the hosts registered,
// or, where none are, to those of the redirect URIs.
func mayCall(app kalends.Application, callback string) bool {
	target, err := url.Parse(callback)
	if err != nil || target.Scheme != "https" && target.Scheme != "http" || target.Host == "" || target.User != nil || len(callback) > maxState {
		return false
	}
	host := strings.ToLower(target.Host)
	if slices.ContainsFunc(app.CallbackHosts, func(h string) bool { return strings.EqualFold(h, host) }) {
		return true
	}
	return len(app.CallbackHosts) == 0 && slices.ContainsFunc(app.RedirectURIs, func(uri string) bool {
		registered, err := url.Parse(uri)
		return err == nil && registered.Scheme == target.Scheme && strings.EqualFold(registered.Host, host)
	})
}

// request notes one wish; the account is made or taken up again.
func (s *Service) request(ctx context.Context, tx *db.Tx, o kalends.Organisation, item Authorization) (string, error) {
	account, err := s.dueAccount(ctx, tx, o.ID, kalends.NormalizeEmail(item.Email))
	if err != nil {
		return "", err
	}
	return account.ID, s.c.Store.InsertRequest(ctx, tx, kalends.AuthorizationRequest{
		ID: kalends.NewID("req_"), OrganisationID: o.ID, AccountID: account.ID, Email: account.Email,
		CallbackURL: item.CallbackURL, Scope: item.Scope, State: item.State, CreatedAt: tx.Now(),
	})
}

// dueAccount gives the organisation's account for an address, to be matched now.
// One that is connected stays so meanwhile.
func (s *Service) dueAccount(ctx context.Context, tx *db.Tx, organisationID, email string) (kalends.Account, error) {
	account, err := s.c.Store.AccountByEmail(ctx, tx, organisationID, email)
	if db.IsNotFound(err) {
		account = kalends.Account{
			ID: kalends.NewID(kalends.PrefixAccount), OrganisationID: organisationID, Email: email,
			Status: kalends.AccountPending, Kind: kalends.MailboxPerson, Since: tx.Now(), DueAt: tx.Now(),
		}
		return account, s.c.Store.InsertAccount(ctx, tx, account)
	}
	if err != nil {
		return account, err
	}
	if account.Status == kalends.AccountDisconnected {
		account.ConnectionID = "" // so that the purge of the old connection passes it by
	}
	if account.Status != kalends.AccountConnected && account.Status != kalends.AccountPending {
		account.Status, account.Since = kalends.AccountPending, tx.Now()
	}
	account.DueAt, account.Tries = tx.Now(), 0
	return account, s.c.Store.UpdateAccount(ctx, tx, account)
}
