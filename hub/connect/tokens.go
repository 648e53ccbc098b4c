package connect

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/oauth"
)

func (s *Service) oauth(tx *db.Tx) oauth.Server {
	return oauth.Server{Storage: s.c.Store.Grants(tx), Now: tx.Now()}
}

// Authenticate finds who a bearer token belongs to: an access token or a client
// secret. A person's token is good for no more than what the organisation
// delegates now. Anything unknown, expired or revoked is KindUnauthorized.
func (s *Service) Authenticate(ctx context.Context, token string) (bearer Bearer, err error) {
	err = s.c.DB.Read(ctx, func(tx *db.Tx) error {
		found, known, err := s.oauth(tx).Authenticate(ctx, token)
		if err == nil && !known {
			return kalends.Errorf(kalends.KindUnauthorized, "connect: unknown, expired or revoked token")
		}
		bearer = Bearer{
			Kind: bearerKind(found.Kind), ApplicationID: found.ApplicationID, OrganisationID: found.Grant.OrganisationID,
			AccountID: found.Grant.AccountID, GrantID: found.Grant.ID, Scope: found.Grant.Scope,
		}
		if err != nil || bearer.Kind != BearerUser {
			return err
		}
		o, err := s.c.Store.Organisation(ctx, tx, bearer.OrganisationID)
		bearer.Scope = oauth.Narrow(bearer.Scope, o.DelegatedScope)
		return err
	})
	if err == nil && bearer.OrganisationID != "" {
		s.noteUse(ctx, bearer.OrganisationID)
	}
	return bearer, err
}

// useEvery is how exactly the last use of an application is known.
const useEvery = 5 * time.Minute

// noteUse keeps when an application last used its rights, rarely enough to cost
// nothing. Failing to note is no reason to refuse the request.
func (s *Service) noteUse(ctx context.Context, organisationID string) {
	ctx, now := context.WithoutCancel(ctx), s.c.Clock() // whoever asked may have gone
	s.mu.Lock()
	known := now.Sub(s.used[organisationID]) < useEvery
	if !known {
		s.used[organisationID] = now
	}
	s.mu.Unlock()
	if known {
		return
	}
	err := s.c.DB.WriteRelaxed(ctx, func(tx *db.Tx) error {
		return s.c.Store.NoteUse(ctx, tx, organisationID, now)
	})
	if err != nil {
		s.c.Log.WarnContext(ctx, "the last use of an application is not noted", "organisation", organisationID, "error", err)
	}
}

func bearerKind(kind oauth.BearerKind) BearerKind {
	switch kind {
	case oauth.BearerUser:
		return BearerUser
	case oauth.BearerService:
		return BearerOrganisation
	}
	return BearerApplication
}

// ExchangeCode turns a code into tokens. What does not fit is an *oauth.Refusal.
func (s *Service) ExchangeCode(ctx context.Context, app kalends.Application, code, redirectURI, verifier string) (Tokens, error) {
	return s.tokens(ctx, app, func(server oauth.Server) (oauth.Tokens, *oauth.Refusal, error) {
		return server.ExchangeCode(ctx, app, oauth.Exchange{Code: code, RedirectURI: redirectURI, Verifier: verifier})
	})
}

// Refresh gives a new access token; the refresh token stays. One that is no
// longer good is an *oauth.Refusal.
func (s *Service) Refresh(ctx context.Context, app kalends.Application, refreshToken string) (Tokens, error) {
	tokens, err := s.tokens(ctx, app, func(server oauth.Server) (oauth.Tokens, *oauth.Refusal, error) {
		return server.Refresh(ctx, app, refreshToken)
	})
	tokens.Refreshed = true
	return tokens, err
}

// tokens runs one rule of oauth. What a refusal wrote, such as the end of the
// tokens of a code used twice, is committed.
func (s *Service) tokens(ctx context.Context, app kalends.Application, rule func(oauth.Server) (oauth.Tokens, *oauth.Refusal, error)) (Tokens, error) {
	var tokens Tokens
	var refusal *oauth.Refusal
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		given, refused, err := rule(s.oauth(tx))
		if refusal = refused; err != nil || refusal != nil {
			return err
		}
		tokens, err = s.described(ctx, tx, given)
		return err
	})
	if err != nil {
		return Tokens{}, err
	}
	if refusal != nil {
		if refusal.Reuse {
			s.c.Log.WarnContext(ctx, "a code was used twice: the tokens it gave are revoked", "application", app.ID)
		}
		return Tokens{}, refusal
	}
	return tokens, nil
}

// described adds who the tokens are for.
func (s *Service) described(ctx context.Context, tx *db.Tx, given oauth.Tokens) (Tokens, error) {
	tokens := Tokens{
		AccessToken: given.Access, RefreshToken: given.Refresh, Scope: given.Scope, ExpiresIn: given.ExpiresIn,
		OrganisationID: given.Grant.OrganisationID, AccountID: given.Grant.AccountID,
	}
	if tokens.AccountID == "" {
		return tokens, nil
	}
	profiles, err := s.c.Store.PersonProfiles(ctx, tx, tokens.AccountID)
	if len(profiles) > 0 {
		tokens.ProfileID, tokens.ProfileName, tokens.Provider = profiles[0].ID, profiles[0].Name, profiles[0].Provider
	}
	return tokens, err
}

// RevokeToken ends the grant of a token, and all below it for an organisation's.
// An unknown token is no error.
func (s *Service) RevokeToken(ctx context.Context, app kalends.Application, token string) error {
	return s.revoke(ctx, app, func(server oauth.Server) (*kalends.Grant, error) { return server.Revoke(ctx, app, token) })
}

// RevokeSub ends the grant of acc_…, res_… or ser_…; unknown is no error.
func (s *Service) RevokeSub(ctx context.Context, app kalends.Application, sub string) error {
	return s.revoke(ctx, app, func(server oauth.Server) (*kalends.Grant, error) { return server.RevokeSub(ctx, app, sub) })
}

func (s *Service) revoke(ctx context.Context, app kalends.Application, rule func(oauth.Server) (*kalends.Grant, error)) error {
	var dropped []string
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		dropped = nil
		grant, err := rule(s.oauth(tx))
		if err != nil || grant == nil {
			return err
		}
		actor := "application " + app.Name
		if grant.OfOrganisation() {
			dropped, err = s.revokeOrganisation(ctx, tx, grant.OrganisationID, actor)
			return err
		}
		if err := lockOrganisation(ctx, tx, grant.OrganisationID); err != nil {
			return err
		}
		account, err := s.c.Store.Account(ctx, tx, grant.AccountID)
		if err != nil {
			return ignoreNotFound(err)
		}
		o, err := s.c.Store.Organisation(ctx, tx, grant.OrganisationID)
		if err != nil {
			return err
		}
		return s.endAccount(ctx, tx, o, account, actor)
	})
	if err == nil {
		s.drop(dropped)
	}
	return err
}
