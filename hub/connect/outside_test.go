package connect_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	kalends "kalends"
	"kalends/hub/connect"
	"kalends/outbound"
	"kalends/provider"
	"kalends/provider/ews"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// provided replaces the house's calendar system by the real driver, and a
// simulated Exchange at a provider's host, to which a DNS entry of the company leads.
func (h *house) provided(host string) (*sandbox.Server, kalends.Credentials) {
	h.t.Helper()
	server, err := ewsfake.StartWith(h.t.Context(), sandbox.Config{People: 5}, ewsfake.Options{Outside: host, Forms: []string{"soap"}})
	h.must(err)
	h.t.Cleanup(func() { _ = server.Close() })
	resolve := server.Resolve()
	for _, name := range []string{"musterwerk.example:443", "autodiscover.musterwerk.example:443", "autodiscover.musterwerk.example:80"} {
		resolve[name] = h.nobody()
	}
	var service *connect.Service
	pool := provider.NewPool(func(ctx context.Context, id string) (provider.Driver, kalends.Provider, error) {
		return service.OpenConnection(ctx, id)
	}, provider.Options{Tries: 1})
	service = connect.New(connect.Config{
		DB: h.db, Store: h.store, Box: h.box, Jobs: h.jobs, Pool: pool, Clock: h.clock.Now,
		Systems: map[kalends.Provider]provider.System{kalends.Exchange: ews.System()}, Client: provider.Options{Tries: 1},
		Way: outbound.New(outbound.Config{Resolve: resolve, Roots: server.CAPEM(), PrivateNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
	})
	h.Service = service
	h.t.Cleanup(func() { h.Close(); pool.Close() })
	block := server.Ready().Exchange.(ewsfake.Block)
	return server, kalends.Credentials{"username": block.ServiceAccount, "password": block.Password, "test_email": block.TestEmail}
}

// nobody is an address at which nothing listens.
func (h *house) nobody() string {
	h.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	defer listener.Close()
	return listener.Addr().String()
}

// The way of an administrator whose Exchange stands at a provider: the check
// names the host, is told to trust it, and people are connected through it.
func TestAServerOutsideTheDomainIsConfirmed(t *testing.T) {
	t.Parallel()
	const outside = "mail.hoster.example"
	h := newHouse(t)
	server, values := h.provided(outside)
	handle := h.authorize()
	view := h.check(handle, values)
	if view.Cause == nil || view.Cause.Key != kalends.CauseServerNotConfirmed || view.Cause.Facts["host"] != outside || view.Cause.Facts["domain"] != "musterwerk.example" {
		t.Fatalf("cause %+v", view.Cause)
	}
	at := slices.IndexFunc(view.Steps[0].Attempts, func(a kalends.Attempt) bool { return a.Result == "unconfirmed" })
	if at < 0 || view.Steps[0].Attempts[at] != (kalends.Attempt{What: "_autodiscover._tcp.musterwerk.example", Method: "srv", Result: "unconfirmed", Target: outside}) {
		t.Errorf("attempts %+v", view.Steps[0].Attempts)
	}
	if calls := server.Desk().Calls("exchange", h.clock.Now().AddDate(-10, 0, 0)); len(calls) != 0 {
		t.Fatalf("%d requests before it was confirmed", len(calls))
	}

	values["password"], values["trusted_hosts"] = "", outside // the one entered before counts
	if view = h.check(handle, values); view.Check != connect.CheckOK {
		t.Fatalf("once it is trusted: %+v %+v", view.Cause, view.Steps)
	}
	if found := view.Steps[0].Attempts; found[len(found)-1].Status != 200 || found[len(found)-1].Method != "soap" {
		t.Errorf("attempts %+v", found)
	}
	back, err := h.Finish(t.Context(), handle)
	h.must(err)
	organisation := h.organisationOf(back)
	person := server.World().Recipients(func(r *sandbox.Recipient) bool { return r.Kind == sandbox.Person && !r.Planted })[0].Email
	h.ask(organisation, person)
	h.tick()
	h.status(organisation, person, kalends.AccountConnected, "")
	audits, err := h.Audits(t.Context(), organisation, 50)
	h.must(err)
	if !slices.ContainsFunc(audits, func(a kalends.Audit) bool {
		return a.Action == "connection.host_trusted" && a.Facts["host"] == outside && strings.HasPrefix(a.Actor, "service account ")
	}) {
		t.Errorf("history %+v", audits)
	}
}
