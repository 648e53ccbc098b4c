package smartcalendar

import (
	"context"
	"errors"
	"time"

	"kalends/db"
)

// Errors of signing in.
var (
	errSignIn  = errors.New("smartcalendar: address or password is wrong")
	errTooMany = errors.New("smartcalendar: too many tries")
)

// How many wrong tries are free before a wait that doubles: for one address and
// for one network address.
const (
	freePerAddress = 5
	freePerHost    = 30
	longestWait    = 15 * time.Minute
	forgetTries    = time.Hour
)

// passwordMin and passwordMax bound new passwords, in characters and bytes.
const (
	passwordMin = 10
	passwordMax = 256
)

func checkPassword(password string) error {
	switch {
	case len([]rune(password)) < passwordMin:
		return errPasswordShort
	case len(password) > passwordMax:
		return errPasswordTooLong
	}
	return nil
}

func (a *App) hashPassword(password string) (string, error) {
	if err := checkPassword(password); err != nil {
		return "", err
	}
	return a.config.Passwords.Hash(password)
}

// signIn finds who has the address and the password. The answer takes as long
// for an address that nobody has. host is where the try comes from.
func (a *App) signIn(ctx context.Context, email, password, host string) (person, error) {
	keys := []string{a.box.Hash("try", "address/"+normalise(email)), a.box.Hash("try", "host/"+host)}
	if err := a.countTry(ctx, keys); err != nil {
		return person{}, err
	}
	p, err := a.verify(ctx, email, password)
	if err != nil {
		return person{}, err
	}
	return p, a.signedIn(ctx, p, keys...)
}

func (a *App) verify(ctx context.Context, email, password string) (person, error) {
	var found []person
	err := a.db.Read(ctx, func(tx *db.Tx) (err error) {
		found, err = peopleWith(ctx, tx, normalise(email))
		return err
	})
	if err != nil {
		return person{}, err
	}
	if len(password) > passwordMax {
		password = ""
	}
	tried := false
	for _, p := range found {
		if p.Password == "" {
			continue
		}
		tried = true
		if ok, err := a.config.Passwords.Verify(p.Password, password); err == nil && ok {
			return p, nil
		}
	}
	if !tried {
		_, _ = a.config.Passwords.Verify("", password)
	}
	return person{}, errSignIn
}

// countTry counts a try before the password is looked at, so that many tries at
// once count too.
func (a *App) countTry(ctx context.Context, keys []string) error {
	locked := false
	err := a.db.Write(ctx, func(tx *db.Tx) error {
		locked = false
		for i, key := range keys {
			is, err := countOne(ctx, tx, key, []int{freePerAddress, freePerHost}[i])
			if err != nil {
				return err
			}
			locked = locked || is
		}
		return nil
	})
	if err == nil && locked {
		return errTooMany
	}
	return err
}

func countOne(ctx context.Context, tx *db.Tx, key string, free int) (locked bool, err error) {
	if err := tx.Lock(ctx, "sc_tries/"+key); err != nil {
		return false, err
	}
	var t struct {
		failures    int
		last, until time.Time
	}
	_, err = db.One(ctx, tx, func(row db.Row) (struct{}, error) {
		return struct{}{}, row.Scan(&t.failures, db.ScanTime(&t.last), db.ScanTime(&t.until))
	}, "SELECT failures, last_at, locked_until FROM sc_tries WHERE key = $1", key)
	if err != nil && !db.IsNotFound(err) {
		return false, err
	}
	if t.until.After(tx.Now()) {
		return true, nil
	}
	if tx.Now().Sub(t.last) > forgetTries {
		t.failures = 0
	}
	t.failures++
	_, err = tx.Exec(ctx, `INSERT INTO sc_tries (key, failures, last_at, locked_until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at, locked_until = excluded.locked_until`,
		key, t.failures, db.Micros(tx.Now()), db.NullMicros(waitAfter(tx.Now(), t.failures-free)))
	return false, err
}

// waitAfter says until when the next try waits, after n tries more than are free.
func waitAfter(now time.Time, n int) time.Time {
	if n < 0 {
		return time.Time{}
	}
	wait := longestWait
	if n < 5 {
		wait = min(longestWait, 30*time.Second<<n)
	}
	return now.Add(wait)
}

// signedIn notes a good sign-in and, the first time, has the person's calendar
// connected in the background.
func (a *App) signedIn(ctx context.Context, p person, tryKeys ...string) error {
	return a.db.Write(ctx, func(tx *db.Tx) error {
		if err := forgiveTry(ctx, tx, tryKeys); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE sc_people SET signed_in_at = $2 WHERE id = $1", p.ID, db.Micros(tx.Now())); err != nil {
			return err
		}
		return a.connectQuietly(ctx, tx, p)
	})
}

// forgiveTry takes a good try out of the counts. Of a network address only that
// one: a whole company may sit behind it, and one good password must not make
// room for many bad ones.
func forgiveTry(ctx context.Context, tx *db.Tx, keys []string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM sc_tries WHERE key = $1", keys[0]); err != nil || len(keys) == 1 {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE sc_tries SET failures = failures - 1,
		locked_until = CASE WHEN failures <= $2 THEN NULL ELSE locked_until END WHERE key = $1 AND failures > 0`, keys[1], freePerHost)
	return err
}

// connectQuietly asks for somebody who was never asked for.
func (a *App) connectQuietly(ctx context.Context, tx *db.Tx, p person) error {
	c, err := findCompany(ctx, tx, p.CompanyID)
	if err != nil || !c.Smart || !p.wanted() {
		return err
	}
	l, err := linkOf(ctx, tx, p)
	if err != nil || l.Status != statusNone {
		return err
	}
	cal, err := calendarOf(ctx, tx, p.CompanyID)
	if err != nil || !cal.live() {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE sc_people SET notice = 'asked' WHERE id = $1", p.ID); err != nil {
		return err
	}
	return a.askFor(ctx, tx, p)
}

// acceptTicket sets the password of whoever a link is for, and ends her other
// links and sessions.
func (a *App) acceptTicket(ctx context.Context, kind, token, password string) (person, error) {
	hash, err := a.hashPassword(password)
	if err != nil {
		return person{}, err
	}
	var p person
	err = a.db.Write(ctx, func(tx *db.Tx) error {
		id, err := useTicket(ctx, tx, kind, token)
		if err != nil {
			return err
		}
		p, err = db.One(ctx, tx, scanPerson, "SELECT "+personColumns+" FROM sc_people p WHERE p.id = $1 AND p.active", id)
		if db.IsNotFound(err) {
			return errTicket
		}
		if err != nil {
			return err
		}
		p.Password = hash
		if _, err := tx.Exec(ctx, "UPDATE sc_people SET password = $2, session = session + 1 WHERE id = $1", p.ID, hash); err != nil {
			return err
		}
		if err := voidTickets(ctx, tx, p.ID); err != nil {
			return err
		}
		return remember(ctx, tx, entry{Company: p.CompanyID, Person: p.ID, Actor: p.Name, Action: "password." + kind})
	})
	if err != nil {
		return person{}, err
	}
	return p, a.signedIn(ctx, p, a.box.Hash("try", "address/"+p.EmailKey))
}
