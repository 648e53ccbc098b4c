package store_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	kalends "kalends"
	"kalends/db"
	"kalends/db/dbtest"
	"kalends/secret"
	"kalends/store"
)

var ctx = context.Background()

// clock is a time that a test sets.
type clock struct{ micros atomic.Int64 }

func (c *clock) now() time.Time           { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *clock) forward(by time.Duration) { c.micros.Add(by.Microseconds()) }

// home is a migrated database with one application and one organisation.
type home struct {
	*testing.T
	db    *db.DB
	s     *store.Store
	clock *clock
	app   kalends.Application
	org   kalends.Organisation
}

// each runs a test at home on both databases.
func each(t *testing.T, test func(h *home)) {
	t.Helper()
	t.Parallel()
	for _, database := range []struct {
		name string
		open func(testing.TB, db.Options) *db.DB
	}{{"sqlite", dbtest.SQLite}, {"postgres", dbtest.Postgres}} {
		t.Run(database.name, func(t *testing.T) {
			t.Parallel()
			c := &clock{}
			c.micros.Store(time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC).UnixMicro())
			d := database.open(t, db.Options{Clock: c.now})
			test(settle(t, d, c))
		})
	}
}

func settle(t *testing.T, d *db.DB, c *clock) *home {
	t.Helper()
	keyset, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.Open(keyset)
	if err != nil {
		t.Fatal(err)
	}
	h := &home{T: t, db: d, s: store.New(d, box), clock: c}
	if err := h.s.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	h.app = kalends.Application{
		ID: "app_1", ClientID: "client", Name: "Smart Calendar", RedirectURIs: []string{"https://a.example/cb"},
		CallbackHosts: []string{"a.example"}, NotifyURL: "https://a.example/notify", CreatedAt: c.now(),
	}
	h.org = kalends.Organisation{
		ID: "ser_1", ApplicationID: "app_1", Domain: "musterwerk.example", Email: "svc@musterwerk.example",
		Scope: "service_account/accounts/manage", DelegatedScope: "read_write", ConfirmAliases: true, CreatedAt: c.now(),
	}
	h.write(func(tx *db.Tx) error { return h.s.InsertApplication(ctx, tx, h.app) })
	h.write(func(tx *db.Tx) error { return h.s.InsertOrganisation(ctx, tx, h.org) })
	return h
}

func (h *home) write(fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.db.Write(ctx, fn); err != nil {
		h.Fatal(err)
	}
}

func (h *home) read(fn func(tx *db.Tx) error) {
	h.Helper()
	if err := h.db.Read(ctx, fn); err != nil {
		h.Fatal(err)
	}
}

// same reads a value and compares it.
func same[T any](h *home, want T, read func(tx *db.Tx) (T, error)) {
	h.Helper()
	h.read(func(tx *db.Tx) error {
		got, err := read(tx)
		if diff := cmp.Diff(want, got); err == nil && diff != "" {
			h.Errorf("-want +got\n%s", diff)
		}
		return err
	})
}

// missing reads what should not be there.
func missing[T any](h *home, read func(tx *db.Tx) (T, error)) {
	h.Helper()
	h.read(func(tx *db.Tx) error {
		if got, err := read(tx); kalends.KindOf(err) != kalends.KindNotFound || !db.IsNotFound(err) {
			h.Errorf("got %+v, %v; want not found", got, err)
		}
		return nil
	})
}

func (h *home) connection(id string) kalends.Connection {
	h.Helper()
	c := kalends.Connection{
		ID: id, OrganisationID: h.org.ID, Provider: kalends.Exchange, Identity: "mail.musterwerk.example|svc", Tenant: "mail.musterwerk.example",
		Domain: "musterwerk.example", Level: kalends.LevelFull, Status: kalends.ConnectionConnected, ConnectedAt: h.clock.now(),
		ConnectedBy: "service account svc", CheckedAt: h.clock.now(), Credentials: kalends.Credentials{"password": "hush-hush"},
	}
	h.write(func(tx *db.Tx) error { return h.s.InsertConnection(ctx, tx, c) })
	c.Identity, c.Credentials = "", nil // not read back with it
	return c
}

func (h *home) account(id, email, connectionID string) kalends.Account {
	h.Helper()
	a := kalends.Account{
		ID: id, OrganisationID: h.org.ID, ConnectionID: connectionID, Email: email, MatchedEmail: email, MatchedBy: kalends.MatchedPrimary,
		MailboxID: "mbx-" + id, Name: "Name " + id, Kind: kalends.MailboxPerson, Status: kalends.AccountConnected, Since: h.clock.now(),
	}
	h.write(func(tx *db.Tx) error { return h.s.InsertAccount(ctx, tx, a) })
	return a
}

