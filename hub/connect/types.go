package connect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	kalends "kalends"
)

// Actors as they stand in audit entries.
const (
	ActorOperator      = "operator"
	ActorOperatorsLink = "operator's link" // somebody who was given one
	ActorProvider      = "provider"
	ActorVisitor       = "visitor" // somebody on the connect pages who proved nothing yet
	actorHub           = "hub"
)

// NewApplication is what is needed to register an application.
type NewApplication struct {
	Name          string
	RedirectURIs  []string // absolute, exact matches
	CallbackHosts []string // host[:port]; empty = the hosts of the redirect URIs
	NotifyURL     string   // where connection_changed goes, or ""
}

// FieldError says what is wrong with one value that a caller sent. Index is the
// entry of the list, -1 for a single one. Key is "errors.required" or the like.
type FieldError struct {
	Index       int
	Field       string
	Key         string
	Description string
}

// InvalidError lists every value that is wrong. Its kind is kalends.KindInvalid.
type InvalidError struct{ Fields []FieldError }

// Error implements error.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("connect: %d invalid values, first %s: %s", len(e.Fields), e.Fields[0].Field, e.Fields[0].Description)
}

// Unwrap gives the kind.
func (e *InvalidError) Unwrap() error { return &kalends.Error{Kind: kalends.KindInvalid} }

// NewIntent is a connect that an application prepares.
type NewIntent struct {
	RedirectURI    string
	State          string
	Scope          string
	DelegatedScope string
	CodeChallenge  string
	Emails         []string
	Company        string        // for whom, shown to whoever connects; or ""
	CompanyID      string        // the application's own id of that customer, or ""
	OrganisationID string        // adds or repairs a connection of an existing one
	ExpiresIn      time.Duration // 0 = a week; at most 30 days
}

// AuthorizeRequest is what a browser brings to /enterprise_connect/oauth/authorize.
type AuthorizeRequest struct {
	ResponseType        string
	ClientID            string
	RedirectURI         string
	Scope               string
	DelegatedScope      string
	State               string
	CodeChallenge       string
	CodeChallengeMethod string
	ProviderName        string // preselection: exchange, office365, google
}

// Begun is the start of a browser's connect: a handle for its cookie, or, where
// the application asked for something impossible, the way back to it.
type Begun struct {
	Handle     string
	RedirectTo string
	ExpiresAt  time.Time
}

// CheckState is the state of a connect's live check.
type CheckState string

// The states of a check.
const (
	CheckNone    CheckState = ""
	CheckRunning CheckState = "running"
	CheckOK      CheckState = "ok"
	CheckFailed  CheckState = "failed"
)

// Connect is a browser's connect as its pages show it. It holds no secrets.
type Connect struct {
	ID             string // for logs only: the cookie's hash
	Application    kalends.Application
	OrganisationID string // set when it adds or repairs a connection
	Domain         string // of that organisation
	ByIntent       bool
	Scope          string
	DelegatedScope string
	Company        string   // for whom, as the application says; or ""
	Emails         int      // how many addresses the application named
	Domains        []string // of those addresses, the most frequent first
	Provider       kalends.Provider
	Form           kalends.Form      // of the chosen provider
	Values         map[string]string // what was entered, without secrets
	ConfirmAliases bool
	CheckID        string
	Check          CheckState
	Steps          []kalends.Step // in the form's order; not begun ones are not listed
	Cause          *kalends.Cause // of the failed check; too_many_tries has the fact until (RFC 3339)
	Found          Found          // once the check is ok
	Preview        Preview
	ExpiresAt      time.Time
	Done           bool   // finished: the page only leads back to the application
	ConnectionID   string // once done
}

// OfAnother tells whether the service account is of a domain that the
// application named nobody of: whoever asks may be another company.
func (c Connect) OfAnother() bool {
	return c.Check == CheckOK && len(c.Domains) > 0 && !slices.Contains(c.Domains, strings.ToLower(c.Found.Domain))
}

// Found is what a check found out.
type Found struct {
	Account string // the service account as people call it
	Domain  string
	Rooms   int // -1 = cannot be listed
}

// Preview says who would be connected. Without addresses Items is a sample.
type Preview struct {
	Running bool
	Sample  bool
	Total   int
	Done    int
	Rooms   int // -1 = cannot be listed
	Items   []PreviewItem
}

