package smartcalendar_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"

	kalends "kalends"
	"kalends/api"
	"kalends/db"
	"kalends/db/dbtest"
	"kalends/hub/calendar"
	"kalends/hub/connect"
	"kalends/hub/mirror"
	"kalends/hub/notify"
	"kalends/internal/tools/await"
	"kalends/jobs"
	"kalends/mail"
	"kalends/outbound"
	"kalends/provider"
	"kalends/provider/memory"
	"kalends/secret"
	"kalends/smartcalendar"
	"kalends/store"
)

// town is the whole program as it runs: the real hub with a calendar system in
// this process, and Smart Calendar in front of it, on one database. It can be
// killed and started again.
type town struct {
	t       *testing.T
	world   *memory.World
	db      *db.DB
	box     *secret.Box
	rooms   *store.Store
	hub     *connect.Service
	app     *smartcalendar.App
	own     kalends.Application
	secret  string
	browser *visitor
	company string
	mail    *mail.Server

	hubServer, appServer *httptest.Server
	hubNow, appNow       atomic.Pointer[http.Handler]
	ahead                atomic.Int64 // how far the clock is ahead
	kill                 func()
}

func newTown(t *testing.T, adjust ...func(*town)) *town {
	t.Helper()
	return newTownOn(t, dbtest.SQLite, adjust...)
}

// each runs a test on SQLite and on PostgreSQL, in an empty town each. Without a
// PostgreSQL server that half says so and is skipped.
func each(t *testing.T, test func(t *testing.T, h *town)) {
	t.Helper()
	for name, open := range map[string]opener{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newTownOn(t, open))
		})
	}
}

// opener makes an empty database.
type opener func(testing.TB, db.Options) *db.DB

func newTownOn(t *testing.T, open opener, adjust ...func(*town)) *town {
	t.Helper()
	h := &town{t: t, world: memory.NewWorld("musterwerk.example")}
	h.world.Provider = kalends.Exchange
	for _, a := range adjust {
		a(h)
	}
	h.db = open(t, db.Options{Clock: h.now})
	keys, err := secret.Generate()
	must(t, err)
	h.box, err = secret.Open(keys)
	must(t, err)
	h.rooms = store.New(h.db, h.box)
	must(t, h.rooms.Migrate(t.Context()))
	must(t, smartcalendar.Migrate(t.Context(), h.db))
	h.hubServer = served(t, &h.hubNow)
	h.appServer = served(t, &h.appNow)
	h.start()
	t.Cleanup(func() { h.kill() })
	h.browser = newVisitor(t, h.appServer.URL)
	return h
}

func (h *town) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

// later moves the clock of hub and application.
func (h *town) later(d time.Duration) { h.ahead.Add(int64(d)) }

// townClock is the town's time for those who wait.
type townClock struct{ town *town }

func (c townClock) Now() time.Time { return c.town.now() }

// Wait implements provider.Clock: it ends when the time has passed, or a test moved
// the clock.
func (c townClock) Wait(ctx context.Context, d time.Duration) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for end := c.Now().Add(d); c.Now().Before(end); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// served answers 503 while nothing runs, as a proxy would.
func served(t *testing.T, now *atomic.Pointer[http.Handler]) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler := now.Load(); handler != nil {
			(*handler).ServeHTTP(w, r)
			return
		}
		http.Error(w, "nobody is here", http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	return server
}

