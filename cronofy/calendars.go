package cronofy

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Calendar is one calendar of a profile. In a Userinfo the provider's and the
// profile's fields stand on the profile.
type Calendar struct {
	ProviderName    string `json:"provider_name"`
	ProfileID       string `json:"profile_id"`
	ProfileName     string `json:"profile_name"`
	ID              string `json:"calendar_id"`
	Name            string `json:"calendar_name"`
	ReadOnly        bool   `json:"calendar_readonly"`
	Deleted         bool   `json:"calendar_deleted"`
	Primary         bool   `json:"calendar_primary"`
	Conferencing    bool   `json:"calendar_integrated_conferencing_available"`
	Attachments     bool   `json:"calendar_attachments_available"`
	PermissionLevel string `json:"permission_level"`
}

// Calendars lists the account's calendars. A person's or room's token.
func (b *Bearer) Calendars(ctx context.Context) ([]Calendar, error) {
	var answer struct {
		Calendars []Calendar `json:"calendars"`
	}
	err := b.get(ctx, "/v1/calendars", &answer)
	return answer.Calendars, err
}

// EventTime is an instant or, with Date set, a whole day (then Time is its
// midnight in UTC).
type EventTime struct {
	Time time.Time
	Date bool
	TZID string // with localized times only
}

// UnmarshalJSON reads "2026-11-24T09:00:00Z", "2026-11-24" or {"time","tzid"}.
func (t *EventTime) UnmarshalJSON(text []byte) error {
	var local struct {
		Time string `json:"time"`
		TZID string `json:"tzid"`
	}
	if len(text) > 0 && text[0] == '{' {
		if err := json.Unmarshal(text, &local); err != nil {
			return err
		}
	} else if err := json.Unmarshal(text, &local.Time); err != nil {
		return err
	}
	t.TZID = local.TZID
	if t.Date = !strings.ContainsRune(local.Time, 'T'); t.Date {
		return t.parse(time.DateOnly, local.Time)
	}
	return t.parse(time.RFC3339, local.Time)
}

func (t *EventTime) parse(layout, text string) (err error) {
	t.Time, err = time.Parse(layout, text)
	return err
}

// The statuses of FreeBusy.
const (
	Busy      = "busy"
	Tentative = "tentative"
	Free      = "free"
	Unknown   = "unknown"
)

// FreeBusy is one stretch of a calendar that is taken.
type FreeBusy struct {
	CalendarID string    `json:"calendar_id"`
	Start      EventTime `json:"start"`
	End        EventTime `json:"end"`
	Status     string    `json:"free_busy_status"`
	EventUID   string    `json:"event_uid,omitempty"` // with IncludeIDs
	EventID    string    `json:"event_id,omitempty"`  // with IncludeIDs, of one's own events
}

// FreeBusyQuery says which free/busy to read. Zero From and To take the hub's
// window: 42 days back, 201 ahead.
type FreeBusyQuery struct {
	From, To       time.Time
	TZID           string // "" = Etc/UTC
	CalendarIDs    []string
	IncludeManaged bool
	IncludeFree    bool
	IncludeIDs     bool
}

func (q FreeBusyQuery) values() url.Values {
	values := url.Values{"tzid": {q.TZID}}
	if q.TZID == "" {
		values.Set("tzid", "Etc/UTC")
	}
	setTime(values, "from", q.From)
	setTime(values, "to", q.To)
	for _, id := range q.CalendarIDs {
		values.Add("calendar_ids[]", id)
	}
	setBool(values, "include_managed", q.IncludeManaged)
	setBool(values, "include_free", q.IncludeFree)
	setBool(values, "include_ids", q.IncludeIDs)
	return values
}

// FreeBusy reads when the account is taken, page by page, one row an event. It
// stops at the first error, which it yields. A person's or room's token.
func (b *Bearer) FreeBusy(ctx context.Context, query FreeBusyQuery) iter.Seq2[FreeBusy, error] {
	return paged(ctx, b, "/v1/free_busy", query.values(), func(raw json.RawMessage) ([]FreeBusy, pages, error) {
		var answer struct {
			Pages    pages      `json:"pages"`
			FreeBusy []FreeBusy `json:"free_busy"`
		}
		err := json.Unmarshal(raw, &answer)
		return answer.FreeBusy, answer.Pages, err
	})
}

// Collect reads all rows of an iterator, up to the first error.
func Collect[T any](rows iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for row, err := range rows {
		if err != nil {
			return all, err
		}
		all = append(all, row)
	}
	return all, nil
}

type pages struct {
	Current  int    `json:"current"`
	Total    int    `json:"total"`
	NextPage string `json:"next_page"`
}

func paged[T any](ctx context.Context, b *Bearer, path string, query url.Values,
	read func(json.RawMessage) ([]T, pages, error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		next := call{method: http.MethodGet, path: path, query: query}
		for {
			rows, more, err := readPage(ctx, b, next, read)
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if err == nil && more.NextPage == "" {
				return
			}
			if err == nil {
				next.query = nil
				next.path, err = pagePath(more.NextPage)
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
		}
	}
}

func readPage[T any](ctx context.Context, b *Bearer, k call,
	read func(json.RawMessage) ([]T, pages, error),
) ([]T, pages, error) {
	var raw json.RawMessage
	k.into = &raw
	if err := b.do(ctx, k); err != nil {
		return nil, pages{}, err
	}
	rows, more, err := read(raw)
	if err != nil {
		return nil, pages{}, fmt.Errorf("cronofy: %s %s: read answer: %w", k.method, k.path, err)
	}
	return rows, more, nil
}

func setTime(values url.Values, name string, t time.Time) {
	if !t.IsZero() {
		values.Set(name, t.UTC().Format("2006-01-02T15:04:05Z"))
	}
}

func setBool(values url.Values, name string, value bool) {
	if value {
		values.Set(name, strconv.FormatBool(value))
	}
}