// calendar gives an account a profile and a calendar that is due now.
func (h *home) calendar(a kalends.Account) kalends.Calendar {
	h.Helper()
	p := kalends.Profile{ID: "pro_" + a.ID, AccountID: a.ID, ConnectionID: a.ConnectionID, Name: a.Email}
	c := kalends.Calendar{
		ID: "cal_" + a.ID, ProfileID: p.ID, AccountID: a.ID, RemoteID: "AAMk=", Name: "Kalender", Primary: true, DueAt: h.clock.now(),
	}
	h.write(func(tx *db.Tx) error {
		if err := h.s.PutProfile(ctx, tx, p); err != nil {
			return err
		}
		return h.s.PutCalendar(ctx, tx, c)
	})
	return c
}

func TestApplications(t *testing.T) {
	each(t, func(h *home) {
		same(h, h.app, func(tx *db.Tx) (kalends.Application, error) { return h.s.Application(ctx, tx, "app_1") })
		same(h, h.app, func(tx *db.Tx) (kalends.Application, error) { return h.s.ApplicationByClient(ctx, tx, "client") })
		same(h, h.app, func(tx *db.Tx) (kalends.Application, error) { return h.s.ApplicationByName(ctx, tx, "Smart Calendar") })
		missing(h, func(tx *db.Tx) (kalends.Application, error) { return h.s.ApplicationByClient(ctx, tx, "app_1") })
		h.app.Name, h.app.RedirectURIs = "Other", nil
		h.write(func(tx *db.Tx) error { return h.s.UpdateApplication(ctx, tx, h.app) })
		h.app.RedirectURIs = []string{}
		same(h, []kalends.Application{h.app}, func(tx *db.Tx) ([]kalends.Application, error) { return h.s.Applications(ctx, tx) })
		twin := h.app
		twin.ID, twin.ClientID = "app_2", "client2"
		if err := h.db.Write(ctx, func(tx *db.Tx) error { return h.s.InsertApplication(ctx, tx, twin) }); !db.IsUnique(err) {
			h.Errorf("a name twice: %v", err)
		}
	})
}

func TestTwoClientSecretsAreValidWhileTheyRotate(t *testing.T) {
	each(t, func(h *home) {
		valid := func(clientSecret string) bool {
			var err error
			h.read(func(tx *db.Tx) error { _, err = h.s.ApplicationBySecret(ctx, tx, clientSecret); return nil })
			return err == nil
		}
		h.write(func(tx *db.Tx) error { return h.s.InsertClientSecret(ctx, tx, "app_1", "CRN_old") })
		h.clock.forward(time.Minute)
		h.write(func(tx *db.Tx) error {
			secrets, err := h.s.ClientSecrets(ctx, tx, "app_1")
			if err != nil || len(secrets) != 1 || secrets[0].Secret != "CRN_old" {
				h.Errorf("secrets %+v, %v", secrets, err)
			}
			if err := h.s.ExpireClientSecret(ctx, tx, secrets[0].ID, tx.Now().Add(time.Hour)); err != nil {
				return err
			}
			return h.s.InsertClientSecret(ctx, tx, "app_1", "CRN_new")
		})
		if !valid("CRN_old") || !valid("CRN_new") || valid("CRN_none") {
			h.Error("both should be valid, and no other")
		}
		h.clock.forward(time.Hour)
		if valid("CRN_old") || !valid("CRN_new") {
			h.Error("the old secret should have ended")
		}
		h.write(func(tx *db.Tx) error { _, err := h.s.DeleteExpired(ctx, tx, 100); return err })
		h.read(func(tx *db.Tx) error {
			n, err := db.One(ctx, tx, db.Value[int], "SELECT count(*) FROM application_secrets WHERE sealed LIKE '%CRN%' OR hash LIKE '%CRN%'")
			all, err2 := db.One(ctx, tx, db.Value[int], "SELECT count(*) FROM application_secrets")
			if err != nil || err2 != nil || n != 0 || all != 1 {
				h.Errorf("%d of %d secrets readable, %v %v", n, all, err, err2)
			}
			return nil
		})
	})
}

