package connect_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/hub/connect"
	"kalends/provider/memory"
)

func TestConnectInABrowser(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	handle := h.authorize()
	view := h.check(handle, h.world.Credentials())
	if view.Check != connect.CheckOK || len(view.Steps) != 5 || view.Found.Domain != "musterwerk.example" {
		t.Fatalf("check %s, %d steps, found %+v, cause %v", view.Check, len(view.Steps), view.Found, view.Cause)
	}
	if view.Values["password"] != "" || view.Values["username"] == "" {
		t.Fatalf("values shown again: %v", view.Values)
	}
	back, err := h.Finish(t.Context(), handle)
	h.must(err)
	if !strings.HasPrefix(back, redirectURI+"?") || query(t, back, "state") != "s t&1" {
		t.Fatalf("back to %s", back)
	}
	again, err := h.Finish(t.Context(), handle) // a double click
	h.must(err)
	_, err = h.ExchangeCode(t.Context(), h.app, query(t, back, "code"), redirectURI, "")
	if err == nil {
		t.Fatal("the code that the second click replaced is still good")
	}
	organisation := h.organisationOf(again)
	_, err = h.Finish(t.Context(), handle) // the back button, after the code was used
	h.kind(err, kalends.KindGone)
	h.kind(h.StartCheck(t.Context(), handle, h.world.Credentials(), browser), kalends.KindGone)
	_, err = h.Decline(t.Context(), handle)
	h.kind(err, kalends.KindGone)
	list, err := h.Connections(t.Context(), organisation)
	h.must(err)
	if len(list) != 1 || list[0].Status != kalends.ConnectionConnected || list[0].Application.ID != h.app.ID {
		t.Fatalf("connections %+v", list)
	}
	if n := h.count("SELECT count(*) FROM connects WHERE credentials <> ''"); n != 0 {
		t.Fatal("credentials stay behind in the finished connect")
	}
}

func TestTwoAdministratorsAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first, second := h.authorize(), h.authorize()
	h.check(first, h.world.Credentials())
	h.check(second, h.world.Credentials())
	one, err := h.Finish(t.Context(), first)
	h.must(err)
	two, err := h.Finish(t.Context(), second)
	h.must(err)
	if a, b := h.organisationOf(one), h.organisationOf(two); a != b {
		t.Fatalf("two organisations for one company: %s, %s", a, b)
	}
	if n := h.count("SELECT count(*) FROM connections"); n != 1 {
		t.Fatalf("%d connections", n)
	}
}

func TestErrIntentIsUsedOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	intent := connect.NewIntent{RedirectURI: redirectURI, Scope: serviceScope, DelegatedScope: "read_write", Emails: []string{"A@musterwerk.example", "a@musterwerk.example"}}
	_, link, err := h.CreateIntent(t.Context(), h.app, intent)
	h.must(err)
	token := link[strings.LastIndex(link, "/")+1:]
	one, err := h.BeginIntent(t.Context(), token)
	h.must(err)
	two, err := h.BeginIntent(t.Context(), token)
	h.must(err)
	if view := h.check(one.Handle, choose(h, one.Handle)); view.Emails != 1 || view.Preview.Total != 1 {
		t.Fatalf("addresses %d, preview %+v", view.Emails, view.Preview)
	}
	h.check(two.Handle, choose(h, two.Handle))
	_, err = h.Finish(t.Context(), one.Handle)
	h.must(err)
	_, err = h.Finish(t.Context(), two.Handle)
	h.kind(err, kalends.KindGone)
	_, err = h.BeginIntent(t.Context(), token)
	h.kind(err, kalends.KindGone)
	_, err = h.BeginIntent(t.Context(), "unknown")
	h.kind(err, kalends.KindNotFound)
}

func choose(h *house, handle string) kalends.Credentials {
	h.t.Helper()
	h.must(h.ChooseProvider(h.t.Context(), handle, kalends.Exchange))
	return h.world.Credentials()
}

func TestErrExpired(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, link, err := h.CreateIntent(t.Context(), h.app, connect.NewIntent{RedirectURI: redirectURI, Scope: serviceScope, DelegatedScope: "free_busy"})
	h.must(err)
	handle := h.authorize()
	h.clock.pass(8 * 24 * time.Hour)
	_, err = h.BeginIntent(t.Context(), link[strings.LastIndex(link, "/")+1:])
	h.kind(err, kalends.KindGone)
	_, err = h.Connect(t.Context(), handle)
	h.kind(err, kalends.KindNotFound)
}

func TestErrAuthorizeRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	good := connect.AuthorizeRequest{ResponseType: "code", ClientID: h.app.ClientID, RedirectURI: redirectURI, Scope: serviceScope, DelegatedScope: "read_write", State: "x"}
	for name, edit := range map[string]func(*connect.AuthorizeRequest){
		"client":   func(r *connect.AuthorizeRequest) { r.ClientID = "nobody" },
		"redirect": func(r *connect.AuthorizeRequest) { r.RedirectURI += "/elsewhere" },
	} {
		r := good
		edit(&r)
		begun, err := h.BeginAuthorize(t.Context(), r)
		if kalends.KindOf(err) != kalends.KindInvalid || begun.RedirectTo != "" {
			t.Errorf("%s: %v, redirect to %q", name, err, begun.RedirectTo)
		}
	}
	for want, edit := range map[string]func(*connect.AuthorizeRequest){
		"unsupported_response_type": func(r *connect.AuthorizeRequest) { r.ResponseType = "token" },
		"invalid_scope":             func(r *connect.AuthorizeRequest) { r.Scope = "read_events" },
		"invalid_request":           func(r *connect.AuthorizeRequest) { r.CodeChallenge = "plain" },
	} {
		r := good
		edit(&r)
		begun, err := h.BeginAuthorize(t.Context(), r)
		if err != nil || query(t, begun.RedirectTo, "error") != want || begun.Handle != "" {
			t.Errorf("%s: %v, %+v", want, err, begun)
		}
	}
}

func TestDecline(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	handle := h.authorize()
	h.check(handle, h.world.Credentials())
	back, err := h.Decline(t.Context(), handle)
	h.must(err)
	if query(t, back, "error") != "access_denied" || query(t, back, "state") != "s t&1" {
		t.Fatalf("back to %s", back)
	}
	_, err = h.Finish(t.Context(), handle)
	h.kind(err, kalends.KindGone)
}

// Who declines is written down: with the company where that is known.
func TestDecliningIsWrittenDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	organisation, _ := h.connect()
	decline := func(handle string, err error) []kalends.Audit {
		h.must(err)
		_, err = h.Decline(t.Context(), handle)
		h.must(err)
		list, err := h.Audits(t.Context(), organisation, 50)
		h.must(err)
		return slices.DeleteFunc(list, func(a kalends.Audit) bool { return a.Action != "connection.declined" })
	}
	if list := decline(h.authorize(), nil); len(list) != 0 || h.count("SELECT count(*) FROM audits WHERE action = 'connection.declined'") != 0 {
		t.Errorf("anybody can write entries: %+v", list)
	}
	_, link, err := h.CreateIntent(t.Context(), h.app, connect.NewIntent{
		RedirectURI: redirectURI, Scope: serviceScope, DelegatedScope: "read_write", OrganisationID: organisation,
	})
	h.must(err)
	begun, err := h.BeginIntent(t.Context(), link[strings.LastIndexByte(link, '/')+1:])
	if list := decline(begun.Handle, err); len(list) != 1 || list[0].Actor != connect.ActorVisitor || list[0].Facts["intent"] == "" {
		t.Errorf("by the link for IT: %+v", list)
	}
	h.clock.pass(time.Second)
	handle := h.authorize()
	h.check(handle, h.world.Credentials())
	if list := decline(handle, nil); len(list) != 2 || list[0].Actor != "service account "+h.world.ServiceAccount {
		t.Errorf("after a check: %+v", list)
	}
}

func TestErrWrongPasswordsWait(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	wrong := h.world.Credentials()
	wrong["password"] = "guess"
	for i, name := range []string{"svc", "SVC", `MUSTERWERK\svc`} {
		h.world.ServiceAccount = "svc"
		wrong["username"] = name
		before := h.world.Calls("check")
		view := h.check(h.authorize(), wrong)
		tried := h.world.Calls("check") - before
		if i < 2 && (view.Cause == nil || view.Cause.Key == kalends.CauseTooManyTries || tried == 0) {
			t.Fatalf("try %d: %v after %d requests", i, view.Cause, tried)
		}
		if i == 2 && (view.Cause == nil || view.Cause.Key != kalends.CauseTooManyTries || view.Cause.Facts["until"] == "" || tried != 0) {
			t.Fatalf("third try: %v after %d requests", view.Cause, tried)
		}
	}
	h.clock.pass(16 * time.Minute)
	if view := h.check(h.authorize(), h.world.Credentials()); view.Check != connect.CheckOK {
		t.Fatalf("after the wait: %v", view.Cause)
	}
}

func TestErrScanningIsSlowedDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.world.Break(memory.Fault{Operation: "check", Err: &kalends.Error{
		Kind: kalends.KindUnavailable, Cause: kalends.NewCause(kalends.CauseServerUnavailable, "host", "10.0.0.1", "error", "connection refused"),
	}})
	locked := false
	for range 20 {
		view := h.check(h.authorize(), h.world.Credentials())
		if view.Cause.Key == kalends.CauseTooManyTries {
			locked = true
			break
		}
		if view.Cause.Key != kalends.CauseServerNotFound || view.Cause.Facts["error"] != "" || view.Cause.Facts["host"] != "" {
			t.Fatalf("the answer tells too much: %+v", view.Cause)
		}
	}
	if !locked {
		t.Fatal("twenty failed checks and no wait")
	}
	if view := h.check(h.authorize(), h.world.Credentials()); view.Cause.Key != kalends.CauseTooManyTries {
		t.Fatalf("a new browser passes the wait: %v", view.Cause)
	}
}

func TestErrFormValues(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var invalid *connect.InvalidError
	err := h.StartCheck(t.Context(), h.authorize(), kalends.Credentials{"username": "svc", "test_email": "nonsense"}, browser)
	if !errors.As(err, &invalid) || len(invalid.Fields) != 2 {
		t.Fatalf("%v", err)
	}
}

func TestCheckSurvivesTheProcess(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	hang := make(chan struct{})
	h.world.Break(memory.Fault{Operation: "check", Hang: hang, Times: 1})
	handle := h.authorize()
	h.must(h.StartCheck(t.Context(), handle, h.world.Credentials(), browser))
	h.Service.Close() // the process dies in the middle
	h.open()
	h.clock.pass(3 * time.Minute)
	if view := h.settled(handle); view.Check != connect.CheckFailed {
		t.Fatalf("a dead check is shown as %s", view.Check)
	}
	close(hang)
	if view := h.check(handle, h.world.Credentials()); view.Check != connect.CheckOK {
		t.Fatalf("second check: %v", view.Cause)
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	staff := h.world.Credentials()["test_email"]
	h.world.Add(
		memory.Person{Email: "anna.alt@musterwerk.example", Aliases: []string{"anna@musterwerk.example"}},
		memory.Person{Email: "neu@musterwerk.example", State: memory.NoMailbox},
	)
	_, link, err := h.CreateIntent(t.Context(), h.app, connect.NewIntent{
		RedirectURI: redirectURI, Scope: serviceScope, DelegatedScope: "read_write",
		Emails: []string{staff, "anna@musterwerk.example", "neu@musterwerk.example", "niemand@musterwerk.example", "hand@musterwerk.example"},
	})
	h.must(err)
	begun, err := h.BeginIntent(t.Context(), link[strings.LastIndex(link, "/")+1:])
	h.must(err)
	h.check(begun.Handle, choose(h, begun.Handle))
	h.must(h.PreviewMapping(t.Context(), begun.Handle, "hand@musterwerk.example", "anna.alt@musterwerk.example"))
	h.kind(h.PreviewMapping(t.Context(), begun.Handle, "hand@musterwerk.example", "gibt.es.nicht@musterwerk.example"), kalends.KindNotFound)
	view := h.settled(begun.Handle)
	want := []connect.PreviewGroup{connect.GroupExact, connect.GroupAlias, connect.GroupWaiting, connect.GroupNotFound, connect.GroupManual}
	for i, item := range view.Preview.Items {
		if item.Group() != want[i] {
			t.Errorf("%s stands under %s, want %s (%v)", item.Email, item.Group(), want[i], item.Cause)
		}
	}
	h.must(h.SetConfirmAliases(t.Context(), begun.Handle, true))
	if item := h.settled(begun.Handle).Preview.Items[1]; item.Cause == nil || item.Cause.Key != kalends.CauseAddressIsAlias || item.Group() != connect.GroupAlias {
		t.Fatalf("with confirmation: %+v", item)
	}
}
