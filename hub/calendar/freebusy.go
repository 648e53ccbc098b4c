package calendar

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	kalends "kalends"
	"kalends/db"
)

// How far answers reach where the caller names no limits, in days.
const (
	defaultBack    = 42
	defaultForward = 201
)

// FreeBusyQuery says what of a person's busy time is wanted.
type FreeBusyQuery struct {
	Zone           *time.Location // tzid: dates are read and all-day events fall in it; nil = UTC
	From, To       time.Time      // To exclusive; zero = today in Zone -42 and +201 days
	Calendars      []string       // ids; none = all
	Localized      bool           // times with the zone's offset
	IncludeManaged bool           // events this application wrote (none are mirrored yet)
	IncludeIDs     bool
	IncludeFree    bool
}

// FreeBusy is one event's stretch, neither merged nor clipped.
type FreeBusy struct {
	CalendarID string
	Start, End Moment
	Status     kalends.FreeBusyStatus
	EventUID   string // "evt_external_…" with IncludeIDs
}

// FreeBusyPage is one page of an answer. There are exactly Total pages, and Next
// is "" on the last one only.
type FreeBusyPage struct {
	Current, Total int
	Next           string // id of the next page: letters, digits, '_' and '-'
	FreeBusy       []FreeBusy
}

// FreeBusy gives the first page of when the grant's person is busy. A calendar
// id that is not hers is KindNotFound with ErrUnknownCalendar; a person who is out
// of reach is KindConflict with ErrOutOfReach and the cause.
func (s *Service) FreeBusy(ctx context.Context, grant kalends.Grant, q FreeBusyQuery) (FreeBusyPage, error) {
	var page FreeBusyPage
	err := s.read(ctx, grant, func(tx *db.Tx) error {
		q = q.at(tx.Now())
		rows, err := s.busy(ctx, tx, grant, q)
		if err != nil {
			return err
		}
		total := max((len(rows)+s.c.PageSize-1)/s.c.PageSize, 1)
		page, err = s.page(rows, position{grant: grant.ID, query: q, asOf: tx.Now(), current: 1, total: total})
		return err
	})
	return page, err
}

// FreeBusyPage gives a further page. An id that is too old, not for this grant
// or not ours is KindGone: ask anew.
func (s *Service) FreeBusyPage(ctx context.Context, grant kalends.Grant, id string) (FreeBusyPage, error) {
	var page FreeBusyPage
	err := s.read(ctx, grant, func(tx *db.Tx) error {
		at, err := s.openPage(grant, id, tx.Now())
		if err != nil {
			return err
		}
		rows, err := s.busy(ctx, tx, grant, at.query)
		if err != nil {
			return err
		}
		page, err = s.page(rows, at)
		return err
	})
	return page, err
}

// at fills in the limits that the caller did not name.
func (q FreeBusyQuery) at(now time.Time) FreeBusyQuery {
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	local := now.In(q.Zone)
	day := func(n int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+n, 0, 0, 0, 0, q.Zone)
	}
	if q.From.IsZero() {
		q.From = day(-defaultBack)
	}
	if q.To.IsZero() {
		q.To = day(defaultForward + 1)
	}
	return q
}

// row is one interval of one calendar; rows are in the order of their keys.
type row struct {
	calendarID string
	kalends.Interval
}

// key orders rows: by start, then calendar, then the interval's own key.
func (r row) key() string {
	return fmt.Sprintf("%020d %s %s", r.Start.Unix()+1<<40, r.calendarID, r.Key)
}

// busy gives all rows of the query's window.
func (s *Service) busy(ctx context.Context, tx *db.Tx, grant kalends.Grant, q FreeBusyQuery) ([]row, error) {
	ids, err := s.calendarIDs(ctx, tx, grant, q.Calendars)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	// all-day intervals stand for dates, which reach up to a day further than instants
	wide := kalends.Window{Start: q.From.Add(-24 * time.Hour), End: q.To.Add(24 * time.Hour)}
	stored, err := s.c.Store.Busy(ctx, tx, ids, wide)
	if err != nil {
		return nil, err
	}
	var rows []row
	for id, intervals := range stored {
		for _, i := range intervals {
			if q.wants(i) {
				rows = append(rows, row{calendarID: id, Interval: i})
			}
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.key(), b.key()) })
	return rows, nil
}

func (q FreeBusyQuery) wants(i kalends.Interval) bool {
	start, end := instants(i, q.Zone)
	return (q.IncludeFree || i.Status != kalends.StatusFree) && start.Before(q.To) && end.After(q.From)
}

// calendarIDs gives the ids of the grant's calendars that are asked for.
func (s *Service) calendarIDs(ctx context.Context, tx *db.Tx, grant kalends.Grant, asked []string) ([]string, error) {
	account, err := s.c.Store.Account(ctx, tx, grant.AccountID)
	if err != nil {
		return nil, notFound(err)
	}
	if account.Status != kalends.AccountConnected {
		return nil, &kalends.Error{Kind: kalends.KindConflict, Op: "calendar.FreeBusy", Cause: account.Cause, Err: ErrOutOfReach}
	}
	calendars, err := s.c.Store.PersonCalendars(ctx, tx, grant.AccountID)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, c := range calendars {
		if c.DeletedAt.IsZero() {
			all = append(all, c.ID)
		}
	}
	if len(asked) == 0 {
		return all, nil
	}
	for _, id := range asked {
		if !slices.Contains(all, id) {
			return nil, kalends.Errorf(kalends.KindNotFound, "calendar: %w", ErrUnknownCalendar)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(asked))), nil
}

// page cuts the page at a position out of all rows. The last page brings all
// that is left, so that no row is lost when some were added meanwhile.
func (s *Service) page(rows []row, at position) (FreeBusyPage, error) {
	from, found := slices.BinarySearchFunc(rows, at.last, func(r row, last string) int { return strings.Compare(r.key(), last) })
	if found {
		from++
	}
	rows = rows[from:]
	page := FreeBusyPage{Current: at.current, Total: at.total}
	if at.current < at.total {
		rows = rows[:min(len(rows), s.c.PageSize)]
		next := at
		next.current++
		if len(rows) > 0 {
			next.last = rows[len(rows)-1].key()
		}
		id, err := s.sealPage(next)
		if err != nil {
			return FreeBusyPage{}, err
		}
		page.Next = id
	}
	for _, r := range rows {
		page.FreeBusy = append(page.FreeBusy, at.query.present(r))
	}
	return page, nil
}

func (q FreeBusyQuery) present(r row) FreeBusy {
	f := FreeBusy{CalendarID: r.calendarID, Status: r.Status}
	f.Start, f.End = q.moments(r.Interval)
	if q.IncludeIDs {
		f.EventUID = EventUID(r.calendarID, r.Key)
	}
	return f
}
