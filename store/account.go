package store

import (
	"context"
	"strings"
	"time"

	kalends "kalends"
	"kalends/db"
)

const accountColumns = `id, organisation_id, connection_id, email, matched_email, matched_by, mailbox_id, name, kind,
	status, cause_key, cause_facts, detail, since, last_sync_at, tries, due_at`

func scanAccount(row db.Row) (kalends.Account, error) {
	var a kalends.Account
	var connection nullableText
	var cause string
	var facts map[string]string
	err := row.Scan(&a.ID, &a.OrganisationID, &connection, &a.Email, &a.MatchedEmail, &a.MatchedBy, &a.MailboxID,
		&a.Name, &a.Kind, &a.Status, &cause, db.ScanJSON(&facts), &a.Detail, db.ScanTime(&a.Since),
		db.ScanTime(&a.LastSyncAt), &a.Tries, db.ScanTime(&a.DueAt))
	a.ConnectionID = connection.V
	a.Cause = causeOf(cause, facts)
	return a, err
}

func accountArgs(a kalends.Account) []any {
	key, facts := causeColumns(a.Cause)
	return []any{
		a.ID, a.OrganisationID, nullText(a.ConnectionID), a.Email, a.MatchedEmail, a.MatchedBy, a.MailboxID, a.Name, a.Kind,
		a.Status, key, facts, a.Detail, db.Micros(a.Since), db.NullMicros(a.LastSyncAt), a.Tries, db.NullMicros(a.DueAt),
	}
}

