package connect

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	kalends "kalends"
	"kalends/db"
	"kalends/oauth"
	"kalends/secret"
	"kalends/store"
)

const (
	maxState     = 4 << 10
	maxAddresses = 20000
	maxName      = 200
	intentLife   = 7 * 24 * time.Hour
	intentMost   = 30 * 24 * time.Hour
)

// CreateIntent prepares a connect and gives its link.
func (s *Service) CreateIntent(ctx context.Context, app kalends.Application, n NewIntent) (kalends.Intent, string, error) {
	intent, err := n.intent(app)
	if err != nil {
		return intent, "", err
	}
	token := kalends.NewSecret()
	err = s.c.DB.Write(ctx, func(tx *db.Tx) error {
		if n.OrganisationID != "" {
			o, err := s.livingOrganisation(ctx, tx, app.ID, n.OrganisationID)
			if err == nil {
				err = n.mayRepair(o)
			}
			if err != nil {
				return err
			}
		}
		life := n.ExpiresIn
		if life == 0 {
			life = intentLife
		}
		intent.CreatedAt, intent.ExpiresAt = tx.Now(), tx.Now().Add(life)
		if err := s.c.Store.InsertIntent(ctx, tx, intent, token); err != nil {
			return err
		}
		return s.audit(ctx, tx, kalends.Audit{
			ApplicationID: app.ID, OrganisationID: n.OrganisationID,
			Actor: "application " + app.Name, Action: "intent.created",
		}, "intent", intent.ID)
	})
	return intent, s.c.PublicURL + "/enterprise_connect/i/" + token, err
}

func (n NewIntent) intent(app kalends.Application) (kalends.Intent, error) {
	var wrong []FieldError
	reject := func(bad bool, field, key, text string) {
		if bad {
			wrong = append(wrong, FieldError{-1, field, key, text})
		}
	}
	reject(!slices.Contains(app.RedirectURIs, n.RedirectURI), "redirect_uri", "errors.invalid", "not registered for this application")
	reject(len(n.State) > maxState, "state", "errors.too_long", "too long")
	reject(n.ExpiresIn < 0 || n.ExpiresIn > intentMost, "expires_in", "errors.invalid", "at most 30 days")
	reject(len(n.Emails) > maxAddresses, "emails", "errors.too_long", "too many addresses")
	scope, err := oauth.ParseServiceScope(n.Scope)
	reject(err != nil, "scope", "errors.invalid", "unknown or no service account scope")
	_, err = oauth.ParseUserScope(n.DelegatedScope)
	reject(err != nil, "delegated_scope", "errors.invalid", "unknown or no user scope")
	reject(n.CodeChallenge != "" && oauth.CheckChallenge(n.CodeChallenge) != nil, "code_challenge", "errors.invalid", "not a SHA-256")
	emails := uniqueEmails(n.Emails)
	reject(utf8.RuneCountInString(n.Company) > maxName, "company", "errors.too_long", "at most 200 characters")
	reject(len(n.CompanyID) > maxName, "company_id", "errors.too_long", "at most 200 bytes")
	reject(slices.ContainsFunc(emails, func(e string) bool { return !validEmail(e) }), "emails", "errors.invalid", "not an e-mail address")
	if wrong != nil {
		return kalends.Intent{}, &InvalidError{wrong}
	}
	return kalends.Intent{
		ID: kalends.NewID(kalends.PrefixIntent), ApplicationID: app.ID, OrganisationID: n.OrganisationID,
		RedirectURI: n.RedirectURI, State: n.State, Scope: scope, DelegatedScope: n.DelegatedScope,
		CodeChallenge: n.CodeChallenge, Emails: emails, Company: plainText(n.Company), CompanyID: n.CompanyID,
	}, nil
}

// plainText takes out what is not seen: it could turn the words around it.
func plainText(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, text))
}

// mayRepair tells whether a connect for a customer may be of an organisation.
func (n NewIntent) mayRepair(o kalends.Organisation) error {
	if n.CompanyID != "" && o.CompanyID != "" && n.CompanyID != o.CompanyID {
		return &InvalidError{[]FieldError{{-1, "company_id", "errors.invalid", "the organisation is another company's"}}}
	}
	return nil
}

func uniqueEmails(emails []string) []string {
	seen, unique := map[string]bool{}, []string{}
	for _, email := range emails {
		email = kalends.NormalizeEmail(email)
		if !seen[email] {
			unique = append(unique, email)
		}
		seen[email] = true
	}
	return unique
}

// BeginIntent starts a browser's connect by an intent's link. KindNotFound if
// there is none, KindGone if it was used or has expired.
func (s *Service) BeginIntent(ctx context.Context, token string) (Begun, error) {
	var begun Begun
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		intent, err := s.c.Store.IntentByToken(ctx, tx, token)
		if db.IsNotFound(err) {
			return kalends.Errorf(kalends.KindNotFound, "connect: no such link")
		}
		if err != nil {
			return err
		}
		if !intent.UsedAt.IsZero() || !intent.ExpiresAt.After(tx.Now()) {
			return kalends.Errorf(kalends.KindGone, "connect: the link was used or has expired")
		}
		begun, err = s.insertConnect(ctx, tx, store.Connect{
			ApplicationID: intent.ApplicationID, IntentID: intent.ID, OrganisationID: intent.OrganisationID,
			RedirectURI: intent.RedirectURI, State: intent.State, Scope: intent.Scope,
			DelegatedScope: intent.DelegatedScope, CodeChallenge: intent.CodeChallenge,
		})
		return err
	})
	return begun, err
}