func TestConnectionsAndTheirCredentials(t *testing.T) {
	each(t, func(h *home) {
		c := h.connection("con_1")
		h.connection("con_2")
		same(h, c, func(tx *db.Tx) (kalends.Connection, error) { return h.s.Connection(ctx, tx, "con_1") })
		same(h, kalends.Credentials{"password": "hush-hush"}, func(tx *db.Tx) (kalends.Credentials, error) { return h.s.Credentials(ctx, tx, "con_1") })
		h.read(func(tx *db.Tx) error {
			found, err := h.s.ConnectionsByIdentity(ctx, tx, h.s.IdentityHash("mail.musterwerk.example|svc"))
			none, err2 := h.s.ConnectionsByIdentity(ctx, tx, h.s.IdentityHash("mail.other.example|svc"))
			if len(found) != 2 || len(none) != 0 || err != nil || err2 != nil {
				h.Errorf("found %d and %d", len(found), len(none))
			}
			open, err := db.One(ctx, tx, db.Value[int], `SELECT count(*) FROM connections WHERE credentials LIKE '%hush%' OR identity_hash LIKE '%svc%'`)
			if open != 0 {
				h.Error("credentials or identity can be read")
			}
			return err
		})
		h.write(func(tx *db.Tx) error { // sealed values moved to another row do not open
			_, err := tx.Exec(ctx, `UPDATE connections SET credentials = (SELECT credentials FROM connections WHERE id = 'con_1') WHERE id = 'con_2'`)
			return err
		})
		h.read(func(tx *db.Tx) error {
			if got, err := h.s.Credentials(ctx, tx, "con_2"); err == nil {
				h.Errorf("another row's credentials opened: %v", got)
			}
			return nil
		})
		cause := kalends.NewCause(kalends.CauseRevoked, "by", "admin")
		for i, want := range []bool{true, false} {
			h.write(func(tx *db.Tx) error {
				first, err := h.s.EndConnection(ctx, tx, "con_1", cause, tx.Now().Add(time.Minute))
				if first != want {
					h.Errorf("end %d: %v, want %v", i, first, want)
				}
				return err
			})
		}
		missing(h, func(tx *db.Tx) (kalends.Credentials, error) { return h.s.Credentials(ctx, tx, "con_1") })
		same(h, cause, func(tx *db.Tx) (*kalends.Cause, error) {
			c, err := h.s.Connection(ctx, tx, "con_1")
			return c.Cause, err
		})
		c.Identity, c.Credentials = "new", kalends.Credentials{"password": "next"}
		h.write(func(tx *db.Tx) error { return h.s.ReplaceConnection(ctx, tx, c) })
		same(h, kalends.Credentials{"password": "next"}, func(tx *db.Tx) (kalends.Credentials, error) { return h.s.Credentials(ctx, tx, "con_1") })
		h.clock.forward(time.Hour)
		h.read(func(tx *db.Tx) error {
			if due, err := h.s.ConnectionsToPurge(ctx, tx, ""); len(due) != 0 || err != nil {
				h.Errorf("a reconnected connection would be purged: %v, %v", due, err)
			}
			return nil
		})
	})
}

func TestCodesAreUsedOnceByOneOfMany(t *testing.T) {
	each(t, func(h *home) {
		g := kalends.Grant{ID: "g", ApplicationID: "app_1", OrganisationID: "ser_1", AccountID: "acc_1", Scope: "read_only", CreatedAt: h.clock.now()}
		code := kalends.Code{Hash: secret.SHA256("C"), GrantID: "g", ClientID: "client", RedirectURI: "https://a.example/cb", Scope: "read_only", ExpiresAt: h.clock.now().Add(time.Minute)}
		h.write(func(tx *db.Tx) error {
			if err := h.s.InsertGrant(ctx, tx, g); err != nil {
				return err
			}
			return h.s.InsertCode(ctx, tx, code)
		})
		same(h, g, func(tx *db.Tx) (kalends.Grant, error) { return h.s.LiveGrant(ctx, tx, "ser_1", "acc_1") })
		same(h, g, func(tx *db.Tx) (kalends.Grant, error) { return h.s.LiveGrantOfSub(ctx, tx, "app_1", "acc_1") })
		missing(h, func(tx *db.Tx) (kalends.Grant, error) { return h.s.LiveGrantOfSub(ctx, tx, "app_1", "ser_1") })
		missing(h, func(tx *db.Tx) (kalends.Grant, error) { return h.s.LiveGrantOfSub(ctx, tx, "app_2", "acc_1") })
		same(h, code, func(tx *db.Tx) (kalends.Code, error) { return h.s.Code(ctx, tx, code.Hash) })
		var first atomic.Int64
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				used := false
				err := h.db.Write(ctx, func(tx *db.Tx) (err error) { used, err = h.s.UseCode(ctx, tx, code.Hash); return err })
				if err != nil {
					h.Error(err)
				}
				if used {
					first.Add(1)
				}
			})
		}
		group.Wait()
		if first.Load() != 1 {
			h.Errorf("%d used the code", first.Load())
		}
	})
}

