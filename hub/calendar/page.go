package calendar

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	kalends "kalends"
	"kalends/zone"
)

// position is where in an answer a page begins. It travels sealed, so that
// nothing is kept for those who never come back.
type position struct {
	grant          string
	query          FreeBusyQuery
	asOf           time.Time
	current, total int
	last           string // key of the row before the page, "" = from the start
}

// sealed is the form of a position inside its seal.
type sealed struct {
	Grant     string   `json:"g"`
	AsOf      int64    `json:"a"`
	Current   int      `json:"c"`
	Total     int      `json:"n"`
	Last      string   `json:"l"`
	Zone      string   `json:"z"`
	From      int64    `json:"f"`
	To        int64    `json:"t"`
	Calendars []string `json:"i,omitempty"`
	Flags     [4]bool  `json:"o"` // localized, managed, ids, free
}

const pageContext = "hub/calendar/free_busy/page"

// Clients put page ids into paths unescaped.
func toPath(id string) string   { return strings.NewReplacer("+", "-", "/", "_").Replace(id) }
func fromPath(id string) string { return strings.NewReplacer("-", "+", "_", "/").Replace(id) }

func (s *Service) sealPage(p position) (string, error) {
	q := p.query
	plain, err := json.Marshal(sealed{
		Grant: p.grant, AsOf: p.asOf.Unix(), Current: p.current, Total: p.total, Last: p.last,
		Zone: q.Zone.String(), From: q.From.UnixMicro(), To: q.To.UnixMicro(), Calendars: q.Calendars,
		Flags: [4]bool{q.Localized, q.IncludeManaged, q.IncludeIDs, q.IncludeFree},
	})
	if err != nil {
		return "", fmt.Errorf("calendar: page: %w", err)
	}
	id, err := s.c.Box.Seal(plain, pageContext)
	return toPath(id), err
}

// openPage reads a page id; KindGone for one that is not good for the grant now.
func (s *Service) openPage(grant kalends.Grant, id string, now time.Time) (position, error) {
	gone := kalends.Errorf(kalends.KindGone, "calendar: the page is no longer known")
	plain, err := s.c.Box.Open(fromPath(id), pageContext)
	if err != nil {
		return position{}, gone
	}
	var in sealed
	if err := json.Unmarshal(plain, &in); err != nil {
		return position{}, gone
	}
	location, err := zone.Load(in.Zone)
	asOf := time.Unix(in.AsOf, 0).UTC()
	if err != nil || in.Grant != grant.ID || now.Sub(asOf) > s.c.PageLife {
		return position{}, gone
	}
	return position{
		grant: in.Grant, asOf: asOf, current: in.Current, total: in.Total, last: in.Last,
		query: FreeBusyQuery{
			Zone: location, From: time.UnixMicro(in.From).UTC(), To: time.UnixMicro(in.To).UTC(), Calendars: in.Calendars,
			Localized: in.Flags[0], IncludeManaged: in.Flags[1], IncludeIDs: in.Flags[2], IncludeFree: in.Flags[3],
		},
	}, nil
}

// EventUID gives the id under which callers know an event that the application
// did not write.
func EventUID(calendarID, key string) string {
	sum := sha256.Sum256([]byte(calendarID + "\x00" + key))
	return "evt_external_" + hex.EncodeToString(sum[:12])
}