func (s *Service) insertConnect(ctx context.Context, tx *db.Tx, c store.Connect) (Begun, error) {
	begun := Begun{Handle: kalends.NewSecret(), ExpiresAt: tx.Now().Add(connectLife)}
	c.ID, c.CreatedAt, c.CheckAt, c.ExpiresAt = secret.SHA256(begun.Handle), tx.Now(), tx.Now(), begun.ExpiresAt
	r := &row{Connect: c}
	r.preview.ConfirmAliases = s.c.ConfirmAliases
	if c.OrganisationID != "" {
		organisation, err := s.c.Store.Organisation(ctx, tx, c.OrganisationID)
		if err != nil {
			return begun, err
		}
		r.preview.ConfirmAliases = organisation.ConfirmAliases
	}
	return begun, s.c.Store.InsertConnect(ctx, tx, r.seal())
}

// ReadAuthorize takes a browser's request from its query. One that cannot be
// read, such as with a parameter that is there twice, is KindInvalid, for an
// error page and never a redirect.
func ReadAuthorize(query url.Values) (AuthorizeRequest, error) {
	r, refusal := oauth.ReadAuthorize(query)
	if refusal != nil {
		return AuthorizeRequest{}, kalends.Errorf(kalends.KindInvalid, "connect: %w", refusal)
	}
	return AuthorizeRequest(r), nil
}

// BeginAuthorize starts a browser's connect. An unknown client or redirect URI
// is KindInvalid, for an error page and never a redirect; all else that is wrong
// is told to the application by Begun.RedirectTo.
func (s *Service) BeginAuthorize(ctx context.Context, r AuthorizeRequest) (Begun, error) {
	var begun Begun
	err := s.c.DB.Write(ctx, func(tx *db.Tx) error {
		app, err := s.c.Store.ApplicationByClient(ctx, tx, r.ClientID)
		if err != nil && !db.IsNotFound(err) {
			return err
		}
		begun, err = s.beginAuthorize(ctx, tx, app, r)
		return err
	})
	return begun, err
}

func (s *Service) beginAuthorize(ctx context.Context, tx *db.Tx, app kalends.Application, r AuthorizeRequest) (Begun, error) {
	checked, refusal := oauth.CheckAuthorize(&app, oauth.AuthorizeRequest(r))
	if refusal == nil && len(r.State) > maxState {
		refusal = &oauth.Refusal{Code: oauth.InvalidRequest, Description: "state is too long"}
	}
	switch {
	case refusal != nil && refusal.NoRedirect:
		return Begun{}, kalends.Errorf(kalends.KindInvalid, "connect: %w", refusal)
	case refusal != nil:
		return Begun{RedirectTo: oauth.RedirectWithRefusal(r.RedirectURI, refusal, r.State)}, nil
	}
	return s.insertConnect(ctx, tx, store.Connect{
		ApplicationID: app.ID, RedirectURI: r.RedirectURI, State: r.State, Scope: checked.Scope,
		DelegatedScope: r.DelegatedScope, CodeChallenge: r.CodeChallenge, Provider: s.preselected(r.ProviderName),
	})
}

func (s *Service) preselected(name string) kalends.Provider {
	p := kalends.Provider(name)
	if name == "office365" {
		p = kalends.Microsoft365
	}
	if _, ok := s.c.Systems[p]; !ok {
		return ""
	}
	return p
}

// livingOrganisation gives an organisation of the application that has not ended.
func (s *Service) livingOrganisation(ctx context.Context, tx *db.Tx, applicationID, id string) (kalends.Organisation, error) {
	organisation, err := s.c.Store.Organisation(ctx, tx, id)
	missing := db.IsNotFound(err) || err == nil && (!organisation.RevokedAt.IsZero() ||
		applicationID != "" && organisation.ApplicationID != applicationID)
	if missing {
		return organisation, kalends.Errorf(kalends.KindNotFound, "connect: no such organisation")
	}
	return organisation, err
}

// audit writes down what was done; facts are pairs.
func (s *Service) audit(ctx context.Context, tx *db.Tx, a kalends.Audit, facts ...string) error {
	_, err := s.auditID(ctx, tx, a, facts...)
	return err
}

func (s *Service) auditID(ctx context.Context, tx *db.Tx, a kalends.Audit, facts ...string) (string, error) {
	a.ID, a.At = kalends.NewID("aud_"), tx.Now()
	if a.Facts == nil {
		a.Facts = map[string]string{}
	}
	for i := 0; i+1 < len(facts); i += 2 {
		a.Facts[facts[i]] = facts[i+1]
	}
	return a.ID, s.c.Store.InsertAudit(ctx, tx, a)
}
