package smartcalendar

import (
	"context"
	"time"

	"kalends/db"
)

// operator acts on the command line.
const operator = "operator"

// facts make a sentence concrete. They hold no secrets.
type facts = map[string]string

// entry is one thing that somebody did, or that happened to somebody. Entries
// are only ever added.
type entry struct {
	Company, Person string
	At              time.Time
	Actor           string // a name, "operator", "hub", or "" for what happened by itself
	Action          string // "person.changed", "calendar.connected", …
	Facts           facts
}

// remember adds to the history, in the transaction of the fact.
func remember(ctx context.Context, tx *db.Tx, e entry) error {
	if e.Facts == nil {
		e.Facts = facts{}
	}
	_, err := tx.Exec(ctx, `INSERT INTO sc_history (id, company_id, person_id, at, actor, action, facts)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		newID("his_"), e.Company, e.Person, db.Micros(tx.Now()), e.Actor, e.Action, db.JSON(e.Facts))
	return err
}

const entryColumns = "company_id, person_id, at, actor, action, facts"

func scanEntry(row db.Row) (entry, error) {
	var e entry
	err := row.Scan(&e.Company, &e.Person, db.ScanTime(&e.At), &e.Actor, &e.Action, db.ScanJSON(&e.Facts))
	return e, err
}

// historyOf gives the last entries about a person.
func historyOf(ctx context.Context, tx *db.Tx, p person) ([]entry, error) {
	return db.All(ctx, tx, scanEntry, "SELECT "+entryColumns+
		" FROM sc_history WHERE person_id = $1 AND company_id = $2 ORDER BY at DESC, id LIMIT 30", p.ID, p.CompanyID)
}

// calendarHistory gives the last entries about a company's calendar.
func calendarHistory(ctx context.Context, tx *db.Tx, companyID string) ([]entry, error) {
	return db.All(ctx, tx, scanEntry, "SELECT "+entryColumns+
		" FROM sc_history WHERE company_id = $1 AND person_id = '' ORDER BY at DESC, id LIMIT 12", companyID)
}
