package api

import (
	"net/http"

	kalends "kalends"
	"kalends/hub/calendar"
	"kalends/hub/connect"
)

// userinfoWire is GET /v1/userinfo for people and rooms ("Userinfo").
type userinfoWire struct {
	Sub   string       `json:"sub"`
	Email string       `json:"email,omitempty"`
	Name  string       `json:"name,omitempty"`
	Type  string       `json:"cronofy.type"`
	Data  userDataWire `json:"cronofy.data"`
}

type userDataWire struct {
	Authorization authorizationWire `json:"authorization"`
	Profiles      []profileWire     `json:"profiles"`
}

type authorizationWire struct {
	Scope          string `json:"scope"`
	Status         string `json:"status"`
	DelegatedScope string `json:"delegated_scope,omitempty"`
}

// companyWire is GET /v1/userinfo for service accounts: the nested form is
// current, omniauth-cronofy and Ruby read the flat keys.
type companyWire struct {
	Sub        string          `json:"sub"`
	Email      string          `json:"email"`
	Type       string          `json:"cronofy.type"`
	Data       companyDataWire `json:"cronofy.data"`
	FlatDomain string          `json:"cronofy.service_account.domain"`
	FlatEmail  string          `json:"cronofy.service_account.email"`
}

type companyDataWire struct {
	ServiceAccount serviceAccountWire `json:"service_account"`
	Authorization  authorizationWire  `json:"authorization"`
}

type serviceAccountWire struct {
	ProviderName string `json:"provider_name"`
	Domain       string `json:"domain"`
}

type profileWire struct {
	ProviderName        string         `json:"provider_name"`
	ProviderService     string         `json:"provider_service"`
	ProfileID           string         `json:"profile_id"`
	ProfileName         string         `json:"profile_name"`
	Connected           bool           `json:"profile_connected"`
	InitialSyncRequired bool           `json:"profile_initial_sync_required"`
	Calendars           []calendarWire `json:"profile_calendars,omitempty"`
}

type accountWire struct {
	ID    string `json:"account_id"`
	Email string `json:"email"`
	Name  string `json:"name"`
	TZID  string `json:"default_tzid"`
	Scope string `json:"scope"`
	Type  string `json:"type"`
}

func (s *server) userinfo(c *call) error {
	if c.bearer.Kind == connect.BearerOrganisation {
		return s.companyInfo(c)
	}
	p, err := s.c.People.Userinfo(c.r.Context(), c.grant())
	if err != nil {
		return err
	}
	wire := userinfoWire{Sub: p.Account.ID, Email: p.Account.Email, Name: p.Account.Name, Type: wireType(p.Account.Kind)}
	wire.Data.Authorization = authorizationWire{Scope: p.Scope, Status: wireActive(p.Active)}
	wire.Data.Profiles = wireProfiles(p.Profiles, true)
	return c.json(http.StatusOK, wire)
}

func (s *server) companyInfo(c *call) error {
	o, err := s.c.Hub.Organisation(c.r.Context(), c.bearer.OrganisationID)
	if err != nil {
		return err
	}
	connections, err := s.c.Hub.Connections(c.r.Context(), o.ID)
	if err != nil {
		return err
	}
	wire := companyWire{Sub: o.ID, Email: o.Email, Type: "service_account", FlatDomain: o.Domain, FlatEmail: o.Email}
	name, active := wireCompany(connections)
	wire.Data.ServiceAccount = serviceAccountWire{name, o.Domain}
	wire.Data.Authorization = authorizationWire{c.bearer.Scope, wireActive(active), o.DelegatedScope}
	return c.json(http.StatusOK, wire)
}

// wireCompany: the provider of the first connection that lives, and whether there is one.
func wireCompany(connections []connect.ConnectionInfo) (provider string, active bool) {
	for _, info := range connections {
		if info.Status != kalends.ConnectionDisconnected {
			name, _ := wireProvider(info.Provider)
			return name, true
		}
	}
	return "exchange", false
}

func wireActive(active bool) string {
	if active {
		return "active"
	}
	return "disconnected"
}

func wireType(kind kalends.MailboxKind) string {
	if kind == kalends.MailboxResource {
		return "resource"
	}
	return "account"
}

func wireProfiles(profiles []calendar.Profile, calendars bool) []profileWire {
	wire := make([]profileWire, 0, len(profiles))
	for _, p := range profiles {
		name, service := wireProvider(p.Provider)
		w := profileWire{name, service, p.ID, p.Name, p.Connected, p.Unread, nil}
		if calendars {
			w.Calendars = wireCalendars(p.Calendars, false)
		}
		wire = append(wire, w)
	}
	return wire
}

func (s *server) account(c *call) error {
	a, err := s.c.People.Account(c.r.Context(), c.grant())
	if err != nil {
		return err
	}
	wire := accountWire{a.ID, a.Email, a.Name, "Etc/UTC", c.bearer.Scope, wireType(a.Kind)}
	return c.json(http.StatusOK, map[string]accountWire{"account": wire})
}

func (s *server) profiles(c *call) error {
	profiles, err := s.c.People.Profiles(c.r.Context(), c.grant())
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string][]profileWire{"profiles": wireProfiles(profiles, false)})
}

func (s *server) revokeProfile(c *call) error {
	actor, err := s.actor(c)
	if err != nil {
		return err
	}
	if err := s.c.Hub.RevokeProfile(c.r.Context(), c.bearer.AccountID, c.r.PathValue("id"), actor); err != nil {
		return err
	}
	return c.empty(http.StatusAccepted)
}

// actor is the caller as audit entries name it.
func (s *server) actor(c *call) (string, error) {
	app, err := s.c.Hub.Application(c.r.Context(), c.bearer.ApplicationID)
	return "application " + app.Name, err
}
