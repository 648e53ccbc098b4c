package smartcalendar

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kalends/cronofy"
	"kalends/db"
	"kalends/secret"
)

// What the application asks the hub for.
const (
	serviceScope   = cronofy.ScopeManageAccounts + " " + cronofy.ScopeManageResources
	delegatedScope = "read_write"
)

// The kinds of connect, and how long each may take.
const (
	connectBrowser = "browser" // only who pressed the button may return
	connectLink    = "link"    // the link for IT: anybody it was given to may
	browserLife    = 2 * time.Hour
	linkLife       = 7 * 24 * time.Hour
)

// Errors of the return from the hub.
var (
	errStateUnknown  = errors.New("smartcalendar: this return belongs to no connect of ours")
	errStateUsed     = errors.New("smartcalendar: this connect has returned already")
	errStateForeign  = errors.New("smartcalendar: somebody else started this connect")
	errOtherCalendar = errors.New("smartcalendar: another calendar is connected already")
)

// connect is a connect that was started, known by the hash of its OAuth state.
type connect struct {
	Hash, CompanyID string
	PersonID        string
	Kind            string
	Verifier        string // sealed
	URL             string // sealed
	ExpiresAt       time.Time
	UsedAt          time.Time
}

const connectColumns = "hash, company_id, person_id, kind, verifier, url, expires_at, used_at"

func scanConnect(row db.Row) (connect, error) {
	var c connect
	err := row.Scan(&c.Hash, &c.CompanyID, &c.PersonID, &c.Kind, &c.Verifier, &c.URL, db.ScanTime(&c.ExpiresAt), db.ScanTime(&c.UsedAt))
	return c, err
}

func (c connect) sealedFor(column string) string { return "sc_connects/" + c.Hash + "/" + column }

// beginConnect prepares a connect at the hub, with everybody's address for the
// preview, and gives the address of its pages. What is connected already is
// repaired or added to.
func (a *App) beginConnect(ctx context.Context, by person, kind string) (string, error) {
	c, cal, emails, err := a.connectBasis(ctx, by.CompanyID)
	if err != nil {
		return "", err
	}
	life := map[string]time.Duration{connectBrowser: browserLife, connectLink: linkLife}[kind]
	state, request := newToken(), cronofy.IntentRequest{
		RedirectURI: a.config.AppURL + RedirectPath, Scope: serviceScope, DelegatedScope: delegatedScope,
		Emails: emails, Company: c.Name, CompanyID: c.ID, ExpiresIn: int(life / time.Second),
	}
	if cal.live() {
		request.Organisation = cal.OrganisationID
	}
	verifier, challenge := cronofy.NewVerifier()
	request.State, request.CodeChallenge = state, challenge
	intent, err := a.hub.CreateIntent(ctx, request)
	if err != nil {
		return "", fmt.Errorf("smartcalendar: prepare the connect: %w", err)
	}
	begun := connect{Hash: secret.SHA256(state), CompanyID: by.CompanyID, PersonID: by.ID, Kind: kind}
	if begun.Verifier, err = a.box.Seal([]byte(verifier), begun.sealedFor("verifier")); err != nil {
		return "", err
	}
	if begun.URL, err = a.box.Seal([]byte(intent.URL), begun.sealedFor("url")); err != nil {
		return "", err
	}
	return intent.URL, a.db.Write(ctx, func(tx *db.Tx) error { return insertConnect(ctx, tx, begun, life, by) })
}

