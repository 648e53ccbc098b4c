package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	kalends "kalends"
)

// How long things live. Refresh tokens live until they are revoked.
const (
	CodeLifetime          = 10 * time.Minute
	UserTokenLifetime     = time.Hour
	ServiceTokenLifetime  = 30 * time.Minute
	longestTokenWeLookFor = 512
)

// Server applies the rules within one transaction.
type Server struct {
	Storage Storage
	Now     time.Time // of the transaction
}

// Tokens is what a client gets for a code or a refresh token.
type Tokens struct {
	Access    string
	Refresh   string
	ExpiresIn int // seconds
	Scope     string
	Grant     kalends.Grant
}

// NewCode says what a code is issued for and bound to.
type NewCode struct {
	GrantID       string
	ClientID      string
	RedirectURI   string // for an authorisation without browser: the callback URL, byte for byte
	CodeChallenge string
	Scope         string
}

// IssueCode makes a code that is good once, for ten minutes.
func (s Server) IssueCode(ctx context.Context, n NewCode) (string, error) {
	code := kalends.NewSecret()
	return code, s.Storage.InsertCode(ctx, kalends.Code{
		Hash: Hash(code), GrantID: n.GrantID, ClientID: n.ClientID, RedirectURI: n.RedirectURI,
		CodeChallenge: n.CodeChallenge, Scope: n.Scope, ExpiresAt: s.Now.Add(CodeLifetime),
	})
}

// Exchange is a client's request to turn a code into tokens.
type Exchange struct {
	Code        string
	RedirectURI string
	Verifier    string
}

// ExchangeCode turns a code into tokens, once. The client has been
// authenticated. A second use by whomever ends the tokens that the first gave
// (RFC 6749 section 4.1.2); the refusal tells of it by Reuse.
func (s Server) ExchangeCode(ctx context.Context, app kalends.Application, e Exchange) (Tokens, *Refusal, error) {
	code, found, err := lookUp(ctx, e.Code, s.Storage.Code)
	if err != nil || !found {
		return Tokens{}, unknownCode(), err
	}
	if err := s.Storage.Lock(ctx, code.GrantID); err != nil {
		return Tokens{}, nil, err
	}
	grant, live, err := s.liveGrant(ctx, code.GrantID)
	if err != nil {
		return Tokens{}, nil, err
	}
	if !code.UsedAt.IsZero() {
		return s.reused(ctx, code)
	}
	if refusal := s.fits(app, code, grant, live, e); refusal != nil {
		return Tokens{}, refusal, nil
	}
	first, err := s.Storage.UseCode(ctx, code.Hash)
	if err != nil {
		return Tokens{}, nil, err
	}
	if !first {
		return s.reused(ctx, code)
	}
	tokens, err := s.issue(ctx, grant, code)
	return tokens, nil, err
}

// fits checks all that a code is bound to.
func (s Server) fits(app kalends.Application, code kalends.Code, grant kalends.Grant, live bool, e Exchange) *Refusal {
	switch {
	case !live, code.ClientID != app.ClientID, grant.ApplicationID != app.ID, !s.Now.Before(code.ExpiresAt):
		return unknownCode()
	case code.RedirectURI != e.RedirectURI:
		return refuse(InvalidGrant, "redirect_uri is not the one that the code was issued for")
	case !proves(e.Verifier, code.CodeChallenge):
		return refuse(InvalidGrant, "code_verifier does not fit")
	}
	return nil
}

func unknownCode() *Refusal {
	return &Refusal{Code: InvalidGrant, Description: "the code is unknown, used or expired", Key: KeyUnknownOrUsed}
}

func (s Server) reused(ctx context.Context, code kalends.Code) (Tokens, *Refusal, error) {
	_, err := s.Storage.DeleteTokensOfCode(ctx, code.Hash)
	refusal := unknownCode()
	refusal.Reuse = true
	return Tokens{}, refusal, err
}

func (s Server) issue(ctx context.Context, grant kalends.Grant, code kalends.Code) (Tokens, error) {
	refresh := kalends.NewSecret()
	err := s.Storage.InsertToken(ctx, kalends.Token{
		Hash: Hash(refresh), Kind: kalends.RefreshToken, GrantID: grant.ID, CodeHash: code.Hash,
	})
	if err != nil {
		return Tokens{}, err
	}
	tokens, err := s.access(ctx, grant, code.Hash)
	tokens.Refresh = refresh
	if code.Scope != "" {
		tokens.Scope = code.Scope
	}
	return tokens, err
}

func (s Server) access(ctx context.Context, grant kalends.Grant, codeHash string) (Tokens, error) {
	life := UserTokenLifetime
	if grant.OfOrganisation() {
		life = ServiceTokenLifetime
	}
	access := kalends.NewSecret()
	err := s.Storage.InsertToken(ctx, kalends.Token{
		Hash: Hash(access), Kind: kalends.AccessToken, GrantID: grant.ID, CodeHash: codeHash, ExpiresAt: s.Now.Add(life),
	})
	return Tokens{Access: access, ExpiresIn: int(life / time.Second), Scope: grant.Scope, Grant: grant}, err
}

