package smartcalendar

import (
	"context"
	"time"

	"kalends/db"
)

// The kinds of run.
const (
	runConnect = "connect"
	runResync  = "resync"
	runRetry   = "retry"
)

// run is one time that people are asked for. How far it is, is a query over the
// links that carry its id: it survives the page and the process.
type run struct {
	ID, CompanyID string
	Kind          string
	StartedBy     string
	StartedAt     time.Time
	RoomsAt       time.Time
	Problem       string // a cause key: why it stands still just now
	FinishedAt    time.Time
	Connected     int
	Waiting       int
	Errors        int
	Rooms         int
}

const runColumns = `id, company_id, kind, started_by, started_at, rooms_at, problem, finished_at, connected, waiting, errors, rooms`

func scanRun(row db.Row) (run, error) {
	var r run
	err := row.Scan(&r.ID, &r.CompanyID, &r.Kind, &r.StartedBy, db.ScanTime(&r.StartedAt), db.ScanTime(&r.RoomsAt),
		&r.Problem, db.ScanTime(&r.FinishedAt), &r.Connected, &r.Waiting, &r.Errors, &r.Rooms)
	return r, err
}

func (r run) running() bool { return r.ID != "" && r.FinishedAt.IsZero() }

// lastRun gives the running or last run of a company; a zero run if there is none.
func lastRun(ctx context.Context, tx *db.Tx, companyID string) (run, error) {
	r, err := db.One(ctx, tx, scanRun, "SELECT "+runColumns+
		" FROM sc_runs WHERE company_id = $1 ORDER BY (CASE WHEN finished_at IS NULL THEN 0 ELSE 1 END), started_at DESC LIMIT 1", companyID)
	if db.IsNotFound(err) {
		return run{}, nil
	}
	return r, err
}

// joinRun gives the running run, or starts one: two administrators who press at
// the same time look at the same run.
func (a *App) joinRun(ctx context.Context, tx *db.Tx, companyID, kind, by string) (run, bool, error) {
	if err := tx.Lock(ctx, "sc_runs/"+companyID); err != nil {
		return run{}, false, err
	}
	r, err := lastRun(ctx, tx, companyID)
	if err != nil || r.running() {
		return r, false, err
	}
	r = run{ID: newID("run_"), CompanyID: companyID, Kind: kind, StartedBy: by, StartedAt: tx.Now()}
	rooms := r.StartedAt
	if kind != runRetry {
		rooms = time.Time{}
	}
	_, err = tx.Exec(ctx, `INSERT INTO sc_runs (id, company_id, kind, started_by, started_at, rooms_at, problem, connected, waiting, errors, rooms)
		VALUES ($1, $2, $3, $4, $5, $6, '', 0, 0, 0, 0)`, r.ID, companyID, kind, by, db.Micros(r.StartedAt), db.NullMicros(rooms))
	if err == nil {
		err = remember(ctx, tx, entry{Company: companyID, Actor: by, Action: "run." + kind})
	}
	return r, true, err
}

// startRun asks for everybody: all active people who are not excluded, and the
// rooms. While a run runs, it gives that one and changes nothing.
func (a *App) startRun(ctx context.Context, tx *db.Tx, companyID, kind, by string) (run, error) {
	r, fresh, err := a.joinRun(ctx, tx, companyID, kind, by)
	if err != nil || !fresh {
		return r, err
	}
	return r, a.markDue(ctx, tx, r, subjects{})
}

// subjects narrows whom a run asks for; the zero value is everybody.
type subjects struct {
	LinkID string
	Cause  string // those with this cause
	Failed bool   // those with an error
}

// retry asks again for some people or rooms.
func (a *App) retry(ctx context.Context, by person, who subjects) error {
	return a.db.Write(ctx, func(tx *db.Tx) error {
		c, err := calendarOf(ctx, tx, by.CompanyID)
		if err != nil || !c.live() {
			return err
		}
		r, _, err := a.joinRun(ctx, tx, by.CompanyID, runRetry, by.Name)
		if err != nil {
			return err
		}
		return a.markDue(ctx, tx, r, who)
	})
}

// markDue makes the hub be asked for everybody the subjects name. People who
// share an address with somebody who came earlier are told so instead.
func (a *App) markDue(ctx context.Context, tx *db.Tx, r run, who subjects) error {
	shared, err := a.markShared(ctx, tx, r.CompanyID, r.ID)
	if err != nil {
		return err
	}
	query := `UPDATE sc_links SET run_id = $2, due_at = $3, tries = 0,
		since = CASE WHEN status = 'none' THEN $3 ELSE since END,
		status = CASE WHEN status IN ('none', 'error') THEN 'pending' ELSE status END
		WHERE company_id = $1 AND (kind = 'resource' OR person_id IN (SELECT id FROM sc_people WHERE company_id = $1 AND active AND NOT excluded))`
	args := []any{r.CompanyID, r.ID, db.Micros(tx.Now())}
	switch {
	case who.LinkID != "":
		query, args = query+" AND id = $4", append(args, who.LinkID)
	case who.Cause != "":
		query, args = query+" AND status IN ('error', 'waiting') AND cause_key = $4", append(args, who.Cause)
	case who.Failed:
		query += " AND status = 'error'"
	}
	query, args = query+notIn(shared, len(args)+1), append(args, db.Args(shared)...)
	if _, err := tx.Exec(ctx, query, args...); err != nil {
		return err
	}
	tx.AfterCommit(a.nudge)
	return nil
}

