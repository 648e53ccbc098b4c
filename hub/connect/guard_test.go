package connect_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/db/dbtest"
	"kalends/hub/connect"
	"kalends/oauth"
	"kalends/provider/memory"
)

// What ends something waits for whoever is just writing down a match, or the
// match would bring back what was ended.
func TestEndingWaitsForAMatchOnPostgreSQL(t *testing.T) {
	t.Parallel()
	h := newHouseOn(t, dbtest.Postgres)
	organisation, connection := h.connect()
	people := h.world.Staff(2)
	h.ask(organisation, people...)
	h.tick()
	account := h.account(organisation, people[0])
	profile := h.text("SELECT id FROM profiles WHERE account_id = $1", account.ID)
	for name, act := range map[string]func(context.Context) error{
		"end connection": func(ctx context.Context) error { return h.EndConnection(ctx, organisation, connection, "x") },
		"revoke sub":     func(ctx context.Context) error { return h.RevokeSub(ctx, h.app, account.ID) },
		"revoke all":     func(ctx context.Context) error { return h.RevokeOrganisation(ctx, organisation, "x") },
		"revoke profile": func(ctx context.Context) error { return h.RevokeProfile(ctx, account.ID, profile, "x") },
		"purge": func(ctx context.Context) error {
			_, err := h.Purge(ctx, organisation)
			return err
		},
	} {
		h.must(h.db.Write(t.Context(), func(tx *db.Tx) error {
			if err := tx.Lock(t.Context(), "organisation/"+organisation); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if err := act(ctx); err == nil {
				t.Errorf("%s did not wait", name)
			}
			return nil
		}))
	}
	h.status(organisation, people[0], kalends.AccountConnected, "")
}

// An account that its application knows keeps its id, whatever mailbox its
// address leads to later.
func TestAKnownAccountKeepsItsID(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	people := h.world.Staff(2)
	h.ask(organisation, people...)
	h.tick()
	first, second := h.account(organisation, people[0]), h.account(organisation, people[1])
	h.must(h.RevokeSub(t.Context(), h.app, first.ID))
	h.must(h.PutMapping(t.Context(), organisation, people[1], people[0]))
	h.tick() // the first one's row is still there
	if a := h.status(organisation, people[1], kalends.AccountConnected, ""); a.ID != second.ID || a.MatchedEmail != people[0] {
		t.Errorf("%s became %s at %s", second.ID, a.ID, a.MatchedEmail)
	}
	h.must(h.DeleteMapping(t.Context(), organisation, people[1]))
	h.tick()
	h.purge(organisation)
	h.must(h.PutMapping(t.Context(), organisation, people[1], people[0]))
	h.tick() // and now it is gone
	if a := h.status(organisation, people[1], kalends.AccountConnected, ""); a.ID != second.ID || a.MatchedEmail != people[0] {
		t.Errorf("%s became %s at %s", second.ID, a.ID, a.MatchedEmail)
	}
	h.ask(organisation, people[0])
	h.tick()
	h.status(organisation, people[0], kalends.AccountError, kalends.CauseAddressNotUnique)
}

// A mailbox that an account has left is free for others.
func TestAMailboxThatWasLeftIsFree(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	people := h.world.Staff(2)
	h.ask(organisation, people[0])
	h.tick()
	h.must(h.PutMapping(t.Context(), organisation, people[0], people[1]))
	h.tick()
	h.world.Add(memory.Person{Email: "zweite@musterwerk.example"})
	h.must(h.PutMapping(t.Context(), organisation, "zweite@musterwerk.example", people[0]))
	h.ask(organisation, "zweite@musterwerk.example")
	h.tick()
	h.status(organisation, "zweite@musterwerk.example", kalends.AccountConnected, "")
}

// The addresses of a form are the guesser's choice: they buy no further tries
// at the same service account.
func TestErrOtherDomainsBuyNoTries(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 3 {
		before := h.world.Calls("check")
		view := h.check(h.authorize(), kalends.Credentials{
			"username": "svc@opfer.example", "password": "guess", "test_email": fmt.Sprintf("a@koeder%d.example", i),
		})
		if tried := h.world.Calls("check") > before; tried != (i < 2) {
			t.Errorf("try %d: sent %t, %v", i, tried, view.Cause)
		}
	}
}

// Whoever has one good account gets no more tries at others by it.
func TestErrOwnSuccessBuysNoTries(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.connect()
	locked := false
	for i := range 40 {
		_, err := h.SignIn(t.Context(), kalends.Exchange, kalends.Credentials{
			"username": "svc", "password": "guess", "test_email": fmt.Sprintf("a@fremd%d.example", i),
		}, browser)
		h.kind(err, kalends.KindUnauthorized)
		if cause := kalends.CauseOf(err); cause != nil && cause.Key == kalends.CauseTooManyTries {
			locked = true
			break
		}
		if _, err := h.SignIn(t.Context(), kalends.Exchange, h.world.Credentials(), browser); err != nil {
			locked = true
			break
		}
	}
	if !locked {
		t.Error("forty guesses between own sign-ins and no wait")
	}
}

