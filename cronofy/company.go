package cronofy

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Authorize asks for one person's or room's calendars. The answer comes as a
// callback to CallbackURL: a code, to be exchanged with the callback URL as
// redirect URI, or an error. Asking again for the same address gives the same
// account with a fresh code.
type Authorize struct {
	Email       string `json:"email"`
	CallbackURL string `json:"callback_url"`
	Scope       string `json:"scope"`
	State       string `json:"state,omitempty"`
}

// MaxAuthorize is how many addresses one call may ask for.
const MaxAuthorize = 50

// AuthorizeAccounts asks for 1 to 50 people or rooms at once. All are taken or,
// with an *Error of status 422, none. A service account's token.
func (b *Bearer) AuthorizeAccounts(ctx context.Context, accounts []Authorize) error {
	if len(accounts) == 0 || len(accounts) > MaxAuthorize {
		return errors.New("cronofy: authorise 1 to 50 accounts a call")
	}
	body := map[string][]Authorize{"service_account_authorizations": accounts}
	return b.do(ctx, call{method: http.MethodPost, path: "/v1/service_account_authorizations", body: body})
}

// Resource is a room or equipment. Capacity 0 and a nil Location mean that the
// provider does not say, or that details were not asked for.
type Resource struct {
	Email    string    `json:"email"`
	Name     string    `json:"name"`
	Capacity int       `json:"capacity"`
	Location *Location `json:"location"`
}

// Location says where a room is.
type Location struct {
	Building string `json:"building_name"`
	Floor    string `json:"floor_name"`
	Section  string `json:"floor_section"`
}

// Resources lists rooms and equipment with what the provider knows about them.
// A service account's token.
func (b *Bearer) Resources(ctx context.Context) ([]Resource, error) {
	var answer struct {
		Resources []Resource `json:"resources"`
	}
	query := url.Values{"include_details": {"capacity location"}}
	err := b.do(ctx, call{method: http.MethodGet, path: "/v1/resources", query: query, into: &answer})
	return answer.Resources, err
}

// Cause is why something does not work: a stable key, the facts that make it
// concrete, and what happened and what to do in the language asked for.
type Cause struct {
	Key   string            `json:"key"`
	Facts map[string]string `json:"facts"`
	Text  string            `json:"text"`
	Fix   string            `json:"fix"`
}

// The statuses of a connection.
const (
	ConnectionConnected    = "connected"
	ConnectionDegraded     = "degraded"
	ConnectionDisconnected = "disconnected"
)

// Connection is one calendar system of the company.
type Connection struct {
	ID             string         `json:"connection_id"`
	Provider       string         `json:"provider"` // exchange, microsoft365, google
	Domain         string         `json:"domain"`
	Status         string         `json:"status"`
	Level          string         `json:"level"` // full, restricted, free_busy
	ConnectedAt    time.Time      `json:"connected_at"`
	ConnectedBy    string         `json:"connected_by"`
	LastSyncAt     *time.Time     `json:"last_sync_at"`
	DataAgeSeconds *DataAge       `json:"data_age_seconds"`
	Mode           string         `json:"mode"` // notified, streaming, polling
	Expires        []Expiry       `json:"expires"`
	Accounts       map[string]int `json:"accounts"` // per status
	Resources      int            `json:"resources"`
	Cause          *Cause         `json:"cause"`
}

// DataAge says how old what the hub knows is.
type DataAge struct {
	Median int64 `json:"median"`
	Worst  int64 `json:"worst"`
}

// Expiry is something of a connection that will end.
type Expiry struct {
	What string    `json:"what"`
	At   time.Time `json:"at"`
}

// Connections lists the company's calendar systems. A service account's token.
func (b *Bearer) Connections(ctx context.Context) ([]Connection, error) {
	var answer struct {
		Connections []Connection `json:"connections"`
	}
	err := b.get(ctx, "/v1/enterprise_connect/connections", &answer)
	return answer.Connections, err
}

// EndConnection ends one connection with the calendars of everybody connected
// through it. To end all, revoke the service account's token.
func (b *Bearer) EndConnection(ctx context.Context, connectionID string) error {
	path := "/v1/enterprise_connect/connections/" + url.PathEscape(connectionID)
	return b.do(ctx, call{method: http.MethodDelete, path: path})
}

