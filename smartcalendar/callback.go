package smartcalendar

import (
	"context"
	"errors"
	"net/http"
	"time"

	"kalends/cronofy"
	"kalends/db"
	"kalends/secret"
)

// callbackWithin is how long an answer of ours may take: the hub waits 5 s.
const callbackWithin = 4500 * time.Millisecond

// authorizationCallback takes the hub's answer for one person or room. It
// answers 200 once the answer is stored; with anything else the hub comes again,
// with a fresh code. Answers that are out of date are taken and dropped.
func (a *App) authorizationCallback(w http.ResponseWriter, r *http.Request) {
	callback, ok := a.readCallback(w, r)
	if !ok {
		return
	}
	if callback.Authorization == nil {
		http.Error(w, "an authorization is expected here", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callbackWithin)
	defer cancel()
	a.answer(w, "callback", a.takeAuthorization(ctx, r.PathValue("token"), *callback.Authorization))
}

// notification takes what the hub tells about the whole connection.
func (a *App) notification(w http.ResponseWriter, r *http.Request) {
	callback, ok := a.readCallback(w, r)
	if !ok {
		return
	}
	if callback.ConnectionChanged == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	a.answer(w, "notification", a.takeChange(r.Context(), *callback.ConnectionChanged))
}

func (a *App) readCallback(w http.ResponseWriter, r *http.Request) (cronofy.Callback, bool) {
	callback, err := cronofy.ReadCallback(r, a.config.ClientSecret)
	switch {
	case errors.Is(err, cronofy.ErrSignature):
		http.Error(w, "not signed with our secret", http.StatusUnauthorized)
	case err != nil:
		http.Error(w, "cannot be read", http.StatusBadRequest)
	}
	return callback, err == nil
}

func (a *App) answer(w http.ResponseWriter, what string, err error) {
	if err != nil {
		a.log.Warn(what+" not taken", "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// takeAuthorization stores the hub's answer. A code is exchanged once: the same
// answer a second time changes nothing.
func (a *App) takeAuthorization(ctx context.Context, token string, answer cronofy.Authorization) error {
	l, live, err := a.linkByToken(ctx, token)
	if err != nil || !live {
		return err
	}
	if answer.Error != "" {
		return a.takeError(ctx, l, answer)
	}
	hash := secret.SHA256(answer.Code)
	if answer.Code == "" || l.CodeHash == hash {
		return nil
	}
	_, err, _ = a.renewals.Do("code/"+hash, func() (any, error) {
		return nil, a.takeCode(ctx, l, answer.Code, hash)
	})
	return err
}

// linkByToken finds whom a callback is about. Nobody, or a calendar that ended:
// the answer is out of date.
func (a *App) linkByToken(ctx context.Context, token string) (l link, live bool, err error) {
	err = a.db.Read(ctx, func(tx *db.Tx) error {
		l, err = db.One(ctx, tx, scanLink, "SELECT "+linkColumns+" FROM sc_links l WHERE l.token = $1", token)
		if err != nil {
			return err
		}
		c, err := calendarOf(ctx, tx, l.CompanyID)
		live = c.live()
		return err
	})
	if db.IsNotFound(err) {
		return link{}, false, nil
	}
	return l, live, err
}

func (a *App) takeError(ctx context.Context, l link, answer cronofy.Authorization) error {
	key := answer.CauseKey()
	if key == "" {
		key = "internal"
	}
	f := facts{"email": l.EmailKey}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		if err := setCause(ctx, tx, l, statusFor(key, f), key, f); err != nil {
			return err
		}
		return a.factsSoon(ctx, tx, l)
	})
}

// factsSoon has the facts of a cause read: outside of a run nothing else would
// for a while.
func (a *App) factsSoon(ctx context.Context, tx *db.Tx, l link) error {
	if l.RunID != "" {
		return nil // the end of the run reads them
	}
	tx.AfterCommit(a.nudge)
	_, err := tx.Exec(ctx, "UPDATE sc_calendars SET read_due_at = $2 WHERE company_id = $1 AND read_due_at IS NOT NULL",
		l.CompanyID, db.Micros(tx.Now()))
	return err
}

func (a *App) takeCode(ctx context.Context, l link, code, hash string) error {
	token, err := a.hub.ExchangeCode(ctx, code, a.callbackURL(l.Token), "")
	if err != nil {
		return err
	}
	access, refresh, err := a.sealTokens(token, l.accessContext(), l.refreshContext())
	if err != nil {
		return err
	}
	return a.db.Write(ctx, func(tx *db.Tx) error {
		now := db.Micros(tx.Now())
		profile := cronofy.LinkingProfile{}
		if token.LinkingProfile != nil {
			profile = *token.LinkingProfile
		}
		n, err := tx.Exec(ctx, `UPDATE sc_links SET since = CASE WHEN status = 'connected' THEN since ELSE $3 END, status = 'connected',
			cause_key = '', cause_facts = '{}', sub = $4, profile_id = $5, matched_email = $6, access_token = $7, refresh_token = $8,
			access_until = $9, code_hash = $10, due_at = NULL, tries = 0 WHERE id = $1 AND token = $2`,
			l.ID, l.Token, now, token.Sub, profile.ProfileID, profile.ProfileName, access, refresh, db.Micros(token.ExpiresAt), hash)
		if err != nil {
			return err
		}
		if n == 0 { // the address changed while we asked: this grant is nobody's
			return a.endGrant(ctx, tx, l.ending(refresh))
		}
		return a.nowConnected(ctx, tx, l)
	})
}

// nowConnected writes the history of somebody who was not connected before, and
// the notice that she sees once.
func (a *App) nowConnected(ctx context.Context, tx *db.Tx, l link) error {
	if l.Status == statusConnected {
		return nil
	}
	if l.PersonID != "" {
		if _, err := tx.Exec(ctx, "UPDATE sc_people SET notice = 'connected' WHERE id = $1 AND notice = 'asked'", l.PersonID); err != nil {
			return err
		}
	}
	if err := a.factsSoon(ctx, tx, l); err != nil {
		return err
	}
	return remember(ctx, tx, entry{Company: l.CompanyID, Person: l.historyID(), Action: "link.connected", Facts: facts{"email": l.EmailKey}})
}

// takeChange notes that a connection ended or broke on the hub's page or at the
// provider, and by whom.
func (a *App) takeChange(ctx context.Context, change cronofy.ConnectionChanged) error {
	return a.db.Write(ctx, func(tx *db.Tx) error {
		c, err := db.One(ctx, tx, scanCalendar, "SELECT "+calendarColumns+
			" FROM sc_calendars WHERE organisation_id = $1 AND status IN ('connected', 'degraded')", change.Organisation)
		if db.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return a.applyChange(ctx, tx, c, change)
	})
}

func (a *App) applyChange(ctx context.Context, tx *db.Tx, c calendar, change cronofy.ConnectionChanged) error {
	key, f := "", facts{}
	if change.Cause != nil {
		key, f = change.Cause.Key, change.Cause.Facts
	}
	if change.Status == cronofy.ConnectionDisconnected && !othersAlive(c.Connections, change.ConnectionID) {
		return a.endCalendar(ctx, tx, c.CompanyID, ending{By: change.By, Cause: key, Facts: f, Grant: true})
	}
	status := c.Status
	switch change.Status {
	case cronofy.ConnectionDegraded:
		status = calendarDegraded
	case cronofy.ConnectionConnected:
		status = calendarConnected
	}
	if _, err := tx.Exec(ctx, `UPDATE sc_calendars SET status = $2, cause_key = $3, cause_facts = $4, read_due_at = $5 WHERE company_id = $1`,
		c.CompanyID, status, key, factsJSON(f), db.Micros(tx.Now())); err != nil {
		return err
	}
	tx.AfterCommit(a.nudge)
	return remember(ctx, tx, entry{Company: c.CompanyID, Actor: change.By, Action: "calendar." + change.Status, Facts: facts{"cause": key, "domain": change.Domain}})
}

func othersAlive(connections []cronofy.Connection, id string) bool {
	for _, c := range connections {
		if c.ID != id && c.Status != cronofy.ConnectionDisconnected {
			return true
		}
	}
	return false
}