// Somebody who connected a server of his own for a domain that he only claims
// gets no password that is entered for that domain.
func TestErrAClaimedDomainGetsNoPasswords(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	real := h.world.Credentials()
	h.clock.pass(time.Minute)
	h.world.SetPassword("the impostor's") // stands for his own server with the same names
	other, _, err := h.CreateApplication(t.Context(), connect.NewApplication{Name: "Other", RedirectURIs: []string{redirectURI}})
	h.must(err)
	theirs, err := h.BeginAuthorize(t.Context(), connect.AuthorizeRequest{
		ResponseType: "code", ClientID: other.ClientID, RedirectURI: redirectURI, Scope: serviceScope, DelegatedScope: "free_busy", ProviderName: "exchange",
	})
	h.must(err)
	h.check(theirs.Handle, h.world.Credentials())
	_, err = h.Finish(t.Context(), theirs.Handle)
	h.must(err)
	h.world.SetPassword(real["password"])
	_, err = h.SignIn(t.Context(), kalends.Exchange, real, browser)
	h.must(err)
	audits, err := h.Audits(t.Context(), organisation, 50)
	h.must(err)
	if !slices.ContainsFunc(audits, func(a kalends.Audit) bool { return a.Action == "console.signed_in" }) {
		t.Error("the password went to the impostor's server")
	}
}

func TestEveryActIsSeenByTheAdministrator(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	people := h.world.Staff(2)
	h.ask(organisation, people...)
	h.tick()
	h.must(h.PutMapping(t.Context(), organisation, "hand@musterwerk.example", people[0]))
	_, err := h.RotateSecret(t.Context(), h.app.ID, time.Hour)
	h.must(err)
	other, _, err := h.CreateApplication(t.Context(), connect.NewApplication{Name: "Other", RedirectURIs: []string{redirectURI}})
	h.must(err)
	_, _, err = h.CreateIntent(t.Context(), h.app, connect.NewIntent{RedirectURI: redirectURI, Scope: serviceScope, DelegatedScope: "read_write"})
	h.must(err)
	handle, err := h.SignIn(t.Context(), kalends.Exchange, h.world.Credentials(), browser)
	h.must(err)
	session, err := h.Session(t.Context(), handle)
	h.must(err)
	audits, err := h.SessionAudits(t.Context(), session, 50)
	h.must(err)
	seen := map[string]kalends.Audit{}
	for _, a := range audits {
		seen[a.Action] = a
		if a.ApplicationID == other.ID {
			t.Errorf("somebody else's act is shown: %+v", a)
		}
		if a.Action == "intent.created" {
			t.Errorf("a link for a company that is not known yet is shown to this one: %+v", a)
		}
	}
	for _, action := range []string{"application.created", "application.secret_rotated", "connection.connected", "mapping.set", "console.signed_in"} {
		if _, ok := seen[action]; !ok {
			t.Errorf("%s is not shown", action)
		}
	}
	if actor := seen["mapping.set"].Actor; actor != "application "+h.app.Name {
		t.Errorf("a mapping was set by %q", actor)
	}
}

func TestUnchangedApplicationsLeaveNoEntry(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for range 3 {
		_, err := h.UpdateApplication(t.Context(), h.app.ID, connect.NewApplication{Name: h.app.Name, RedirectURIs: h.app.RedirectURIs})
		h.must(err)
	}
	if n := h.count("SELECT count(*) FROM audits WHERE action = 'application.changed'"); n != 0 {
		t.Errorf("%d entries for nothing", n)
	}
}

func TestErrRedirectURIsThatMayNotBeRegistered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, uri := range []string{"http://app.musterwerk.example/back", "https://*.musterwerk.example/back", "https://app.musterwerk.example/back#x"} {
		_, _, err := h.CreateApplication(t.Context(), connect.NewApplication{Name: uri, RedirectURIs: []string{uri}})
		h.kind(err, kalends.KindInvalid)
	}
}

// Connecting anew with less delegated takes it from tokens that were given before.
func TestLessDelegatedHoldsForOldTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	people := h.world.Staff(1)
	h.ask(organisation, people...)
	h.tick()
	token := h.tokenFor(h.account(organisation, people[0]).ID)
	begun, err := h.BeginAuthorize(t.Context(), connect.AuthorizeRequest{
		ResponseType: "code", ClientID: h.app.ClientID, RedirectURI: redirectURI, Scope: serviceScope, DelegatedScope: "free_busy", ProviderName: "exchange",
	})
	h.must(err)
	h.check(begun.Handle, h.world.Credentials())
	_, err = h.Finish(t.Context(), begun.Handle)
	h.must(err)
	bearer, err := h.Authenticate(t.Context(), token)
	h.must(err)
	if strings.Contains(bearer.Scope, "read_events") || strings.Contains(bearer.Scope, "read_write") || !strings.Contains(bearer.Scope, "read_free_busy") {
		t.Errorf("the old token may still %q", bearer.Scope)
	}
}

