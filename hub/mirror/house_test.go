package mirror_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"

	kalends "kalends"
	"kalends/db"
	"kalends/db/dbtest"
	"kalends/hub/mirror"
	"kalends/provider"
	"kalends/provider/memory"
	"kalends/store"
)

// house is a mirror with its database, one connection "con_1" and a company at
// its other end.
type house struct {
	*mirror.Mirror
	db     *db.DB
	store  *store.Store
	world  *memory.World
	pool   *provider.Pool
	clock  *clock
	jobs   *recorder
	emails []string
}

// clock is a time that only tests move.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	asked atomic.Int64 // how often somebody wanted to know the time
}

func (c *clock) Now() time.Time {
	c.asked.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Wait lets a Client's back-off pass at once.
func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}

// recorder keeps the jobs of committed transactions.
type recorder struct {
	mu   sync.Mutex
	args []river.JobArgs
}

func (r *recorder) Insert(_ context.Context, tx *db.Tx, args river.JobArgs, _ *river.InsertOpts) error {
	tx.AfterCommit(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.args = append(r.args, args)
	})
	return nil
}

var monday = time.Date(2027, 2, 1, 8, 0, 0, 0, time.UTC)

// newHouse staffs the company with n people whose calendars are due.
func newHouse(t *testing.T, n int) *house {
	t.Helper()
	c := &clock{now: monday}
	return newHouseOn(t, n, c, dbtest.SQLite(t, db.Options{Clock: c.Now}))
}

// each runs a test in a house on SQLite and in one on PostgreSQL.
func each(t *testing.T, n int, test func(t *testing.T, h *house)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newHouse(t, n))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := &clock{now: monday}
		test(t, newHouseOn(t, n, c, dbtest.Postgres(t, db.Options{Clock: c.Now})))
	})
}

func newHouseOn(t *testing.T, n int, c *clock, d *db.DB) *house {
	t.Helper()
	h := &house{db: d, world: memory.NewWorld("musterwerk.example"), clock: c, jobs: &recorder{}}
	h.emails = h.world.Staff(n)
	h.open(t)
	h.write(t, `INSERT INTO applications VALUES ('app_1', 'client', 'Test', '[]', '[]', '', 0)`)
	h.write(t, `INSERT INTO organisations (id, application_id, domain, email, scope, delegated_scope, confirm_aliases, created_at)
		VALUES ('ser_1', 'app_1', 'musterwerk.example', 'svc', 's', 'd', $1, 0)`, false)
	h.addConnection(t, "con_1")
	h.connect(t, h.emails)
	h.Mirror = h.mirror(mirror.Config{})
	return h
}

func (h *house) addConnection(t *testing.T, id string) {
	t.Helper()
	h.write(t, `INSERT INTO connections (id, organisation_id, provider, identity_hash, tenant, domain, level, credentials, status,
		cause_key, cause_facts, connected_at, connected_by, checked_at)
		VALUES ($1, 'ser_1', 'exchange', 'h', 't', 'd', 'free_busy', '', 'connected', '', '{}', 0, '', 0)`, id)
}

func (h *house) open(t *testing.T) {
	t.Helper()
	h.store = store.New(h.db, nil)
	if err := h.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	credentials := kalends.Credentials{"username": h.world.ServiceAccount, "password": "correct horse", "test_email": "a@b"}
	h.pool = provider.NewPool(func(context.Context, string) (provider.Driver, kalends.Provider, error) {
		driver, err := h.world.Open(credentials)
		return driver, kalends.Exchange, err
	}, provider.Options{Clock: h.clock})
	t.Cleanup(h.pool.Close)
}

func (h *house) mirror(c mirror.Config) *mirror.Mirror {
	c.DB, c.Store, c.Pool, c.Jobs = h.db, h.store, h.pool, h.jobs
	return mirror.New(c)
}

// connect stores accounts, profiles and due calendars as hub/connect does.
func (h *house) connect(t *testing.T, emails []string) {
	t.Helper()
	err := h.db.Write(t.Context(), func(tx *db.Tx) error {
		for i, email := range emails {
			for _, statement := range []string{
				fmt.Sprintf(`INSERT INTO accounts VALUES ('acc_%d', 'ser_1', 'con_1', '%s', '%s', 'primary', '', '', 'person', 'connected', '', '{}', '', 0, NULL, 0, NULL)`, i, email, email),
				fmt.Sprintf(`INSERT INTO profiles VALUES ('pro_%d', 'acc_%d', 'con_1', '%s', NULL)`, i, i, email),
				fmt.Sprintf(`INSERT INTO calendars VALUES ('cal_%d', 'pro_%d', 'acc_%d', 'calendar-of-%s', 'Calendar', TRUE, FALSE, NULL, '', %d, NULL, 0, '', '{}')`,
					i, i, i, email, db.Micros(tx.Now())),
			} {
				if _, err := tx.Exec(t.Context(), statement); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) write(t *testing.T, statement string, args ...any) {
	t.Helper()
	err := h.db.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), statement, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// value reads one text from the database.
func (h *house) value(t *testing.T, query string) string {
	t.Helper()
	var value string
	err := h.db.Read(t.Context(), func(tx *db.Tx) (err error) {
		value, err = db.One(t.Context(), tx, db.Value[string], query)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// busy gives the mirrored stretches of a calendar, as text.
func (h *house) busy(t *testing.T, calendarID string) []string {
	t.Helper()
	var texts []string
	err := h.db.Read(t.Context(), func(tx *db.Tx) error {
		intervals, err := h.store.AllBusy(t.Context(), tx, calendarID)
		for _, i := range intervals {
			texts = append(texts, fmt.Sprintf("%s–%s %s", i.Start.Format("02.01. 15:04"), i.End.Format("02.01. 15:04"), i.Status))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func (h *house) wantBusy(t *testing.T, calendarID string, want ...string) {
	t.Helper()
	if got := h.busy(t, calendarID); !slices.Equal(got, want) {
		t.Errorf("%s = %q, want %q", calendarID, got, want)
	}
}

func (h *house) readDue(t *testing.T, want int) {
	t.Helper()
	got, err := h.ReadDue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("%d calendars were read, want %d", got, want)
	}
}

func (h *house) book(email string, start time.Time, minutes int, status kalends.FreeBusyStatus) string {
	return h.world.Book(email, kalends.Event{Start: start, End: start.Add(time.Duration(minutes) * time.Minute), Status: status})
}
