package oauth_test

import (
	"context"
	"sync"
	"testing"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/db/dbtest"
	"kalends/oauth"
	"kalends/secret"
	"kalends/store"
)

var _ oauth.Storage = store.Grants{}

// real is the rules over real tables.
type real struct {
	*testing.T
	db *db.DB
	s  *store.Store
}

func eachReal(t *testing.T, test func(r real)) {
	t.Helper()
	dbtest.Each(t, db.Options{}, func(t *testing.T, d *db.DB) {
		keyset, err := secret.Generate()
		if err != nil {
			t.Fatal(err)
		}
		box, err := secret.Open(keyset)
		if err != nil {
			t.Fatal(err)
		}
		r := real{t, d, store.New(d, box)}
		if err := r.s.Migrate(context.Background()); err != nil {
			t.Fatal(err)
		}
		r.do(func(ctx context.Context, tx *db.Tx, _ oauth.Server) error {
			app := apps[0]
			app.Name = "a"
			if err := r.s.InsertApplication(ctx, tx, app); err != nil {
				return err
			}
			if err := r.s.InsertOrganisation(ctx, tx, kalends.Organisation{ID: "ser_1", ApplicationID: app.ID}); err != nil {
				return err
			}
			return r.s.InsertGrant(ctx, tx, kalends.Grant{ID: "g", ApplicationID: app.ID, OrganisationID: "ser_1", AccountID: "acc_1"})
		})
		test(r)
	})
}

func (r real) do(fn func(ctx context.Context, tx *db.Tx, server oauth.Server) error) {
	ctx := context.Background()
	err := r.db.Write(ctx, func(tx *db.Tx) error {
		return fn(ctx, tx, oauth.Server{Storage: r.s.Grants(tx), Now: tx.Now()})
	})
	if err != nil {
		r.Error(err)
	}
}

func (r real) issue() (code string) {
	r.do(func(ctx context.Context, _ *db.Tx, server oauth.Server) (err error) {
		code, err = server.IssueCode(ctx, oauth.NewCode{GrantID: "g", ClientID: "client-a", RedirectURI: "https://a.example/cb"})
		return err
	})
	return code
}

func (r real) exchange(code string) (tokens oauth.Tokens, refusal *oauth.Refusal) {
	r.do(func(ctx context.Context, _ *db.Tx, server oauth.Server) (err error) {
		tokens, refusal, err = server.ExchangeCode(ctx, apps[0], oauth.Exchange{Code: code, RedirectURI: "https://a.example/cb"})
		return err
	})
	return tokens, refusal
}

func (r real) access(token string) (ok bool) {
	r.do(func(ctx context.Context, _ *db.Tx, server oauth.Server) (err error) {
		_, ok, err = server.Authenticate(ctx, token)
		return err
	})
	return ok
}

func TestCodeUsedByManyAtOnceLeavesNobodyAccess(t *testing.T) {
	t.Parallel()
	eachReal(t, func(r real) {
		for range 5 {
			code := r.issue()
			got := make([]oauth.Tokens, 8)
			refused := make([]bool, len(got))
			var group sync.WaitGroup
			for i := range got {
				group.Go(func() {
					tokens, refusal := r.exchange(code)
					got[i], refused[i] = tokens, refusal != nil
				})
			}
			group.Wait()
			won := 0
			for i, tokens := range got {
				if !refused[i] {
					won++
				}
				if r.access(tokens.Access) {
					r.Error("a code used twice still gives access")
				}
			}
			if won != 1 {
				r.Errorf("%d exchanges succeeded, want 1", won)
			}
		}
	})
}

// Tokens made from a refresh token while its code is used again must end too.
func TestRefreshBesideASecondUseLeavesNoAccess(t *testing.T) {
	t.Parallel()
	eachReal(t, func(r real) {
		for range 10 {
			code := r.issue()
			tokens, refusal := r.exchange(code)
			if refusal != nil {
				r.Fatal(refusal)
			}
			fresh := make([]oauth.Tokens, 4)
			var group sync.WaitGroup
			for i := range fresh {
				group.Go(func() {
					r.do(func(ctx context.Context, _ *db.Tx, server oauth.Server) (err error) {
						fresh[i], _, err = server.Refresh(ctx, apps[0], tokens.Refresh)
						return err
					})
				})
			}
			group.Go(func() { r.exchange(code) })
			group.Wait()
			for _, f := range append(fresh, tokens) {
				if r.access(f.Access) {
					r.Error("a token outlived the second use of its code")
				}
			}
		}
	})
}

func TestRevokingEndsEverythingOfTheGrant(t *testing.T) {
	t.Parallel()
	eachReal(t, func(r real) {
		first, _ := r.exchange(r.issue())
		second, _ := r.exchange(r.issue())
		pending := r.issue()
		if !r.access(first.Access) || !r.access(second.Access) {
			r.Fatal("no access before revoking")
		}
		r.do(func(ctx context.Context, _ *db.Tx, server oauth.Server) error {
			grant, err := server.Revoke(ctx, apps[0], second.Refresh)
			if grant == nil || grant.ID != "g" {
				r.Errorf("revoked %+v", grant)
			}
			return err
		})
		if r.access(first.Access) || r.access(second.Access) {
			r.Error("access after revoking")
		}
		if _, refusal := r.exchange(pending); refusal == nil {
			r.Error("a code outlived its grant")
		}
	})
}

func TestServiceTokenLivesHalfAnHour(t *testing.T) {
	t.Parallel()
	m := newMachine()
	ctx := context.Background()
	m.store.grants["o"] = kalends.Grant{ID: "o", ApplicationID: "app_a", OrganisationID: "ser_1", Scope: oauth.ScopeAccounts}
	code, err := m.server().IssueCode(ctx, oauth.NewCode{GrantID: "o", ClientID: "client-a", RedirectURI: "https://a.example/cb"})
	if err != nil {
		t.Fatal(err)
	}
	tokens, refusal, err := m.server().ExchangeCode(ctx, apps[0], oauth.Exchange{Code: code, RedirectURI: "https://a.example/cb"})
	if err != nil || refusal != nil || tokens.ExpiresIn != 1800 || tokens.Scope != oauth.ScopeAccounts {
		t.Fatalf("%+v, %v, %v", tokens, refusal, err)
	}
	for _, c := range []struct {
		wait time.Duration
		ok   bool
	}{{30*time.Minute - time.Second, true}, {time.Second, false}} {
		m.now = m.now.Add(c.wait)
		bearer, ok, err := m.server().Authenticate(ctx, tokens.Access)
		if err != nil || ok != c.ok || ok && bearer.Kind != oauth.BearerService {
			t.Errorf("after %v: %+v, %v, %v", c.wait, bearer, ok, err)
		}
	}
}