// PreviewItem is what would become of one address. Status is what the account's
// would be: connected, waiting, error, or pending while it is not looked up yet.
type PreviewItem struct {
	Email        string                `json:"email"`
	Status       kalends.AccountStatus `json:"status"`
	MatchedEmail string                `json:"matched_email,omitempty"`
	MatchedBy    kalends.MatchedBy     `json:"matched_by,omitempty"`
	Name         string                `json:"name,omitempty"`
	Kind         kalends.MailboxKind   `json:"kind,omitempty"`
	ConnectionID string                `json:"connection_id,omitempty"`
	Cause        *kalends.Cause        `json:"cause,omitempty"`
	Candidates   []string              `json:"candidates,omitempty"`
}

// PreviewGroup names what a preview item falls under.
type PreviewGroup string

// The groups of a preview, in the order that pages show them.
const (
	GroupExact    PreviewGroup = "exact"
	GroupAlias    PreviewGroup = "alias"   // alias, UPN, plus address, old domain
	GroupManual   PreviewGroup = "by_hand" // mapped by an administrator
	GroupWaiting  PreviewGroup = "waiting" // for a mailbox
	GroupNotFound PreviewGroup = "not_found"
	GroupPending  PreviewGroup = "pending"
)

// Group tells under which heading the item stands.
func (p PreviewItem) Group() PreviewGroup {
	switch {
	case p.Status == kalends.AccountPending:
		return GroupPending
	case p.Status == kalends.AccountWaiting:
		return GroupWaiting
	case p.MatchedBy == kalends.MatchedManual && p.Status == kalends.AccountConnected:
		return GroupManual
	case p.Cause != nil && p.Cause.Key == kalends.CauseAddressIsAlias:
		return GroupAlias
	case p.Status != kalends.AccountConnected:
		return GroupNotFound
	case p.MatchedBy == kalends.MatchedPrimary || p.MatchedBy == "":
		return GroupExact
	}
	return GroupAlias
}

// Authorization asks for access to one address: the answer goes to CallbackURL.
type Authorization struct {
	Email       string
	CallbackURL string
	Scope       string
	State       string
}

// ConnectionInfo is a connection with what its lists show.
type ConnectionInfo struct {
	kalends.Connection // without credentials
	Application        kalends.Application
	Company            string // for whom, as the application says; or ""
	Scope              string
	DelegatedScope     string
	LastUsedAt         time.Time // of a token by the application, to a few minutes; zero = never
	Counts             Counts
	Resources          int
	LastSyncAt         time.Time
	AgeMedian          time.Duration
	AgeWorst           time.Duration
	Mode               string // notified, streaming, polling
	Expires            []Expiry
	Purging            bool // disconnected, and data is still being deleted
}

// Counts are accounts by status.
type Counts struct{ Connected, Pending, Waiting, Error int }

// Expiry is something of a connection that ends by itself.
type Expiry struct {
	What string
	At   time.Time
}

// AccountFilter narrows a list of accounts; zero fields do not.
type AccountFilter struct {
	Status       kalends.AccountStatus
	Cause        kalends.CauseKey
	ConnectionID string
	Kind         kalends.MailboxKind
	Search       string // part of the address or the name
	After        string // the last e-mail of the page before
	Limit        int    // 0 = 100; at most 1000
}

// AccountPage is one page of accounts in the order of their addresses.
type AccountPage struct {
	Accounts []kalends.Account
	Total    int    // of the whole filter
	Next     string // After for the next page, "" at the end
}

// Diagnosis is one person's account and the check's lines for it.
type Diagnosis struct {
	Account kalends.Account
	Detail  string // the vendor's raw answer, for the folded technical details
	Steps   []kalends.Step
	At      time.Time
}

// Session is an administrator who is signed in on the hub's own pages. It sees
// the connections of one proven identity, or of one organisation.
type Session struct {
	ID             string // hash of the cookie's value
	Actor          string
	OrganisationID string // by an operator's link
	IdentityHash   string // by proof
	ExpiresAt      time.Time
}

// BearerKind tells what a bearer may be.
type BearerKind string

// The kinds of bearer, in the API's terms U, S and K.
const (
	BearerUser         BearerKind = "user"
	BearerOrganisation BearerKind = "service_account"
	BearerApplication  BearerKind = "application" // a client secret as API key
)

// Bearer is who a request to the API comes from.
type Bearer struct {
	Kind           BearerKind
	ApplicationID  string
	OrganisationID string
	AccountID      string // of a user
	GrantID        string
	Scope          string
}

// Tokens is the answer of the token endpoint.
type Tokens struct {
	AccessToken    string
	RefreshToken   string
	Scope          string
	ExpiresIn      int // seconds
	OrganisationID string
	AccountID      string // "" for an organisation's token
	ProfileID      string
	ProfileName    string
	Provider       kalends.Provider
	Refreshed      bool // no identity fields in the answer
}
