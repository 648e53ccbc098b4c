package connect_test

import (
	"context"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/db/dbtest"
	"kalends/hub/connect"
	"kalends/jobs"
	"kalends/outbound"
	"kalends/provider"
	"kalends/provider/memory"
	"kalends/secret"
	"kalends/store"
)

const (
	serviceScope = "service_account/accounts/manage service_account/resources/manage"
	redirectURI  = "https://app.musterwerk.example/back"
	callbackURL  = "https://app.musterwerk.example/callback"
)

var browser = netip.MustParseAddr("192.0.2.7")

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Wait lets a back-off pass at once.
func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.pass(d)
	return ctx.Err()
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// house is a hub over a real database, with a calendar system to act in.
type house struct {
	t *testing.T
	*connect.Service
	db     *db.DB
	store  *store.Store
	jobs   *jobs.Runner
	box    *secret.Box
	pool   *provider.Pool
	system provider.System
	way    *outbound.Way
	world  *memory.World
	clock  *clock
	app    kalends.Application
	refuse time.Duration // a sign-in is not refused sooner
	poll   time.Duration // how often Run looks for work by itself; 0 = as in the program
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return newHouseOn(t, dbtest.SQLite)
}

// newHouseOn makes a house on SQLite or PostgreSQL.
func newHouseOn(t *testing.T, open func(testing.TB, db.Options) *db.DB) *house {
	t.Helper()
	h := &house{t: t, clock: &clock{now: time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)}}
	h.world = memory.NewWorld("musterwerk.example")
	h.world.Provider = kalends.Exchange
	h.world.Staff(12)
	h.system = h.world.System()
	database := open(t, db.Options{Clock: h.clock.Now})
	keyset, err := secret.Generate()
	h.must(err)
	h.box, err = secret.Open(keyset)
	h.must(err)
	h.db, h.store = database, store.New(database, h.box)
	h.must(h.store.Migrate(t.Context()))
	h.jobs, err = jobs.New(t.Context(), database, nil, jobs.Options{})
	h.must(err)
	h.open()
	h.app, _, err = h.CreateApplication(t.Context(), connect.NewApplication{Name: "Smart Calendar", RedirectURIs: []string{redirectURI}})
	h.must(err)
	return h
}

// open starts a Service on the database, as a restarted program would.
func (h *house) open() {
	var service *connect.Service
	pool := provider.NewPool(func(ctx context.Context, id string) (provider.Driver, kalends.Provider, error) {
		return service.OpenConnection(ctx, id)
	}, provider.Options{Tries: 1, Clock: h.clock})
	service = connect.New(connect.Config{
		DB: h.db, Store: h.store, Box: h.box, Jobs: h.jobs, Pool: pool, Clock: h.clock.Now, Poll: h.poll,
		Systems: map[kalends.Provider]provider.System{kalends.Exchange: h.system}, Way: h.way,
		Client: provider.Options{Tries: 1}, PublicURL: "https://hub.example", RefuseAfter: h.refuse,
	})
	h.Service, h.pool = service, pool
	h.t.Cleanup(func() { service.Close(); pool.Close() })
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) kind(err error, want kalends.Kind) {
	h.t.Helper()
	if kalends.KindOf(err) != want {
		h.t.Fatalf("error %v, want kind %s", err, want)
	}
}

func (h *house) authorize() string {
	h.t.Helper()
	begun, err := h.BeginAuthorize(h.t.Context(), connect.AuthorizeRequest{
		ResponseType: "code", ClientID: h.app.ClientID, RedirectURI: redirectURI, Scope: serviceScope,
		DelegatedScope: "read_write", State: "s t&1", ProviderName: "exchange",
	})
	h.must(err)
	return begun.Handle
}

// check runs a check to its end, the preview included.
func (h *house) check(handle string, values kalends.Credentials) connect.Connect {
	h.t.Helper()
	h.must(h.StartCheck(h.t.Context(), handle, values, browser))
	return h.settled(handle)
}

func (h *house) settled(handle string) connect.Connect {
	h.t.Helper()
	h.Service.Settle()
	view, err := h.Connect(h.t.Context(), handle)
	h.must(err)
	return view
}

// connect connects the company and gives its organisation.
func (h *house) connect() (organisationID, connectionID string) {
	h.t.Helper()
	handle := h.authorize()
	if view := h.check(handle, h.world.Credentials()); view.Check != connect.CheckOK {
		h.t.Fatalf("check: %s %v", view.Check, view.Cause)
	}
	back, err := h.Finish(h.t.Context(), handle)
	h.must(err)
	return h.organisationOf(back), h.settled(handle).ConnectionID
}

func (h *house) organisationOf(back string) string {
	h.t.Helper()
	tokens, err := h.ExchangeCode(h.t.Context(), h.app, query(h.t, back, "code"), redirectURI, "")
	h.must(err)
	return tokens.OrganisationID
}

func query(t *testing.T, address, name string) string {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Query().Get(name)
}

func (h *house) ask(organisationID string, emails ...string) {
	h.t.Helper()
	for start := 0; start < len(emails); start += 50 {
		var list []connect.Authorization
		for _, email := range emails[start:min(start+50, len(emails))] {
			list = append(list, connect.Authorization{Email: email, CallbackURL: callbackURL, Scope: "read_write", State: email})
		}
		h.must(h.Authorise(h.t.Context(), organisationID, list))
	}
}

func (h *house) tick() int {
	h.t.Helper()
	n, err := h.Tick(h.t.Context())
	h.must(err)
	return n
}

func (h *house) account(organisationID, email string) kalends.Account {
	h.t.Helper()
	d, err := h.Diagnose(h.t.Context(), organisationID, email, false)
	h.must(err)
	return d.Account
}

func (h *house) status(organisationID, email string, status kalends.AccountStatus, cause kalends.CauseKey) kalends.Account {
	h.t.Helper()
	a := h.account(organisationID, email)
	key := kalends.CauseKey("")
	if a.Cause != nil {
		key = a.Cause.Key
	}
	if a.Status != status || key != cause {
		h.t.Fatalf("%s is %s (%s), want %s (%s)", email, a.Status, key, status, cause)
	}
	return a
}

// inserted counts the jobs of a kind.
func (h *house) inserted(kind string) (n int) {
	h.t.Helper()
	h.must(h.db.Read(h.t.Context(), func(tx *db.Tx) (err error) {
		n, err = db.One(h.t.Context(), tx, db.Value[int], "SELECT count(*) FROM river_job WHERE kind = $1", kind)
		return err
	}))
	return n
}

func (h *house) count(query string, args ...any) (n int) {
	h.t.Helper()
	h.must(h.db.Read(h.t.Context(), func(tx *db.Tx) (err error) {
		n, err = db.One(h.t.Context(), tx, db.Value[int], query, args...)
		return err
	}))
	return n
}
