package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	kalends "kalends"
	"kalends/hub/connect"
)

const authorizations = "service_account_authorizations"

// authorise is POST /v1/service_account_authorizations: one, or a list of 1 to 50.
func (s *server) authorise(c *call) error {
	list, prefix, err := c.authorizations()
	if err != nil {
		return err
	}
	err = s.c.Hub.Authorise(c.r.Context(), c.bearer.OrganisationID, list)
	var wrong *connect.InvalidError
	if errors.As(err, &wrong) {
		return wireEntries(wrong, prefix)
	}
	if err != nil {
		return err
	}
	return c.empty(http.StatusAccepted)
}

// authorizations reads both forms. A state beside the list is the default of
// its entries, as pycronofy sends it; other fields beside it are refused.
func (c *call) authorizations() (list []connect.Authorization, prefix bool, err error) {
	f := c.form
	if !f.has(authorizations) {
		one := f.authorization("")
		return []connect.Authorization{one}, false, f.err()
	}
	for _, name := range []string{"email", "callback_url", "scope"} {
		if f.has(name) {
			f.wrong.add(name, "errors.invalid", "must not stand beside "+authorizations)
		}
	}
	entries, ok := f.values[authorizations].([]any)
	if !ok || len(entries) == 0 || len(entries) > 50 {
		f.wrong.add(authorizations, "errors.invalid", "must be a list of 1 to 50 entries")
		return nil, true, f.err()
	}
	state := f.text("state")
	for i, entry := range entries {
		list = append(list, f.entry(i, entry, state))
	}
	return list, true, f.err()
}

func (f *form) entry(i int, entry any, state string) connect.Authorization {
	path := fmt.Sprintf("%s[%d]", authorizations, i)
	fields, ok := entry.(map[string]any)
	if !ok {
		f.wrong.add(path, "errors.invalid", "must be an object")
		return connect.Authorization{}
	}
	inner := &form{values: map[string]any{}}
	for name, value := range fields {
		if value != nil {
			inner.values[name] = value
		}
	}
	a := inner.authorization(state)
	for name, list := range inner.wrong.Errors {
		for _, e := range list {
			f.wrong.add(path+"."+name, e.Key, e.Description)
		}
	}
	return a
}

func (f *form) authorization(state string) connect.Authorization {
	a := connect.Authorization{
		Email: f.required("email"), CallbackURL: f.required("callback_url"),
		Scope: f.scope("scope"), State: state,
	}
	if a.Scope == "" && len(f.wrong.Errors["scope"]) == 0 {
		f.wrong.add("scope", "errors.required", "required")
	}
	if f.has("state") {
		a.State = f.text("state")
	}
	return a
}

// wireEntries names fields of the list by their entry.
func wireEntries(e *connect.InvalidError, prefix bool) *fieldErrors {
	body := &fieldErrors{}
	for _, f := range e.Fields {
		name := f.Field
		if prefix && f.Index >= 0 {
			name = fmt.Sprintf("%s[%d].%s", authorizations, f.Index, f.Field)
		}
		body.add(name, f.Key, f.Description)
	}
	return body
}

type resourceWire struct {
	Email    string        `json:"email"`
	Name     string        `json:"name"`
	Capacity int           `json:"capacity,omitempty"`
	Location *locationWire `json:"location,omitempty"`
}

type locationWire struct {
	Building string `json:"building_name,omitempty"`
	Floor    string `json:"floor_name,omitempty"`
}

// resources is GET /v1/resources; include_details names what to add.
func (s *server) resources(c *call) error {
	details := strings.Fields(c.form.text("include_details"))
	if err := c.form.err(); err != nil {
		return err
	}
	rooms, err := s.c.Hub.Resources(c.r.Context(), c.bearer.OrganisationID)
	if err != nil {
		return err
	}
	wire := make([]resourceWire, 0, len(rooms))
	for _, room := range rooms {
		wire = append(wire, wireResource(room, details))
	}
	return c.json(http.StatusOK, map[string][]resourceWire{"resources": wire})
}

func wireResource(room kalends.Room, details []string) resourceWire {
	wire := resourceWire{Email: room.Email, Name: room.Name}
	if slices.Contains(details, "capacity") {
		wire.Capacity = room.Capacity
	}
	if slices.Contains(details, "location") && room.Building+room.Floor != "" {
		wire.Location = &locationWire{room.Building, room.Floor}
	}
	return wire
}
