package oauth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	kalends "kalends"
	"kalends/oauth"
)

var start = time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC)

// The model keeps for every value that was ever given out what it should be
// good for; the rules under test must agree after every step.
type issuedCode struct {
	value, grant, app, redirect, verifier string
	expires                               time.Time
	used                                  bool
}

type issuedToken struct {
	value, grant, app, code string
	refresh                 bool
	expires                 time.Time
	dead                    bool
}

type machine struct {
	store   *memory
	now     time.Time
	ended   map[string]bool // grants
	codes   []*issuedCode
	tokens  []*issuedToken
	created int
}

var apps = []kalends.Application{
	{ID: "app_a", ClientID: "client-a"}, {ID: "app_b", ClientID: "client-b"},
}

func newMachine() *machine {
	m := &machine{store: newMemory(), now: start, ended: map[string]bool{}}
	m.store.apps["secret-a"], m.store.apps["secret-b"] = apps[0], apps[1]
	return m
}

func (m *machine) server() oauth.Server { return oauth.Server{Storage: m.store, Now: m.now} }

func challenge(verifier string) string {
	if verifier == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (m *machine) issue(t *rapid.T) {
	app := rapid.SampledFrom(apps).Draw(t, "app")
	grant := m.pickGrant(t, app)
	c := &issuedCode{
		grant: grant, app: app.ID, redirect: rapid.SampledFrom([]string{"https://a.example/cb", "https://b.example/cb?x=1"}).Draw(t, "redirect"),
		verifier: rapid.SampledFrom([]string{"", strings.Repeat("v", 43)}).Draw(t, "verifier"), expires: m.now.Add(10 * time.Minute),
	}
	value, err := m.server().IssueCode(context.Background(), oauth.NewCode{
		GrantID: grant, ClientID: app.ClientID, RedirectURI: c.redirect, CodeChallenge: challenge(c.verifier), Scope: "read_only",
	})
	if err != nil {
		t.Fatal(err)
	}
	c.value = value
	m.codes = append(m.codes, c)
}

// pickGrant takes a living grant of the application, or makes one.
func (m *machine) pickGrant(t *rapid.T, app kalends.Application) string {
	for id, g := range m.store.grants {
		if g.ApplicationID == app.ID && !m.ended[id] && rapid.Bool().Draw(t, "same grant") {
			return id
		}
	}
	m.created++
	g := kalends.Grant{ID: fmt.Sprint("grant", m.created), ApplicationID: app.ID, OrganisationID: fmt.Sprint("ser_", m.created), Scope: "read_only"}
	if rapid.Bool().Draw(t, "user") {
		g.AccountID = fmt.Sprint("acc_", m.created)
	}
	m.store.grants[g.ID] = g
	return g.ID
}

func (m *machine) exchange(t *rapid.T) {
	if len(m.codes) == 0 {
		t.Skip("no codes yet")
	}
	c := rapid.SampledFrom(m.codes).Draw(t, "code")
	app := rapid.SampledFrom(apps).Draw(t, "app")
	e := oauth.Exchange{
		Code: c.value, RedirectURI: rapid.SampledFrom([]string{c.redirect, "https://evil.example/"}).Draw(t, "redirect"),
		Verifier: rapid.SampledFrom([]string{c.verifier, "", strings.Repeat("w", 43)}).Draw(t, "verifier"),
	}
	right := app.ID == c.app && e.RedirectURI == c.redirect && e.Verifier == c.verifier && m.now.Before(c.expires)
	want := right && !c.used && !m.ended[c.grant]
	tokens, refusal, err := m.server().ExchangeCode(context.Background(), app, e)
	if err != nil {
		t.Fatal(err)
	}
	if (refusal == nil) != want {
		t.Fatalf("exchange of %+v by %s as %+v: refusal %v, want success %v", c, app.ID, e, refusal, want)
	}
	if c.used {
		m.kill(func(i *issuedToken) bool { return i.code == c.value })
	}
	if want {
		c.used = true
		m.keep(t, tokens, c.grant, c.app, c.value, true)
	} else if refusal.Code != oauth.InvalidGrant || tokens.Access != "" || tokens.Refresh != "" {
		t.Fatalf("refused with %v and %+v", refusal, tokens)
	}
}

func (m *machine) keep(t *rapid.T, tokens oauth.Tokens, grant, app, code string, refresh bool) {
	life := 3600
	if m.store.grants[grant].OfOrganisation() {
		life = 1800
	}
	if tokens.ExpiresIn != life || len(tokens.Access) != 32 || len(tokens.Refresh) != 32 {
		t.Fatalf("got %+v, want %d seconds and 32 characters each", tokens, life)
	}
	m.tokens = append(m.tokens, &issuedToken{
		value: tokens.Access, grant: grant, app: app, code: code, expires: m.now.Add(time.Duration(life) * time.Second),
	})
	if refresh {
		m.tokens = append(m.tokens, &issuedToken{value: tokens.Refresh, grant: grant, app: app, code: code, refresh: true})
	}
}

func (m *machine) kill(which func(*issuedToken) bool) {
	for _, i := range m.tokens {
		i.dead = i.dead || which(i)
	}
}

func (m *machine) pickToken(t *rapid.T) *issuedToken {
	if len(m.tokens) == 0 {
		t.Skip("no tokens yet")
	}
	return rapid.SampledFrom(m.tokens).Draw(t, "token")
}

func (m *machine) refresh(t *rapid.T) {
	i := m.pickToken(t)
	app := rapid.SampledFrom(apps).Draw(t, "app")
	want := i.refresh && !i.dead && app.ID == i.app
	tokens, refusal, err := m.server().Refresh(context.Background(), app, i.value)
	if err != nil {
		t.Fatal(err)
	}
	if (refusal == nil) != want {
		t.Fatalf("refresh of %+v by %s: refusal %v, want success %v", i, app.ID, refusal, want)
	}
	if want {
		if tokens.Refresh != i.value {
			t.Fatal("the refresh token rotated")
		}
		m.keep(t, tokens, i.grant, i.app, i.code, false)
	}
}

func (m *machine) revoke(t *rapid.T) {
	i := m.pickToken(t)
	app := rapid.SampledFrom(apps).Draw(t, "app")
	want := !i.dead && app.ID == i.app
	grant, err := m.server().Revoke(context.Background(), app, i.value)
	m.revoked(t, grant, err, i.grant, want)
}

func (m *machine) revokeSub(t *rapid.T) {
	i := m.pickToken(t)
	app := rapid.SampledFrom(apps).Draw(t, "app")
	g := m.store.grants[i.grant]
	sub := g.AccountID
	if sub == "" {
		sub = g.OrganisationID
	}
	grant, err := m.server().RevokeSub(context.Background(), app, sub)
	m.revoked(t, grant, err, i.grant, !m.ended[i.grant] && app.ID == i.app)
}

func (m *machine) revoked(t *rapid.T, grant *kalends.Grant, err error, id string, want bool) {
	if err != nil || (grant != nil) != want {
		t.Fatalf("revoking %s gave %+v, %v; want it ended: %v", id, grant, err, want)
	}
	if want {
		m.ended[id] = true
		m.kill(func(i *issuedToken) bool { return i.grant == id })
	}
}

// check asks about every value ever given out.
func (m *machine) check(t *rapid.T) {
	for _, i := range m.tokens {
		want := !i.refresh && !i.dead && m.now.Before(i.expires)
		bearer, ok, err := m.server().Authenticate(context.Background(), i.value)
		if err != nil || ok != want || ok && (bearer.Grant.ID != i.grant || bearer.ApplicationID != i.app) {
			t.Fatalf("%+v gives access: %v %+v, want %v", i, ok, bearer, want)
		}
	}
	for _, c := range m.codes {
		if _, ok, err := m.server().Authenticate(context.Background(), c.value); ok || err != nil {
			t.Fatalf("the code %+v gives access", c)
		}
	}
}

func TestNothingUsedExpiredForeignOrRevokedGivesAccess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine()
		t.Repeat(map[string]func(*rapid.T){
			"issue": m.issue, "exchange": m.exchange, "exchange again": m.exchange, "refresh": m.refresh, "revoke": m.revoke, "revoke sub": m.revokeSub,
			"wait": func(t *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.SampledFrom([]int{1, 9, 10, 30, 60}).Draw(t, "minutes")) * time.Minute)
			},
			"": m.check,
		})
	})
}
