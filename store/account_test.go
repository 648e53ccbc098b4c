package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	kalends "kalends"
	"kalends/db"
	"kalends/store"
)

func TestAccountsComeBackAsWritten(t *testing.T) {
	each(t, func(h *home) {
		a := h.account("acc_1", "a@musterwerk.example", "")
		same(h, a, func(tx *db.Tx) (kalends.Account, error) { return h.s.Account(ctx, tx, "acc_1") })
		a.ConnectionID, a.Kind, a.Status = "con_1", kalends.MailboxResource, kalends.AccountError
		a.Cause, a.Detail = kalends.NewCause(kalends.CauseNotPermitted, "address", "a@musterwerk.example"), "ErrorImpersonateUserDenied"
		a.LastSyncAt, a.DueAt, a.Tries = h.clock.now(), h.clock.now(), 3
		h.write(func(tx *db.Tx) error { return h.s.UpdateAccount(ctx, tx, a) })
		same(h, a, func(tx *db.Tx) (kalends.Account, error) {
			return h.s.AccountByEmail(ctx, tx, "ser_1", "a@musterwerk.example")
		})
		same(h, []kalends.Account{a}, func(tx *db.Tx) ([]kalends.Account, error) {
			return h.s.AccountsOfMailbox(ctx, tx, "ser_1", "con_1", kalends.Mailbox{ID: "mbx-acc_1", Email: "renamed@musterwerk.example"})
		})
		missing(h, func(tx *db.Tx) (kalends.Account, error) { return h.s.AccountByEmail(ctx, tx, "ser_2", a.Email) })
		twin := a
		twin.ID = "acc_2"
		if err := h.db.Write(ctx, func(tx *db.Tx) error { return h.s.InsertAccount(ctx, tx, twin) }); !db.IsUnique(err) {
			h.Errorf("an address twice: %v", err)
		}
	})
}

func TestRequestsFollowAnAccountThatIsRenamed(t *testing.T) {
	each(t, func(h *home) {
		h.account("acc_1", "room@musterwerk.example", "")
		r := kalends.AuthorizationRequest{
			ID: "r1", OrganisationID: "ser_1", AccountID: "acc_1", CallbackURL: "https://a.example/cb?x=1", Scope: "read_only", State: "s",
		}
		h.write(func(tx *db.Tx) error { return h.s.InsertRequest(ctx, tx, r) })
		h.write(func(tx *db.Tx) error { return h.s.RenameAccount(ctx, tx, "acc_1", "res_1") })
		r.AccountID, r.Email, r.CreatedAt = "res_1", "room@musterwerk.example", h.clock.now()
		same(h, []kalends.AuthorizationRequest{r}, func(tx *db.Tx) ([]kalends.AuthorizationRequest, error) { return h.s.OpenRequests(ctx, tx, "res_1") })
		same(h, r, func(tx *db.Tx) (kalends.AuthorizationRequest, error) { return h.s.LatestRequest(ctx, tx, "res_1") })
		h.write(func(tx *db.Tx) error { _, err := h.s.AnswerRequest(ctx, tx, "r1"); return err })
		same(h, nil, func(tx *db.Tx) ([]kalends.AuthorizationRequest, error) { return h.s.OpenRequests(ctx, tx, "res_1") })
		r.DoneAt = h.clock.now()
		same(h, r, func(tx *db.Tx) (kalends.AuthorizationRequest, error) { return h.s.LatestRequest(ctx, tx, "res_1") })
	})
}

