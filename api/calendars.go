package api

import (
	"errors"
	"net/http"
	"time"

	kalends "kalends"
	"kalends/hub/calendar"
)

// calendarWire is a calendar of GET /v1/calendars and of a userinfo, where the
// provider's and the profile's keys stand on the profile. All four booleans are
// always there: C# cannot do without.
type calendarWire struct {
	ProviderName string `json:"provider_name,omitempty"`
	ProfileID    string `json:"profile_id,omitempty"`
	ProfileName  string `json:"profile_name,omitempty"`
	ID           string `json:"calendar_id"`
	Name         string `json:"calendar_name"`
	ReadOnly     bool   `json:"calendar_readonly"`
	Deleted      bool   `json:"calendar_deleted"`
	Primary      bool   `json:"calendar_primary"`
	Conferencing bool   `json:"calendar_integrated_conferencing_available"`
	Attachments  bool   `json:"calendar_attachments_available"`
	Permission   string `json:"permission_level"`
}

func wireCalendars(calendars []calendar.Calendar, profile bool) []calendarWire {
	wire := make([]calendarWire, 0, len(calendars))
	for _, c := range calendars {
		w := calendarWire{
			ID: c.ID, Name: c.Name, ReadOnly: c.ReadOnly, Deleted: !c.DeletedAt.IsZero(),
			Primary: c.Primary, Permission: "sandbox",
		}
		if profile {
			w.ProviderName, _ = wireProvider(c.Provider)
			w.ProfileID, w.ProfileName = c.ProfileID, c.ProfileName
		}
		wire = append(wire, w)
	}
	return wire
}

func (s *server) calendars(c *call) error {
	calendars, err := s.c.People.Calendars(c.r.Context(), c.grant())
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, struct {
		Sub       string         `json:"sub"`
		Calendars []calendarWire `json:"calendars"`
	}{c.bearer.AccountID, wireCalendars(calendars, true)})
}

// pagesWire: clients loop while current < total and follow next_page with their
// token, so it starts with the configured public URL.
type pagesWire struct {
	Current  int    `json:"current"`
	Total    int    `json:"total"`
	NextPage string `json:"next_page,omitempty"`
}

type freeBusyWire struct {
	CalendarID string `json:"calendar_id"`
	Start      any    `json:"start"` // a string, or {time, tzid} with localised times
	End        any    `json:"end"`
	Status     string `json:"free_busy_status"`
	EventUID   string `json:"event_uid,omitempty"`
}

type localWire struct {
	Time string `json:"time"`
	TZID string `json:"tzid"`
}

func (s *server) freeBusy(c *call) error {
	query, err := c.freeBusyQuery()
	if err != nil {
		return err
	}
	page, err := s.c.People.FreeBusy(c.r.Context(), c.grant(), query)
	if errors.Is(err, calendar.ErrUnknownCalendar) {
		return invalid("calendar_ids", "errors.invalid_calendar_ids", "one of them is not a calendar of this account")
	}
	return s.busyPage(c, page, err)
}

func (s *server) freeBusyPage(c *call) error {
	page, err := s.c.People.FreeBusyPage(c.r.Context(), c.grant(), c.r.PathValue("id"))
	return s.busyPage(c, page, err)
}

func (c *call) freeBusyQuery() (calendar.FreeBusyQuery, error) {
	f := c.form
	zone := f.zone("tzid")
	q := calendar.FreeBusyQuery{
		Zone: zone, From: f.moment("from", zone), To: f.moment("to", zone), Calendars: f.texts("calendar_ids"),
		Localized: f.flag("localized_times"), IncludeManaged: f.flag("include_managed"),
		IncludeIDs: f.flag("include_ids"), IncludeFree: f.flag("include_free"),
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		f.wrong.add("to", "errors.invalid_time_pair", "to must be after from")
	}
	f.noChanges()
	return q, f.err()
}

// noChanges refuses what a caller who follows changes asks for: the mirror keeps
// no row of what is gone, nor when one came, and everything would be taken for new.
func (f *form) noChanges() {
	if f.text("last_modified") != "" {
		f.wrong.add("last_modified", "errors.not_supported", "changes of free/busy times are not kept: leave it out and compare")
	}
	if f.flag("include_deleted") {
		f.wrong.add("include_deleted", "errors.not_supported", "deleted times are not kept")
	}
}

// zone reads an IANA name. "Local" would be the server's own.
func (f *form) zone(name string) *time.Location {
	text := f.text(name)
	zone, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		f.wrong.add(name, "errors.tzid_unrecognized", "TZID not recognized")
		return time.UTC
	}
	return zone
}

// busyPage answers with a page. 423 is Cronofy's "profile disconnected".
func (s *server) busyPage(c *call, page calendar.FreeBusyPage, err error) error {
	if errors.Is(err, calendar.ErrOutOfReach) {
		return c.refuse(http.StatusLocked, kalends.CauseOf(err))
	}
	if err != nil {
		return err
	}
	rows := make([]freeBusyWire, 0, len(page.FreeBusy))
	for _, f := range page.FreeBusy {
		rows = append(rows, freeBusyWire{f.CalendarID, wireMoment(f.Start), wireMoment(f.End), string(f.Status), f.EventUID})
	}
	pages := pagesWire{Current: page.Current, Total: page.Total}
	if page.Next != "" {
		pages.NextPage = s.c.PublicURL + "/v1/free_busy/pages/" + page.Next
	}
	return c.json(http.StatusOK, struct {
		Pages    pagesWire      `json:"pages"`
		FreeBusy []freeBusyWire `json:"free_busy"`
	}{pages, rows})
}

func wireMoment(m calendar.Moment) any {
	if m.Zone != nil {
		return localWire{m.String(), m.Zone.String()}
	}
	return m.String()
}

// stamp writes an instant as all clients read it, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// instant is stamp for what may be null.
func instant(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := stamp(t)
	return &text
}