// notIn leaves links out; nothing is compared with an empty list, which would
// leave out all.
func notIn(links []string, from int) string {
	if len(links) == 0 {
		return ""
	}
	return " AND id NOT IN (" + db.List(len(links), from) + ")"
}

// sharer is somebody who wants to be connected, with her link.
type sharer struct{ link, name, email string }

// markShared finds people who share one address: who was there first is
// connected, the others are told with whom they share it, and their links given
// back: they are not asked for. A runID marks them as handled by that run.
func (a *App) markShared(ctx context.Context, tx *db.Tx, companyID, runID string) ([]string, error) {
	all, err := db.All(ctx, tx, func(row db.Row) (sharer, error) {
		var s sharer
		err := row.Scan(&s.link, &s.name, &s.email)
		return s, err
	}, `SELECT l.id, p.name, p.email_key FROM sc_people p JOIN sc_links l ON l.person_id = p.id
		WHERE p.company_id = $1 AND p.active AND NOT p.excluded AND p.email_key IN (
			SELECT email_key FROM sc_people WHERE company_id = $1 AND active AND NOT excluded GROUP BY email_key HAVING count(*) > 1)
		ORDER BY p.created_at, p.id`, companyID)
	if err != nil {
		return nil, err
	}
	var later []string
	first := map[string]sharer{}
	for _, s := range all {
		owner, taken := first[s.email]
		if !taken {
			first[s.email] = s
			continue
		}
		if err := a.tellShared(ctx, tx, s, owner, runID); err != nil {
			return nil, err
		}
		later = append(later, s.link)
	}
	return later, nil
}

func (a *App) tellShared(ctx context.Context, tx *db.Tx, s, owner sharer, runID string) error {
	l, err := db.One(ctx, tx, scanLink, "SELECT "+linkColumns+" FROM sc_links l WHERE l.id = $1", s.link)
	if err != nil {
		return err
	}
	if l.Refresh != "" {
		if err := a.dropLink(ctx, tx, l); err != nil {
			return err
		}
		if l, err = db.One(ctx, tx, scanLink, "SELECT "+linkColumns+" FROM sc_links l WHERE l.id = $1", s.link); err != nil {
			return err
		}
	}
	err = setCause(ctx, tx, l, statusError, "address_not_unique", facts{"email": s.email, "other": owner.name})
	if err != nil || runID == "" {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE sc_links SET run_id = $2 WHERE id = $1", l.ID, runID)
	return err
}

// askFor asks the hub for one person outside of a run: after the first sign-in,
// or after her address changed.
func (a *App) askFor(ctx context.Context, tx *db.Tx, p person) error {
	c, err := calendarOf(ctx, tx, p.CompanyID)
	if err != nil || !c.live() || !p.wanted() {
		return err
	}
	shared, err := a.markShared(ctx, tx, p.CompanyID, "")
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE sc_links SET due_at = $2, tries = 0, run_id = '',
		since = CASE WHEN status = 'none' THEN $2 ELSE since END,
		status = CASE WHEN status IN ('none', 'error') THEN 'pending' ELSE status END
		WHERE person_id = $1`+notIn(shared, 3), append([]any{p.ID, db.Micros(tx.Now())}, db.Args(shared)...)...)
	tx.AfterCommit(a.nudge)
	return err
}

// progress is how far a run is.
type progress struct {
	Total, Open                      int
	Connected, Waiting, Errors, Room int
}

func (p progress) done() int { return p.Total - p.Open }

func progressOf(ctx context.Context, tx *db.Tx, runID string) (progress, error) {
	var p progress
	_, err := db.All(ctx, tx, func(row db.Row) (struct{}, error) {
		var status, kind string
		var open bool
		var n int
		err := row.Scan(&status, &kind, &open, &n)
		p.add(status, kind, open, n)
		return struct{}{}, err
	}, `SELECT status, kind, due_at IS NOT NULL, count(*) FROM sc_links WHERE run_id = $1 GROUP BY status, kind, due_at IS NOT NULL`, runID)
	return p, err
}

func (p *progress) add(status, kind string, open bool, n int) {
	p.Total += n
	switch {
	case open:
		p.Open += n
	case status == statusConnected && kind == kindResource:
		p.Room += n
	case status == statusConnected:
		p.Connected += n
	case status == statusWaiting:
		p.Waiting += n
	case status == statusError:
		p.Errors += n
	}
}

// left estimates how long a run still takes; 0 means that it cannot be said yet.
func (p progress) left(r run, now time.Time) time.Duration {
	past := now.Sub(r.StartedAt)
	if p.done() < 10 || past < time.Second {
		return 0
	}
	return past * time.Duration(p.Open) / time.Duration(p.done())
}

// finishRun closes a run when nothing is owed any more.
func finishRun(ctx context.Context, tx *db.Tx, r run) (bool, error) {
	p, err := progressOf(ctx, tx, r.ID)
	if err != nil || p.Open > 0 || r.RoomsAt.IsZero() {
		return false, err
	}
	n, err := tx.Exec(ctx, `UPDATE sc_runs SET finished_at = $2, problem = '', connected = $3, waiting = $4, errors = $5, rooms = $6
		WHERE id = $1 AND finished_at IS NULL`, r.ID, db.Micros(tx.Now()), p.Connected, p.Waiting, p.Errors, p.Room)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = tx.Exec(ctx, "UPDATE sc_calendars SET read_due_at = $2 WHERE company_id = $1 AND read_due_at IS NOT NULL", r.CompanyID, db.Micros(tx.Now()))
	return true, err
}
