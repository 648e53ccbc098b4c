package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"

	kalends "kalends"
	"kalends/api"
	"kalends/cronofy"
	"kalends/db"
	"kalends/hub/calendar"
	"kalends/hub/connect"
	"kalends/hub/mirror"
	"kalends/hub/notify"
	"kalends/internal/tools/await"
	"kalends/jobs"
	"kalends/outbound"
	"kalends/provider"
	"kalends/provider/memory"
	"kalends/secret"
	"kalends/store"
)

const (
	publicURL    = "https://hub.musterwerk.example"
	serviceScope = cronofy.ScopeManageAccounts + " " + cronofy.ScopeManageResources
)

// house is a hub over a real database and a calendar system in this process,
// with its API on a real port, every answer of which is held against openapi.yaml.
type house struct {
	t        *testing.T
	hub      *connect.Service
	world    *memory.World
	mirror   *mirror.Mirror
	db       *db.DB
	receiver *receiver
	server   *httptest.Server
	registry *prometheus.Registry
	log      *bytes.Buffer
	stop     func() // ends what runs in the background
	app      kalends.Application
	secret   string
	client   *cronofy.Client
}

func newHouse(t *testing.T, adjust ...func(*api.Config)) *house {
	t.Helper()
	h := &house{t: t, log: &bytes.Buffer{}, registry: prometheus.NewRegistry()}
	h.world = memory.NewWorld("musterwerk.example")
	h.world.Provider = kalends.Exchange
	var err error
	h.db, err = db.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "hub.db"), db.Options{})
	h.must(err)
	t.Cleanup(func() { _ = h.db.Close() })
	keyset, err := secret.Generate()
	h.must(err)
	box, err := secret.Open(keyset)
	h.must(err)
	h.receiver = newReceiver(t)
	rooms := store.New(h.db, box)
	h.must(rooms.Migrate(t.Context()))
	h.start(rooms, box)
	config := api.Config{
		Hub: h.hub, People: calendar.New(calendar.Config{DB: h.db, Store: rooms, Box: box, PageSize: 5}), Box: box,
		PublicURL: publicURL, PerSecond: 10000, PerMinute: 100000, Metrics: h.registry,
		Log: slog.New(slog.NewTextHandler(&locked{w: h.log}, nil)),
	}
	for _, a := range adjust {
		a(&config)
	}
	h.server = httptest.NewServer(oracle(t, api.New(config)))
	t.Cleanup(h.server.Close)
	h.app, h.secret, h.client = h.application("Smart Calendar")
	return h
}