// people makes accounts p00 … with changing status, cause and kind.
func (h *home) people(n int) {
	h.Helper()
	h.write(func(tx *db.Tx) error {
		for i := range n {
			a := kalends.Account{
				ID: fmt.Sprint("acc_", i), OrganisationID: "ser_1", ConnectionID: []string{"con_1", "con_2", ""}[i%3],
				Email: fmt.Sprintf("p%02d@musterwerk.example", i), Name: fmt.Sprintf("Person 50%% %d", i), Kind: kalends.MailboxPerson,
				Status: kalends.AccountConnected, Since: tx.Now(),
			}
			if i%4 == 0 {
				a.Status, a.Cause = kalends.AccountError, kalends.NewCause(kalends.CauseNoMailbox)
			}
			if i%5 == 0 {
				a.Kind, a.DueAt = kalends.MailboxResource, tx.Now().Add(time.Duration(i)*time.Second)
			}
			if err := h.s.InsertAccount(ctx, tx, a); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestAccountListsArePagedAndNarrowed(t *testing.T) {
	each(t, func(h *home) {
		h.people(30)
		for name, c := range map[string]struct {
			filter store.AccountFilter
			keep   func(i int) bool
		}{
			"all":        {store.AccountFilter{}, func(int) bool { return true }},
			"status":     {store.AccountFilter{Status: kalends.AccountError}, func(i int) bool { return i%4 == 0 }},
			"cause":      {store.AccountFilter{Cause: kalends.CauseNoMailbox}, func(i int) bool { return i%4 == 0 }},
			"connection": {store.AccountFilter{ConnectionID: "con_2"}, func(i int) bool { return i%3 == 1 }},
			"kind":       {store.AccountFilter{Kind: kalends.MailboxResource}, func(i int) bool { return i%5 == 0 }},
			"address":    {store.AccountFilter{Search: "P07@"}, func(i int) bool { return i == 7 }},
			"name":       {store.AccountFilter{Search: "50% 1"}, func(i int) bool { return i == 1 || i/10 == 1 }},
			"no pattern": {store.AccountFilter{Search: "p_1%"}, func(int) bool { return false }},
			"several": {store.AccountFilter{Status: kalends.AccountError, Kind: kalends.MailboxResource, ConnectionID: "con_1"}, func(i int) bool {
				return i%60 == 0
			}},
			"other organisation": {store.AccountFilter{OrganisationID: "ser_2"}, func(int) bool { return false }},
		} {
			var want []string
			for i := range 30 {
				if c.keep(i) {
					want = append(want, fmt.Sprintf("p%02d", i))
				}
			}
			if c.filter.OrganisationID == "" {
				c.filter.OrganisationID = "ser_1"
			}
			got, count := h.list(c.filter)
			if diff := cmp.Diff(want, got); diff != "" || count != len(want) {
				h.Errorf("%s: %d counted, -want +got\n%s", name, count, diff)
			}
		}
	})
}

// list reads all pages of four.
func (h *home) list(f store.AccountFilter) (names []string, count int) {
	h.Helper()
	f.Limit = 4
	h.read(func(tx *db.Tx) error {
		for {
			page, err := h.s.Accounts(ctx, tx, f)
			if err != nil {
				return err
			}
			for _, a := range page {
				names = append(names, strings.TrimSuffix(a.Email, "@musterwerk.example"))
				f.After = a.Email
			}
			if len(page) < f.Limit {
				break
			}
		}
		var err error
		count, err = h.s.CountAccounts(ctx, tx, f)
		return err
	})
	return names, count
}

func TestAccountCounts(t *testing.T) {
	each(t, func(h *home) {
		h.people(30)
		h.read(func(tx *db.Tx) error {
			counts, err := h.s.AccountCounts(ctx, tx, "ser_1")
			total, broken, rooms, without := 0, 0, 0, 0
			for _, c := range counts {
				total += c.Accounts
				if c.Status == kalends.AccountError && c.Cause == kalends.CauseNoMailbox {
					broken += c.Accounts
				}
				if c.Kind == kalends.MailboxResource {
					rooms += c.Accounts
				}
				if c.ConnectionID == "" {
					without += c.Accounts
				}
			}
			if total != 30 || broken != 8 || rooms != 6 || without != 10 {
				h.Errorf("total %d, broken %d, rooms %d, without connection %d; want 30, 8, 6, 10", total, broken, rooms, without)
			}
			return err
		})
	})
}

func TestDueAccountsComeLongestDueFirst(t *testing.T) {
	each(t, func(h *home) {
		h.people(30)
		due := func(without []string, limit int) (ids string) {
			h.read(func(tx *db.Tx) error {
				rows, err := h.s.DueAccounts(ctx, tx, without, limit)
				for _, a := range rows {
					ids += strings.TrimPrefix(a.ID, "acc_") + " "
				}
				return err
			})
			return ids
		}
		h.clock.forward(12 * time.Second)
		if got := due(nil, 10); got != "0 5 10 " {
			h.Errorf("due %q", got)
		}
		if got := due([]string{"con_1", "con_2"}, 10); got != "5 " {
			h.Errorf("due without connections %q, want the one that has none", got)
		}
		if got := due(nil, 1); got != "0 " {
			h.Errorf("first due %q", got)
		}
		h.write(func(tx *db.Tx) error {
			n, err := h.s.MarkAccountsDue(ctx, tx, "ser_1", kalends.AccountError)
			if n != 10 {
				h.Errorf("%d marked, want 10: 8 in error, and 2 that wait", n)
			}
			return err
		})
		if got := strings.Count(due(nil, 100), " "); got != 12 {
			h.Errorf("%d due after marking, want 12: those, and 5 and 10 as before", got)
		}
		h.write(func(tx *db.Tx) error {
			if _, err := h.s.ClaimAccount(ctx, tx, "acc_5", h.clock.now().Add(time.Hour)); err != nil {
				return err
			}
			n, err := h.s.MarkAccountsDue(ctx, tx, "ser_1", kalends.AccountError)
			if n != 9 {
				h.Errorf("%d marked, want 8 in error and the one that was put off", n)
			}
			return err
		})
	})
}

func TestPurgeLeavesIdentitiesAndAuditOnly(t *testing.T) {
	each(t, func(h *home) {
		h.connection("con_1")
		h.connection("con_2")
		for i := range 7 {
			a := h.account(fmt.Sprint("acc_", i), fmt.Sprintf("p%d@musterwerk.example", i), fmt.Sprint("con_", 1+i/5))
			c := h.calendar(a)
			h.write(func(tx *db.Tx) error {
				busy := []kalends.Interval{{Start: h.clock.now(), End: h.clock.now().Add(time.Hour), Status: kalends.StatusBusy, Key: "k"}}
				if err := h.s.ReplaceBusy(ctx, tx, c.ID, busy); err != nil {
					return err
				}
				if err := h.s.InsertGrant(ctx, tx, kalends.Grant{ID: "g" + a.ID, ApplicationID: "app_1", OrganisationID: "ser_1", AccountID: a.ID}); err != nil {
					return err
				}
				if err := h.s.InsertToken(ctx, tx, kalends.Token{Hash: a.ID, Kind: kalends.RefreshToken, GrantID: "g" + a.ID}); err != nil {
					return err
				}
				return h.s.InsertRequest(ctx, tx, kalends.AuthorizationRequest{ID: a.ID, OrganisationID: "ser_1", AccountID: a.ID})
			})
		}
		h.write(func(tx *db.Tx) error {
			_, err := h.s.PutIdentity(ctx, tx, "app_1", store.IdentityAccount, "x", "acc_0")
			if err != nil {
				return err
			}
			return h.s.InsertAudit(ctx, tx, kalends.Audit{ID: "a", OrganisationID: "ser_1", Actor: "x", Action: "y"})
		})
		if batches := h.purge(func(tx *db.Tx) (bool, error) { return h.s.PurgeConnection(ctx, tx, "con_1", 2) }); batches != 1 || h.rows("accounts") != 7 {
			h.Errorf("a living connection was purged")
		}
		h.write(func(tx *db.Tx) error { _, err := h.s.EndConnection(ctx, tx, "con_1", nil, tx.Now()); return err })
		if batches := h.purge(func(tx *db.Tx) (bool, error) { return h.s.PurgeConnection(ctx, tx, "con_1", 2) }); batches != 4 {
			h.Errorf("%d batches, want 3 of at most two accounts and one for the rest", batches)
		}
		for _, table := range []string{"accounts", "profiles", "calendars", "busy_months", "grants", "tokens", "authorization_requests"} {
			if n := h.rows(table); n != 2 {
				h.Errorf("%d %s are left, want the other connection's 2", n, table)
			}
		}
		h.write(func(tx *db.Tx) error { _, err := h.s.RevokeOrganisation(ctx, tx, "ser_1"); return err })
		h.purge(func(tx *db.Tx) (bool, error) { return h.s.PurgeOrganisation(ctx, tx, "ser_1", 2) })
		for _, table := range []string{"accounts", "profiles", "calendars", "busy_months", "grants", "tokens", "authorization_requests", "connections", "organisations"} {
			if n := h.rows(table); n != 0 {
				h.Errorf("%d %s are left", n, table)
			}
		}
		if h.rows("identities") != 1 || h.rows("audits") != 1 {
			h.Error("identities or audit entries went too")
		}
	})
}

func (h *home) purge(step func(tx *db.Tx) (bool, error)) (batches int) {
	h.Helper()
	for done := false; !done; batches++ {
		h.write(func(tx *db.Tx) (err error) { done, err = step(tx); return err })
		if batches > 50 {
			h.Fatal("purging never ends")
		}
	}
	return batches
}

func (h *home) rows(table string) (n int) {
	h.Helper()
	h.read(func(tx *db.Tx) (err error) {
		n, err = db.One(ctx, tx, db.Value[int], "SELECT count(*) FROM "+table)
		return err
	})
	return n
}

// Due queries must be index look-ups: they run all the time over all accounts.
func TestDueQueriesUseTheirIndex(t *testing.T) {
	each(t, func(h *home) {
		if h.db.Dialect() != db.SQLite {
			h.Skip("PostgreSQL decides by statistics")
		}
		for query, index := range map[string]string{
			"SELECT id FROM accounts WHERE due_at <= 1 ORDER BY due_at, id LIMIT 10":                                            "accounts_due",
			"SELECT id FROM calendars WHERE due_at <= 1 ORDER BY due_at, id LIMIT 10":                                           "calendars_due",
			"SELECT id FROM connections WHERE purge_at <= 1":                                                                    "connections_purge",
			"SELECT id FROM accounts WHERE (connection_id='a' AND matched_email='b') OR (connection_id='a' AND mailbox_id='c')": "accounts_mailbox",
			"SELECT id FROM accounts WHERE organisation_id = 'a' AND email > 'b' ORDER BY email LIMIT 10":                       "sqlite_autoindex_accounts",
			"SELECT hash FROM tokens WHERE expires_at <= 1":                                                                     "tokens_expires",
		} {
			h.read(func(tx *db.Tx) error {
				scan := func(row db.Row) (text string, err error) {
					var a, b, c int
					return text, row.Scan(&a, &b, &c, &text)
				}
				plan, err := db.All(ctx, tx, scan, "EXPLAIN QUERY PLAN "+query)
				if text := strings.Join(plan, "; "); !strings.Contains(text, index) || strings.Contains(text, "SCAN accounts") {
					h.Errorf("%s\n%s, want %s", query, text, index)
				}
				return err
			})
		}
	})
}
