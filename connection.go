package kalends

// Provider names a calendar system.
type Provider string

// The calendar systems that a company can connect.
const (
	Exchange     Provider = "exchange"
	Microsoft365 Provider = "microsoft365"
	Google       Provider = "google"
)

// Level says how much a connection lets applications see.
type Level string

// The levels of a connection.
const (
	LevelFull       Level = "full"
	LevelRestricted Level = "restricted"
	LevelFreeBusy   Level = "free_busy"
)

// ConnectionStatus is the state of one calendar system of an organisation.
type ConnectionStatus string

// The states of a connection.
const (
	ConnectionConnected    ConnectionStatus = "connected"
	ConnectionDegraded     ConnectionStatus = "degraded"
	ConnectionDisconnected ConnectionStatus = "disconnected"
)

// AccountStatus is the state of one person or room.
type AccountStatus string

// The states of an account.
const (
	AccountPending      AccountStatus = "pending"
	AccountConnected    AccountStatus = "connected"
	AccountWaiting      AccountStatus = "waiting" // for a mailbox that does not exist yet; retried by itself
	AccountError        AccountStatus = "error"
	AccountDisconnected AccountStatus = "disconnected"
)

// Credentials are the values an administrator entered in a provider's connect
// form, and what the check found out and is worth keeping (for Exchange the URL
// and the version). They are sealed at rest and never logged.
type Credentials map[string]string

// Clone copies the values.
func (c Credentials) Clone() Credentials {
	out := make(Credentials, len(c))
	for k, v := range c {
		out[k] = v
	}
	return out
}
