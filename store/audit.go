package store

import (
	"context"
	"time"

	kalends "kalends"
	"kalends/db"
)

const auditColumns = `id, at, application_id, organisation_id, connection_id, actor, action, facts`

func scanAudit(row db.Row) (kalends.Audit, error) {
	var a kalends.Audit
	err := row.Scan(&a.ID, db.ScanTime(&a.At), &a.ApplicationID, &a.OrganisationID, &a.ConnectionID, &a.Actor, &a.Action, db.ScanJSON(&a.Facts))
	return a, err
}

// InsertAudit adds an entry; At is now unless it is set. Entries are never
// changed.
func (s *Store) InsertAudit(ctx context.Context, tx *db.Tx, a kalends.Audit) error {
	if a.At.IsZero() {
		a.At = tx.Now()
	}
	_, err := tx.Exec(ctx, `INSERT INTO audits (`+auditColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.ID, db.Micros(a.At), a.ApplicationID, a.OrganisationID, a.ConnectionID, a.Actor, a.Action, factsText(a.Facts))
	return err
}

// Audit gives one entry.
func (s *Store) Audit(ctx context.Context, tx *db.Tx, id string) (kalends.Audit, error) {
	return one(ctx, tx, scanAudit, `SELECT `+auditColumns+` FROM audits WHERE id = $1`, id)
}

// AuditFilter says which entries to list: of an organisation or of a connection.
type AuditFilter struct {
	OrganisationID string
	ConnectionID   string
	Before         time.Time // of the page before, its last entry's At and ID
	BeforeID       string
	Limit          int
}

// Audits lists entries, the newest first.
func (s *Store) Audits(ctx context.Context, tx *db.Tx, f AuditFilter) ([]kalends.Audit, error) {
	before := int64(1) << 62
	if !f.Before.IsZero() {
		before = db.Micros(f.Before)
	}
	column, id := "organisation_id", f.OrganisationID
	if f.ConnectionID != "" {
		column, id = "connection_id", f.ConnectionID
	}
	return db.All(ctx, tx, scanAudit, `SELECT `+auditColumns+` FROM audits WHERE `+column+` = $1
		AND (at < $2 OR (at = $2 AND id < $3)) ORDER BY at DESC, id DESC LIMIT $4`, id, before, f.BeforeID, f.Limit)
}

// AuditsSeen says whose entries somebody may read.
type AuditsSeen struct {
	Whole         []string // organisations with everything of theirs
	Connections   []string
	Organisations []string // what concerns no single connection
	Applications  []string // what was done to them, and concerns no single organisation
}

// AuditsSeen lists those entries, the newest first.
func (s *Store) AuditsSeen(ctx context.Context, tx *db.Tx, seen AuditsSeen, limit int) ([]kalends.Audit, error) {
	var args []any
	anyOf := func(ids []string) string {
		if len(ids) == 0 {
			return "IN ('-')" // nobody's id
		}
		from := len(args) + 1
		args = append(args, db.Args(ids)...)
		return "IN (" + db.List(len(ids), from) + ")"
	}
	where := `organisation_id ` + anyOf(seen.Whole) + ` OR connection_id ` + anyOf(seen.Connections) +
		` OR connection_id = '' AND organisation_id ` + anyOf(seen.Organisations) +
		` OR connection_id = '' AND organisation_id = '' AND action LIKE 'application.%' AND application_id ` + anyOf(seen.Applications)
	args = append(args, limit)
	return db.All(ctx, tx, scanAudit, `SELECT `+auditColumns+` FROM audits WHERE `+where+
		` ORDER BY at DESC, id DESC LIMIT `+place(len(args)), args...)
}
