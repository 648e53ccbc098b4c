package kalends

import "time"

// Grant is what one application may do: with an organisation (AccountID is "")
// or with one account of it.
type Grant struct {
	ID             string
	ApplicationID  string
	OrganisationID string
	AccountID      string
	Scope          string
	CreatedAt      time.Time
	RevokedAt      time.Time
}

// OfOrganisation tells whether the grant is a service account's.
func (g Grant) OfOrganisation() bool { return g.AccountID == "" }

// Code is an authorization code, known by its SHA-256 only.
type Code struct {
	Hash          string
	GrantID       string
	ClientID      string
	RedirectURI   string
	CodeChallenge string
	Scope         string
	ExpiresAt     time.Time
	UsedAt        time.Time
}

// TokenKind tells access tokens from refresh tokens.
type TokenKind string

// The kinds of token.
const (
	AccessToken  TokenKind = "access"
	RefreshToken TokenKind = "refresh"
)

// Token is an access or refresh token, known by its SHA-256 only.
type Token struct {
	Hash      string
	Kind      TokenKind
	GrantID   string
	CodeHash  string // the code that it came from: a code used twice ends it
	ExpiresAt time.Time
}