func insertConnect(ctx context.Context, tx *db.Tx, c connect, life time.Duration, by person) error {
	_, err := tx.Exec(ctx, `INSERT INTO sc_connects (hash, company_id, person_id, kind, verifier, url, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, c.Hash, c.CompanyID, c.PersonID, c.Kind, c.Verifier, c.URL,
		db.Micros(tx.Now()), db.Micros(tx.Now().Add(life)))
	if err != nil || c.Kind != connectLink {
		return err
	}
	return remember(ctx, tx, entry{Company: c.CompanyID, Actor: by.Name, Action: "calendar.link"})
}

// connectBasis gives the company with its calendar and the addresses of all who
// are to be connected.
func (a *App) connectBasis(ctx context.Context, companyID string) (c company, cal calendar, emails []string, err error) {
	err = a.db.Read(ctx, func(tx *db.Tx) error {
		if c, err = findCompany(ctx, tx, companyID); err != nil {
			return err
		}
		if cal, err = calendarOf(ctx, tx, companyID); err != nil {
			return err
		}
		emails, err = db.All(ctx, tx, db.Value[string], `SELECT DISTINCT email_key FROM sc_people
			WHERE company_id = $1 AND active AND NOT excluded ORDER BY email_key`, companyID)
		return err
	})
	return c, cal, emails, err
}

// linkForIT gives the last link for IT that still works, or "".
func (a *App) linkForIT(ctx context.Context, tx *db.Tx, companyID string) (string, time.Time, error) {
	c, err := db.One(ctx, tx, scanConnect, "SELECT "+connectColumns+` FROM sc_connects
		WHERE company_id = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3
		AND created_at > COALESCE((SELECT connected_at FROM sc_calendars WHERE company_id = $1), 0) ORDER BY created_at DESC LIMIT 1`,
		companyID, connectLink, db.Micros(tx.Now()))
	if db.IsNotFound(err) {
		return "", time.Time{}, nil
	}
	if err != nil {
		return "", time.Time{}, err
	}
	url, err := a.box.Open(c.URL, c.sealedFor("url"))
	return string(url), c.ExpiresAt, err
}

// seeConnect finds the connect that a state belongs to. viewer is who returns,
// or a zero person.
func (a *App) seeConnect(ctx context.Context, state string, viewer person) (c connect, err error) {
	err = a.db.Read(ctx, func(tx *db.Tx) error {
		c, err = db.One(ctx, tx, scanConnect, "SELECT "+connectColumns+" FROM sc_connects WHERE hash = $1", secret.SHA256(state))
		return err
	})
	switch {
	case db.IsNotFound(err):
		return c, errStateUnknown
	case err != nil:
		return c, err
	case c.Kind == connectBrowser && c.PersonID != viewer.ID:
		return c, errStateForeign
	case !c.UsedAt.IsZero():
		return c, errStateUsed
	case c.ExpiresAt.Before(a.now()):
		return c, errStateUnknown
	}
	return c, nil
}

// finishConnect trades the hub's code for the company's token, and starts the
// run: nobody has to press another button. A state works once.
func (a *App) finishConnect(ctx context.Context, c connect, code string) error {
	if err := a.useConnect(ctx, c); err != nil {
		return err
	}
	verifier, err := a.box.Open(c.Verifier, c.sealedFor("verifier"))
	if err != nil {
		return err
	}
	token, err := a.hub.ExchangeCode(ctx, code, a.config.AppURL+RedirectPath, string(verifier))
	if err != nil {
		return fmt.Errorf("smartcalendar: exchange the code: %w", err)
	}
	cal := calendar{CompanyID: c.CompanyID, OrganisationID: organisationOf(token), AccessUntil: token.ExpiresAt}
	if cal.Access, cal.Refresh, err = a.sealTokens(token, cal.accessContext(), cal.refreshContext()); err != nil {
		return err
	}
	err = a.db.Write(ctx, func(tx *db.Tx) error { return a.takeCalendar(ctx, tx, c, cal) })
	if errors.Is(err, errOtherCalendar) {
		return errors.Join(err, a.hub.Revoke(context.WithoutCancel(ctx), token.RefreshToken))
	}
	return err
}

func organisationOf(token cronofy.Token) string {
	if token.ServiceAccountID != "" {
		return token.ServiceAccountID
	}
	return token.Sub
}

func (a *App) useConnect(ctx context.Context, c connect) error {
	return a.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE sc_connects SET used_at = $2 WHERE hash = $1 AND used_at IS NULL", c.Hash, db.Micros(tx.Now()))
		if err == nil && n == 0 {
			return errStateUsed
		}
		return err
	})
}

// takeCalendar stores a company's token. A second administrator who connected
// another calendar meanwhile is told, and nothing of the first is touched.
func (a *App) takeCalendar(ctx context.Context, tx *db.Tx, c connect, fresh calendar) error {
	if err := tx.Lock(ctx, "sc_calendars/"+c.CompanyID); err != nil {
		return err
	}
	old, err := calendarOf(ctx, tx, c.CompanyID)
	if err != nil {
		return err
	}
	if old.live() && old.OrganisationID != fresh.OrganisationID {
		return errOtherCalendar
	}
	by, err := db.One(ctx, tx, db.Value[string], "SELECT name FROM sc_people WHERE id = $1", c.PersonID)
	if err != nil && !db.IsNotFound(err) {
		return err
	}
	now := db.Micros(tx.Now())
	_, err = tx.Exec(ctx, `UPDATE sc_calendars SET organisation_id = $2, status = $3, access_token = $4, refresh_token = $5,
		access_until = $6, connected_at = CASE WHEN status IN ('connected', 'degraded') THEN connected_at ELSE $7 END,
		connected_by = $8, ended_at = NULL, ended_by = '', cause_key = '', cause_facts = '{}', read_due_at = $7 WHERE company_id = $1`,
		c.CompanyID, fresh.OrganisationID, calendarConnected, fresh.Access, fresh.Refresh, db.Micros(fresh.AccessUntil), now, by)
	if err != nil {
		return err
	}
	if err := remember(ctx, tx, entry{Company: c.CompanyID, Actor: by, Action: "calendar.connected", Facts: facts{"kind": c.Kind}}); err != nil {
		return err
	}
	_, err = a.startRun(ctx, tx, c.CompanyID, runConnect, by)
	return err
}
