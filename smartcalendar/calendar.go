package smartcalendar

import (
	"context"
	"time"

	"kalends/cronofy"
	"kalends/db"
)

// The statuses of a company's calendar.
const (
	calendarNone      = "none"
	calendarConnected = "connected"
	calendarDegraded  = "degraded" // connected, but something is wrong with all of it
	calendarEnded     = "ended"
)

// calendar is a company's calendar as the hub knows it.
type calendar struct {
	CompanyID      string
	OrganisationID string // ser_…
	Status         string
	Access         string // sealed
	Refresh        string // sealed
	AccessUntil    time.Time
	ConnectedAt    time.Time
	ConnectedBy    string
	EndedAt        time.Time
	EndedBy        string
	CauseKey       string
	CauseFacts     facts
	Connections    []cronofy.Connection // as last read
	ReadAt         time.Time
}

const calendarColumns = `company_id, organisation_id, status, access_token, refresh_token, access_until, connected_at,
	connected_by, ended_at, ended_by, cause_key, cause_facts, connections, read_at`

func scanCalendar(row db.Row) (calendar, error) {
	var c calendar
	err := row.Scan(&c.CompanyID, &c.OrganisationID, &c.Status, &c.Access, &c.Refresh, db.ScanTime(&c.AccessUntil),
		db.ScanTime(&c.ConnectedAt), &c.ConnectedBy, db.ScanTime(&c.EndedAt), &c.EndedBy, &c.CauseKey,
		db.ScanJSON(&c.CauseFacts), db.ScanJSON(&c.Connections), db.ScanTime(&c.ReadAt))
	return c, err
}

func calendarOf(ctx context.Context, tx *db.Tx, companyID string) (calendar, error) {
	return db.One(ctx, tx, scanCalendar, "SELECT "+calendarColumns+" FROM sc_calendars WHERE company_id = $1", companyID)
}

// live tells whether the hub may be asked about people.
func (c calendar) live() bool { return c.Status == calendarConnected || c.Status == calendarDegraded }

func (c calendar) accessContext() string  { return "sc_calendars/" + c.CompanyID + "/access_token" }
func (c calendar) refreshContext() string { return "sc_calendars/" + c.CompanyID + "/refresh_token" }

// ending says how a company's calendar came to an end.
type ending struct {
	By    string // a name, or who the hub says it was
	Cause string
	Facts facts
	Grant bool // our grant is still there and must be ended
}

// endCalendar ends a company's calendar here: nobody is connected any more, all
// tokens are gone, a running run is over. Twice is as good as once.
func (a *App) endCalendar(ctx context.Context, tx *db.Tx, companyID string, e ending) error {
	c, err := calendarOf(ctx, tx, companyID)
	if err != nil || !c.live() {
		return err
	}
	if e.Grant {
		if err := a.endGrant(ctx, tx, owedEnding{Token: c.Refresh, Context: c.refreshContext(), Company: c.CompanyID}); err != nil {
			return err
		}
	}
	if e.Facts == nil {
		e.Facts = facts{}
	}
	now := db.Micros(tx.Now())
	if _, err := tx.Exec(ctx, `UPDATE sc_calendars SET status = $2, access_token = '', refresh_token = '', access_until = NULL,
		ended_at = $3, ended_by = $4, cause_key = $5, cause_facts = $6, connections = '[]', read_at = NULL, read_due_at = NULL, look_due_at = NULL
		WHERE company_id = $1`, companyID, calendarEnded, now, e.By, e.Cause, db.JSON(e.Facts)); err != nil {
		return err
	}
	return a.forgetLinks(ctx, tx, companyID, entry{Company: companyID, Actor: e.By, Action: "calendar.ended", Facts: facts{"cause": e.Cause}})
}

func (a *App) forgetLinks(ctx context.Context, tx *db.Tx, companyID string, e entry) error {
	if _, err := tx.Exec(ctx, clearLink+", status = $2, since = $3 WHERE company_id = $1 AND kind = $4",
		companyID, statusNone, db.Micros(tx.Now()), kindPerson); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM sc_links WHERE company_id = $1 AND kind = $2", companyID, kindResource); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE sc_runs SET finished_at = $2, problem = 'revoked' WHERE company_id = $1 AND finished_at IS NULL",
		companyID, db.Micros(tx.Now())); err != nil {
		return err
	}
	return remember(ctx, tx, e)
}

// disconnect ends a company's calendar as its administrator wishes: here at
// once, at the hub by a job.
func (a *App) disconnect(ctx context.Context, by person) error {
	return a.db.Write(ctx, func(tx *db.Tx) error {
		return a.endCalendar(ctx, tx, by.CompanyID, ending{By: by.Name, Cause: "revoked", Facts: facts{"name": by.Name}, Grant: true})
	})
}
