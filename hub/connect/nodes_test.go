package connect_test

import (
	"sync"
	"testing"
	"time"

	kalends "kalends"
	"kalends/db/dbtest"
	"kalends/hub/connect"
)

func TestTwoNodesShareTheWork(t *testing.T) {
	t.Parallel()
	twoNodes(t, newHouse(t))
}

func TestTwoNodesShareTheWorkOnPostgreSQL(t *testing.T) {
	t.Parallel()
	twoNodes(t, newHouseOn(t, dbtest.Postgres))
}

func twoNodes(t *testing.T, h *house) {
	t.Helper()
	organisation, _ := h.connect()
	people := h.world.Staff(80)
	h.ask(organisation, people...)
	nodes := []*connect.Service{h.Service}
	h.open()
	nodes = append(nodes, h.Service)
	var group sync.WaitGroup
	for _, node := range nodes {
		group.Go(func() {
			if _, err := node.Tick(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, email := range people {
		h.status(organisation, email, kalends.AccountConnected, "")
	}
	if n := h.inserted("authorization_callback"); n != len(people) {
		t.Errorf("%d callbacks for %d people", n, len(people))
	}
	if n := h.count("SELECT count(*) FROM grants WHERE account_id <> ''"); n != len(people) {
		t.Errorf("%d grants for %d people", n, len(people))
	}
}

// Several requests ask for the same new people at once.
func TestSameAddressAskedAtOnceOnPostgreSQL(t *testing.T) {
	t.Parallel()
	h := newHouseOn(t, dbtest.Postgres)
	organisation, _ := h.connect()
	people := h.world.Staff(20)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			var list []connect.Authorization
			for _, email := range people {
				list = append(list, connect.Authorization{Email: email, CallbackURL: callbackURL, Scope: "read_write"})
			}
			if err := h.Authorise(t.Context(), organisation, list); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	h.tick()
	if n := h.count("SELECT count(*) FROM accounts WHERE status = 'connected'"); n != len(people) {
		t.Errorf("%d accounts for %d people", n, len(people))
	}
	if n := h.inserted("authorization_callback"); n != 4*len(people) {
		t.Errorf("%d callbacks for %d requests", n, 4*len(people))
	}
}

// What one node changes of a connection's credentials, the other goes by.
func TestTwoNodesGoByTheSameCredentials(t *testing.T) {
	t.Parallel()
	sameCredentials(t, newHouse(t))
}

func TestTwoNodesGoByTheSameCredentialsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	sameCredentials(t, newHouseOn(t, dbtest.Postgres))
}

func sameCredentials(t *testing.T, h *house) {
	t.Helper()
	people := h.world.Staff(6)
	organisation, connection := h.connect()
	h.ask(organisation, people[0])
	h.tick() // this node holds a driver with the first password
	first, pool := h.Service, h.pool

	h.world.SetPassword("battery staple")
	h.open()
	h.connect() // the other node learns the second one
	h.clock.pass(time.Second)
	h.ask(organisation, people[1])
	if _, err := first.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.status(organisation, people[1], kalends.AccountConnected, "")

	h.must(h.EndConnection(t.Context(), organisation, connection, "the other node"))
	h.clock.pass(time.Second)
	_, err := pool.Client(t.Context(), connection)
	h.kind(err, kalends.KindNotFound)
}
