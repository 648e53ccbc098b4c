package oauth_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	kalends "kalends"
	"kalends/oauth"
)

var registered = kalends.Application{
	ID: "app_a", ClientID: "client-a",
	RedirectURIs: []string{"https://app.musterwerk.example/cb", "http://127.0.0.1:8899/callback"},
}

func request() oauth.AuthorizeRequest {
	return oauth.AuthorizeRequest{
		ResponseType: "code", ClientID: "client-a", RedirectURI: "https://app.musterwerk.example/cb",
		Scope: oauth.ScopeAccounts, DelegatedScope: "read_write",
	}
}

// RFC 6749 section 4.1.2.1, RFC 9700 section 4.1: what must never redirect.
func TestErrUnknownClientOrRedirectURINeverRedirects(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*oauth.AuthorizeRequest){
		"other client":        func(r *oauth.AuthorizeRequest) { r.ClientID = "client-b" },
		"no client":           func(r *oauth.AuthorizeRequest) { r.ClientID = "" },
		"no redirect":         func(r *oauth.AuthorizeRequest) { r.RedirectURI = "" },
		"other host":          func(r *oauth.AuthorizeRequest) { r.RedirectURI = "https://evil.example/cb" },
		"path below":          func(r *oauth.AuthorizeRequest) { r.RedirectURI += "/more" },
		"other case":          func(r *oauth.AuthorizeRequest) { r.RedirectURI = "https://APP.musterwerk.example/cb" },
		"query":               func(r *oauth.AuthorizeRequest) { r.RedirectURI += "?x=1" },
		"fragment":            func(r *oauth.AuthorizeRequest) { r.RedirectURI += "#x" },
		"user":                func(r *oauth.AuthorizeRequest) { r.RedirectURI = "https://app.musterwerk.example@evil.example/cb" },
		"other loopback port": func(r *oauth.AuthorizeRequest) { r.RedirectURI = "http://127.0.0.1:1/callback" },
	} {
		r := request()
		change(&r)
		if _, refusal := oauth.CheckAuthorize(&registered, r); refusal == nil || !refusal.NoRedirect {
			t.Errorf("%s: %+v, want an error page", name, refusal)
		}
	}
	if _, refusal := oauth.CheckAuthorize(nil, request()); refusal == nil || !refusal.NoRedirect {
		t.Errorf("no such client: %+v, want an error page", refusal)
	}
}

func TestErrWrongRequestIsToldToTheApplication(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*oauth.AuthorizeRequest)
		want   oauth.Code
	}{
		"implicit":        {func(r *oauth.AuthorizeRequest) { r.ResponseType = "token" }, oauth.UnsupportedResponseType},
		"no type":         {func(r *oauth.AuthorizeRequest) { r.ResponseType = "" }, oauth.UnsupportedResponseType},
		"no scope":        {func(r *oauth.AuthorizeRequest) { r.Scope = " " }, oauth.InvalidScope},
		"user scope":      {func(r *oauth.AuthorizeRequest) { r.Scope = "read_write" }, oauth.InvalidScope},
		"no delegated":    {func(r *oauth.AuthorizeRequest) { r.DelegatedScope = "" }, oauth.InvalidScope},
		"odd delegated":   {func(r *oauth.AuthorizeRequest) { r.DelegatedScope = "everything" }, oauth.InvalidScope},
		"plain challenge": {func(r *oauth.AuthorizeRequest) { r.CodeChallenge = strings.Repeat("v", 43) }, oauth.InvalidRequest},
		"method plain": {func(r *oauth.AuthorizeRequest) {
			r.CodeChallenge, r.CodeChallengeMethod = strings.Repeat("v", 43), "plain"
		}, oauth.InvalidRequest},
		"method without challenge": {func(r *oauth.AuthorizeRequest) { r.CodeChallengeMethod = "S256" }, oauth.InvalidRequest},
		"short challenge":          {func(r *oauth.AuthorizeRequest) { r.CodeChallenge, r.CodeChallengeMethod = "abc", "S256" }, oauth.InvalidRequest},
	} {
		r := request()
		c.change(&r)
		_, refusal := oauth.CheckAuthorize(&registered, r)
		if refusal == nil || refusal.NoRedirect || refusal.Code != c.want {
			t.Errorf("%s: %+v, want %s told by redirect", name, refusal, c.want)
		}
	}
}

