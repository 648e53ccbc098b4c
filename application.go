package kalends

import "time"

// Application is an OAuth client of the hub: Smart Calendar, or any other
// program that a company lets use its calendars.
type Application struct {
	ID            string // app_…
	ClientID      string
	Name          string
	RedirectURIs  []string // exact matches only
	CallbackHosts []string // host[:port] that callbacks may go to
	NotifyURL     string   // where connection_changed goes, or ""
	CreatedAt     time.Time
}

// Intent is a connect that an application prepared: a link that works in any
// browser until a connect through it succeeded or it expired.
type Intent struct {
	ID             string // int_…
	ApplicationID  string
	OrganisationID string // set when it adds or repairs a connection of an existing one
	RedirectURI    string
	State          string
	Scope          string
	DelegatedScope string
	CodeChallenge  string
	Emails         []string
	Company        string // for whom, as the application calls it: shown to whoever connects
	CompanyID      string // the application's own id of that customer
	CreatedAt      time.Time
	ExpiresAt      time.Time
	UsedAt         time.Time // zero while it can still be used
}
