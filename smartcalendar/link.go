package smartcalendar

import (
	"context"
	"time"

	"kalends/db"
)

// The kinds of link.
const (
	kindPerson   = "person"
	kindResource = "resource"
)

// The statuses of a link.
const (
	statusNone      = "none" // nobody asked yet, or disconnected
	statusPending   = "pending"
	statusConnected = "connected"
	statusWaiting   = "waiting" // for a mailbox that is not there yet
	statusError     = "error"
)

// link is the state of one person's or room's calendar at the hub. While an
// answer of the hub is owed, DueAt says when to ask (again): whatever happens to
// the process, the row brings it up again.
type link struct {
	ID, CompanyID string
	PersonID      string // "" for a room
	Kind          string
	Name          string // of a room
	Detail        roomDetail
	EmailKey      string
	Token         string
	Status        string
	CauseKey      string
	CauseFacts    facts
	MatchedEmail  string
	MatchedBy     string
	Sub           string
	ProfileID     string
	Access        string // sealed
	Refresh       string // sealed
	AccessUntil   time.Time
	CodeHash      string
	RunID         string
	Since         time.Time
	DueAt         time.Time
	Tries         int64
	LastSyncAt    time.Time
}

// roomDetail is what the calendar system says about a room.
type roomDetail struct {
	Capacity int    `json:"capacity,omitempty"`
	Building string `json:"building,omitempty"`
	Floor    string `json:"floor,omitempty"`
}

const linkColumns = `l.id, l.company_id, l.person_id, l.kind, l.name, l.detail, l.email_key, l.token, l.status, l.cause_key,
	l.cause_facts, l.matched_email, l.matched_by, l.sub, l.profile_id, l.access_token, l.refresh_token, l.access_until,
	l.code_hash, l.run_id, l.since, l.due_at, l.tries, l.last_sync_at`

func scanLink(row db.Row) (link, error) {
	var l link
	err := row.Scan(l.fields()...)
	return l, err
}

func (l *link) fields() []any {
	return []any{
		&l.ID, &l.CompanyID, &l.PersonID, &l.Kind, &l.Name, db.ScanJSON(&l.Detail), &l.EmailKey, &l.Token, &l.Status, &l.CauseKey,
		db.ScanJSON(&l.CauseFacts), &l.MatchedEmail, &l.MatchedBy, &l.Sub, &l.ProfileID, &l.Access, &l.Refresh, db.ScanTime(&l.AccessUntil),
		&l.CodeHash, &l.RunID, db.ScanTime(&l.Since), db.ScanTime(&l.DueAt), &l.Tries, db.ScanTime(&l.LastSyncAt),
	}
}

// open tells whether an answer of the hub is owed.
func (l link) open() bool { return !l.DueAt.IsZero() }

func insertLink(ctx context.Context, tx *db.Tx, l link) error {
	status := l.Status
	if status == "" {
		status = statusNone
	}
	_, err := tx.Exec(ctx, `INSERT INTO sc_links (id, company_id, person_id, kind, name, detail, email_key, token, status,
		cause_key, cause_facts, matched_email, matched_by, sub, profile_id, access_token, refresh_token, code_hash, run_id,
		since, due_at, tries) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', '{}', '', '', '', '', '', '', '', $10, $11, $12, 0)`,
		newID("lnk_"), l.CompanyID, l.PersonID, l.Kind, l.Name, db.JSON(l.Detail), l.EmailKey, newToken(), status,
		l.RunID, db.Micros(tx.Now()), db.NullMicros(l.DueAt))
	return err
}

func linkOf(ctx context.Context, tx *db.Tx, p person) (link, error) {
	return db.One(ctx, tx, scanLink, "SELECT "+linkColumns+" FROM sc_links l WHERE l.person_id = $1 AND l.company_id = $2", p.ID, p.CompanyID)
}

// dropLink forgets a connection: the grant is ended at the hub by a job, and the
// callback's URL changes, so that a late answer cannot connect it again.
func (a *App) dropLink(ctx context.Context, tx *db.Tx, l link) error {
	if err := a.endGrant(ctx, tx, l.ending(l.Refresh)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, clearLink+`, token = $3, status = $4, since = $5 WHERE id = $1 AND company_id = $2`,
		l.ID, l.CompanyID, newToken(), statusNone, db.Micros(tx.Now()))
	return err
}

const clearLink = `UPDATE sc_links SET cause_key = '', cause_facts = '{}', matched_email = '', matched_by = '', sub = '',
	profile_id = '', access_token = '', refresh_token = '', access_until = NULL, code_hash = '', run_id = '', due_at = NULL,
	tries = 0, last_sync_at = NULL`

// The contexts bind sealed tokens to their row and column.
func (l link) accessContext() string  { return "sc_links/" + l.ID + "/access_token" }
func (l link) refreshContext() string { return "sc_links/" + l.ID + "/refresh_token" }

// setCause records why a link is not connected. What was connected before keeps
// its tokens: a mailbox that fails has its grant still, which works again with
// it and is ended by these tokens when the link is dropped. Tokens of a grant
// that the hub has ended go with linkEnded, all of them with endCalendar.
func setCause(ctx context.Context, tx *db.Tx, l link, status, key string, f facts) error {
	if f == nil {
		f = facts{}
	}
	since := l.Since
	if l.Status != status || l.CauseKey != key {
		since = tx.Now()
		if err := remember(ctx, tx, entry{Company: l.CompanyID, Person: l.historyID(), Action: "link." + status, Facts: facts{"cause": key, "email": l.EmailKey}}); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE sc_links SET status = $3, cause_key = $4, cause_facts = $5, since = $6, due_at = NULL, tries = 0
		WHERE id = $1 AND token = $2`, l.ID, l.Token, status, key, db.JSON(f), db.Micros(since))
	return err
}

// historyID is where the history of a link is kept: its person's, or its own.
func (l link) historyID() string {
	if l.PersonID != "" {
		return l.PersonID
	}
	return l.ID
}

// statusFor tells waiting from failed: a mailbox that is about to come, or is
// being moved, is not an error.
func statusFor(key string, f facts) string {
	if key == "no_mailbox" || key == "mailbox_elsewhere" && f["reason"] == "moving" {
		return statusWaiting
	}
	return statusError
}