func TestAuthorizeRequestIsAccepted(t *testing.T) {
	t.Parallel()
	query := url.Values{
		"response_type": {"code"}, "client_id": {"client-a"}, "redirect_uri": {"http://127.0.0.1:8899/callback"},
		"scope": {"service_account/manage_accounts  service_account/resources/manage"}, "delegated_scope": {"read_write"},
		"state": {"s"}, "code_challenge": {challenge(strings.Repeat("v", 43))}, "code_challenge_method": {"S256"}, "avoid_linking": {"False"},
	}
	r, refusal := oauth.ReadAuthorize(query)
	if refusal != nil {
		t.Fatal(refusal)
	}
	r, refusal = oauth.CheckAuthorize(&registered, r)
	if refusal != nil || r.Scope != oauth.ScopeAccounts+" "+oauth.ScopeResources || r.State != "s" {
		t.Fatalf("got %+v, %v", r, refusal)
	}
	for name := range query {
		if name == "avoid_linking" {
			continue
		}
		twice := url.Values{}
		for k, v := range query {
			twice[k] = v
		}
		twice[name] = append([]string{}, query[name][0], "again")
		if _, refusal := oauth.ReadAuthorize(twice); refusal == nil || !refusal.NoRedirect {
			t.Errorf("%s twice: %+v, want an error page", name, refusal)
		}
	}
}

func TestRedirectsKeepWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{oauth.RedirectWithCode("https://a.example/cb", "CODE", ""), "https://a.example/cb?code=CODE"},
		{oauth.RedirectWithCode("https://a.example/cb?x=%20", "CODE", "a&b=c"), "https://a.example/cb?x=%20&code=CODE&state=a%26b%3Dc"},
		{
			oauth.RedirectWithRefusal("https://a.example/cb", &oauth.Refusal{Code: oauth.AccessDenied, Description: "no & no"}, "s"),
			"https://a.example/cb?error=access_denied&error_description=no+%26+no&state=s",
		},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func TestRedirectURIsThatMayBeRegistered(t *testing.T) {
	t.Parallel()
	for uri, ok := range map[string]bool{
		"https://a.example/cb": true, "https://a.example/cb?x=1": true, "http://localhost:8800/cb": true,
		"http://127.0.0.1/cb": true, "http://[::1]:1/cb": true,
		"": false, "/cb": false, "http://a.example/cb": false, "https://a.example/cb#x": false, "https://a.example/#": false,
		"https://u:p@a.example/": false, "https://*.example/": false, "javascript:alert(1)": false, "app:cb": false, "ftp://a.example/": false,
		"http://localhost.evil.example/": false,
	} {
		if refusal := oauth.CheckRedirectURI(uri); (refusal == nil) != ok {
			t.Errorf("%q: %v, want accepted %v", uri, refusal, ok)
		}
	}
}

func TestRefusalsHaveTheStatusThatClientsExpect(t *testing.T) {
	t.Parallel()
	bad := oauth.BadClient()
	if bad.TokenStatus() != 401 || bad.RevokeStatus() != 400 || (&oauth.Refusal{Code: oauth.InvalidGrant}).TokenStatus() != 400 {
		t.Error("wrong status")
	}
}