// tokenFor gives an access token for an account's grant.
func (h *house) tokenFor(accountID string) (access string) {
	h.t.Helper()
	h.must(h.db.Write(h.t.Context(), func(tx *db.Tx) error {
		server := oauth.Server{Storage: h.store.Grants(tx), Now: tx.Now()}
		grant, err := h.store.LiveGrantOfSub(h.t.Context(), tx, h.app.ID, accountID)
		if err != nil {
			return err
		}
		code, err := server.IssueCode(h.t.Context(), oauth.NewCode{GrantID: grant.ID, ClientID: h.app.ClientID, RedirectURI: callbackURL, Scope: grant.Scope})
		if err != nil {
			return err
		}
		tokens, _, err := server.ExchangeCode(h.t.Context(), h.app, oauth.Exchange{Code: code, RedirectURI: callbackURL})
		access = tokens.Access
		return err
	}))
	return access
}

func TestAuthorizeParametersAreThereOnce(t *testing.T) {
	t.Parallel()
	_, err := connect.ReadAuthorize(url.Values{"client_id": {"a", "b"}})
	if kalends.KindOf(err) != kalends.KindInvalid {
		t.Errorf("two client ids: %v", err)
	}
	r, err := connect.ReadAuthorize(url.Values{"client_id": {"a"}, "state": {"s"}})
	if err != nil || r.ClientID != "a" || r.State != "s" {
		t.Errorf("%+v %v", r, err)
	}
}

// The receipt is written with what it is about, or a kill in between loses it.
func TestReceiptsAreWrittenWithTheDeletion(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, connection := h.connect()
	people := h.world.Staff(3)
	h.ask(organisation, people...)
	h.tick()
	h.must(h.EndConnection(t.Context(), organisation, connection, "x"))
	_, err := h.db.SQL().ExecContext(t.Context(), `CREATE TRIGGER no_receipt BEFORE INSERT ON audits WHEN NEW.action = 'data.deleted'
		BEGIN SELECT RAISE(ABORT, 'no receipt'); END`)
	h.must(err)
	if _, err := h.Purge(t.Context(), organisation); err == nil {
		t.Fatal("purged without a receipt")
	}
	if n := h.count("SELECT count(*) FROM accounts"); n != len(people) {
		t.Errorf("%d accounts left, but no receipt", n)
	}
}

func TestUsedIntentsKeepNoAddresses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, link, err := h.CreateIntent(t.Context(), h.app, connect.NewIntent{
		RedirectURI: redirectURI, Scope: serviceScope, DelegatedScope: "read_write", Emails: []string{h.world.Credentials()["test_email"]},
	})
	h.must(err)
	begun, err := h.BeginIntent(t.Context(), link[strings.LastIndex(link, "/")+1:])
	h.must(err)
	h.check(begun.Handle, choose(h, begun.Handle))
	_, err = h.Finish(t.Context(), begun.Handle)
	h.must(err)
	if n := h.count("SELECT count(*) FROM intents WHERE emails <> '[]'"); n != 0 {
		t.Error("a used intent keeps addresses")
	}
}

// A mailbox that moved leaves nothing where it was, and what an ended connection
// had is gone at once.
func TestAMovedMailboxLeavesItsOldProfile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	people := h.world.Staff(1)
	h.ask(organisation, people...)
	h.tick()
	account := h.account(organisation, people[0])
	h.must(h.db.Write(t.Context(), func(tx *db.Tx) error {
		err := h.store.InsertConnection(t.Context(), tx, kalends.Connection{
			ID: "con_old", OrganisationID: organisation, Provider: kalends.Exchange, Identity: "old", Tenant: "old", Status: kalends.ConnectionDisconnected,
		})
		if err != nil {
			return err
		}
		if err := h.store.PutProfile(t.Context(), tx, kalends.Profile{ID: "pro_old", AccountID: account.ID, ConnectionID: "con_old"}); err != nil {
			return err
		}
		return h.store.PutCalendar(t.Context(), tx, kalends.Calendar{ID: "cal_old", ProfileID: "pro_old", AccountID: account.ID, RemoteID: "old"})
	}))
	h.must(h.db.Read(t.Context(), func(tx *db.Tx) error {
		calendars, err := h.store.PersonCalendars(t.Context(), tx, account.ID)
		if len(calendars) != 1 || calendars[0].ID == "cal_old" {
			t.Errorf("calendars of an ended connection: %+v", calendars)
		}
		return err
	}))
	h.ask(organisation, people...)
	h.tick()
	if n := h.count("SELECT count(*) FROM profiles WHERE revoked_at IS NULL"); n != 1 {
		t.Errorf("%d living profiles", n)
	}
	if n := h.count("SELECT count(*) FROM calendars WHERE deleted_at IS NULL AND id = 'cal_old'"); n != 0 {
		t.Error("the old calendar stays")
	}
}
