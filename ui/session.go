package ui

import (
	"time"

	"github.com/alexedwards/scs/v2"
)

// NewSessions makes the session manager of signed-in people: ids are hashed in
// the store, the cookie cannot be read by scripts nor sent by other sites. Wrap
// the pages with its LoadAndSave, and call RenewToken at every sign-in.
func NewSessions(store scs.Store, cookie string, secure bool) *scs.SessionManager {
	s := scs.New()
	s.Store = store
	s.Lifetime = 12 * time.Hour
	s.IdleTimeout = 4 * time.Hour
	s.HashTokenInStore = true
	s.Cookie.Name = cookie
	s.Cookie.Path = "/"
	s.Cookie.HttpOnly = true
	s.Cookie.Secure = secure
	return s
}
