package cronofy

import (
	"context"
	"net/http"
	"net/url"
)

// The kinds of Userinfo.
const (
	TypeAccount        = "account"
	TypeServiceAccount = "service_account"
	TypeResource       = "resource"
)

// Userinfo says whose token it is. ServiceAccount is set for service accounts,
// Profiles for people and rooms.
type Userinfo struct {
	Sub      string       `json:"sub"`
	Email    string       `json:"email"`
	Name     string       `json:"name"`
	ZoneInfo string       `json:"zoneinfo"`
	Type     string       `json:"cronofy.type"`
	Data     UserinfoData `json:"cronofy.data"`
}

// UserinfoData is Cronofy's part of Userinfo.
type UserinfoData struct {
	Authorization  AuthorizationInfo   `json:"authorization"`
	ServiceAccount *ServiceAccountInfo `json:"service_account"`
	Profiles       []Profile           `json:"profiles"`
}

// AuthorizationInfo says what the token may do, and whether it still works.
type AuthorizationInfo struct {
	Scope          string `json:"scope"`
	DelegatedScope string `json:"delegated_scope"`
	Status         string `json:"status"` // active, disconnected, revoked
}

// ServiceAccountInfo says which company a service account stands for.
type ServiceAccountInfo struct {
	ProviderName string `json:"provider_name"`
	Domain       string `json:"domain"`
}

// Profile is one calendar identity of an account.
type Profile struct {
	ProviderName        string     `json:"provider_name"`
	ProviderService     string     `json:"provider_service"`
	ProfileID           string     `json:"profile_id"`
	ProfileName         string     `json:"profile_name"`
	Connected           bool       `json:"profile_connected"`
	InitialSyncRequired bool       `json:"profile_initial_sync_required"`
	RelinkURL           string     `json:"profile_relink_url"`
	Calendars           []Calendar `json:"profile_calendars"` // in Userinfo only
}

// Account is a person's or room's account.
type Account struct {
	ID    string `json:"account_id"`
	Email string `json:"email"`
	Name  string `json:"name"`
	TZID  string `json:"default_tzid"`
	Scope string `json:"scope"`
	Type  string `json:"type"`
}

// Userinfo says whose token it is. Any token.
func (b *Bearer) Userinfo(ctx context.Context) (Userinfo, error) {
	var info Userinfo
	err := b.get(ctx, "/v1/userinfo", &info)
	return info, err
}

// Account reads the account. A person's or room's token.
func (b *Bearer) Account(ctx context.Context) (Account, error) {
	var answer struct {
		Account Account `json:"account"`
	}
	err := b.get(ctx, "/v1/account", &answer)
	return answer.Account, err
}

// Profiles lists the account's calendar identities. A person's or room's token.
func (b *Bearer) Profiles(ctx context.Context) ([]Profile, error) {
	var answer struct {
		Profiles []Profile `json:"profiles"`
	}
	err := b.get(ctx, "/v1/profiles", &answer)
	return answer.Profiles, err
}

// RevokeProfile removes one calendar identity from the account; the grant
// stays. A person's or room's token.
func (b *Bearer) RevokeProfile(ctx context.Context, profileID string) error {
	path := "/v1/profiles/" + url.PathEscape(profileID) + "/revoke"
	return b.do(ctx, call{method: http.MethodPost, path: path, body: struct{}{}})
}