// InsertAccount adds an account. An address that the organisation has already
// is db.IsUnique.
func (s *Store) InsertAccount(ctx context.Context, tx *db.Tx, a kalends.Account) error {
	_, err := tx.Exec(ctx, `INSERT INTO accounts (`+accountColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`, accountArgs(a)...)
	return err
}

// UpdateAccount writes an account anew, found by its id.
func (s *Store) UpdateAccount(ctx context.Context, tx *db.Tx, a kalends.Account) error {
	return must(tx.Exec(ctx, `UPDATE accounts SET organisation_id = $2, connection_id = $3, email = $4, matched_email = $5,
		matched_by = $6, mailbox_id = $7, name = $8, kind = $9, status = $10, cause_key = $11, cause_facts = $12,
		detail = $13, since = $14, last_sync_at = $15, tries = $16, due_at = $17 WHERE id = $1`, accountArgs(a)...))
}

// RenameAccount gives an account that has no profile and no grant yet another
// id: what was asked for as a person turned out to be a room.
func (s *Store) RenameAccount(ctx context.Context, tx *db.Tx, id, newID string) error {
	return must(tx.Exec(ctx, `UPDATE accounts SET id = $1 WHERE id = $2`, newID, id))
}

// Account gives an account by its id.
func (s *Store) Account(ctx context.Context, tx *db.Tx, id string) (kalends.Account, error) {
	return one(ctx, tx, scanAccount, `SELECT `+accountColumns+` FROM accounts WHERE id = $1`, id)
}

// AccountByEmail gives an organisation's account by the address asked for, normalised.
func (s *Store) AccountByEmail(ctx context.Context, tx *db.Tx, organisationID, email string) (kalends.Account, error) {
	return one(ctx, tx, scanAccount, `SELECT `+accountColumns+` FROM accounts WHERE organisation_id = $1 AND email = $2`, organisationID, email)
}

// AccountsOfMailbox lists the accounts of an organisation that lead to one
// mailbox of a connection: the same immutable id or the same primary address.
func (s *Store) AccountsOfMailbox(ctx context.Context, tx *db.Tx, organisationID, connectionID string, m kalends.Mailbox) ([]kalends.Account, error) {
	return db.All(ctx, tx, scanAccount, `SELECT `+accountColumns+` FROM accounts
		WHERE organisation_id = $1 AND ((connection_id = $2 AND matched_email = $3)
			OR (connection_id = $2 AND mailbox_id = $4 AND mailbox_id <> '')) ORDER BY since, id`, organisationID, connectionID, kalends.NormalizeEmail(m.Email), m.ID)
}

// DueAccounts lists accounts whose matching is due, the longest due first,
// except those of the connections in without. Each look-up takes its work from
// the index of due times.
func (s *Store) DueAccounts(ctx context.Context, tx *db.Tx, without []string, limit int) ([]kalends.Account, error) {
	args := append([]any{db.Micros(tx.Now()), limit}, db.Args(without)...)
	return db.All(ctx, tx, scanAccount, `SELECT `+accountColumns+` FROM accounts WHERE due_at <= $1
		AND `+notIn("COALESCE(connection_id, '')", len(without), 3)+` ORDER BY due_at, id LIMIT $2`, args...)
}

// DueOrganisations lists the organisations that have accounts due, with the
// first due time of each.
func (s *Store) DueOrganisations(ctx context.Context, tx *db.Tx) (map[string]time.Time, error) {
	type due struct {
		id string
		at time.Time
	}
	scan := func(row db.Row) (due, error) {
		var d due
		err := row.Scan(&d.id, db.ScanTime(&d.at))
		return d, err
	}
	rows, err := db.All(ctx, tx, scan, `SELECT organisation_id, MIN(due_at) FROM accounts WHERE due_at <= $1
		GROUP BY organisation_id`, db.Micros(tx.Now()))
	found := make(map[string]time.Time, len(rows))
	for _, d := range rows {
		found[d.id] = d.at
	}
	return found, err
}

// MarkAccountsDue has the accounts of an organisation with one of the statuses,
// and all that are to be matched later, matched now; it gives their number.
func (s *Store) MarkAccountsDue(ctx context.Context, tx *db.Tx, organisationID string, statuses ...kalends.AccountStatus) (int64, error) {
	args := append([]any{db.Micros(tx.Now()), organisationID}, db.Args(statuses)...)
	return tx.Exec(ctx, `UPDATE accounts SET due_at = $1 WHERE organisation_id = $2
		AND (due_at > $1 OR status IN (`+db.List(len(statuses), 3)+`))`, args...)
}

// EndAccounts notes that all accounts of a connection are disconnected.
func (s *Store) EndAccounts(ctx context.Context, tx *db.Tx, connectionID string, cause *kalends.Cause) (int64, error) {
	key, facts := causeColumns(cause)
	return tx.Exec(ctx, `UPDATE accounts SET status = 'disconnected', cause_key = $1, cause_facts = $2, detail = '',
		since = $3, due_at = NULL WHERE connection_id = $4 AND status <> 'disconnected'`, key, facts, db.Micros(tx.Now()), connectionID)
}

// AccountFilter says which accounts of an organisation to list. Empty fields
// do not narrow.
type AccountFilter struct {
	OrganisationID string // required
	ConnectionID   string
	Status         kalends.AccountStatus
	Cause          kalends.CauseKey
	Kind           kalends.MailboxKind
	Search         string // part of the address or the name
	After          string // the address that the page before ended with
	Limit          int    // required
}

// Accounts lists accounts by address.
func (s *Store) Accounts(ctx context.Context, tx *db.Tx, f AccountFilter) ([]kalends.Account, error) {
	where, args := f.where()
	args = append(args, f.After, f.Limit)
	return db.All(ctx, tx, scanAccount, `SELECT `+accountColumns+` FROM accounts WHERE `+where+
		` AND email > `+place(len(args)-1)+` ORDER BY email LIMIT `+place(len(args)), args...)
}

// CountAccounts tells how many accounts the filter lists on all pages together.
func (s *Store) CountAccounts(ctx context.Context, tx *db.Tx, f AccountFilter) (int, error) {
	where, args := f.where()
	return db.One(ctx, tx, db.Value[int], `SELECT count(*) FROM accounts WHERE `+where, args...)
}

func (f AccountFilter) where() (string, []any) {
	conditions, args := []string{"organisation_id = $1"}, []any{f.OrganisationID}
	for _, c := range []struct{ column, value string }{
		{"connection_id", f.ConnectionID},
		{"status", string(f.Status)},
		{"cause_key", string(f.Cause)},
		{"kind", string(f.Kind)},
	} {
		if c.value != "" {
			args = append(args, c.value)
			conditions = append(conditions, c.column+" = "+place(len(args)))
		}
	}
	if f.Search != "" {
		args = append(args, "%"+likeEscape.Replace(strings.ToLower(f.Search))+"%")
		p := place(len(args))
		conditions = append(conditions, `(email LIKE `+p+` ESCAPE '!' OR lower(name) LIKE `+p+` ESCAPE '!')`)
	}
	return strings.Join(conditions, " AND "), args
}

// likeEscape takes the meaning from the signs that LIKE gives one.
var likeEscape = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// AccountCount is a number of accounts that are alike.
type AccountCount struct {
	ConnectionID string // "" before one is known
	Kind         kalends.MailboxKind
	Status       kalends.AccountStatus
	Cause        kalends.CauseKey
	Accounts     int
}

// AccountCounts counts an organisation's accounts by connection, kind, status and cause.
func (s *Store) AccountCounts(ctx context.Context, tx *db.Tx, organisationID string) ([]AccountCount, error) {
	scan := func(row db.Row) (AccountCount, error) {
		var c AccountCount
		err := row.Scan(&c.ConnectionID, &c.Kind, &c.Status, &c.Cause, &c.Accounts)
		return c, err
	}
	return db.All(ctx, tx, scan, `SELECT COALESCE(connection_id, ''), kind, status, cause_key, count(*) FROM accounts
		WHERE organisation_id = $1 GROUP BY connection_id, kind, status, cause_key
		ORDER BY connection_id, kind, status, cause_key`, organisationID)
}