// start runs hub and application as the program does.
func (h *town) start() {
	t := h.t
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var err error
	calls := provider.Options{Tries: 1, Deadline: time.Hour, Clock: townClock{h}} // a gate may hold them long
	way := outbound.New(outbound.Config{PrivateNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	notes := notify.New(notify.Config{DB: h.db, Store: h.rooms, Way: way})
	late := &lateJobs{}
	var hub *connect.Service
	pool := provider.NewPool(func(ctx context.Context, id string) (provider.Driver, kalends.Provider, error) {
		return hub.OpenConnection(ctx, id)
	}, calls)
	hub = connect.New(connect.Config{
		DB: h.db, Store: h.rooms, Box: h.box, Jobs: late, Pool: pool, PublicURL: h.hubServer.URL, ConfirmAliases: true, Clock: h.now,
		Systems: map[kalends.Provider]provider.System{kalends.Exchange: h.world.System()}, Client: calls, Poll: poll,
	})
	h.hub = hub
	h.register()
	h.app, err = smartcalendar.New(smartcalendar.Config{
		DB: h.db, Box: h.box, HubURL: h.hubServer.URL, AppURL: h.appServer.URL, ClientID: h.own.ClientID, ClientSecret: h.secret,
		DemoOutbox: true, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Mail: h.mail, Contact: "betrieb@musterwerk.example", Clock: h.now,
		Passwords: cheap, Poll: poll,
	})
	must(t, err)
	workers := river.NewWorkers()
	notes.Register(workers)
	hub.RegisterJobs(workers)
	h.app.RegisterJobs(workers)
	late.Runner, err = jobs.New(ctx, h.db, workers, jobs.Options{})
	must(t, err)
	h.app.UseJobs(late.Runner)
	must(t, late.Start(ctx))
	m := mirror.New(mirror.Config{DB: h.db, Store: h.rooms, Pool: pool, Jobs: late.Runner, Poll: poll})
	surface := api.New(api.Config{
		Hub: hub, People: calendar.New(calendar.Config{DB: h.db, Store: h.rooms, Box: h.box}), Box: h.box,
		PublicURL: h.hubServer.URL, PerSecond: 10000, PerMinute: 1000000, Clock: h.now,
	})
	pages := h.app.Handler()
	h.hubNow.Store(&surface)
	h.appNow.Store(&pages)
	var running sync.WaitGroup
	running.Go(func() { _ = hub.Run(ctx) })
	running.Go(func() { _ = m.Run(ctx) })
	running.Go(func() { _ = h.app.Run(ctx) })
	h.kill = sync.OnceFunc(func() {
		h.hubNow.Store(nil)
		h.appNow.Store(nil)
		stop()
		running.Wait()
		_ = late.Stop(context.Background())
		hub.Close()
		notes.Close()
		pool.Close()
	})
}

// lateJobs is needed by the hub before there are workers for it.
type lateJobs struct{ *jobs.Runner }

func (h *town) register() {
	if h.own.ID != "" {
		return
	}
	var err error
	h.own, h.secret, err = h.hub.CreateApplication(h.t.Context(), connect.NewApplication{
		Name: "Smart Calendar", RedirectURIs: []string{h.appServer.URL + smartcalendar.RedirectPath}, NotifyURL: h.appServer.URL + smartcalendar.NotifyPath,
	})
	must(h.t, err)
}

// settle makes the company with its administrator Ada and the people, and signs
// Ada in. It hires Ada at the calendar system too.
func (h *town) settle(people ...smartcalendar.NewPerson) *town {
	h.t.Helper()
	h.world.Add(memory.Person{Email: "ada@musterwerk.example", Name: "Ada Admin"})
	var err error
	h.company, err = h.app.CreateCompany(h.t.Context(), "Musterwerk", "musterwerk.example", []smartcalendar.Feature{smartcalendar.SmartCalendar})
	must(h.t, err)
	h.add(append([]smartcalendar.NewPerson{{Name: "Ada Admin", Email: "ada@musterwerk.example", Role: smartcalendar.RoleAdministrator, Password: password}}, people...)...)
	h.browser.signIn(h.t, "ada@musterwerk.example")
	return h
}

func (h *town) add(people ...smartcalendar.NewPerson) []string {
	h.t.Helper()
	ids, err := h.app.AddPeople(h.t.Context(), h.company, people)
	must(h.t, err)
	return ids
}

// known are people whom both the calendar system and the application know.
func (h *town) known(names ...string) []smartcalendar.NewPerson {
	people := make([]smartcalendar.NewPerson, len(names))
	for i, name := range names {
		email := strings.ToLower(name) + "@musterwerk.example"
		h.world.Add(memory.Person{Email: email, Name: name})
		people[i] = smartcalendar.NewPerson{Name: name, Email: email, Password: password}
	}
	return people
}

// begin presses the button and gives the link of the hub's pages.
func (h *town) begin(v *visitor) string {
	h.t.Helper()
	a := v.post(h.t, "/settings/calendar/connect")
	if a.status != http.StatusSeeOther || !strings.Contains(a.to, "/enterprise_connect/i/") {
		h.t.Fatalf("connect leads to %q: %d", a.to, a.status)
	}
	return a.to
}

// atHub goes through the hub's pages and gives the address that leads back.
func (h *town) atHub(link string) string {
	h.t.Helper()
	ctx := h.t.Context()
	begun, err := h.hub.BeginIntent(ctx, path.Base(link))
	must(h.t, err)
	must(h.t, h.hub.ChooseProvider(ctx, begun.Handle, kalends.Exchange))
	must(h.t, h.hub.StartCheck(ctx, begun.Handle, h.world.Credentials(), netip.MustParseAddr("192.0.2.1")))
	h.until("the check passes", func() bool {
		view, err := h.hub.Connect(ctx, begun.Handle)
		must(h.t, err)
		if view.Check == connect.CheckFailed {
			h.t.Fatalf("check failed: %v", view.Cause)
		}
		return view.Check == connect.CheckOK
	})
	back, err := h.hub.Finish(ctx, begun.Handle)
	must(h.t, err)
	return strings.TrimPrefix(back, h.appServer.URL)
}

// connect goes the whole way of an administrator.
func (h *town) connect() {
	h.t.Helper()
	h.returns(h.atHub(h.begin(h.browser)))
}

// returns comes back from the hub, which starts the run.
func (h *town) returns(back string) {
	h.t.Helper()
	a := h.browser.get(h.t, back)
	if a.to != "/settings/calendar" {
		h.t.Fatalf("the return leads to %q: %d\n%s", a.to, a.status, a.body)
	}
}

// connectsHeld connects while nobody is connected before the gate lets it happen:
// it holds the last request about each, since held requests stand in the way of others.
func (h *town) connectsHeld() *memory.Gate {
	h.t.Helper()
	back := h.atHub(h.begin(h.browser))
	gate := h.world.Hold("calendars")
	h.returns(back)
	return gate
}

// lives makes a company with people whom everybody knows, and connects it.
func (h *town) lives(names ...string) *town {
	h.t.Helper()
	h.settle(h.known(names...)...)
	h.connect()
	h.finished()
	return h
}

// finished waits until no run runs.
func (h *town) finished() {
	h.t.Helper()
	h.until("the run ends", func() bool {
		return h.count("sc_runs WHERE finished_at IS NULL") == 0 && h.count("sc_runs") > 0
	})
}

// row is what a test looks at of somebody's link.
type row struct {
	Status, Cause, Matched, By, Sub, Profile, Token string
	Facts                                           map[string]string
	Open                                            bool
}

func (h *town) row(email string) row {
	h.t.Helper()
	r, err := h.link(email)
	must(h.t, err)
	return r
}

func (h *town) link(email string) (r row, err error) {
	err = h.db.Read(context.Background(), func(tx *db.Tx) error {
		r, err = db.One(context.Background(), tx, func(s db.Row) (row, error) {
			var r row
			err := s.Scan(&r.Status, &r.Cause, &r.Matched, &r.By, &r.Sub, &r.Profile, &r.Token, db.ScanJSON(&r.Facts), &r.Open)
			return r, err
		}, `SELECT status, cause_key, matched_email, matched_by, sub, profile_id, token, cause_facts, due_at IS NOT NULL
			FROM sc_links WHERE email_key = $1 ORDER BY id`, email)
		return err
	})
	return r, err
}

// becomes waits until somebody's link has a status and owes nothing.
func (h *town) becomes(email, status string) row {
	h.t.Helper()
	var last row
	h.until(email+" is "+status, func() bool {
		last = h.row(email)
		return last.Status == status && !last.Open
	}, func() any { return last })
	return last
}

func (h *town) count(what string, args ...any) int {
	h.t.Helper()
	return int(h.number("SELECT count(*) FROM "+what, args...))
}

func (h *town) number(query string, args ...any) (n int64) {
	h.t.Helper()
	must(h.t, h.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		n, err = db.One(context.Background(), tx, db.Value[int64], query, args...)
		return err
	}))
	return n
}

