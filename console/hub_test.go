package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	kalends "kalends"
	"kalends/console"
	"kalends/hub/connect"
	"kalends/web"
)

var now = time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)

// hub stands in for hub/connect: one connect and one administrator, in whatever
// state a test puts them.
type hub struct {
	mu        sync.Mutex
	connect   connect.Connect
	begun     error
	redirect  string // what BeginAuthorize sends back to the application
	wrong     error  // what StartCheck answers
	onCheck   func(c *connect.Connect)
	entered   kalends.Credentials
	refused   error // what SignIn answers
	signedIn  bool
	ended     string
	finished  int
	declined  int
	mailboxes map[string]string
	list      []connect.ConnectionInfo
	audits    []kalends.Audit
}

const handle = "the-handle"

func newHub() *hub {
	return &hub{mailboxes: map[string]string{}, connect: connect.Connect{
		ID: "0123456789abcdef0123456789abcdef",
		Application: kalends.Application{
			ID: "app_1", Name: "Smart Calendar", RedirectURIs: []string{"http://127.0.0.1:8800/calendar/connected"},
		},
		Scope: "service_account/accounts/manage service_account/resources/manage", DelegatedScope: "free_busy create_event delete_event",
		Company: "Musterwerk", Domains: []string{"musterwerk.example"}, Emails: 41, ExpiresAt: now.Add(time.Hour),
	}}
}

func exchangeForm() kalends.Form {
	return kalends.Form{
		Provider: kalends.Exchange,
		Fields: []kalends.Field{
			{Name: "username", Kind: kalends.FieldText, Required: true, Identity: true},
			{Name: "password", Kind: kalends.FieldPassword, Required: true, Secret: true},
			{Name: "test_email", Kind: kalends.FieldEmail, Required: true},
			{Name: "url", Kind: kalends.FieldURL, Advanced: true},
			{Name: "rooms", Kind: kalends.FieldLines, Advanced: true},
			{Name: "ca", Kind: kalends.FieldFile, Advanced: true},
			{Name: "pin", Kind: kalends.FieldFingerprint, Advanced: true},
			{Name: "legacy_tls", Kind: kalends.FieldLegacyTLS, Advanced: true},
			{Name: "trusted_hosts", Kind: kalends.FieldHosts, Advanced: true},
		},
		Steps: []kalends.StepKey{
			kalends.StepAutodiscover, kalends.StepReach, kalends.StepTLS, kalends.StepSignIn, kalends.StepVersion, kalends.StepDirectory,
			kalends.StepImpersonation, kalends.StepFreeBusy, kalends.StepRooms, kalends.StepWrite,
		},
	}
}

func (h *hub) serve(t testing.TB) *httptest.Server {
	t.Helper()
	pages, err := console.New(console.Config{Hub: h, Clock: func() time.Time { return now }, HelpURL: "/help/"})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/enterprise_connect", pages)
	mux.Handle("/enterprise_connect/", pages)
	mux.Handle("/assets/", web.Open().Handler())
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /application", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("the application: " + r.URL.RawQuery)) // a closed connection fails the test anyway
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.connect.Application.RedirectURIs = []string{server.URL + "/application"}
	return server
}

// change puts the hub into another state while pages are open.
func (h *hub) change(f func(h *hub)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
}

func (h *hub) BeginAuthorize(_ context.Context, r connect.AuthorizeRequest) (connect.Begun, error) {
	if r.ClientID != "known" {
		return connect.Begun{}, kalends.Errorf(kalends.KindInvalid, "unknown client")
	}
	if h.redirect != "" {
		return connect.Begun{RedirectTo: h.redirect}, nil
	}
	return connect.Begun{Handle: handle, ExpiresAt: now.Add(time.Hour)}, h.begun
}

func (h *hub) BeginIntent(_ context.Context, token string) (connect.Begun, error) {
	if token != "good" {
		return connect.Begun{}, kalends.Errorf(kalends.KindGone, "used")
	}
	return connect.Begun{Handle: handle, ExpiresAt: now.Add(time.Hour)}, h.begun
}

func (h *hub) Forms() []kalends.Form { return []kalends.Form{exchangeForm()} }

func (h *hub) Connect(_ context.Context, got string) (connect.Connect, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if got != handle {
		return connect.Connect{}, kalends.Errorf(kalends.KindNotFound, "no connect")
	}
	return h.connect, nil
}

func (h *hub) ChooseProvider(_ context.Context, _ string, p kalends.Provider) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connect.Provider, h.connect.Form = p, exchangeForm()
	return nil
}

func (h *hub) StartCheck(_ context.Context, _ string, values kalends.Credentials, _ netip.Addr) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wrong != nil {
		return h.wrong
	}
	h.entered = values.Clone()
	h.connect.Values = map[string]string{"username": values["username"], "test_email": values["test_email"], "url": values["url"]}
	h.onCheck(&h.connect)
	return nil
}

func (h *hub) StartPreview(context.Context, string) error { return nil }

func (h *hub) PreviewMapping(_ context.Context, _ string, email, mailbox string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mailboxes[email] = mailbox
	return nil
}

func (h *hub) SetConfirmAliases(_ context.Context, _ string, confirm bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connect.ConfirmAliases = confirm
	return nil
}

func (h *hub) Finish(context.Context, string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.connect.Check != connect.CheckOK {
		return "", kalends.Errorf(kalends.KindConflict, "no check")
	}
	h.finished++
	h.connect.Done, h.connect.ConnectionID = true, "con_1"
	return h.connect.Application.RedirectURIs[0] + "?code=abc", nil
}

func (h *hub) Decline(context.Context, string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.declined++
	return h.connect.Application.RedirectURIs[0] + "?error=access_denied", nil
}

func (h *hub) SignIn(_ context.Context, _ kalends.Provider, _ kalends.Credentials, _ netip.Addr) (string, error) {
	if h.refused != nil {
		return "", h.refused
	}
	h.signedIn = true
	return "session", nil
}

func (h *hub) SignInByLink(_ context.Context, token string) (string, error) {
	if token != "good" || h.signedIn {
		return "", kalends.Errorf(kalends.KindGone, "used")
	}
	h.signedIn = true
	return "session", nil
}

func (h *hub) Session(_ context.Context, got string) (connect.Session, error) {
	if got != "session" || !h.signedIn {
		return connect.Session{}, kalends.Errorf(kalends.KindUnauthorized, "no session")
	}
	return connect.Session{Actor: "svc-kalender@musterwerk.example"}, nil
}

func (h *hub) SignOut(context.Context, string) error { h.signedIn = false; return nil }

func (h *hub) SessionConnections(context.Context, connect.Session) ([]connect.ConnectionInfo, error) {
	return h.list, nil
}

func (h *hub) SessionAudits(context.Context, connect.Session, int) ([]kalends.Audit, error) {
	return append([]kalends.Audit(nil), h.audits...), nil
}

func (h *hub) SessionEnd(_ context.Context, _ connect.Session, id string) error {
	h.ended = id
	h.list[0].Status = kalends.ConnectionDisconnected
	return nil
}
