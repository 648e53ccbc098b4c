package connect_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	kalends "kalends"
	"kalends/hub/connect"
	"kalends/outbound"
	"kalends/provider"
)

// withHosts keeps what the house's calendar system is opened with.
func (h *house) withHosts() {
	h.t.Helper()
	h.withDriver(func(d provider.Driver, c kalends.Credentials) provider.Driver { return keeping{d, c} })
}

// withDriver wraps the drivers of the house's calendar system, and gives its form
// a field for hosts that an administrator confirms, as Exchange has one.
func (h *house) withDriver(wrap func(provider.Driver, kalends.Credentials) provider.Driver) {
	h.t.Helper()
	system := h.world.System()
	system.Form.Fields = append(slices.Clone(system.Form.Fields), kalends.Field{Name: "trusted_hosts", Kind: kalends.FieldHosts, Advanced: true})
	open := system.Open
	system.Open = func(c kalends.Credentials, way *outbound.Way) (provider.Driver, error) {
		d, err := open(c, way)
		return wrap(d, c), err
	}
	service := connect.New(connect.Config{
		DB: h.db, Store: h.store, Box: h.box, Jobs: h.jobs, Clock: h.clock.Now, PublicURL: "https://hub.example",
		Pool: provider.NewPool(func(ctx context.Context, id string) (provider.Driver, kalends.Provider, error) {
			return h.OpenConnection(ctx, id)
		}, provider.Options{Tries: 1}),
		Systems: map[kalends.Provider]provider.System{kalends.Exchange: system}, Client: provider.Options{Tries: 1},
	})
	h.Service = service
	h.t.Cleanup(service.Close)
}

// keeping is a driver that keeps the values it was opened with.
type keeping struct {
	provider.Driver
	values kalends.Credentials
}

func (k keeping) Check(ctx context.Context, r provider.CheckRequest, report func(kalends.Step)) (provider.CheckResult, error) {
	result, err := k.Driver.Check(ctx, r, report)
	result.Credentials = k.values
	return result, err
}

// guess tries a password and tells whether it was sent.
func (h *house) guess(handle string, from netip.Addr, values kalends.Credentials) bool {
	h.t.Helper()
	before := h.world.Calls("check")
	h.must(h.StartCheck(h.t.Context(), handle, values, from))
	h.settled(handle)
	return h.world.Calls("check") > before
}

func browserAt(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, 18, byte(i / 250), byte(i % 250)})
}

// A domain of one's own, which leads to somebody else's server, buys no further
// tries there: neither at one account, nor at many.
func TestErrDecoyDomainsBuyNoTries(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.withHosts()
	for name, c := range map[string]struct {
		user func(i int) string
		most int
	}{
		"one account":   {func(int) string { return `OPFER\svc` }, 2},
		"many accounts": {func(i int) string { return fmt.Sprintf(`OPFER\person%d`, i) }, 10},
	} {
		sent := 0
		for i := range 20 {
			if h.guess(h.authorize(), browserAt(i), kalends.Credentials{
				"username": c.user(i), "password": "guess", "test_email": fmt.Sprintf("a@koeder%d.example", i),
				"trusted_hosts": fmt.Sprintf("mail%d.%s.co.uk", i, strings.ReplaceAll(name, " ", "-")),
			}) {
				sent++
			}
		}
		if sent != c.most {
			t.Errorf("%s: %d guesses were sent, want %d", name, sent, c.most)
		}
	}
}

// One connect has so many guesses, wherever they go.
func TestErrOneConnectHasFewGuesses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	handle, sent := h.authorize(), 0
	for i := range 20 {
		if h.guess(handle, browserAt(i), kalends.Credentials{
			"username": fmt.Sprintf(`AD\person%d`, i), "password": "guess", "test_email": fmt.Sprintf("a@firma%d.example", i),
		}) {
			sent++
		}
	}
	if sent != 10 {
		t.Errorf("%d guesses were sent", sent)
	}
}

// Two companies below one suffix do not share their limits.
func TestNeighboursKeepTheirTries(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	guess := func(domain string) bool {
		return h.guess(h.authorize(), browser, kalends.Credentials{"username": "svc", "password": "guess", "test_email": "a@" + domain})
	}
	if first, second, third := guess("eins.co.uk"), guess("mail.eins.co.uk"), guess("eins.co.uk"); !first || !second || third {
		t.Errorf("at one company: %t, %t, %t", first, second, third)
	}
	if !guess("zwei.co.uk") {
		t.Error("a neighbour waits as well")
	}
}

// A confirmed server is kept with the connection and stands in its history.
func TestAConfirmedServerIsWrittenDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.withHosts()
	values := h.world.Credentials()
	values["trusted_hosts"] = "mail.hoster.example"
	handle := h.authorize()
	if view := h.check(handle, values); view.Check != connect.CheckOK || view.Values["trusted_hosts"] != "mail.hoster.example" {
		t.Fatalf("%s %v, values %v", view.Check, view.Cause, view.Values)
	}
	back, err := h.Finish(t.Context(), handle)
	h.must(err)
	organisation := h.organisationOf(back)
	audits, err := h.Audits(t.Context(), organisation, 50)
	h.must(err)
	at := slices.IndexFunc(audits, func(a kalends.Audit) bool { return a.Action == "connection.host_trusted" })
	if at < 0 || audits[at].Facts["host"] != "mail.hoster.example" || audits[at].ConnectionID == "" || !strings.HasPrefix(audits[at].Actor, "service account ") {
		t.Errorf("history %+v", audits)
	}
	if n := h.count("SELECT count(*) FROM connections WHERE organisation_id = $1", organisation); n != 1 {
		t.Errorf("%d connections", n)
	}
	values["trusted_hosts"] = strings.Repeat("mail.hoster.example ", 11)
	h.kind(h.StartCheck(t.Context(), h.authorize(), values, browser), kalends.KindInvalid)
}
