package api

import (
	"math"
	"net/http"
	"net/url"
	"time"

	kalends "kalends"
	"kalends/hub/connect"
)

// createIntent is POST /v1/enterprise_connect/intents.
func (s *server) createIntent(c *call) error {
	f := c.form
	n := connect.NewIntent{
		RedirectURI: f.required("redirect_uri"), State: f.text("state"), Scope: f.scope("scope"),
		DelegatedScope: f.scope("delegated_scope"), CodeChallenge: f.text("code_challenge"),
		Emails: f.texts("emails"), Company: f.text("company"), CompanyID: f.text("company_id"), OrganisationID: f.text("organisation"), ExpiresIn: f.seconds("expires_in"),
	}
	if err := f.err(); err != nil {
		return err
	}
	intent, link, err := s.c.Hub.CreateIntent(c.r.Context(), c.app, n)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]string{"intent": intent.ID, "url": link})
}

func (f *form) seconds(name string) time.Duration {
	n := f.number(name)
	if n < 0 || n > math.MaxInt32 {
		f.wrong.add(name, "errors.invalid", "must be a number of seconds")
		return 0
	}
	return time.Duration(n) * time.Second
}

type connectionWire struct {
	ID          string       `json:"connection_id"`
	Provider    string       `json:"provider"`
	Domain      string       `json:"domain"`
	Status      string       `json:"status"`
	Level       string       `json:"level"`
	ConnectedAt *string      `json:"connected_at"`
	ConnectedBy string       `json:"connected_by"`
	LastSyncAt  *string      `json:"last_sync_at"`
	DataAge     ageWire      `json:"data_age_seconds"`
	Mode        string       `json:"mode"`
	Expires     []expiryWire `json:"expires"`
	Accounts    countsWire   `json:"accounts"`
	Resources   int          `json:"resources"`
	Cause       *causeWire   `json:"cause"`
}

type ageWire struct {
	Median int64 `json:"median"`
	Worst  int64 `json:"worst"`
}

type expiryWire struct {
	What string `json:"what"`
	At   string `json:"at"`
}

type countsWire struct {
	Connected int `json:"connected"`
	Pending   int `json:"pending"`
	Waiting   int `json:"waiting"`
	Error     int `json:"error"`
}

func (s *server) connections(c *call) error {
	infos, err := s.c.Hub.Connections(c.r.Context(), c.bearer.OrganisationID)
	if err != nil {
		return err
	}
	wire := make([]connectionWire, 0, len(infos))
	for _, info := range infos {
		wire = append(wire, c.connection(info))
	}
	return c.json(http.StatusOK, map[string][]connectionWire{"connections": wire})
}

func (c *call) connection(i connect.ConnectionInfo) connectionWire {
	expires := make([]expiryWire, 0, len(i.Expires))
	for _, e := range i.Expires {
		expires = append(expires, expiryWire{e.What, stamp(e.At)})
	}
	return connectionWire{
		ID: i.ID, Provider: string(i.Provider), Domain: i.Domain, Status: string(i.Status), Level: string(i.Level),
		ConnectedAt: instant(i.ConnectedAt), ConnectedBy: i.ConnectedBy, LastSyncAt: instant(i.LastSyncAt),
		DataAge: ageWire{int64(i.AgeMedian.Seconds()), int64(i.AgeWorst.Seconds())}, Mode: i.Mode, Expires: expires,
		Accounts:  countsWire{i.Counts.Connected, i.Counts.Pending, i.Counts.Waiting, i.Counts.Error},
		Resources: i.Resources, Cause: c.cause(i.Cause),
	}
}

func (s *server) endConnection(c *call) error {
	actor, err := s.actor(c)
	if err != nil {
		return err
	}
	if err := s.c.Hub.EndConnection(c.r.Context(), c.bearer.OrganisationID, c.r.PathValue("id"), actor); err != nil {
		return err
	}
	return c.empty(http.StatusAccepted)
}

type stepWire struct {
	Key          string            `json:"key"`
	Status       string            `json:"status"`
	Milliseconds int64             `json:"milliseconds"`
	Facts        map[string]string `json:"facts,omitempty"`
	Cause        *causeWire        `json:"cause"`
}

// diagnosis is GET …/accounts/{email}/diagnosis; check=true tries it now.
func (s *server) diagnosis(c *call) error {
	check := c.form.flag("check")
	if err := c.form.err(); err != nil {
		return err
	}
	d, err := s.c.Hub.Diagnose(c.r.Context(), c.bearer.OrganisationID, c.email(), check)
	if err != nil {
		return err
	}
	steps := make([]stepWire, 0, len(d.Steps))
	for _, step := range d.Steps {
		steps = append(steps, stepWire{string(step.Key), string(step.Status), step.Milliseconds, step.Facts, c.cause(step.Cause)})
	}
	return c.json(http.StatusOK, map[string][]stepWire{"steps": steps})
}

func (c *call) email() string { return kalends.NormalizeEmail(c.r.PathValue("email")) }

type previewWire struct {
	Email        string     `json:"email"`
	Status       string     `json:"status"`
	MatchedEmail string     `json:"matched_email"`
	MatchedBy    string     `json:"matched_by"`
	ConnectionID string     `json:"connection_id"`
	Cause        *causeWire `json:"cause"`
	Candidates   []string   `json:"candidates"`
}

// preview is POST …/preview: what would become of addresses.
func (s *server) preview(c *call) error {
	emails := c.form.texts("emails")
	if len(emails) == 0 && len(c.form.wrong.Errors) == 0 {
		c.form.wrong.add("emails", "errors.required", "required")
	}
	if err := c.form.err(); err != nil {
		return err
	}
	items, err := s.c.Hub.Preview(c.r.Context(), c.bearer.OrganisationID, emails)
	if err != nil {
		return err
	}
	wire := make([]previewWire, 0, len(items))
	for _, i := range items {
		wire = append(wire, previewWire{
			i.Email, string(i.Status), i.MatchedEmail, string(i.MatchedBy),
			i.ConnectionID, c.cause(i.Cause), append([]string{}, i.Candidates...),
		})
	}
	return c.json(http.StatusOK, map[string][]previewWire{"accounts": wire})
}

func (s *server) putMapping(c *call) error {
	mailbox := c.form.required("mailbox")
	if err := c.form.err(); err != nil {
		return err
	}
	if err := s.c.Hub.PutMapping(c.r.Context(), c.bearer.OrganisationID, c.email(), mailbox); err != nil {
		return err
	}
	return c.empty(http.StatusAccepted)
}

func (s *server) deleteMapping(c *call) error {
	if err := s.c.Hub.DeleteMapping(c.r.Context(), c.bearer.OrganisationID, c.email()); err != nil {
		return err
	}
	return c.empty(http.StatusAccepted)
}

// openapi is GET /v1/openapi.yaml.
func (s *server) openapi(c *call) error {
	c.w.Header().Set("Content-Type", "application/yaml")
	c.w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = c.w.Write(spec)
	return nil
}

// nextPage is a link with a page id in its query.
func (s *server) nextPage(path, id string) string {
	return s.c.PublicURL + path + "?" + url.Values{"page": {id}}.Encode()
}
