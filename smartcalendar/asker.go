package smartcalendar

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"kalends/cronofy"
	"kalends/db"
)

const (
	answerWithin = 2 * time.Minute // without an answer by then, the hub is asked again
	giveUpAfter  = 8               // tries without any answer
	personScope  = "read_write"
)

// Run asks the hub for everybody who is due and keeps what is shown about the
// connections fresh, until ctx ends. What it does is on the rows: a killed
// process goes on where it was.
func (a *App) Run(ctx context.Context) error {
	tick := time.NewTicker(a.config.Poll)
	defer tick.Stop()
	var tidied time.Time
	for {
		if a.now().Sub(tidied) > tidyEvery {
			tidied = a.now()
			a.tidy(ctx)
		}
		a.turn(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-a.wake:
		case <-tick.C:
		}
	}
}

// turn does everything that is due once. One company in trouble never stops the
// others.
func (a *App) turn(ctx context.Context) {
	for _, id := range a.dueCompanies(ctx) {
		if err := a.serve(ctx, id); err != nil && ctx.Err() == nil {
			a.log.Warn("asking the hub failed", "company", id, "error", err)
		}
	}
}

// dueCompanies lists the companies for which there is something to do.
func (a *App) dueCompanies(ctx context.Context) []string {
	var ids []string
	err := a.db.Read(ctx, func(tx *db.Tx) (err error) {
		ids, err = db.All(ctx, tx, db.Value[string], `SELECT company_id FROM sc_calendars
			WHERE status IN ('connected', 'degraded') AND (read_due_at <= $1 OR look_due_at <= $1
			OR company_id IN (SELECT company_id FROM sc_links WHERE due_at <= $1)
			OR company_id IN (SELECT company_id FROM sc_runs WHERE finished_at IS NULL))`, db.Micros(tx.Now()))
		return err
	})
	if err != nil && ctx.Err() == nil {
		a.log.Error("looking for work failed", "error", err)
	}
	return ids
}

// serve does what is due for one company: rooms, people, the end of a run, and
// fresh figures.
func (a *App) serve(ctx context.Context, companyID string) error {
	r, err := a.runOf(ctx, companyID)
	if err != nil {
		return err
	}
	if err := a.askAll(ctx, companyID); err != nil {
		return err
	}
	kept, err := a.throttled(ctx, companyID)
	if err != nil {
		return err
	}
	if r.running() && r.RoomsAt.IsZero() && !kept {
		if err := a.readRooms(ctx, r); err != nil {
			return errors.Join(a.stalled(ctx, companyID, err), a.refreshDue(ctx, companyID)) // which may say why
		}
		if err := a.askAll(ctx, companyID); err != nil {
			return err
		}
	}
	if r.running() {
		if err := a.closeRun(ctx, companyID, r); err != nil {
			return err
		}
	}
	return a.refreshDue(ctx, companyID)
}

func (a *App) runOf(ctx context.Context, companyID string) (r run, err error) {
	err = a.db.Read(ctx, func(tx *db.Tx) (err error) {
		r, err = lastRun(ctx, tx, companyID)
		return err
	})
	return r, err
}

// closeRun ends a run that owes nothing any more, and reads the facts that
// callbacks do not carry: how an address matched, what it might mean.
func (a *App) closeRun(ctx context.Context, companyID string, r run) error {
	ended := false
	err := a.db.Write(ctx, func(tx *db.Tx) (err error) {
		ended, err = finishRun(ctx, tx, r)
		return err
	})
	if err != nil || !ended {
		return err
	}
	return a.refresh(ctx, companyID)
}

// askAll asks the hub for all that is due, in batches.
func (a *App) askAll(ctx context.Context, companyID string) error {
	for {
		batch, err := a.claim(ctx, companyID)
		if err != nil || len(batch) == 0 {
			return err
		}
		if err := a.ask(ctx, companyID, batch); err != nil {
			return a.stalled(ctx, companyID, errors.Join(err, a.putBack(ctx, batch)))
		}
	}
}

