package smartcalendar

import (
	"context"
	"errors"
	"time"

	"kalends/cronofy"
	"kalends/db"
)

// renewBefore is how long before its end an access token is renewed.
const renewBefore = 2 * time.Minute

// errNotConnected means that there is no token to ask the hub with.
var errNotConnected = errors.New("smartcalendar: not connected")

// tokens are the sealed tokens of a row, and how to write them back.
type tokens struct {
	key            string // of the row, for one renewal at a time
	access         string
	refresh        string
	until          time.Time
	accessContext  string
	refreshContext string
	save           func(ctx context.Context, tx *db.Tx, access, refresh string, until time.Time) error
	ended          func(ctx context.Context, tx *db.Tx) error
}

// source gives the access token of a row and renews it; renewals of one row are
// shared by all who wait for it.
type source struct {
	app  *App
	read func(ctx context.Context, tx *db.Tx) (tokens, error)
}

// AccessToken implements cronofy.TokenSource.
func (s source) AccessToken(ctx context.Context, refused string) (string, error) {
	var t tokens
	err := s.app.db.Read(ctx, func(tx *db.Tx) (err error) {
		t, err = s.read(ctx, tx)
		return err
	})
	if err != nil {
		return "", err
	}
	if t.refresh == "" {
		return "", errNotConnected
	}
	if t.until.After(s.app.now().Add(renewBefore)) {
		plain, err := s.app.box.Open(t.access, t.accessContext)
		if err != nil || string(plain) != refused {
			return string(plain), err
		}
	}
	got, err, _ := s.app.renewals.Do(t.key, func() (any, error) {
		return s.app.renew(context.WithoutCancel(ctx), t)
	})
	if err != nil {
		return "", err
	}
	return got.(string), nil
}

// renew trades the refresh token for a new access token and stores it. A refresh
// token that the hub ended is a clear state on the row.
func (a *App) renew(ctx context.Context, t tokens) (string, error) {
	plain, err := a.box.Open(t.refresh, t.refreshContext)
	if err != nil {
		return "", err
	}
	token, err := a.hub.Refresh(ctx, string(plain))
	if cronofy.IsRevoked(err) {
		return "", errors.Join(err, a.db.Write(ctx, func(tx *db.Tx) error { return t.ended(ctx, tx) }))
	}
	if err != nil {
		return "", err
	}
	if token.RefreshToken == "" {
		token.RefreshToken = string(plain)
	}
	access, refresh, err := a.sealTokens(token, t.accessContext, t.refreshContext)
	if err != nil {
		return "", err
	}
	err = a.db.Write(ctx, func(tx *db.Tx) error { return t.save(ctx, tx, access, refresh, token.ExpiresAt) })
	return token.AccessToken, err
}

func (a *App) sealTokens(token cronofy.Token, accessContext, refreshContext string) (access, refresh string, err error) {
	if access, err = a.box.Seal([]byte(token.AccessToken), accessContext); err != nil {
		return "", "", err
	}
	refresh, err = a.box.Seal([]byte(token.RefreshToken), refreshContext)
	return access, refresh, err
}

// company speaks to the hub with a company's token.
func (a *App) company(companyID string) *cronofy.Bearer {
	return a.hub.Bearer(source{app: a, read: func(ctx context.Context, tx *db.Tx) (tokens, error) {
		c, err := calendarOf(ctx, tx, companyID)
		return a.calendarTokens(c), err
	}})
}

func (a *App) calendarTokens(c calendar) tokens {
	return tokens{
		key: "calendar/" + c.CompanyID, access: c.Access, refresh: c.Refresh, until: c.AccessUntil,
		accessContext: c.accessContext(), refreshContext: c.refreshContext(),
		save: func(ctx context.Context, tx *db.Tx, access, refresh string, until time.Time) error {
			_, err := tx.Exec(ctx, `UPDATE sc_calendars SET access_token = $2, refresh_token = $3, access_until = $4
				WHERE company_id = $1 AND refresh_token = $5`, c.CompanyID, access, refresh, db.Micros(until), c.Refresh)
			return err
		},
		ended: func(ctx context.Context, tx *db.Tx) error {
			now, err := calendarOf(ctx, tx, c.CompanyID)
			if err != nil || now.Refresh != c.Refresh {
				return err
			}
			return a.endCalendar(ctx, tx, c.CompanyID, ending{Cause: "revoked"})
		},
	}
}

// account speaks to the hub with one person's or room's token.
func (a *App) account(linkID string) *cronofy.Bearer {
	return a.hub.Bearer(source{app: a, read: func(ctx context.Context, tx *db.Tx) (tokens, error) {
		l, err := db.One(ctx, tx, scanLink, "SELECT "+linkColumns+" FROM sc_links l WHERE l.id = $1", linkID)
		return a.linkTokens(l), err
	}})
}

func (a *App) linkTokens(l link) tokens {
	return tokens{
		key: "link/" + l.ID, access: l.Access, refresh: l.Refresh, until: l.AccessUntil,
		accessContext: l.accessContext(), refreshContext: l.refreshContext(),
		save: func(ctx context.Context, tx *db.Tx, access, refresh string, until time.Time) error {
			_, err := tx.Exec(ctx, `UPDATE sc_links SET access_token = $2, refresh_token = $3, access_until = $4
				WHERE id = $1 AND refresh_token = $5`, l.ID, access, refresh, db.Micros(until), l.Refresh)
			return err
		},
		ended: func(ctx context.Context, tx *db.Tx) error {
			return linkEnded(ctx, tx, l)
		},
	}
}

// linkEnded notes that the hub ended a person's or room's grant, unless another
// one has come in the meantime.
func linkEnded(ctx context.Context, tx *db.Tx, l link) error {
	n, err := tx.Exec(ctx, `UPDATE sc_links SET access_token = '', refresh_token = '', access_until = NULL
		WHERE id = $1 AND refresh_token = $2`, l.ID, l.Refresh)
	if err != nil || n == 0 {
		return err
	}
	return setCause(ctx, tx, l, statusError, "revoked", nil)
}