func TestRevokedGrantLosesItsTokens(t *testing.T) {
	each(t, func(h *home) {
		h.connection("con_1")
		h.account("acc_1", "a@musterwerk.example", "con_1")
		token := func(grant, code string) kalends.Token {
			return kalends.Token{Hash: secret.SHA256(grant + code), Kind: kalends.RefreshToken, GrantID: grant, CodeHash: code}
		}
		h.write(func(tx *db.Tx) error {
			for _, g := range []kalends.Grant{{ID: "org"}, {ID: "user", AccountID: "acc_1"}, {ID: "other", AccountID: "acc_2"}} {
				g.ApplicationID, g.OrganisationID = "app_1", "ser_1"
				if err := h.s.InsertGrant(ctx, tx, g); err != nil {
					return err
				}
				for _, code := range []string{"c1", "c2"} {
					if err := h.s.InsertToken(ctx, tx, token(g.ID, code)); err != nil {
						return err
					}
				}
			}
			_, err := h.s.DeleteTokensOfCode(ctx, tx, "c2")
			return err
		})
		left := func(want string) {
			h.Helper()
			same(h, want, func(tx *db.Tx) (string, error) {
				ids, err := db.All(ctx, tx, db.Value[string], "SELECT grant_id FROM tokens ORDER BY grant_id")
				return strings.Join(ids, " "), err
			})
		}
		left("org other user")
		same(h, token("user", "c1"), func(tx *db.Tx) (kalends.Token, error) { return h.s.Token(ctx, tx, secret.SHA256("userc1")) })
		h.write(func(tx *db.Tx) error { _, err := h.s.RevokeConnectionGrants(ctx, tx, "con_1"); return err })
		left("org other")
		h.write(func(tx *db.Tx) error { _, err := h.s.RevokeGrant(ctx, tx, "other"); return err })
		left("org")
		h.write(func(tx *db.Tx) error {
			n, err := h.s.RevokeGrants(ctx, tx, "ser_1")
			if n != 1 {
				h.Errorf("%d grants ended, want 1", n)
			}
			return err
		})
		left("")
		missing(h, func(tx *db.Tx) (kalends.Grant, error) { return h.s.LiveGrant(ctx, tx, "ser_1", "") })
	})
}

func TestIntentsConnectsSessionsLinks(t *testing.T) {
	each(t, func(h *home) {
		i := kalends.Intent{
			ID: "int_1", ApplicationID: "app_1", RedirectURI: "https://a.example/cb", State: "s", Scope: "x", DelegatedScope: "y",
			CodeChallenge: "z", Emails: []string{"a@musterwerk.example"}, CreatedAt: h.clock.now(), ExpiresAt: h.clock.now().Add(time.Hour),
		}
		c := store.Connect{
			ID: "handle", ApplicationID: "app_1", IntentID: "int_1", RedirectURI: "https://a.example/cb", Provider: kalends.Exchange,
			Credentials: kalends.Credentials{"password": "hush"}, CheckID: "1", CheckAt: h.clock.now(), CheckState: store.CheckRunning,
			CheckSteps: []kalends.Step{{Key: kalends.StepReach, Status: kalends.StepOK, Milliseconds: 3}}, CheckResult: []byte("result"),
			Preview: "{}", CreatedAt: h.clock.now(), ExpiresAt: h.clock.now().Add(time.Hour),
		}
		n := store.Session{IdentityHash: "i", Actor: "svc", ExpiresAt: h.clock.now().Add(time.Hour)}
		h.write(func(tx *db.Tx) error {
			if err := h.s.InsertIntent(ctx, tx, i, "token"); err != nil {
				return err
			}
			if err := h.s.InsertConnect(ctx, tx, c); err != nil {
				return err
			}
			if err := h.s.InsertSession(ctx, tx, "cookie", n); err != nil {
				return err
			}
			return h.s.InsertLink(ctx, tx, "link", "ser_1", tx.Now().Add(time.Hour))
		})
		same(h, i, func(tx *db.Tx) (kalends.Intent, error) { return h.s.IntentByToken(ctx, tx, "token") })
		same(h, i, func(tx *db.Tx) (kalends.Intent, error) { return h.s.Intent(ctx, tx, "int_1") })
		same(h, n, func(tx *db.Tx) (store.Session, error) { return h.s.Session(ctx, tx, "cookie") })
		same(h, c, func(tx *db.Tx) (store.Connect, error) { return h.s.Connect(ctx, tx, "handle") })
		c.CheckState, c.CheckResult, c.Credentials, c.DoneAt = store.CheckFailed, nil, nil, h.clock.now()
		h.write(func(tx *db.Tx) error { return h.s.UpdateConnect(ctx, tx, c) })
		same(h, c, func(tx *db.Tx) (store.Connect, error) { return h.s.Connect(ctx, tx, "handle") })
		for _, want := range []bool{true, false} {
			h.write(func(tx *db.Tx) error {
				used, err := h.s.UseIntent(ctx, tx, "int_1")
				if used != want {
					h.Errorf("used %v, want %v", used, want)
				}
				return err
			})
		}
		for _, want := range []kalends.Kind{"", kalends.KindNotFound} {
			if err := h.db.Write(ctx, func(tx *db.Tx) error { _, err := h.s.UseLink(ctx, tx, "link"); return err }); kalends.KindOf(err) != want {
				h.Errorf("link: %v, want %q", err, want)
			}
		}
		h.clock.forward(time.Hour)
		missing(h, func(tx *db.Tx) (store.Session, error) { return h.s.Session(ctx, tx, "cookie") })
		missing(h, func(tx *db.Tx) (store.Connect, error) { return h.s.Connect(ctx, tx, "handle") })
		h.clock.forward(100 * 24 * time.Hour)
		h.write(func(tx *db.Tx) error {
			gone, err := h.s.DeleteExpired(ctx, tx, 100)
			if gone != 4 {
				h.Errorf("%d expired rows, want intent, connect, session and link", gone)
			}
			return err
		})
	})
}