// claim takes a batch of links that are due and sets when they are due again, so
// that no other process asks for them too. Those that were never answered get a
// clear state. While the calendar system has everybody wait, no try counts.
func (a *App) claim(ctx context.Context, companyID string) ([]link, error) {
	var batch []link
	err := a.db.Write(ctx, func(tx *db.Tx) error {
		batch = nil
		c, err := calendarOf(ctx, tx, companyID)
		if err != nil {
			return err
		}
		counted := 1
		if _, kept := c.throttled(); kept {
			counted = 0
		}
		due, err := db.All(ctx, tx, scanLink, "SELECT "+linkColumns+
			` FROM sc_links l WHERE l.company_id = $1 AND l.due_at <= $2 AND NOT EXISTS (SELECT 1 FROM sc_endings e
				WHERE e.company_id = $1 AND e.created_at > $4 AND (e.link_id = l.id OR e.email_key = l.email_key))
			ORDER BY l.due_at, l.id LIMIT $3`,
			companyID, db.Micros(tx.Now()), cronofy.MaxAuthorize, db.Micros(tx.Now().Add(-endingFirst)))
		if err != nil {
			return err
		}
		for _, l := range due {
			if l.Tries >= giveUpAfter && counted > 0 {
				if err := setCause(ctx, tx, l, statusError, "server_unavailable", nil); err != nil {
					return err
				}
				continue
			}
			batch = append(batch, l)
		}
		return setDue(ctx, tx, batch, tx.Now().Add(answerWithin), counted)
	})
	return batch, err
}

// setDue sets when links are due and adds to their tries.
func setDue(ctx context.Context, tx *db.Tx, batch []link, at time.Time, tries int) error {
	if len(batch) == 0 {
		return nil
	}
	args := []any{db.Micros(at), tries}
	for _, l := range batch {
		args = append(args, l.ID)
	}
	_, err := tx.Exec(ctx, "UPDATE sc_links SET due_at = $1, tries = tries + $2 WHERE due_at IS NOT NULL AND id IN ("+
		db.List(len(batch), 3)+")", args...)
	return err
}

// putBack makes links due again soon after the hub could not be asked.
func (a *App) putBack(ctx context.Context, batch []link) error {
	return a.db.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		return setDue(ctx, tx, batch, tx.Now().Add(3*time.Second), -1)
	})
}

// ask sends a batch. The hub takes all of it or, with field errors, nothing:
// then those that it names get their cause and the others are sent alone.
func (a *App) ask(ctx context.Context, companyID string, batch []link) error {
	if len(batch) == 0 {
		return nil
	}
	err := a.company(companyID).AuthorizeAccounts(ctx, a.wishes(batch))
	var refused *cronofy.Error
	if !errors.As(err, &refused) || refused.Status != 422 {
		if err == nil {
			return a.moving(ctx, companyID)
		}
		return err
	}
	bad := namedEntries(refused, len(batch))
	if len(bad) == 0 && len(batch) > 1 {
		half := len(batch) / 2
		return errors.Join(a.ask(ctx, companyID, batch[:half]), a.ask(ctx, companyID, batch[half:]))
	}
	good, err := a.refuse(ctx, batch, bad)
	if err != nil {
		return err
	}
	return a.ask(ctx, companyID, good)
}

func (a *App) wishes(batch []link) []cronofy.Authorize {
	wishes := make([]cronofy.Authorize, len(batch))
	for i, l := range batch {
		wishes[i] = cronofy.Authorize{Email: l.EmailKey, CallbackURL: a.callbackURL(l.Token), Scope: personScope}
	}
	return wishes
}

func (a *App) callbackURL(token string) string {
	return a.config.AppURL + "/calendar/callbacks/" + token
}

var entryIndex = regexp.MustCompile(`\[(\d+)\]`)

// namedEntries reads which entries of a batch the hub refused: the fields are
// "service_account_authorizations[3].email". A batch of one is always meant.
func namedEntries(refused *cronofy.Error, n int) map[int]bool {
	bad := map[int]bool{}
	for field := range refused.Errors {
		found := entryIndex.FindStringSubmatch(field)
		if found == nil {
			continue
		}
		if i, err := strconv.Atoi(found[1]); err == nil && i < n {
			bad[i] = true
		}
	}
	if n == 1 {
		bad[0] = true
	}
	return bad
}

// refuse gives the named links the cause that their address does not exist, and
// returns the others.
func (a *App) refuse(ctx context.Context, batch []link, bad map[int]bool) ([]link, error) {
	var good []link
	err := a.db.Write(ctx, func(tx *db.Tx) error {
		good = nil
		for i, l := range batch {
			if !bad[i] {
				good = append(good, l)
				continue
			}
			if err := setCause(ctx, tx, l, statusError, "account_not_found", facts{"email": l.EmailKey}); err != nil {
				return err
			}
		}
		return nil
	})
	return good, err
}

