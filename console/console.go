package console

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	kalends "kalends"
	"kalends/hub/connect"
	"kalends/ui"
)

//go:embed texts/*.json
var texts embed.FS

// Hub is what the pages ask of hub/connect; *connect.Service is one.
type Hub interface {
	BeginAuthorize(ctx context.Context, r connect.AuthorizeRequest) (connect.Begun, error)
	BeginIntent(ctx context.Context, token string) (connect.Begun, error)
	Forms() []kalends.Form
	Connect(ctx context.Context, handle string) (connect.Connect, error)
	ChooseProvider(ctx context.Context, handle string, p kalends.Provider) error
	StartCheck(ctx context.Context, handle string, values kalends.Credentials, client netip.Addr) error
	StartPreview(ctx context.Context, handle string) error
	PreviewMapping(ctx context.Context, handle, email, mailbox string) error
	SetConfirmAliases(ctx context.Context, handle string, confirm bool) error
	Finish(ctx context.Context, handle string) (string, error)
	Decline(ctx context.Context, handle string) (string, error)
	SignIn(ctx context.Context, p kalends.Provider, values kalends.Credentials, client netip.Addr) (string, error)
	SignInByLink(ctx context.Context, token string) (string, error)
	Session(ctx context.Context, handle string) (connect.Session, error)
	SignOut(ctx context.Context, handle string) error
	SessionConnections(ctx context.Context, session connect.Session) ([]connect.ConnectionInfo, error)
	SessionAudits(ctx context.Context, session connect.Session, limit int) ([]kalends.Audit, error)
	SessionEnd(ctx context.Context, session connect.Session, connectionID string) error
}

// Config is what the pages need.
type Config struct {
	Hub     Hub
	Secure  bool   // pages are served by https
	HelpURL string // of the help pages, "https://app/help/"; "" = no links to them
	Log     *slog.Logger
	Clock   func() time.Time
}

const (
	home          = "/enterprise_connect"
	connectPath   = home + "/connect"
	connectCookie = "kalends_connect"
	sessionCookie = "kalends_console"
	maxBody       = 1 << 20
)

type console struct {
	c   Config
	hub Hub
	kit *ui.Kit

	begins *begins
}

// New makes the pages; the handler serves everything below /enterprise_connect.
func New(c Config) (http.Handler, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	kit, err := ui.NewKit(ui.Config{Name: "Enterprise Connect", Home: home, Cookies: "kalends_hub", Secure: c.Secure, Texts: texts, Clock: c.Clock})
	if err != nil {
		return nil, fmt.Errorf("make the hub's pages: %w", err)
	}
	k := &console{c: c, hub: c.Hub, kit: kit, begins: newBegins(c.Clock)}
	return kit.Handler(http.MaxBytesHandler(k.routes(), maxBody)), nil
}

// fail shows an error as a page: the sentence by its kind, the rest to the log.
func (k *console) fail(v *ui.View, err error) {
	kind := kalends.KindOf(err)
	key := "fail." + string(kind)
	if !v.Has(key + ".title") {
		key = "fail.internal"
	}
	if statusOf(kind) == http.StatusInternalServerError {
		k.c.Log.Error("a page failed", "request_id", v.RequestID, "route", v.Request.Pattern, "error", err) // a path may hold a link's secret
	}
	v.Fail(statusOf(kind), key+".title", key+".text")
}

func statusOf(kind kalends.Kind) int {
	switch kind {
	case kalends.KindNotFound:
		return http.StatusNotFound
	case kalends.KindGone:
		return http.StatusGone
	case kalends.KindInvalid, kalends.KindUnsupported:
		return http.StatusBadRequest
	case kalends.KindConflict:
		return http.StatusConflict
	case kalends.KindThrottled:
		return http.StatusTooManyRequests
	case kalends.KindUnavailable:
		return http.StatusServiceUnavailable
	case kalends.KindUnauthorized, kalends.KindDenied:
		return http.StatusForbidden
	}
	return http.StatusInternalServerError
}

// setCookie keeps a handle in the browser, for the hub's pages only.
func (k *console) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	seconds := int(age.Seconds())
	if seconds <= 0 {
		seconds = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: ui.CookieName(name, k.c.Secure), Value: value, Path: k.cookiePath(), MaxAge: seconds,
		HttpOnly: true, Secure: k.c.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// cookiePath is that of the pages, as long as browsers do not want all of the host.
func (k *console) cookiePath() string {
	if k.c.Secure {
		return "/"
	}
	return home
}

func (k *console) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(ui.CookieName(name, k.c.Secure))
	if err != nil {
		return ""
	}
	return c.Value
}

// client tells which address a request comes from.
func client(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

func (k *console) until(t time.Time) time.Duration {
	if k.c.Clock != nil {
		return t.Sub(k.c.Clock())
	}
	return time.Until(t)
}

func providerName(p kalends.Provider) string {
	switch p {
	case kalends.Exchange:
		return "Microsoft Exchange"
	case kalends.Microsoft365:
		return "Microsoft 365"
	case kalends.Google:
		return "Google Workspace"
	}
	return strings.ToUpper(string(p))
}
