package connect_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	kalends "kalends"
	"kalends/db/dbtest"
	"kalends/hub/connect"
	"kalends/oauth"
	"kalends/provider/memory"
)

func (h *house) purge(organisationID string) {
	h.t.Helper()
	for range 3 {
		later, err := h.Purge(h.t.Context(), organisationID)
		h.must(err)
		if later == 0 {
			return
		}
		h.clock.pass(later)
	}
}

func TestDisconnectAndReconnect(t *testing.T) {
	t.Parallel()
	disconnectAndReconnect(t, newHouse(t))
}

func TestDisconnectAndReconnectOnPostgreSQL(t *testing.T) {
	t.Parallel()
	disconnectAndReconnect(t, newHouseOn(t, dbtest.Postgres))
}

func disconnectAndReconnect(t *testing.T, h *house) {
	t.Helper()
	organisation, connection := h.connect()
	people := h.world.Staff(30)
	h.ask(organisation, people...)
	h.tick()
	before := map[string]kalends.Account{}
	for _, email := range people {
		before[email] = h.status(organisation, email, kalends.AccountConnected, "")
	}
	profile := h.text("SELECT id FROM profiles WHERE account_id = $1", before[people[0]].ID)
	calendar := h.text("SELECT id FROM calendars WHERE account_id = $1", before[people[0]].ID)
	h.must(h.RevokeSub(t.Context(), h.app, organisation))
	h.kind(h.Authorise(t.Context(), organisation, nil), kalends.KindNotFound)
	_, err := h.Accounts(t.Context(), organisation, connect.AccountFilter{})
	h.kind(err, kalends.KindNotFound)
	for table, where := range map[string]string{
		"grants": "revoked_at IS NULL", "tokens": "1 = 1", "connections": "credentials <> ''", "accounts": "status <> 'disconnected'",
	} {
		if n := h.count("SELECT count(*) FROM " + table + " WHERE " + where); n != 0 {
			t.Errorf("%d rows of %s where %s", n, table, where)
		}
	}
	if n := h.inserted("connection_changed"); n != 1 {
		t.Errorf("told %d times", n)
	}
	h.purge(organisation)
	for _, table := range []string{"accounts", "profiles", "calendars", "busy_months", "grants", "connections", "organisations", "authorization_requests"} {
		if n := h.count("SELECT count(*) FROM " + table); n != 0 {
			t.Errorf("%d rows stay in %s", n, table)
		}
	}
	audits, err := h.Audits(t.Context(), organisation, 100)
	h.must(err)
	if !slices.ContainsFunc(audits, func(a kalends.Audit) bool { return a.Action == "data.deleted" && a.Facts["accounts"] == "30" }) {
		t.Errorf("no receipt in %+v", audits)
	}
	again, other := h.connect()
	if again != organisation || other == connection {
		t.Errorf("%s %s became %s %s", organisation, connection, again, other)
	}
	h.ask(organisation, people...)
	h.tick()
	for _, email := range people {
		if a := h.status(organisation, email, kalends.AccountConnected, ""); a.ID != before[email].ID {
			t.Errorf("%s was %s and is %s", email, before[email].ID, a.ID)
		}
	}
	if p := h.text("SELECT id FROM profiles WHERE account_id = $1", before[people[0]].ID); p != profile {
		t.Errorf("profile %s became %s", profile, p)
	}
	if c := h.text("SELECT id FROM calendars WHERE account_id = $1", before[people[0]].ID); c != calendar {
		t.Errorf("calendar %s became %s", calendar, c)
	}
}

func (h *house) text(query string, args ...any) (value string) {
	h.t.Helper()
	h.must(h.db.SQL().QueryRowContext(h.t.Context(), query, args...).Scan(&value))
	return value
}

func TestReconnectBeforeThePurge(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, connection := h.connect()
	people := h.world.Staff(5)
	h.ask(organisation, people...)
	h.tick()
	h.must(h.EndConnection(t.Context(), organisation, connection, "service account svc"))
	h.must(h.EndConnection(t.Context(), organisation, connection, "service account svc"))
	h.status(organisation, people[0], kalends.AccountDisconnected, kalends.CauseRevoked)
	again, _ := h.connect()
	h.ask(again, people[0])
	h.purge(organisation) // the old purge comes late
	h.tick()
	h.status(organisation, people[0], kalends.AccountConnected, "")
	if n := h.count("SELECT count(*) FROM accounts"); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

func TestTenantsApart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	mine, _ := h.connect()
	email := h.world.Credentials()["test_email"]
	h.ask(mine, email)
	h.tick()
	account := h.account(mine, email)
	first := h.app
	other, _, err := h.CreateApplication(t.Context(), connect.NewApplication{Name: "Other", RedirectURIs: []string{redirectURI}})
	h.must(err)
	h.app = other
	theirs, connection := h.connect() // the same company, through another application
	if theirs == mine {
		t.Fatal("two applications share an organisation")
	}
	page, err := h.Accounts(t.Context(), theirs, connect.AccountFilter{})
	h.must(err)
	if page.Total != 0 {
		t.Errorf("the other application sees %d accounts", page.Total)
	}
	_, err = h.Diagnose(t.Context(), theirs, email, false)
	h.kind(err, kalends.KindNotFound)
	h.kind(h.EndConnection(t.Context(), mine, connection, "x"), kalends.KindNotFound)
	h.must(h.RevokeSub(t.Context(), other, mine))
	h.must(h.RevokeSub(t.Context(), other, account.ID))
	h.status(mine, email, kalends.AccountConnected, "")
	_, _, err = h.CreateIntent(t.Context(), other, connect.NewIntent{RedirectURI: redirectURI, Scope: serviceScope, DelegatedScope: "read_only", OrganisationID: mine})
	h.kind(err, kalends.KindNotFound)
	h.ask(theirs, email)
	h.tick()
	if a := h.status(theirs, email, kalends.AccountConnected, ""); a.ID == account.ID {
		t.Error("two applications share an account")
	}
	h.must(h.RevokeSub(t.Context(), other, theirs))
	h.purge(theirs)
	h.app = first
	h.status(mine, email, kalends.AccountConnected, "")
}

