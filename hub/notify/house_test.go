package notify_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"

	kalends "kalends"
	"kalends/cronofy"
	"kalends/db"
	"kalends/db/dbtest"
	"kalends/hub/notify"
	"kalends/internal/tools/await"
	"kalends/jobs"
	"kalends/outbound"
	"kalends/secret"
	"kalends/store"
)

// house is a hub with one application, whose receiver is a real HTTP server.
type house struct {
	db     *db.DB
	store  *store.Store
	jobs   *jobs.Runner
	taker  *taker
	hosts  []string
	base   string
	metric *prometheus.Registry
}

// taker is the application's side: it keeps what it got and answers as told.
type taker struct {
	mu      sync.Mutex
	got     []received
	answer  func(w http.ResponseWriter, r *http.Request)
	busy    atomic.Int64
	most    atomic.Int64
	arrived chan struct{}
}

type received struct {
	path, signature, contentType string
	body                         []byte
}

func (r *taker) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	busy := r.busy.Add(1)
	defer r.busy.Add(-1)
	for most := r.most.Load(); busy > most && !r.most.CompareAndSwap(most, busy); most = r.most.Load() {
	}
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	r.got = append(r.got, received{request.URL.RequestURI(), request.Header.Get("Cronofy-HMAC-SHA256"), request.Header.Get("Content-Type"), body})
	answer := r.answer
	r.mu.Unlock()
	select {
	case r.arrived <- struct{}{}:
	default:
	}
	if answer != nil {
		answer(w, request)
	}
}

func (r *taker) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

func (r *taker) setAnswer(answer func(http.ResponseWriter, *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// wait gives the first n deliveries.
func (r *taker) wait(t *testing.T, n int) []received {
	t.Helper()
	for {
		if got := r.all(); len(got) >= n {
			return got
		}
		await.Value(t, "one more delivery", r.arrived)
	}
}

type world struct {
	database func(testing.TB, db.Options) *db.DB // nil = SQLite
	networks []netip.Prefix
	hosts    []string // registered; nil = the receiver's
	answer   func(http.ResponseWriter, *http.Request)
	timeout  time.Duration // of a post; 0 = as in the program
}

func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func newHouse(t *testing.T, w world) *house {
	t.Helper()
	h := &house{taker: &taker{arrived: make(chan struct{}, 1), answer: w.answer}, metric: prometheus.NewRegistry()}
	server := httptest.NewServer(h.taker)
	t.Cleanup(server.Close)
	parsed, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	h.base, h.hosts = server.URL, w.hosts
	if h.hosts == nil {
		h.hosts = []string{parsed.Host}
	}
	h.open(t, w)
	h.seed(t)
	return h
}

func (h *house) open(t *testing.T, w world) {
	t.Helper()
	keys, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.Open(keys)
	if err != nil {
		t.Fatal(err)
	}
	if w.database == nil {
		w.database = dbtest.SQLite
	}
	h.db = w.database(t, db.Options{})
	h.store = store.New(h.db, box)
	if err := h.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	service := notify.New(notify.Config{
		DB: h.db, Store: h.store, Metrics: h.metric, Timeout: w.timeout,
		Way: outbound.New(outbound.Config{PrivateNetworks: w.networks}),
	})
	t.Cleanup(service.Close)
	workers := river.NewWorkers()
	service.Register(workers)
	if h.jobs, err = jobs.New(t.Context(), h.db, workers, jobs.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := h.jobs.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = h.jobs.Stop(context.Background())
	})
}

// seed stores an application with two secrets, an organisation, a connection.
func (h *house) seed(t *testing.T) {
	t.Helper()
	h.write(t, func(ctx context.Context, tx *db.Tx) error {
		app := kalends.Application{ID: "app_1", ClientID: "client", Name: "Test", CallbackHosts: h.hosts, NotifyURL: h.base + "/notify"}
		if err := h.store.InsertApplication(ctx, tx, app); err != nil {
			return err
		}
		for _, value := range []string{"first secret", "second secret"} {
			if err := h.store.InsertClientSecret(ctx, tx, "app_1", value); err != nil {
				return err
			}
		}
		if err := h.store.InsertOrganisation(ctx, tx, kalends.Organisation{ID: "ser_1", ApplicationID: "app_1"}); err != nil {
			return err
		}
		return h.store.InsertConnection(ctx, tx, kalends.Connection{
			ID: "con_1", OrganisationID: "ser_1", Provider: kalends.Exchange, Domain: "musterwerk.example",
			Status: kalends.ConnectionDegraded, Cause: kalends.NewCause(kalends.CauseCredentialsExpired, "account", "svc"),
		})
	})
}

func (h *house) write(t *testing.T, do func(context.Context, *db.Tx) error) {
	t.Helper()
	if err := h.db.Write(t.Context(), func(tx *db.Tx) error { return do(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// ask stores an account in a state with a request, and its job.
func (h *house) ask(t *testing.T, id string, status kalends.AccountStatus, cause *kalends.Cause, address string) {
	t.Helper()
	h.write(t, func(ctx context.Context, tx *db.Tx) error {
		if err := h.account(ctx, tx, id, status, cause); err != nil {
			return err
		}
		request := kalends.AuthorizationRequest{
			ID: "req_" + id, OrganisationID: "ser_1", AccountID: "acc_" + id,
			CallbackURL: address, Scope: "read_write", State: "state-" + id,
		}
		if err := h.store.InsertRequest(ctx, tx, request); err != nil {
			return err
		}
		return h.jobs.Insert(ctx, tx, jobs.AuthorizationCallback{RequestID: "req_" + id}, nil)
	})
}

func (h *house) account(ctx context.Context, tx *db.Tx, id string, status kalends.AccountStatus, cause *kalends.Cause) error {
	err := h.store.InsertAccount(ctx, tx, kalends.Account{
		ID: "acc_" + id, OrganisationID: "ser_1", ConnectionID: "con_1", Email: id + "@musterwerk.example", Status: status, Cause: cause,
	})
	if err != nil {
		return err
	}
	return h.store.InsertGrant(ctx, tx, kalends.Grant{
		ID: "gra_" + id, ApplicationID: "app_1", OrganisationID: "ser_1", AccountID: "acc_" + id, Scope: "read_write",
	})
}

func (h *house) text(t *testing.T, query string) string {
	t.Helper()
	var value string
	err := h.db.Read(t.Context(), func(tx *db.Tx) (err error) {
		value, err = db.One(t.Context(), tx, db.Value[string], query)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// until waits for a query to give a value.
func (h *house) until(t *testing.T, query, want string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for got := h.text(t, query); got != want; got = h.text(t, query) {
		if time.Now().After(deadline) {
			t.Fatalf("%s gives %q, want %q", query, got, want)
		}
		runtime.Gosched()
	}
}

func authorization(t *testing.T, got received) cronofy.Authorization {
	t.Helper()
	callback, err := cronofy.ParseCallback(got.body)
	if err != nil || callback.Authorization == nil {
		t.Fatalf("body %s: %v", got.body, err)
	}
	return *callback.Authorization
}
