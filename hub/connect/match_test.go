package connect_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	kalends "kalends"
	"kalends/db/dbtest"
	"kalends/hub/connect"
	"kalends/internal/tools/await"
	"kalends/provider/memory"
)

func TestEverybodyIsMatched(t *testing.T) {
	t.Parallel()
	everybodyIsMatched(t, newHouse(t))
}

func TestEverybodyIsMatchedOnPostgreSQL(t *testing.T) {
	t.Parallel()
	everybodyIsMatched(t, newHouseOn(t, dbtest.Postgres))
}

func everybodyIsMatched(t *testing.T, h *house) {
	t.Helper()
	organisation, _ := h.connect()
	people := h.world.Staff(120)
	h.world.AddRoom(kalends.Room{Email: "raum@musterwerk.example", Name: "Raum"})
	h.world.Add(
		memory.Person{Email: "gruppe@musterwerk.example", Kind: kalends.MailboxGroup},
		memory.Person{Email: "zu@musterwerk.example", State: memory.NotPermitted},
		memory.Person{Email: "neu@musterwerk.example", State: memory.NoMailbox},
		memory.Person{Email: "fort@musterwerk.example", State: memory.Elsewhere},
		memory.Person{Email: "heisst.jetzt@musterwerk.example", Aliases: []string{"hiess@musterwerk.example"}},
	)
	h.ask(organisation, people...)
	h.ask(organisation, "raum@musterwerk.example", "gruppe@musterwerk.example", "zu@musterwerk.example", "neu@musterwerk.example",
		"fort@musterwerk.example", "niemand@musterwerk.example", "hiess@musterwerk.example")
	h.tick()
	for _, email := range people {
		h.status(organisation, email, kalends.AccountConnected, "")
	}
	room := h.status(organisation, "raum@musterwerk.example", kalends.AccountConnected, "")
	if !strings.HasPrefix(room.ID, kalends.PrefixResource) {
		t.Errorf("the room's id is %s", room.ID)
	}
	h.status(organisation, "gruppe@musterwerk.example", kalends.AccountError, kalends.CauseNotAPerson)
	h.status(organisation, "zu@musterwerk.example", kalends.AccountError, kalends.CauseNotPermitted)
	h.status(organisation, "neu@musterwerk.example", kalends.AccountWaiting, kalends.CauseNoMailbox)
	h.status(organisation, "fort@musterwerk.example", kalends.AccountError, kalends.CauseMailboxElsewhere)
	h.status(organisation, "niemand@musterwerk.example", kalends.AccountError, kalends.CauseAccountNotFound)
	if a := h.status(organisation, "hiess@musterwerk.example", kalends.AccountConnected, ""); a.MatchedBy != kalends.MatchedAlias {
		t.Errorf("matched by %s", a.MatchedBy)
	}
	if n := h.inserted("authorization_callback"); n != len(people)+7 {
		t.Errorf("%d callbacks for %d requests", n, len(people)+7)
	}
	if n := h.count("SELECT count(*) FROM calendars WHERE due_at IS NOT NULL"); n != len(people)+2 {
		t.Errorf("%d calendars due", n)
	}
	if most := h.world.MostAtOnce(""); most > 10 {
		t.Errorf("%d requests at once", most)
	}
	list, err := h.Connections(t.Context(), organisation)
	h.must(err)
	if want := (connect.Counts{Connected: len(people) + 2, Waiting: 1, Error: 4}); list[0].Counts.Connected != want.Connected || list[0].Counts.Error+list[0].Counts.Waiting != 5 {
		t.Errorf("counts %+v", list[0].Counts)
	}
}

func TestResyncKeepsIdentities(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	email := h.world.Credentials()["test_email"]
	h.ask(organisation, email)
	h.tick()
	before := h.status(organisation, email, kalends.AccountConnected, "")
	h.ask(organisation, strings.ToUpper(email))
	if h.account(organisation, email).Status != kalends.AccountConnected {
		t.Error("a resync interrupts")
	}
	h.tick()
	if after := h.account(organisation, email); after.ID != before.ID {
		t.Errorf("%s became %s", before.ID, after.ID)
	}
	for table, want := range map[string]int{"accounts": 1, "profiles": 1, "calendars": 1, "grants": 2} {
		if n := h.count("SELECT count(*) FROM " + table); n != want {
			t.Errorf("%d rows in %s", n, table)
		}
	}
	if n := h.inserted("authorization_callback"); n != 2 {
		t.Errorf("%d callbacks", n)
	}
}