// The statuses of an account.
const (
	AccountPending      = "pending"
	AccountConnected    = "connected"
	AccountWaiting      = "waiting" // for a mailbox that does not exist yet; retried by itself
	AccountError        = "error"
	AccountDisconnected = "disconnected"
)

// CompanyAccount is one person or room of the company.
type CompanyAccount struct {
	Email        string     `json:"email"` // as asked for
	MatchedEmail string     `json:"matched_email"`
	MatchedBy    string     `json:"matched_by"` // primary, alias, upn, plus_address, old_domain, manual
	Sub          string     `json:"sub"`
	Kind         string     `json:"kind"` // person, resource, shared
	Status       string     `json:"status"`
	ConnectionID string     `json:"connection_id"`
	Cause        *Cause     `json:"cause"`
	Since        *time.Time `json:"since"`
	LastSyncAt   *time.Time `json:"last_sync_at"`
}

// AccountsFilter narrows Accounts; empty fields do not.
type AccountsFilter struct {
	Status       string
	Cause        string
	ConnectionID string
}

// Accounts lists people and rooms, page by page. It stops at the first error,
// which it yields. A service account's token.
func (b *Bearer) Accounts(ctx context.Context, filter AccountsFilter) iter.Seq2[CompanyAccount, error] {
	query := url.Values{}
	set(query, "status", filter.Status)
	set(query, "cause", filter.Cause)
	set(query, "connection_id", filter.ConnectionID)
	return paged(ctx, b, "/v1/enterprise_connect/accounts", query,
		func(raw json.RawMessage) ([]CompanyAccount, pages, error) {
			var answer struct {
				Pages    pages            `json:"pages"`
				Accounts []CompanyAccount `json:"accounts"`
			}
			err := json.Unmarshal(raw, &answer)
			return answer.Accounts, answer.Pages, err
		})
}

// Step is one line of a diagnosis.
type Step struct {
	Key          string            `json:"key"`
	Status       string            `json:"status"` // ok, failed, skipped
	Milliseconds int64             `json:"milliseconds"`
	Facts        map[string]string `json:"facts"`
	Cause        *Cause            `json:"cause"`
}

// Diagnosis says, step by step, how one address is connected. With check it is
// tried now at the provider, else it is what is known. A service account's token.
func (b *Bearer) Diagnosis(ctx context.Context, email string, check bool) ([]Step, error) {
	var answer struct {
		Steps []Step `json:"steps"`
	}
	query := url.Values{}
	setBool(query, "check", check)
	path := "/v1/enterprise_connect/accounts/" + url.PathEscape(email) + "/diagnosis"
	err := b.do(ctx, call{method: http.MethodGet, path: path, query: query, into: &answer})
	return answer.Steps, err
}

// Preview is what would become of an address if it were authorised now.
type Preview struct {
	Email        string   `json:"email"`
	Status       string   `json:"status"`
	MatchedEmail string   `json:"matched_email"`
	MatchedBy    string   `json:"matched_by"`
	ConnectionID string   `json:"connection_id"`
	Cause        *Cause   `json:"cause"`
	Candidates   []string `json:"candidates"`
}

// Preview tries addresses without connecting anybody. A service account's token.
func (b *Bearer) Preview(ctx context.Context, emails []string) ([]Preview, error) {
	var answer struct {
		Accounts []Preview `json:"accounts"`
	}
	body := map[string][]string{"emails": emails}
	err := b.do(ctx, call{method: http.MethodPost, path: "/v1/enterprise_connect/preview", body: body, into: &answer})
	return answer.Accounts, err
}

// PutMapping says which mailbox an address means; authorise the address again
// to connect it. A service account's token.
func (b *Bearer) PutMapping(ctx context.Context, email, mailbox string) error {
	body := map[string]string{"mailbox": mailbox}
	return b.do(ctx, call{method: http.MethodPut, path: mappingPath(email), body: body})
}

// DeleteMapping forgets a mapping. One that is not there is an error of status 404.
func (b *Bearer) DeleteMapping(ctx context.Context, email string) error {
	return b.do(ctx, call{method: http.MethodDelete, path: mappingPath(email)})
}

func mappingPath(email string) string {
	return "/v1/enterprise_connect/mappings/" + url.PathEscape(email)
}