func TestClientsAndKeys(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMachine()
	for _, c := range []struct {
		id, secret string
		ok         bool
	}{
		{"client-a", "secret-a", true},
		{"client-a", "secret-b", false},
		{"client-b", "secret-a", false},
		{"", "secret-a", false},
		{"client-a", "", false},
		{"client-a", strings.Repeat("x", 1<<20), false},
	} {
		app, refusal, err := m.server().AuthenticateClient(ctx, c.id, c.secret)
		if err != nil || (refusal == nil) != c.ok || c.ok && app.ClientID != c.id {
			t.Errorf("%q %.10q: %+v, %v, %v", c.id, c.secret, app, refusal, err)
		}
		if !c.ok && refusal.Code != oauth.InvalidClient {
			t.Errorf("refused with %v", refusal)
		}
	}
	bearer, ok, err := m.server().Authenticate(ctx, "secret-b")
	if err != nil || !ok || bearer.Kind != oauth.BearerKey || bearer.ApplicationID != "app_b" {
		t.Errorf("key: %+v, %v, %v", bearer, ok, err)
	}
	for _, bad := range []string{"", "undefined", "None", strings.Repeat("x", 1<<20)} {
		if _, ok, err := m.server().Authenticate(ctx, bad); ok || err != nil {
			t.Errorf("bearer %.10q: %v, %v", bad, ok, err)
		}
	}
}

func TestCodeEndsAfterTenMinutes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, c := range []struct {
		after time.Duration
		ok    bool
	}{{10*time.Minute - time.Microsecond, true}, {10 * time.Minute, false}} {
		m := newMachine()
		m.store.grants["g"] = kalends.Grant{ID: "g", ApplicationID: "app_a", AccountID: "acc_1"}
		code, err := m.server().IssueCode(ctx, oauth.NewCode{GrantID: "g", ClientID: "client-a", RedirectURI: "https://a.example/cb"})
		if err != nil {
			t.Fatal(err)
		}
		m.now = m.now.Add(c.after)
		_, refusal, err := m.server().ExchangeCode(ctx, apps[0], oauth.Exchange{Code: code, RedirectURI: "https://a.example/cb"})
		if err != nil || (refusal == nil) != c.ok {
			t.Errorf("after %v: %v, %v", c.after, refusal, err)
		}
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scope, limit string
		want         bool
	}{
		{"read_write", "read_write", true},
		{"read_only", "read_write", true},
		{"read_write", "read_only", false},
		{"read_account list_calendars read_events create_event delete_event", "read_write", true},
		{"read_events", "read_free_busy", false},
		{"read_free_busy", "read_events", true},
		{"free_busy", "read_only", true},
		{"write_only", "free_busy_write", true},
		{"create_calendar", "read_write", false},
		{"create_calendar", "full_access", true},
		{"", "read_write", false},
		{"read_only", "", false},
		{"nonsense", "nonsense", false},
	} {
		if got := oauth.Within(c.scope, c.limit); got != c.want {
			t.Errorf("Within(%q, %q) = %v", c.scope, c.limit, got)
		}
	}
	if !oauth.Allows("read_events", oauth.ScopeReadFreeBusy) || oauth.Allows("free_busy", oauth.ScopeReadEvents) ||
		!oauth.Allows(oauth.ScopeAccounts+" "+oauth.ScopeResources, oauth.ScopeResources) || oauth.Allows(oauth.ScopeAccounts, oauth.ScopeResources) {
		t.Error("Allows is wrong")
	}
}

func TestScopeSubsetsAreAnOrder(t *testing.T) {
	t.Parallel()
	names := []string{
		"read_only", "read_write", "free_busy", "free_busy_write", "write_only", "full_access", "read_account", "list_calendars",
		"read_events", "read_free_busy", "create_event", "delete_event", "create_calendar", "event_reminders", "change_participation_status",
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(names), 1, 5).Draw(t, label), " ")
		}
		a, b, c := draw("a"), draw("b"), draw("c")
		if !oauth.Within(a, a) || !oauth.Within(a, a+" "+b) || !oauth.Within(a, "full_access") {
			t.Fatalf("%q is not within itself and more", a)
		}
		if oauth.Within(a, b) && oauth.Within(b, c) && !oauth.Within(a, c) {
			t.Fatalf("%q, %q, %q: not transitive", a, b, c)
		}
		fine, err := oauth.ParseUserScope(a)
		if err != nil {
			t.Fatal(err)
		}
		for _, scope := range fine {
			if oauth.Within(a, b) && !oauth.Allows(b, scope) {
				t.Fatalf("%q is within %q, but %q is not allowed", a, b, scope)
			}
		}
	})
}