// start runs the hub's rooms as the program does.
func (h *house) start(rooms *store.Store, box *secret.Box) {
	t := h.t
	ctx, stop := context.WithCancel(context.Background())
	way := outbound.New(outbound.Config{PrivateNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	notes := notify.New(notify.Config{DB: h.db, Store: rooms, Way: way})
	workers := river.NewWorkers()
	notes.Register(workers)
	runner, err := jobs.New(ctx, h.db, workers, jobs.Options{})
	h.must(err)
	var hub *connect.Service
	pool := provider.NewPool(func(ctx context.Context, id string) (provider.Driver, kalends.Provider, error) {
		return hub.OpenConnection(ctx, id)
	}, provider.Options{Tries: 1})
	hub = connect.New(connect.Config{
		DB: h.db, Store: rooms, Box: box, Jobs: runner, Pool: pool, PublicURL: publicURL,
		Systems: map[kalends.Provider]provider.System{kalends.Exchange: h.world.System()}, Client: provider.Options{Tries: 1},
	})
	hub.RegisterJobs(workers)
	h.hub = hub
	h.mirror = mirror.New(mirror.Config{DB: h.db, Store: rooms, Pool: pool, Jobs: runner, Poll: 20 * time.Millisecond})
	h.must(runner.Start(ctx))
	var running sync.WaitGroup
	running.Go(func() { _ = hub.Run(ctx) })
	running.Go(func() { _ = h.mirror.Run(ctx) })
	h.stop = sync.OnceFunc(func() {
		stop()
		running.Wait()
		_ = runner.Stop(context.Background())
		hub.Close()
		notes.Close()
		pool.Close()
	})
	t.Cleanup(h.stop)
}

// application registers one more application, with a client for it.
func (h *house) application(name string) (kalends.Application, string, *cronofy.Client) {
	h.t.Helper()
	app, clientSecret, err := h.hub.CreateApplication(h.t.Context(), connect.NewApplication{
		Name: name, RedirectURIs: []string{h.back()}, CallbackHosts: []string{h.receiver.host},
	})
	h.must(err)
	client, err := cronofy.New(cronofy.Config{BaseURL: h.server.URL, ClientID: app.ClientID, ClientSecret: clientSecret})
	h.must(err)
	return app, clientSecret, client
}

func (h *house) back() string { return h.receiver.url + "/back" }

// code connects the company in a browser, by an intent's link, and gives the code.
func (h *house) code(client *cronofy.Client, challenge string) string {
	h.t.Helper()
	ctx := h.t.Context()
	intent, err := client.CreateIntent(ctx, cronofy.IntentRequest{
		RedirectURI: h.back(), Scope: serviceScope, DelegatedScope: "read_write", State: "s", CodeChallenge: challenge,
	})
	h.must(err)
	return h.through(intent.URL)
}

// through goes an intent's link to its end and gives the code.
func (h *house) through(link string) string {
	h.t.Helper()
	ctx := h.t.Context()
	begun, err := h.hub.BeginIntent(ctx, link[strings.LastIndex(link, "/")+1:])
	h.must(err)
	h.must(h.hub.ChooseProvider(ctx, begun.Handle, kalends.Exchange))
	h.must(h.hub.StartCheck(ctx, begun.Handle, h.world.Credentials(), netip.MustParseAddr("192.0.2.1")))
	h.until(func() bool {
		view, err := h.hub.Connect(ctx, begun.Handle)
		h.must(err)
		if view.Check == connect.CheckFailed {
			h.t.Fatalf("check failed: %v", view.Cause)
		}
		return view.Check == connect.CheckOK
	})
	back, err := h.hub.Finish(ctx, begun.Handle)
	h.must(err)
	parsed, err := url.Parse(back)
	h.must(err)
	return parsed.Query().Get("code")
}

// connect connects the company and gives calls with its token.
func (h *house) connect(client *cronofy.Client) (*cronofy.Bearer, cronofy.Token) {
	h.t.Helper()
	token, err := client.ExchangeCode(h.t.Context(), h.code(client, ""), h.back(), "")
	h.must(err)
	return client.Bearer(cronofy.StaticToken(token.AccessToken)), token
}

// person authorises one address and gives calls with its token.
func (h *house) person(client *cronofy.Client, company *cronofy.Bearer, email string) (*cronofy.Bearer, cronofy.Token) {
	h.t.Helper()
	callback := h.receiver.url + "/callback?one=" + url.QueryEscape(email+kalends.NewID("_"))
	h.must(company.AuthorizeAccounts(h.t.Context(), []cronofy.Authorize{{Email: email, CallbackURL: callback, Scope: "read_write"}}))
	answer := h.receiver.wait(h.t, callback)
	if answer.Code == "" {
		h.t.Fatalf("%s: %+v", email, answer)
	}
	token, err := client.ExchangeCode(h.t.Context(), answer.Code, callback, "")
	h.must(err)
	return client.Bearer(cronofy.StaticToken(token.AccessToken)), token
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// until waits for something that happens in the background.
func (h *house) until(done func() bool) {
	h.t.Helper()
	await.True(h.t, "what the test waits for", done)
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// locked is a log that several goroutines write.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// receiver is an application's callback endpoint.
type receiver struct {
	url, host string
	mu        sync.Mutex
	answers   map[string]cronofy.Authorization
	signed    map[string]string
	came      chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{answers: map[string]cronofy.Authorization{}, signed: map[string]string{}, came: make(chan struct{}, 1000)}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url, r.host = server.URL, strings.TrimPrefix(server.URL, "http://")
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	callback, parseErr := cronofy.ParseCallback(body)
	if err != nil || parseErr != nil || callback.Authorization == nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.answers[r.url+request.URL.RequestURI()] = *callback.Authorization
	r.signed[string(body)] = request.Header.Get(cronofy.SignatureHeader)
	r.mu.Unlock()
	r.came <- struct{}{}
}

func (r *receiver) get(callback string) (cronofy.Authorization, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.answers[callback]
	return a, ok
}

func (r *receiver) wait(t *testing.T, callback string) cronofy.Authorization {
	t.Helper()
	for {
		if answer, ok := r.get(callback); ok {
			return answer
		}
		await.Value(t, "a callback to "+callback, r.came)
	}
}

// oracle holds every answer against openapi.yaml, and every request that the
// API took; what it refused may be as wrong as it likes.
func oracle(t *testing.T, handler http.Handler) http.Handler {
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		judge(t, router, r, body, answer)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// judge leaves out what openapi.yaml deliberately does not describe: paths and
// methods that do not exist, and the dialects a request is marked to speak.
func judge(t *testing.T, router routers.Router, r *http.Request, body []byte, answer *httptest.ResponseRecorder) {
	seen := r.Clone(context.Background())
	seen.URL.Scheme, seen.URL.Host, seen.Host = "", "", ""
	seen.URL.Path, seen.URL.RawPath = strings.TrimRight(seen.URL.Path, "/"), ""
	route, parameters, err := router.FindRoute(seen)
	if err != nil {
		if answer.Code != 404 && answer.Code != 405 && seen.URL.Path != "/v1/openapi.yaml" {
			t.Errorf("%s %s is not in openapi.yaml: %v", r.Method, r.URL.Path, err)
		}
		return
	}
	seen.Body = io.NopCloser(bytes.NewReader(body))
	request := &openapi3filter.RequestValidationInput{
		Request: seen, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if answer.Code < 300 && r.Header.Get("X-Dialect") == "" {
		if err := openapi3filter.ValidateRequest(context.Background(), request); err != nil {
			t.Errorf("%s %s: request: %v", r.Method, r.URL.Path, err)
		}
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: answer.Code, Header: answer.Header(),
		Body: io.NopCloser(bytes.NewReader(answer.Body.Bytes())), Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		t.Errorf("%s %s: answer %d %s: %v", r.Method, r.URL.Path, answer.Code, answer.Body, err)
	}
}

// raw is a request as foreign clients send them, and its answer.
type raw struct {
	method, path, body string
	header             map[string]string
}

func (h *house) send(r raw) (*http.Response, string) {
	h.t.Helper()
	request, err := http.NewRequestWithContext(h.t.Context(), r.method, h.server.URL+r.path, strings.NewReader(r.body))
	h.must(err)
	for name, value := range r.header {
		request.Header.Set(name, value)
		if name == "Host" {
			request.Host = value
		}
	}
	response, err := http.DefaultClient.Do(request)
	h.must(err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	h.must(err)
	return response, string(body)
}

func statusOf(t *testing.T, err error, want int) *cronofy.Error {
	t.Helper()
	var e *cronofy.Error
	if !errors.As(err, &e) || e.Status != want {
		t.Fatalf("want status %d, got %v", want, err)
	}
	return e
}

func decode(t *testing.T, text string) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return object
}
