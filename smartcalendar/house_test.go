package smartcalendar_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"kalends/cronofy"
	"kalends/db"
	"kalends/internal/tools/await"
	"kalends/jobs"
	"kalends/secret"
	"kalends/smartcalendar"
)

const clientSecret = "the-client-secret"

// poll is how often the loops look for what is due.
const poll = 25 * time.Millisecond

// cheap is how passwords are hashed where nobody attacks.
var cheap = secret.Passwords{Memory: 8, Passes: 1}

// hub stands in for the hub where a test needs an answer that the real one gives
// only under special conditions. It answers people by their address.
type hub struct {
	*httptest.Server
	mu      sync.Mutex
	asked   []string
	intent  map[string]any
	revoked int
	codes   map[string]int
	flight  chan struct{} // callbacks in flight, as many as the real hub allows
}

func newHub(t *testing.T) *hub {
	h := &hub{codes: map[string]int{}, flight: make(chan struct{}, 8)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/enterprise_connect/intents", func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.intent = map[string]any{}
		_ = json.NewDecoder(r.Body).Decode(&h.intent)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"intent":"int_1","url":"%s/enterprise_connect/i/x"}`, h.URL)
	})
	mux.HandleFunc("POST /oauth/token", h.token)
	mux.HandleFunc("POST /oauth/token/revoke", func(w http.ResponseWriter, _ *http.Request) { h.mu.Lock(); h.revoked++; h.mu.Unlock() })
	mux.HandleFunc("POST /v1/service_account_authorizations", h.authorize)
	mux.HandleFunc("GET /v1/resources", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"resources":[{"email":"raum@musterwerk.example","name":"Raum Elbe"}]}`)
	})
	mux.HandleFunc("GET /v1/enterprise_connect/connections", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"connections":[{"connection_id":"con_1","provider":"exchange","domain":"musterwerk.example","status":"connected"}]}`)
	})
	mux.HandleFunc("GET /v1/enterprise_connect/accounts", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"pages":{"current":1,"total":1},"accounts":[{"email":"alias@musterwerk.example","status":"error","cause":{"key":"address_is_alias","facts":{"email":"alias@musterwerk.example","mailbox":"haupt@musterwerk.example"}}}]}`)
	})
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	return h
}

func (h *hub) token(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	_ = json.NewDecoder(r.Body).Decode(&body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.codes[body["code"]]++
	if body["code"] == "company" {
		fmt.Fprint(w, `{"token_type":"bearer","access_token":"S","refresh_token":"SR","expires_in":1800,"service_account_id":"ser_1","sub":"ser_1"}`)
		return
	}
	fmt.Fprintf(w, `{"token_type":"bearer","access_token":"U","refresh_token":"UR","expires_in":3600,"sub":"acc_%s","linking_profile":{"profile_id":"pro_1","profile_name":"x"}}`, body["code"])
}

// exchanged counts how often a code was exchanged.
func (h *hub) exchanged(code string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.codes[code]
}

func (h *hub) authorize(w http.ResponseWriter, r *http.Request) {
	var body struct {
		List []cronofy.Authorize `json:"service_account_authorizations"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	w.WriteHeader(http.StatusAccepted)
	for _, wish := range body.List {
		h.mu.Lock()
		h.asked = append(h.asked, wish.Email)
		h.mu.Unlock()
		go h.answer(wish)
	}
}

func (h *hub) answer(wish cronofy.Authorize) {
	text := fmt.Sprintf(`{"authorization":{"code":"c-%s"}}`, wish.Email)
	for prefix, key := range map[string]string{"fehlt": "account_not_found", "alias": "address_is_alias", "neu": "no_mailbox"} {
		if strings.HasPrefix(wish.Email, prefix) {
			text = `{"authorization":{"error":"access_denied","error_key":"errors.` + key + `"}}`
		}
	}
	h.flight <- struct{}{}
	defer func() { <-h.flight }()
	for range 5 {
		if post(wish.CallbackURL, text, clientSecret) == http.StatusOK {
			return
		}
	}
}

func post(to, text, key string) int {
	r, _ := http.NewRequest(http.MethodPost, to, strings.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(cronofy.SignatureHeader, cronofy.SignBody([]byte(text), key))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	return answer.StatusCode
}

// house is the application with a browser in front.
type house struct {
	app     *smartcalendar.App
	url     string
	hub     *hub
	browser *http.Client
	db      *db.DB
}

func newHouse(t *testing.T) *house {
	t.Helper()
	ctx := t.Context()
	d, err := db.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "sc.db"), db.Options{})
	must(t, err)
	t.Cleanup(func() { _ = d.Close() })
	must(t, smartcalendar.Migrate(ctx, d))
	keys, err := secret.Generate()
	must(t, err)
	box, err := secret.Open(keys)
	must(t, err)
	h := &house{hub: newHub(t), db: d}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	h.url = server.URL
	h.app, err = smartcalendar.New(smartcalendar.Config{DB: d, Box: box, HubURL: h.hub.URL, AppURL: h.url, ClientID: "id", ClientSecret: clientSecret, DemoOutbox: true, Contact: "betrieb@musterwerk.example", Passwords: cheap, Poll: poll})
	must(t, err)
	workers := river.NewWorkers()
	h.app.RegisterJobs(workers)
	runner, err := jobs.New(ctx, d, workers, jobs.Options{})
	must(t, err)
	h.app.UseJobs(runner)
	must(t, runner.Start(ctx))
	t.Cleanup(func() { _ = runner.Stop(t.Context()) })
	handler = h.app.Handler()
	done := make(chan struct{})
	go func() { defer close(done); _ = h.app.Run(ctx) }()
	t.Cleanup(func() { <-done })
	h.browser = newBrowser(t)
	return h
}

func newBrowser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &http.Client{Jar: jar, Timeout: await.Patience}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) get(t *testing.T, path string) (int, string) {
	t.Helper()
	answer, err := h.browser.Get(h.url + path)
	must(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body)
}

func (h *house) send(t *testing.T, path string, pairs ...string) (int, string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	answer, err := h.browser.PostForm(h.url+path, form)
	must(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body)
}

// eventually waits until the page says it, or fails with what it says instead.
func (h *house) eventually(t *testing.T, path, want string) string {
	t.Helper()
	body := ""
	for end := time.Now().Add(await.Patience); time.Now().Before(end); {
		if _, body = h.get(t, path); strings.Contains(body, want) {
			return body
		}
	}
	t.Fatalf("%s never says %q:\n%s", path, want, body)
	return ""
}