func TestIdentitiesMappingsTriesAudits(t *testing.T) {
	each(t, func(h *home) {
		put := func(app, value, id string) (got string) {
			h.write(func(tx *db.Tx) (err error) {
				got, err = h.s.PutIdentity(ctx, tx, app, store.IdentityAccount, value, id)
				return err
			})
			return got
		}
		if put("app_1", "tenant/mbx", "acc_1") != "acc_1" || put("app_1", "tenant/mbx", "acc_9") != "acc_1" || put("app_2", "tenant/mbx", "acc_2") != "acc_2" {
			h.Error("an identity changed, or is shared by two applications")
		}
		same(h, "acc_1", func(tx *db.Tx) (string, error) {
			return h.s.Identity(ctx, tx, "app_1", store.IdentityAccount, "tenant/mbx")
		})
		missing(h, func(tx *db.Tx) (string, error) {
			return h.s.Identity(ctx, tx, "app_1", store.IdentityProfile, "tenant/mbx")
		})

		for _, mailbox := range []string{"one@musterwerk.example", "two@musterwerk.example"} {
			h.write(func(tx *db.Tx) error { return h.s.PutMapping(ctx, tx, "ser_1", "a@musterwerk.example", mailbox) })
			same(h, mailbox, func(tx *db.Tx) (string, error) { return h.s.Mapping(ctx, tx, "ser_1", "a@musterwerk.example") })
		}
		for _, want := range []bool{true, false} {
			h.write(func(tx *db.Tx) error {
				there, err := h.s.DeleteMapping(ctx, tx, "ser_1", "a@musterwerk.example")
				if there != want {
					h.Errorf("deleted %v, want %v", there, want)
				}
				return err
			})
		}
		same(h, store.Try{Key: "k"}, func(tx *db.Tx) (store.Try, error) { return h.s.Try(ctx, tx, "k") })
		for failures := 1; failures < 3; failures++ {
			try := store.Try{Key: "k", Failures: failures, LastAt: h.clock.now(), LockedUntil: h.clock.now().Add(time.Minute)}
			h.write(func(tx *db.Tx) error { return h.s.PutTry(ctx, tx, try) })
			same(h, try, func(tx *db.Tx) (store.Try, error) { return h.s.Try(ctx, tx, "k") })
		}
		for _, id := range []string{"1", "2", "3"} {
			h.write(func(tx *db.Tx) error {
				return h.s.InsertAudit(ctx, tx, kalends.Audit{ID: id, OrganisationID: "ser_1", Actor: "operator", Action: "x", Facts: map[string]string{"n": id}})
			})
		}
		var pages []string
		f := store.AuditFilter{OrganisationID: "ser_1", Limit: 2}
		h.read(func(tx *db.Tx) error {
			for range 3 {
				page, err := h.s.Audits(ctx, tx, f)
				if err != nil || len(page) == 0 {
					return err
				}
				for _, a := range page {
					pages = append(pages, a.Facts["n"])
				}
				f.Before, f.BeforeID = page[len(page)-1].At, page[len(page)-1].ID
			}
			return nil
		})
		if strings.Join(pages, "") != "321" {
			h.Errorf("audit pages %v, want 3 2 1", pages)
		}
	})
}
