package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	kalends "kalends"
	"kalends/console"
	"kalends/db"
	"kalends/db/dbtest"
	"kalends/hub/connect"
	"kalends/internal/tools/browser"
	"kalends/jobs"
	"kalends/provider"
	"kalends/provider/memory"
	"kalends/secret"
	"kalends/store"
	"kalends/web"
)

// realHub is hub/connect on a database, with a calendar system to act in.
type realHub struct {
	*connect.Service
	world  *memory.World
	server *httptest.Server
	app    kalends.Application
}

func newRealHub(t *testing.T) *realHub {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	h := &realHub{world: memory.NewWorld("musterwerk.example")}
	h.world.Staff(12)
	database := dbtest.SQLite(t, db.Options{})
	keyset, err := secret.Generate()
	must(err)
	box, err := secret.Open(keyset)
	must(err)
	rows := store.New(database, box)
	must(rows.Migrate(t.Context()))
	runner, err := jobs.New(t.Context(), database, nil, jobs.Options{})
	must(err)
	pool := provider.NewPool(func(ctx context.Context, id string) (provider.Driver, kalends.Provider, error) {
		return h.OpenConnection(ctx, id)
	}, provider.Options{Tries: 1})
	h.server = httptest.NewUnstartedServer(nil)
	h.Service = connect.New(connect.Config{
		DB: database, Store: rows, Box: box, Jobs: runner, Pool: pool, Client: provider.Options{Tries: 1},
		Systems:   map[kalends.Provider]provider.System{kalends.Exchange: h.world.System()},
		PublicURL: "http://" + h.server.Listener.Addr().String(),
	})
	t.Cleanup(func() { h.Close(); pool.Close() })
	h.start(t)
	h.app, _, err = h.CreateApplication(t.Context(), connect.NewApplication{Name: "Smart Calendar", RedirectURIs: []string{h.server.URL + "/application"}})
	must(err)
	return h
}

func (h *realHub) start(t *testing.T) {
	t.Helper()
	pages, err := console.New(console.Config{Hub: h.Service})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/enterprise_connect", pages)
	mux.Handle("/enterprise_connect/", pages)
	mux.Handle("/assets/", web.Open().Handler())
	mux.HandleFunc("GET /application", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("the application: " + r.URL.RawQuery)) // a closed connection fails the test anyway
	})
	h.server.Config.Handler = mux
	h.server.Start()
	t.Cleanup(h.server.Close)
}

// From the link for IT to the connection on the hub's own page, and its end.
func TestAnAdministratorConnectsAndEndsARealHub(t *testing.T) {
	t.Parallel()
	needAssets(t)
	b, h := browser.Start(t), newRealHub(t)
	_, link, err := h.CreateIntent(t.Context(), h.app, connect.NewIntent{
		RedirectURI: h.server.URL + "/application", State: "xyz", DelegatedScope: "free_busy",
		Scope:  "service_account/accounts/manage service_account/resources/manage",
		Emails: []string{"person1@musterwerk.example", "person2@musterwerk.example", "nobody@musterwerk.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	right := h.world.Credentials()
	p := b.Page(t, browser.Options{Lang: "en"})
	p.Go(link)
	p.Click("button", "Microsoft Exchange")
	fill(p, right["username"], "wrong", right["test_email"])
	p.Click("button", "Check connection")
	p.See("not passed")
	p.Click("link", "Change entries")
	fill(p, right["username"], right["password"], right["test_email"])
	p.Click("button", "Check connection")
	p.See("Exact match")
	p.Has("DisclosureTriangle", "Exact match 2")
	p.Has("DisclosureTriangle", "Not found 1")
	p.Click("button", "Connect now")
	p.See("the application: code=")
	if url := p.URL(); !strings.Contains(url, "state=xyz") {
		t.Errorf("back at %s", url)
	}

	p.Go(h.server.URL + "/enterprise_connect")
	fill(p, right["username"], right["password"], right["test_email"])
	p.Click("button", "Sign in")
	p.Click("link", "Smart Calendar")
	p.Click("link", "Disconnect …")
	p.Fill("textbox", "Type “musterwerk.example” to confirm", "musterwerk.example")
	p.Click("button", "Disconnect")
	p.See("Smart Calendar is disconnected.")
	for _, complaint := range p.Errors() {
		if !strings.Contains(complaint, "404") { // the browser looks for a favicon of the application
			t.Errorf("the browser complains: %s", complaint)
		}
	}
}

func fill(p *browser.Page, username, password, email string) {
	p.Fill("textbox", "Service account", username)
	p.Fill("textbox", "Password of the service account", password)
	p.Fill("textbox", "One person’s e-mail address", email)
}