func (h *town) text(query string, args ...any) (text string) {
	h.t.Helper()
	must(h.t, h.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		text, err = db.One(context.Background(), tx, db.Value[string], query, args...)
		return err
	}))
	return text
}

func (h *town) exec(statement string, args ...any) {
	h.t.Helper()
	must(h.t, h.db.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), statement, args...)
		return err
	}))
}

// until waits for something that happens in the background.
func (h *town) until(what string, done func() bool, shows ...func() any) {
	h.t.Helper()
	await.True(h.t, what, done, append(shows, func() any { return strings.Join(h.past(), "\n") })...)
}

// past is the history of all, for a test that fails.
func (h *town) past() (lines []string) {
	must(h.t, h.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		lines, err = db.All(context.Background(), tx, db.Value[string], "SELECT action || ' ' || actor || ' ' || facts FROM sc_history ORDER BY at")
		return err
	}))
	return lines
}

// ended waits until no grant is left to end at the hub.
func (h *town) ended() {
	h.until("grants are ended", func() bool { return h.count("sc_endings") == 0 })
}

// visitor is a browser that does not follow redirects.
type visitor struct {
	client *http.Client
	base   string
}

func newVisitor(t *testing.T, base string) *visitor {
	client := newBrowser(t)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{client: client, base: base}
}

type answer struct {
	status   int
	to, body string
	header   http.Header
}

func (v *visitor) get(t *testing.T, path string) answer {
	t.Helper()
	return v.send(t, http.MethodGet, path, nil)
}

func (v *visitor) post(t *testing.T, path string, pairs ...string) answer {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return v.send(t, http.MethodPost, path, form)
}

func (v *visitor) send(t *testing.T, method, path string, form url.Values, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, v.base+path, strings.NewReader(form.Encode()))
	must(t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	got, err := v.client.Do(r)
	must(t, err)
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(got.Body)
	must(t, err)
	return answer{status: got.StatusCode, to: got.Header.Get("Location"), body: string(body), header: got.Header}
}

func (v *visitor) signIn(t *testing.T, email string) {
	t.Helper()
	if a := v.post(t, "/sign-in", "email", email, "password", password); a.status != http.StatusSeeOther {
		t.Fatalf("sign in as %s: %d", email, a.status)
	}
}

// page reads a page in English.
func (v *visitor) page(t *testing.T, path string) string {
	t.Helper()
	a := v.send(t, http.MethodGet, path, nil, "Accept-Language", "en")
	if a.status != http.StatusOK {
		t.Fatalf("%s: %d to %q", path, a.status, a.to)
	}
	return a.body
}

func says(t *testing.T, body string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q:\n%s", want, body)
		}
	}
}

// callback posts a signed answer as the hub would.
func (h *town) callback(token, body string) int {
	return post(h.appServer.URL+"/calendar/callbacks/"+token, body, h.secret)
}