func TestErrCodeOfAnotherApplication(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	handle := h.authorize()
	h.check(handle, h.world.Credentials())
	back, err := h.Finish(t.Context(), handle)
	h.must(err)
	other, _, err := h.CreateApplication(t.Context(), connect.NewApplication{Name: "Other", RedirectURIs: []string{redirectURI}})
	h.must(err)
	var refusal *oauth.Refusal
	if _, err = h.ExchangeCode(t.Context(), other, query(t, back, "code"), redirectURI, ""); !errors.As(err, &refusal) {
		t.Fatalf("%v", err)
	}
	tokens, err := h.ExchangeCode(t.Context(), h.app, query(t, back, "code"), redirectURI, "")
	h.must(err)
	bearer, err := h.Authenticate(t.Context(), tokens.AccessToken)
	h.must(err)
	if bearer.Kind != connect.BearerOrganisation || bearer.OrganisationID != tokens.OrganisationID {
		t.Errorf("%+v", bearer)
	}
	if _, err = h.ExchangeCode(t.Context(), h.app, query(t, back, "code"), redirectURI, ""); !errors.As(err, &refusal) {
		t.Fatalf("used twice: %v", err)
	}
	_, err = h.Authenticate(t.Context(), tokens.AccessToken)
	h.kind(err, kalends.KindUnauthorized)
}

func TestSecretRotation(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	app, one, err := h.CreateApplication(t.Context(), connect.NewApplication{Name: "ATS", RedirectURIs: []string{redirectURI}})
	h.must(err)
	h.clock.pass(time.Second)
	two, err := h.RotateSecret(t.Context(), app.ClientID, time.Hour)
	h.must(err)
	h.clock.pass(time.Second)
	three, err := h.RotateSecret(t.Context(), "ATS", time.Hour)
	h.must(err)
	for secret, want := range map[string]bool{one: false, two: true, three: true} {
		if _, err := h.AuthenticateClient(t.Context(), app.ClientID, secret); (err == nil) != want {
			t.Errorf("valid %t, want %t", err == nil, want)
		}
	}
	h.clock.pass(2 * time.Hour)
	_, err = h.AuthenticateClient(t.Context(), app.ClientID, two)
	h.kind(err, kalends.KindUnauthorized)
	_, err = h.AuthenticateClient(t.Context(), h.app.ClientID, three)
	h.kind(err, kalends.KindUnauthorized)
	_, _, err = h.CreateApplication(t.Context(), connect.NewApplication{Name: "ATS", RedirectURIs: []string{redirectURI}})
	h.kind(err, kalends.KindConflict)
}

func TestConsoleSignIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, connection := h.connect()
	handle, err := h.SignIn(t.Context(), kalends.Exchange, h.world.Credentials(), browser)
	h.must(err)
	session, err := h.Session(t.Context(), handle)
	h.must(err)
	list, err := h.SessionConnections(t.Context(), session)
	h.must(err)
	if len(list) != 1 || list[0].ID != connection {
		t.Fatalf("%+v", list)
	}
	h.kind(h.SessionEnd(t.Context(), session, "con_other"), kalends.KindNotFound)
	h.must(h.SessionEnd(t.Context(), session, connection))
	audits, err := h.SessionAudits(t.Context(), session, 50)
	h.must(err)
	if len(audits) == 0 {
		t.Error("nothing audited")
	}
	if list, err = h.Connections(t.Context(), organisation); err != nil || len(list) != 0 {
		t.Errorf("%v %+v", err, list)
	}
	h.must(h.SignOut(t.Context(), handle))
	_, err = h.Session(t.Context(), handle)
	h.kind(err, kalends.KindUnauthorized)
}

func TestErrConsoleSignIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.connect()
	wrong := h.world.Credentials()
	wrong["password"] = "guess"
	before := h.world.Calls("")
	for i := range 4 {
		_, err := h.SignIn(t.Context(), kalends.Exchange, wrong, browser)
		h.kind(err, kalends.KindUnauthorized)
		if cause := kalends.CauseOf(err); (i >= 2) != (cause != nil && cause.Key == kalends.CauseTooManyTries) {
			t.Errorf("try %d: %v", i, cause)
		}
	}
	tried := h.world.Calls("check")
	_, err := h.SignIn(t.Context(), kalends.Exchange, h.world.Credentials(), browser)
	h.kind(err, kalends.KindUnauthorized) // the wait holds for the right password too
	if h.world.Calls("check") != tried || before < 0 {
		t.Error("asked during the wait")
	}
	stranger := kalends.Credentials{"username": "svc", "password": "x", "test_email": "a@fremd.example"}
	_, err = h.SignIn(t.Context(), kalends.Exchange, stranger, browser)
	h.kind(err, kalends.KindUnauthorized)
	if h.world.Calls("check") != tried {
		t.Error("a stranger's server was asked")
	}
}

func TestOperatorLink(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, connection := h.connect()
	link, err := h.OperatorLink(t.Context(), organisation)
	h.must(err)
	token := link[len("https://hub.example/enterprise_connect/link/"):]
	handle, err := h.SignInByLink(t.Context(), token)
	h.must(err)
	_, err = h.SignInByLink(t.Context(), token)
	h.kind(err, kalends.KindGone)
	session, err := h.Session(t.Context(), handle)
	h.must(err)
	list, err := h.SessionConnections(t.Context(), session)
	h.must(err)
	if len(list) != 1 || list[0].ID != connection {
		t.Fatalf("%+v", list)
	}
	h.clock.pass(2 * time.Hour)
	_, err = h.Session(t.Context(), handle)
	h.kind(err, kalends.KindUnauthorized)
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	h.world.Add(memory.Person{Email: "zu@musterwerk.example", State: memory.NotPermitted})
	for email, want := range map[string][4]kalends.StepStatus{
		h.world.Credentials()["test_email"]: {kalends.StepOK, kalends.StepOK, kalends.StepOK, kalends.StepOK},
		"zu@musterwerk.example":             {kalends.StepOK, kalends.StepFailed, kalends.StepSkipped, kalends.StepSkipped},
		"niemand@musterwerk.example":        {kalends.StepFailed, kalends.StepSkipped, kalends.StepSkipped, kalends.StepSkipped},
	} {
		d, err := h.Diagnose(t.Context(), organisation, email, true)
		h.must(err)
		for i, step := range d.Steps {
			if step.Status != want[i] || (step.Status == kalends.StepFailed) != (step.Cause != nil) {
				t.Errorf("%s: %s is %s (%v), want %s", email, step.Key, step.Status, step.Cause, want[i])
			}
		}
	}
	items, err := h.Preview(t.Context(), organisation, []string{"Niemand@musterwerk.example", "zu@musterwerk.example"})
	h.must(err)
	if items[0].Cause.Key != kalends.CauseAccountNotFound || items[1].Cause.Key != kalends.CauseNotPermitted {
		t.Errorf("%+v", items)
	}
}

func TestResourcesAreReadRarely(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	h.world.AddRoom(kalends.Room{Email: "raum@musterwerk.example", Name: "Raum", Capacity: 8})
	before := h.world.Calls("rooms")
	for range 3 {
		rooms, err := h.Resources(t.Context(), organisation)
		h.must(err)
		if len(rooms) != 1 || rooms[0].Capacity != 8 {
			t.Fatalf("%+v", rooms)
		}
	}
	h.clock.pass(6 * time.Minute)
	_, err := h.Resources(t.Context(), organisation)
	h.must(err)
	if n := h.world.Calls("rooms") - before; n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// A password that the calendar system refuses is no token that we refuse: the
// application would take its connection for ended.
func TestErrResourcesWithARefusedPassword(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	h.world.SetPassword("new one")
	_, err := h.Resources(t.Context(), organisation)
	h.kind(err, kalends.KindUnavailable)
	if cause := kalends.CauseOf(err); cause == nil || cause.Key != kalends.CauseCredentialsExpired {
		t.Errorf("cause %+v", cause)
	}
}

func TestRevokeProfile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	people := h.world.Staff(2)
	h.ask(organisation, people...)
	h.tick()
	account := h.account(organisation, people[0])
	profile := h.text("SELECT id FROM profiles WHERE account_id = $1", account.ID)
	h.kind(h.RevokeProfile(t.Context(), h.account(organisation, people[1]).ID, profile, "x"), kalends.KindNotFound)
	h.must(h.RevokeProfile(t.Context(), account.ID, profile, "application"))
	h.status(organisation, people[0], kalends.AccountDisconnected, kalends.CauseRevoked)
	h.status(organisation, people[1], kalends.AccountConnected, "")
	h.purge(organisation)
	h.ask(organisation, people[0])
	h.tick()
	if a := h.status(organisation, people[0], kalends.AccountConnected, ""); a.ID != account.ID {
		t.Errorf("%s became %s", account.ID, a.ID)
	}
}
