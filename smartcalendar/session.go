package smartcalendar

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"kalends/db"
	"kalends/ui"
)

// CookieName is the application's session cookie without https; the hub's has another name.
const CookieName = "kalends_app"

// What a session holds.
const (
	sessionPerson = "person"
	sessionEpoch  = "epoch" // person.Session at sign-in
	sessionFlash  = "flash"
)

func newSessions(a *App) *scs.SessionManager {
	sessions := scs.New()
	sessions.Store = sessionStore{db: a.db}
	sessions.HashTokenInStore = true
	sessions.Lifetime = 12 * time.Hour
	sessions.Cookie.Name = ui.CookieName(CookieName, a.secure())
	sessions.Cookie.Secure = a.secure()
	sessions.Cookie.SameSite = http.SameSiteLaxMode
	sessions.Cookie.Persist = false
	sessions.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, err error) {
		a.log.Error("session failed", "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
	return sessions
}

// sessionStore keeps sessions in the database, by the hash of the cookie.
type sessionStore struct{ db *db.DB }

// FindCtx implements scs.CtxStore.
func (s sessionStore) FindCtx(ctx context.Context, hash string) ([]byte, bool, error) {
	text := ""
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		text, err = db.One(ctx, tx, db.Value[string], "SELECT data FROM sc_sessions WHERE hash = $1 AND expires_at > $2", hash, db.Micros(tx.Now()))
		return err
	})
	if db.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	data, err := base64.StdEncoding.DecodeString(text)
	return data, err == nil, nil
}

// CommitCtx implements scs.CtxStore.
func (s sessionStore) CommitCtx(ctx context.Context, hash string, data []byte, expiry time.Time) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO sc_sessions (hash, data, expires_at) VALUES ($1, $2, $3)
			ON CONFLICT (hash) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at`,
			hash, base64.StdEncoding.EncodeToString(data), db.Micros(expiry))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM sc_sessions WHERE expires_at < $1", db.Micros(tx.Now()))
		return err
	})
}

// DeleteCtx implements scs.CtxStore.
func (s sessionStore) DeleteCtx(ctx context.Context, hash string) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM sc_sessions WHERE hash = $1", hash)
		return err
	})
}

// Find implements scs.Store.
func (s sessionStore) Find(hash string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), hash)
}

// Commit implements scs.Store.
func (s sessionStore) Commit(hash string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), hash, data, expiry)
}

// Delete implements scs.Store.
func (s sessionStore) Delete(hash string) error { return s.DeleteCtx(context.Background(), hash) }