// Refresh gives a new access token. The refresh token stays as it is, and
// access tokens given before stay good until they expire.
func (s Server) Refresh(ctx context.Context, app kalends.Application, refresh string) (Tokens, *Refusal, error) {
	refused := refuse(InvalidGrant, "the refresh token is unknown or revoked")
	token, found, err := lookUp(ctx, refresh, s.Storage.Token)
	if err != nil || !found || token.Kind != kalends.RefreshToken {
		return Tokens{}, refused, err
	}
	if err := s.Storage.Lock(ctx, token.GrantID); err != nil {
		return Tokens{}, nil, err
	}
	token, found, err = lookUp(ctx, refresh, s.Storage.Token) // it may have ended before the lock
	if err != nil || !found {
		return Tokens{}, refused, err
	}
	grant, live, err := s.liveGrant(ctx, token.GrantID)
	if err != nil || !live || grant.ApplicationID != app.ID {
		return Tokens{}, refused, err
	}
	tokens, err := s.access(ctx, grant, token.CodeHash)
	tokens.Refresh = refresh
	return tokens, nil, err
}

// Revoke ends the whole grant of an access or refresh token and gives it; nil
// for a token that is unknown or another client's, which is no error (RFC 7009
// section 2.2). Ending what was obtained through an organisation's grant is the
// caller's.
func (s Server) Revoke(ctx context.Context, app kalends.Application, token string) (*kalends.Grant, error) {
	known, found, err := lookUp(ctx, token, s.Storage.Token)
	if err != nil || !found {
		return nil, err
	}
	grant, live, err := s.liveGrant(ctx, known.GrantID)
	if err != nil || !live || grant.ApplicationID != app.ID {
		return nil, err
	}
	return s.end(ctx, grant)
}

// RevokeSub ends the grant of an application for ser_…, acc_… or res_… and
// gives it, nil if there is none.
func (s Server) RevokeSub(ctx context.Context, app kalends.Application, sub string) (*kalends.Grant, error) {
	if sub == "" {
		return nil, nil
	}
	grant, err := s.Storage.LiveGrantOfSub(ctx, app.ID, sub)
	if err != nil {
		return nil, ignoreNotFound(err)
	}
	return s.end(ctx, grant)
}

func (s Server) end(ctx context.Context, grant kalends.Grant) (*kalends.Grant, error) {
	if err := s.Storage.Lock(ctx, grant.ID); err != nil {
		return nil, err
	}
	if _, err := s.Storage.RevokeGrant(ctx, grant.ID); err != nil {
		return nil, err
	}
	return &grant, nil
}

// BearerKind says who a bearer token speaks for.
type BearerKind string

// The kinds of bearer.
const (
	BearerUser    BearerKind = "user"
	BearerService BearerKind = "service_account"
	BearerKey     BearerKind = "api_key" // the application's client secret
)

// Bearer is who a request comes from.
type Bearer struct {
	Kind          BearerKind
	ApplicationID string
	Grant         kalends.Grant // zero for an API key
}

// Authenticate finds who a bearer token speaks for; false for anything that is
// unknown, expired, revoked or no access token.
func (s Server) Authenticate(ctx context.Context, bearer string) (Bearer, bool, error) {
	token, found, err := lookUp(ctx, bearer, s.Storage.Token)
	if err != nil {
		return Bearer{}, false, err
	}
	if !found {
		return s.authenticateKey(ctx, bearer)
	}
	if token.Kind != kalends.AccessToken || !s.Now.Before(token.ExpiresAt) {
		return Bearer{}, false, nil
	}
	grant, live, err := s.liveGrant(ctx, token.GrantID)
	if err != nil || !live {
		return Bearer{}, false, err
	}
	kind := BearerUser
	if grant.OfOrganisation() {
		kind = BearerService
	}
	return Bearer{Kind: kind, ApplicationID: grant.ApplicationID, Grant: grant}, true, nil
}

func (s Server) authenticateKey(ctx context.Context, key string) (Bearer, bool, error) {
	if key == "" || len(key) > longestTokenWeLookFor {
		return Bearer{}, false, nil
	}
	app, err := s.Storage.ApplicationBySecret(ctx, key)
	if err != nil {
		return Bearer{}, false, ignoreNotFound(err)
	}
	return Bearer{Kind: BearerKey, ApplicationID: app.ID}, true, nil
}

// AuthenticateClient finds the application that client credentials belong to.
// The secret is looked up by its hash, so that no comparison tells by its time
// how much of it was right.
func (s Server) AuthenticateClient(ctx context.Context, clientID, clientSecret string) (kalends.Application, *Refusal, error) {
	if clientID == "" || clientSecret == "" || len(clientSecret) > longestTokenWeLookFor {
		return kalends.Application{}, BadClient(), nil
	}
	app, err := s.Storage.ApplicationBySecret(ctx, clientSecret)
	if err != nil {
		return kalends.Application{}, BadClient(), ignoreNotFound(err)
	}
	if app.ClientID != clientID {
		return kalends.Application{}, BadClient(), nil
	}
	return app, nil, nil
}

func (s Server) liveGrant(ctx context.Context, id string) (kalends.Grant, bool, error) {
	grant, err := s.Storage.Grant(ctx, id)
	if err != nil {
		return kalends.Grant{}, false, ignoreNotFound(err)
	}
	return grant, grant.RevokedAt.IsZero(), nil
}

// Hash is how codes and tokens are known: their SHA-256 in hexadecimal digits.
func Hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// lookUp finds a code or token by its value; what nobody can have issued is not
// looked for.
func lookUp[T any](ctx context.Context, value string, find func(context.Context, string) (T, error)) (T, bool, error) {
	var none T
	if value == "" || len(value) > longestTokenWeLookFor {
		return none, false, nil
	}
	found, err := find(ctx, Hash(value))
	if err != nil {
		return none, false, ignoreNotFound(err)
	}
	return found, true, nil
}

func ignoreNotFound(err error) error {
	if kalends.KindOf(err) == kalends.KindNotFound {
		return nil
	}
	return err
}
