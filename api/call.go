package api

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	kalends "kalends"
	"kalends/hub/connect"
	"kalends/oauth"
)

// call is one request on its way through the phases.
type call struct {
	w      *recorder
	r      *http.Request
	id     string
	form   *form
	app    kalends.Application // of client credentials
	bearer connect.Bearer      // of a token
}

// recorder remembers what was answered, and sends the header Status, which Ruby
// shows as its message.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.Header().Set("Status", strconv.Itoa(status)+" "+http.StatusText(status))
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// serve takes a route through the phases: parse, credentials, limit, act; errors
// are answered here and nowhere else.
func (s *server) serve(t route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: &recorder{ResponseWriter: w}, r: r, id: rand.Text()[:16]}
		begun := time.Now()
		defer func() { s.observe(c, t, time.Since(begun)) }()
		defer s.recovered(c)
		h := c.w.Header()
		h.Set("X-Request-Id", c.id)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		if strings.HasPrefix(s.c.PublicURL, "https://") {
			h.Set("Strict-Transport-Security", "max-age=31536000") // RFC 6797
		}
		if err := s.phases(c, t); err != nil {
			s.fail(c, t, err)
		}
	})
}

func (s *server) phases(c *call, t route) error {
	if err := s.admit(c, t); err != nil {
		return err
	}
	if err := s.within(c); err != nil {
		return err
	}
	return t.handle(c)
}

// admit checks the credentials. A token is checked before the body is read,
// client credentials stand in it.
func (s *server) admit(c *call, t route) (err error) {
	switch t.caller {
	case anyone:
		return nil
	case client:
		if c.form, err = bind(c.w, c.r); err != nil {
			return err
		}
		return s.admitClient(c, t)
	}
	if err := s.admitBearer(c, t); err != nil {
		return err
	}
	c.form, err = bind(c.w, c.r)
	return err
}

func (s *server) admitClient(c *call, t route) (err error) {
	id, secret := c.form.text("client_id"), c.form.text("client_secret")
	err = kalends.Errorf(kalends.KindUnauthorized, "no client credentials")
	if id != "" && secret != "" {
		c.app, err = s.c.Hub.AuthenticateClient(c.r.Context(), id, secret)
	}
	if kalends.KindOf(err) != kalends.KindUnauthorized {
		return err
	}
	refused := oauth.BadClient()
	if t.path == revokePath {
		return refusal(refused, refused.RevokeStatus())
	}
	return refusal(refused, refused.TokenStatus())
}

func (s *server) admitBearer(c *call, t route) (err error) {
	scheme, token, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return kalends.Errorf(kalends.KindUnauthorized, "no bearer token")
	}
	if c.bearer, err = s.c.Hub.Authenticate(c.r.Context(), strings.TrimSpace(token)); err != nil {
		return err
	}
	if !t.takes(c.bearer) {
		return kalends.Errorf(kalends.KindDenied, "not for this kind of token, or not with its scope")
	}
	return nil
}

func (t route) takes(b connect.Bearer) bool {
	kind := b.Kind == connect.BearerUser && t.caller != company ||
		b.Kind == connect.BearerOrganisation && t.caller != person
	return kind && (len(t.scopes) == 0 || slices.ContainsFunc(t.scopes, func(scope string) bool {
		return oauth.Allows(b.Scope, scope)
	}))
}

func (s *server) within(c *call) error {
	application := c.bearer.ApplicationID
	if application == "" {
		application = c.app.ID
	}
	if application == "" {
		return nil
	}
	if wait := s.limits.take(application); wait > 0 {
		return &kalends.Error{Kind: kalends.KindThrottled, After: wait}
	}
	return nil
}

func (s *server) recovered(c *call) {
	if cause := recover(); cause != nil {
		s.c.Log.Error("api call panicked", "request", c.id, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
		if c.w.status == 0 {
			c.w.WriteHeader(http.StatusInternalServerError)
		}
	}
}

// observe writes one line and one measurement. The route stands in for the
// path, which may hold addresses.
func (s *server) observe(c *call, t route, took time.Duration) {
	if c.w.status == 0 {
		c.w.status = http.StatusOK
	}
	method := c.r.Method
	if t.method == "" {
		method = "other"
	}
	s.seconds.WithLabelValues(method, t.path, strconv.Itoa(c.w.status)).Observe(took.Seconds())
	application := c.bearer.ApplicationID
	if application == "" {
		application = c.app.ID
	}
	s.c.Log.LogAttrs(c.r.Context(), slog.LevelInfo, "api call",
		slog.String("request", c.id), slog.String("method", method), slog.String("route", t.path),
		slog.Int("status", c.w.status), slog.Int64("milliseconds", took.Milliseconds()),
		slog.String("application", application), slog.String("organisation", c.bearer.OrganisationID),
		slog.String("agent", clipped(c.r.UserAgent(), 80)))
}

func clipped(text string, most int) string {
	if len(text) > most {
		return text[:most]
	}
	return text
}

func (c *call) grant() kalends.Grant {
	b := c.bearer
	return kalends.Grant{ID: b.GrantID, ApplicationID: b.ApplicationID, OrganisationID: b.OrganisationID, AccountID: b.AccountID, Scope: b.Scope}
}

// json answers with a body.
func (c *call) json(status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("api: write answer: %w", err)
	}
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(text) // the caller has gone
	return nil
}

// empty answers without a body.
func (c *call) empty(status int) error {
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(status)
	return nil
}
