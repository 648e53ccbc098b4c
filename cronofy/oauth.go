package cronofy

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The scopes of a service account.
const (
	ScopeManageAccounts        = "service_account/accounts/manage"
	ScopeManageResources       = "service_account/resources/manage"
	ScopeUnrestrictedAccounts  = "service_account/accounts/unrestricted_access"
	ScopeUnrestrictedResources = "service_account/resources/unrestricted_access"
)

// AuthorizeParams describe where an administrator is sent to connect a company.
type AuthorizeParams struct {
	RedirectURI    string
	Scope          string // service account scopes, separated by spaces
	DelegatedScope string // the most that may be asked for per person later
	State          string
	CodeChallenge  string // of NewVerifier, or ""
	ProviderName   string // preselection, or ""
}

// AuthorizeURL gives the address that starts Enterprise Connect in a browser.
func (c *Client) AuthorizeURL(p AuthorizeParams) string {
	query := url.Values{"response_type": {"code"}, "client_id": {c.id}, "redirect_uri": {p.RedirectURI}, "scope": {p.Scope}}
	set(query, "delegated_scope", p.DelegatedScope)
	set(query, "state", p.State)
	set(query, "provider_name", p.ProviderName)
	if p.CodeChallenge != "" {
		query.Set("code_challenge", p.CodeChallenge)
		query.Set("code_challenge_method", "S256")
	}
	return c.app.String() + "/enterprise_connect/oauth/authorize?" + query.Encode()
}

// NewVerifier makes a PKCE verifier and its S256 challenge (RFC 7636, 4.1 and
// 4.2): send the challenge, keep the verifier for ExchangeCode.
func NewVerifier() (verifier, challenge string) {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	verifier = base64.RawURLEncoding.EncodeToString(b)
	sum := sha256.Sum256([]byte(verifier))
	return verifier, base64.RawURLEncoding.EncodeToString(sum[:])
}

// IntentRequest prepares a connect. Not at Cronofy.
type IntentRequest struct {
	State          string   `json:"state,omitempty"`
	RedirectURI    string   `json:"redirect_uri"`
	Scope          string   `json:"scope"`
	DelegatedScope string   `json:"delegated_scope"`
	Emails         []string `json:"emails,omitempty"`       // for the preview
	Company        string   `json:"company,omitempty"`      // for whom: shown to whoever connects
	CompanyID      string   `json:"company_id,omitempty"`   // your own id of that customer: two never share an organisation
	Organisation   string   `json:"organisation,omitempty"` // ser_…: adds to or repairs an existing one
	CodeChallenge  string   `json:"code_challenge,omitempty"`
	ExpiresIn      int      `json:"expires_in,omitempty"` // seconds; 0 = a week
}

// Intent is a prepared connect: URL opens the connect pages in any browser
// until a connect through it succeeded or it expired.
type Intent struct {
	ID  string `json:"intent"`
	URL string `json:"url"`
}

// CreateIntent prepares a connect. Not at Cronofy.
func (c *Client) CreateIntent(ctx context.Context, request IntentRequest) (Intent, error) {
	body := struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		IntentRequest
	}{c.id, c.secret, request}
	var intent Intent
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/enterprise_connect/intents", body: body, into: &intent})
	return intent, err
}

// Token is what a code or a refresh token gives.
type Token struct {
	AccessToken      string          `json:"access_token"`
	RefreshToken     string          `json:"refresh_token"`
	Scope            string          `json:"scope"`
	ExpiresIn        int             `json:"expires_in"`
	Sub              string          `json:"sub,omitempty"`                // acc_…, res_… or ser_…
	AccountID        string          `json:"account_id,omitempty"`         // acc_…
	ServiceAccountID string          `json:"service_account_id,omitempty"` // ser_…
	LinkingProfile   *LinkingProfile `json:"linking_profile,omitempty"`    // of a person or a room
	ExpiresAt        time.Time       `json:"-"`
}

// LinkingProfile is the calendar identity that a person or room was connected
// with. ProfileName is the e-mail address.
type LinkingProfile struct {
	ProviderName    string `json:"provider_name"`
	ProviderService string `json:"provider_service"`
	ProfileID       string `json:"profile_id"`
	ProfileName     string `json:"profile_name"`
}

// ExchangeCode trades an authorization code for tokens. redirectURI is the one
// that the code was asked for with: for a code of a callback the callback URL,
// with its query. verifier is "" without PKCE.
func (c *Client) ExchangeCode(ctx context.Context, code, redirectURI, verifier string) (Token, error) {
	body := map[string]string{"grant_type": "authorization_code", "code": code, "redirect_uri": redirectURI}
	if verifier != "" {
		body["code_verifier"] = verifier
	}
	return c.token(ctx, body)
}

// Refresh gives a new access token. The refresh token stays the same; the
// identity fields may be empty.
func (c *Client) Refresh(ctx context.Context, refreshToken string) (Token, error) {
	return c.token(ctx, map[string]string{"grant_type": "refresh_token", "refresh_token": refreshToken})
}

func (c *Client) token(ctx context.Context, body map[string]string) (Token, error) {
	asked := time.Now()
	var token Token
	err := c.do(ctx, call{method: http.MethodPost, path: "/oauth/token", body: c.signed(body), into: &token})
	if err != nil {
		return Token{}, err
	}
	token.ExpiresAt = asked.Add(time.Duration(token.ExpiresIn) * time.Second)
	return token, nil
}

// Revoke ends the whole grant that an access or refresh token belongs to. At
// this hub, a service account's grant takes those of its people and rooms with
// it. A token that is not known is no error.
func (c *Client) Revoke(ctx context.Context, token string) error {
	return c.revoke(ctx, map[string]string{"token": token})
}

// RevokeSub ends the grant with a person, room or service account by its id.
func (c *Client) RevokeSub(ctx context.Context, sub string) error {
	return c.revoke(ctx, map[string]string{"sub": sub})
}

func (c *Client) revoke(ctx context.Context, body map[string]string) error {
	return c.do(ctx, call{method: http.MethodPost, path: "/oauth/token/revoke", body: c.signed(body)})
}

func (c *Client) signed(body map[string]string) map[string]string {
	body["client_id"], body["client_secret"] = c.id, c.secret
	return body
}

// ScopeHas tells whether a scope string names the scope.
func ScopeHas(scopes, scope string) bool {
	for _, s := range strings.Fields(scopes) {
		if s == scope {
			return true
		}
	}
	return false
}

func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}
