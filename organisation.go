package kalends

import "time"

// Organisation is one company as one application knows it: the service account
// of the API. Two applications that connect the same company have two
// organisations, which share nothing.
type Organisation struct {
	ID             string // ser_…
	ApplicationID  string
	Company        string // as the application calls its customer, or ""
	CompanyID      string // the application's own id of the customer: keeps two with one service account apart
	Domain         string
	Email          string // of the service account or the administrator who connected it
	Scope          string
	DelegatedScope string
	ConfirmAliases bool // an address that is not the primary one wants a yes
	CreatedAt      time.Time
	RevokedAt      time.Time // zero while it lives
	LastUsedAt     time.Time // of a token by the application, to a few minutes; zero = never
}

// Connection is one calendar system of an organisation.
type Connection struct {
	ID             string // con_…
	OrganisationID string
	Provider       Provider
	Identity       string // provider tenant + service account: finds the same organisation again
	Tenant         string // the part of Identity that mailbox keys live in
	Domain         string
	Level          Level
	Status         ConnectionStatus
	Cause          *Cause
	ConnectedAt    time.Time
	ConnectedBy    string
	CheckedAt      time.Time
	ThrottledUntil time.Time   // the calendar system keeps requests away until then; zero = it does not
	Credentials    Credentials // unsealed only while a driver is opened
}

// Account is one person's or room's calendar account, reached through a connection.
type Account struct {
	ID             string // acc_… or res_…
	OrganisationID string
	ConnectionID   string
	Email          string // as the application asked for it, normalised
	MatchedEmail   string
	MatchedBy      MatchedBy
	MailboxID      string // the provider's immutable id, or ""
	Name           string
	Kind           MailboxKind
	Status         AccountStatus
	Cause          *Cause
	Detail         string    // the raw vendor answer behind Cause, for folded details only
	Since          time.Time // of the status
	LastSyncAt     time.Time
	Tries          int
	DueAt          time.Time // when matching is tried again; zero = not
}

// Profile is one calendar identity of an account.
type Profile struct {
	ID           string // pro_…
	AccountID    string
	ConnectionID string
	Name         string // the e-mail address
	RevokedAt    time.Time
}

// Calendar is one mirrored calendar of a profile.
type Calendar struct {
	ID         string // cal_…
	ProfileID  string
	AccountID  string
	RemoteID   string
	Name       string
	Primary    bool
	ReadOnly   bool
	DeletedAt  time.Time
	Cursor     string
	DueAt      time.Time
	LastSyncAt time.Time // of the last complete read
	Tries      int
	Cause      *Cause
}

// AuthorizationRequest is an application's wish to be authorised for one
// address, answered by a callback.
type AuthorizationRequest struct {
	ID             string
	OrganisationID string
	Email          string
	CallbackURL    string
	Scope          string
	State          string
	AccountID      string // set once matched
	Cause          *Cause // set when it failed
	CreatedAt      time.Time
	DoneAt         time.Time // matched or failed
}

// Audit is one thing that an administrator, operator or application did, or
// that a provider did to us. Entries are only ever added.
type Audit struct {
	ID             string
	At             time.Time
	ApplicationID  string
	OrganisationID string
	ConnectionID   string
	Actor          string // "service account svc@…", "operator", "application Smart Calendar", "provider"
	Action         string // "connection.connected", "connection.revoked", …
	Facts          map[string]string
}