func TestErrTwoAddressesOneMailbox(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	h.world.Add(memory.Person{Email: "eva@musterwerk.example", Aliases: []string{"eva.m@musterwerk.example"}})
	h.ask(organisation, "eva@musterwerk.example")
	h.tick()
	h.ask(organisation, "eva.m@musterwerk.example")
	h.tick()
	second := h.status(organisation, "eva.m@musterwerk.example", kalends.AccountError, kalends.CauseAddressNotUnique)
	if second.Cause.Facts["other"] != "eva@musterwerk.example" {
		t.Errorf("facts %v", second.Cause.Facts)
	}
	first := h.status(organisation, "eva@musterwerk.example", kalends.AccountConnected, "")
	h.must(h.RevokeSub(t.Context(), h.app, first.ID)) // the person's address changed
	h.ask(organisation, "eva.m@musterwerk.example")
	h.tick()
	if a := h.status(organisation, "eva.m@musterwerk.example", kalends.AccountConnected, ""); a.ID != first.ID {
		t.Errorf("the mailbox was %s and is %s", first.ID, a.ID)
	}
}

func TestWaitingForAMailbox(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	const email = "neu@musterwerk.example"
	h.world.Add(memory.Person{Email: email, State: memory.NoMailbox})
	h.ask(organisation, email)
	h.tick()
	h.must(h.answered())
	for _, wait := range []time.Duration{61 * time.Minute, 24*time.Hour + time.Minute, 24*time.Hour + time.Minute} {
		h.clock.pass(wait - 2*time.Minute)
		if n := h.tick(); n != 0 {
			t.Fatalf("looked too early, %s", wait)
		}
		h.clock.pass(2 * time.Minute)
		if n := h.tick(); n != 1 {
			t.Fatalf("did not look after %s", wait)
		}
	}
	if n := h.inserted("authorization_callback"); n != 1 {
		t.Fatalf("told %d times that it waits", n)
	}
	h.world.SetState(email, "")
	h.clock.pass(25 * time.Hour)
	h.tick()
	h.status(organisation, email, kalends.AccountConnected, "")
	if n := h.inserted("authorization_callback"); n != 2 {
		t.Fatalf("%d callbacks", n)
	}
}

// answered takes every callback as delivered.
func (h *house) answered() error {
	_, err := h.db.SQL().ExecContext(h.t.Context(), "UPDATE authorization_requests SET answered_at = 1")
	return err
}

func TestMappingWins(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	h.world.Add(memory.Person{Email: "richtig@musterwerk.example"})
	h.ask(organisation, "falsch@musterwerk.example")
	h.tick()
	h.status(organisation, "falsch@musterwerk.example", kalends.AccountError, kalends.CauseAccountNotFound)
	h.must(h.answered())
	h.must(h.PutMapping(t.Context(), organisation, "Falsch@musterwerk.example", "richtig@musterwerk.example"))
	h.tick()
	if a := h.status(organisation, "falsch@musterwerk.example", kalends.AccountConnected, ""); a.MatchedBy != kalends.MatchedManual {
		t.Errorf("matched by %s", a.MatchedBy)
	}
	if n := h.inserted("authorization_callback"); n != 2 {
		t.Errorf("%d callbacks", n)
	}
}

func TestKillInTheMiddle(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	people := h.world.Staff(60)
	h.ask(organisation, people...)
	hang := make(chan struct{})
	h.world.Break(memory.Fault{Operation: "calendars", Mailbox: people[7], Hang: hang, Times: 1})
	ctx, cancel := context.WithCancel(t.Context())
	gate := h.world.Hold("calendars")
	gate.Let(20)
	done := make(chan struct{})
	go func() { defer close(done); _, _ = h.Tick(ctx) }()
	await.True(t, "the matching is in the middle", func() bool { return h.world.Calls("calendars") > 20 })
	cancel()
	<-done
	close(hang)
	gate.Open()
	h.open() // a new process on the same database
	h.clock.pass(4 * time.Minute)
	h.tick()
	for _, email := range people {
		h.status(organisation, email, kalends.AccountConnected, "")
	}
	if n := h.count("SELECT count(DISTINCT json_extract(args, '$.request_id')) FROM river_job WHERE kind = 'authorization_callback'"); n != len(people) {
		t.Errorf("%d people told of %d", n, len(people))
	}
}

func TestDegradedConnectionSaysWhyInItsEntry(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	cause := kalends.NewCause(kalends.CauseImpersonationMissing, "host", "mail.musterwerk.example", "account", "svc")
	h.world.Break(memory.Fault{Operation: "find", Err: &kalends.Error{Kind: kalends.KindDenied, Cause: cause}})
	h.ask(organisation, h.world.Staff(1)...)
	h.clock.pass(time.Second)
	h.tick()
	list, err := h.Audits(t.Context(), organisation, 1)
	h.must(err)
	want := map[string]string{"cause": "impersonation_missing", "host": "mail.musterwerk.example", "account": "svc"}
	if diff := cmp.Diff(want, list[0].Facts); list[0].Action != "connection.degraded" || diff != "" {
		t.Errorf("%s: %s", list[0].Action, diff)
	}
}

func TestPasswordChangedAtTheProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, connection := h.connect()
	people := h.world.Staff(40)
	good := h.world.Credentials()["password"]
	h.world.SetPassword("new one")
	h.ask(organisation, people...)
	before := h.world.Calls("find")
	h.tick()
	if tried := h.world.Calls("find") - before; tried > 2 {
		t.Fatalf("the wrong password was tried %d times", tried)
	}
	list, err := h.Connections(t.Context(), organisation)
	h.must(err)
	if list[0].Status != kalends.ConnectionDegraded || list[0].Cause.Key != kalends.CauseCredentialsExpired || list[0].Counts.Pending != 40 {
		t.Fatalf("%+v", list[0])
	}
	if n := h.inserted("connection_changed"); n != 1 {
		t.Fatalf("the application was told %d times", n)
	}
	for range 6 { // it keeps asking, ever more rarely
		h.clock.pass(31 * time.Minute)
		before = h.world.Calls("find")
		h.tick()
		if tried := h.world.Calls("find") - before; tried > 1 {
			t.Fatalf("%d tries at once", tried)
		}
	}
	h.world.SetPassword(good)
	h.clock.pass(7 * time.Hour)
	h.tick()
	h.tick()
	for _, email := range people {
		h.status(organisation, email, kalends.AccountConnected, "")
	}
	if list, _ = h.Connections(t.Context(), organisation); list[0].Status != kalends.ConnectionConnected || list[0].ID != connection {
		t.Fatalf("%+v", list[0])
	}
	if n := h.inserted("connection_changed"); n != 2 {
		t.Fatalf("the application was told %d times", n)
	}
}

func TestRepairByReconnecting(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, connection := h.connect()
	h.world.SetPassword("new one")
	people := h.world.Staff(5)
	h.ask(organisation, people...)
	h.tick()
	again, repaired := h.connect()
	if again != organisation || repaired != connection {
		t.Fatalf("%s %s became %s %s", organisation, connection, again, repaired)
	}
	h.tick()
	for _, email := range people {
		h.status(organisation, email, kalends.AccountConnected, "")
	}
}

func TestServerUnreachable(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	h.world.Break(memory.Fault{Operation: "find", Err: &kalends.Error{Kind: kalends.KindUnavailable, Cause: kalends.NewCause(kalends.CauseServerUnavailable)}})
	people := h.world.Staff(20)
	h.ask(organisation, people...)
	h.tick()
	list, err := h.Connections(t.Context(), organisation)
	h.must(err)
	if list[0].Status != kalends.ConnectionDegraded || list[0].Counts.Error != 0 {
		t.Fatalf("%+v", list[0])
	}
	h.world.Heal()
	h.clock.pass(time.Hour)
	h.tick()
	h.tick()
	for _, email := range people {
		h.status(organisation, email, kalends.AccountConnected, "")
	}
}

func TestErrAuthorise(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	good := connect.Authorization{Email: "a@musterwerk.example", CallbackURL: callbackURL + "?user=7", Scope: "read_only"}
	for field, edit := range map[string]func(*connect.Authorization){
		"email":        func(a *connect.Authorization) { a.Email = "" },
		"callback_url": func(a *connect.Authorization) { a.CallbackURL = "https://elsewhere.example/" },
		"scope":        func(a *connect.Authorization) { a.Scope = "event_reminders" },
	} {
		bad := good
		edit(&bad)
		var invalid *connect.InvalidError
		err := h.Authorise(t.Context(), organisation, []connect.Authorization{good, bad})
		if !errors.As(err, &invalid) || len(invalid.Fields) != 1 || invalid.Fields[0].Field != field || invalid.Fields[0].Index != 1 {
			t.Errorf("%s: %v", field, err)
		}
	}
	if n := h.count("SELECT count(*) FROM authorization_requests"); n != 0 {
		t.Errorf("%d requests stored", n)
	}
	h.kind(h.Authorise(t.Context(), "ser_unknown", []connect.Authorization{good}), kalends.KindNotFound)
	h.must(h.Authorise(t.Context(), organisation, []connect.Authorization{good}))
}

func TestRunWakesAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.poll = time.Hour
	h.open()
	organisation, _ := h.connect()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	email := h.world.Credentials()["test_email"]
	h.ask(organisation, email)
	await.True(t, "the match", func() bool { return h.account(organisation, email).Status == kalends.AccountConnected })
	cancel()
	<-done
}

func TestManyPeopleAreMatchedInOneGo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	h.ask(organisation, h.world.Staff(150)...)
	h.tick()
	if n := h.count("SELECT count(*) FROM accounts WHERE status = 'connected'"); n != 150 {
		t.Fatalf("%d connected", n)
	}
}