// stalled notes on the running run why it stands still. A grant that ended is no
// reason to try again: the calendar is over. Too many requests are nobody's fault.
func (a *App) stalled(ctx context.Context, companyID string, cause error) error {
	if ctx.Err() != nil || errors.Is(cause, errNotConnected) {
		return nil
	}
	return errors.Join(cause, a.db.Write(ctx, func(tx *db.Tx) error {
		if cronofy.IsRevoked(cause) {
			return a.endCalendar(ctx, tx, companyID, ending{Cause: "revoked"})
		}
		var refused *cronofy.Error
		if errors.As(cause, &refused) && refused.Status == http.StatusTooManyRequests {
			return nil
		}
		_, err := tx.Exec(ctx, "UPDATE sc_runs SET problem = 'server_unavailable' WHERE company_id = $1 AND finished_at IS NULL", companyID)
		return err
	}))
}

// moving takes the note away again.
func (a *App) moving(ctx context.Context, companyID string) error {
	r, err := a.runOf(ctx, companyID)
	if err != nil || r.Problem == "" {
		return err
	}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE sc_runs SET problem = '' WHERE company_id = $1 AND finished_at IS NULL", companyID)
		return err
	})
}

// readRooms takes over the rooms that the calendar system lists and marks them
// due. Rooms that are gone are forgotten; where none can be listed, those that are
// known stay.
func (a *App) readRooms(ctx context.Context, r run) error {
	rooms, err := a.company(r.CompanyID).Resources(ctx)
	unlisted := err != nil && !cronofy.IsRevoked(err) && !cronofy.IsTemporary(err)
	if err != nil && !unlisted {
		return err
	}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		if unlisted {
			a.log.Info("rooms cannot be listed", "company", r.CompanyID, "error", err)
			return roomsRead(ctx, tx, r)
		}
		return a.takeRooms(ctx, tx, r, rooms)
	})
}

func roomsRead(ctx context.Context, tx *db.Tx, r run) error {
	_, err := tx.Exec(ctx, "UPDATE sc_runs SET rooms_at = $2 WHERE id = $1", r.ID, db.Micros(tx.Now()))
	return err
}

func (a *App) takeRooms(ctx context.Context, tx *db.Tx, r run, rooms []cronofy.Resource) error {
	old, err := db.All(ctx, tx, scanLink, "SELECT "+linkColumns+" FROM sc_links l WHERE l.company_id = $1 AND l.kind = $2", r.CompanyID, kindResource)
	if err != nil {
		return err
	}
	known := map[string]link{}
	for _, l := range old {
		known[l.EmailKey] = l
	}
	for _, room := range rooms {
		email := normalise(room.Email)
		if err := putRoom(ctx, tx, r, known[email], room); err != nil {
			return err
		}
		delete(known, email)
	}
	for _, gone := range known {
		if err := a.forgetRoom(ctx, tx, gone); err != nil {
			return err
		}
	}
	return roomsRead(ctx, tx, r)
}

func putRoom(ctx context.Context, tx *db.Tx, r run, known link, room cronofy.Resource) error {
	detail := roomDetail{Capacity: room.Capacity}
	if room.Location != nil {
		detail.Building, detail.Floor = room.Location.Building, room.Location.Floor
	}
	name := strings.TrimSpace(room.Name)
	if name == "" {
		name = room.Email
	}
	if known.ID == "" {
		return insertLink(ctx, tx, link{
			CompanyID: r.CompanyID, Kind: kindResource, Name: name, Detail: detail, EmailKey: normalise(room.Email),
			Status: statusPending, RunID: r.ID, DueAt: tx.Now(),
		})
	}
	_, err := tx.Exec(ctx, "UPDATE sc_links SET name = $2, detail = $3, run_id = $4, due_at = $5 WHERE id = $1",
		known.ID, name, db.JSON(detail), r.ID, db.Micros(tx.Now()))
	return err
}

func (a *App) forgetRoom(ctx context.Context, tx *db.Tx, l link) error {
	if err := a.endGrant(ctx, tx, l.ending(l.Refresh)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "DELETE FROM sc_links WHERE id = $1", l.ID)
	return err
}
