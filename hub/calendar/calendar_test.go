package calendar_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/db/dbtest"
	"kalends/hub/calendar"
	"kalends/secret"
	"kalends/store"
	"kalends/zone"
)

// house is a hub with two people, Alice (acc_1, cal_1, cal_2) and Bob (acc_2, cal_3).
type house struct {
	*calendar.Service
	db    *db.DB
	store *store.Store
	clock *clock
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var (
	monday = time.Date(2027, 2, 1, 8, 0, 0, 0, time.UTC)
	alice  = kalends.Grant{ID: "gra_1", ApplicationID: "app_1", OrganisationID: "ser_1", AccountID: "acc_1", Scope: "read_write"}
	bob    = kalends.Grant{ID: "gra_2", ApplicationID: "app_1", OrganisationID: "ser_1", AccountID: "acc_2", Scope: "free_busy"}
	whole  = kalends.Grant{ID: "gra_0", ApplicationID: "app_1", OrganisationID: "ser_1"}
)

func newHouse(t *testing.T, c calendar.Config) *house {
	t.Helper()
	now := &clock{now: monday}
	return newHouseOn(t, c, now, dbtest.SQLite(t, db.Options{Clock: now.Now}))
}

func newHouseOn(t *testing.T, c calendar.Config, now *clock, d *db.DB) *house {
	t.Helper()
	h := &house{clock: now, db: d}
	keys, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if c.Box, err = secret.Open(keys); err != nil {
		t.Fatal(err)
	}
	h.store = store.New(h.db, c.Box)
	if err := h.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.DB, c.Store = h.db, h.store
	h.Service = calendar.New(c)
	h.write(t, h.seed)
	return h
}

func (h *house) write(t *testing.T, do func(context.Context, *db.Tx) error) {
	t.Helper()
	if err := h.db.Write(t.Context(), func(tx *db.Tx) error { return do(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func (h *house) revoke(t *testing.T, account, profile string) {
	t.Helper()
	h.write(t, func(ctx context.Context, tx *db.Tx) error {
		_, err := h.store.RevokeProfile(ctx, tx, account, profile)
		return err
	})
}

func (h *house) seed(ctx context.Context, tx *db.Tx) error {
	errs := []error{
		h.store.InsertApplication(ctx, tx, kalends.Application{ID: "app_1", ClientID: "client", Name: "Test"}),
		h.store.InsertOrganisation(ctx, tx, kalends.Organisation{ID: "ser_1", ApplicationID: "app_1"}),
		h.store.InsertConnection(ctx, tx, kalends.Connection{ID: "con_1", OrganisationID: "ser_1", Provider: kalends.Exchange, Status: kalends.ConnectionConnected}),
	}
	for i, email := range []string{"alice@musterwerk.example", "bob@musterwerk.example"} {
		account := kalends.Account{
			ID: fmt.Sprintf("acc_%d", i+1), OrganisationID: "ser_1", ConnectionID: "con_1", Email: email, MatchedEmail: email,
			Name: strings.ToUpper(email[:1]) + email[1:strings.Index(email, "@")], Kind: kalends.MailboxPerson, Status: kalends.AccountConnected,
		}
		profile := kalends.Profile{ID: fmt.Sprintf("pro_%d", i+1), AccountID: account.ID, ConnectionID: "con_1", Name: email}
		errs = append(errs, h.store.InsertAccount(ctx, tx, account), h.store.PutProfile(ctx, tx, profile))
	}
	for id, owner := range map[string]int{"cal_1": 1, "cal_2": 1, "cal_3": 2} {
		errs = append(errs, h.store.PutCalendar(ctx, tx, kalends.Calendar{
			ID: id, ProfileID: fmt.Sprintf("pro_%d", owner), AccountID: fmt.Sprintf("acc_%d", owner), RemoteID: id, Name: "Calendar",
			Primary: id != "cal_2", LastSyncAt: monday,
		}))
	}
	return errors.Join(errs...)
}

// fill stores the busy times of a calendar.
func (h *house) fill(t *testing.T, calendarID string, intervals ...kalends.Interval) {
	t.Helper()
	for i := range intervals {
		if intervals[i].Key == "" {
			intervals[i].Key = fmt.Sprintf("key%d", i)
		}
		if intervals[i].Status == "" {
			intervals[i].Status = kalends.StatusBusy
		}
	}
	h.write(t, func(ctx context.Context, tx *db.Tx) error { return h.store.ReplaceBusy(ctx, tx, calendarID, intervals) })
}

func hours(from, to int) kalends.Interval {
	start := monday.Truncate(24 * time.Hour)
	return kalends.Interval{Start: start.Add(time.Duration(from) * time.Hour), End: start.Add(time.Duration(to) * time.Hour)}
}

func load(t *testing.T, name string) *time.Location {
	t.Helper()
	location, err := zone.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

func texts(page calendar.FreeBusyPage) []string {
	var got []string
	for _, f := range page.FreeBusy {
		got = append(got, fmt.Sprintf("%s %s %s %s", f.CalendarID, f.Start, f.End, f.Status))
	}
	return got
}

func (h *house) want(t *testing.T, grant kalends.Grant, q calendar.FreeBusyQuery, want ...string) {
	t.Helper()
	page, err := h.FreeBusy(t.Context(), grant, q)
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(page); !slices.Equal(got, want) {
		t.Errorf("free/busy:\n got %q\nwant %q", got, want)
	}
}

func TestOnPostgres(t *testing.T) {
	t.Parallel()
	now := &clock{now: monday}
	h := newHouseOn(t, calendar.Config{PageSize: 10}, now, dbtest.Postgres(t, db.Options{Clock: now.Now}))
	userinfo(t, h)
	h.many(t, 95)
	first, err := h.FreeBusy(t.Context(), alice, calendar.FreeBusyQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if all, pages := h.follow(t, first); len(all) != 95 || pages != 10 {
		t.Errorf("%d intervals on %d pages", len(all), pages)
	}
	h.revoke(t, "acc_1", "pro_1")
	h.want(t, alice, calendar.FreeBusyQuery{})
}

func TestUserinfo(t *testing.T) {
	t.Parallel()
	userinfo(t, newHouse(t, calendar.Config{}))
}

func userinfo(t *testing.T, h *house) {
	t.Helper()
	p, err := h.Userinfo(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	if p.Account.ID != "acc_1" || p.Account.Name != "Alice" || !p.Active || p.Scope != "read_write" || len(p.Profiles) != 1 {
		t.Fatalf("person = %+v", p)
	}
	profile := p.Profiles[0]
	if profile.ID != "pro_1" || profile.Name != "alice@musterwerk.example" || profile.Provider != kalends.Exchange || !profile.Connected || profile.Unread {
		t.Errorf("profile = %+v", profile)
	}
	if len(profile.Calendars) != 2 || !profile.Calendars[0].Primary || profile.Calendars[0].ID != "cal_1" || profile.Calendars[1].ProfileName != profile.Name {
		t.Errorf("calendars = %+v", profile.Calendars)
	}
}

func TestUnreadAndDegraded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, calendar.Config{})
	h.write(t, func(ctx context.Context, tx *db.Tx) error {
		_, err := h.store.DegradeConnection(ctx, tx, "con_1", kalends.NewCause(kalends.CauseCredentialsExpired))
		return errors.Join(err, h.store.PutCalendar(ctx, tx, kalends.Calendar{ID: "cal_2", ProfileID: "pro_1", AccountID: "acc_1"}))
	})
	profiles, err := h.Profiles(t.Context(), alice)
	if err != nil || len(profiles) != 1 || profiles[0].Connected || !profiles[0].Unread {
		t.Errorf("profiles = %+v, %v", profiles, err)
	}
}

func TestErrServiceAccountIsNoPerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t, calendar.Config{})
	_, err1 := h.Userinfo(t.Context(), whole)
	_, err2 := h.Account(t.Context(), whole)
	_, err3 := h.FreeBusy(t.Context(), whole, calendar.FreeBusyQuery{})
	_, err4 := h.FreeBusyPage(t.Context(), whole, "x")
	for i, err := range []error{err1, err2, err3, err4} {
		if kalends.KindOf(err) != kalends.KindDenied {
			t.Errorf("%d: %v, want denied", i+1, err)
		}
	}
}

func TestErrOthersIdsAreNotFound(t *testing.T) {
	t.Parallel()
	h := newHouse(t, calendar.Config{PageSize: 1})
	h.fill(t, "cal_3", hours(9, 10), hours(11, 12))
	_, err := h.FreeBusy(t.Context(), alice, calendar.FreeBusyQuery{Calendars: []string{"cal_1", "cal_3"}})
	if kalends.KindOf(err) != kalends.KindNotFound || !errors.Is(err, calendar.ErrUnknownCalendar) {
		t.Errorf("another's calendar: %v", err)
	}
	h.want(t, alice, calendar.FreeBusyQuery{})
	page, err := h.FreeBusy(t.Context(), bob, calendar.FreeBusyQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.FreeBusyPage(t.Context(), alice, page.Next); kalends.KindOf(err) != kalends.KindGone {
		t.Errorf("another's page: %v", err)
	}
	unknown := alice
	unknown.AccountID = "acc_9"
	if _, err := h.Account(t.Context(), unknown); kalends.KindOf(err) != kalends.KindNotFound {
		t.Errorf("unknown account: %v", err)
	}
}

func TestRevokedProfileIsGoneAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, calendar.Config{})
	h.fill(t, "cal_1", hours(9, 10))
	h.fill(t, "cal_3", hours(9, 10))
	h.revoke(t, "acc_1", "pro_1")
	h.want(t, alice, calendar.FreeBusyQuery{})
	calendars, err := h.Calendars(t.Context(), alice)
	if err != nil || len(calendars) != 0 {
		t.Errorf("calendars = %+v, %v", calendars, err)
	}
	h.want(t, bob, calendar.FreeBusyQuery{}, "cal_3 2027-02-01T09:00:00Z 2027-02-01T10:00:00Z busy")
}

func TestTheFarFutureHidesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, calendar.Config{})
	h.fill(t, "cal_1", hours(9, 10))
	h.want(t, alice, calendar.FreeBusyQuery{From: monday, To: time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)},
		"cal_1 2027-02-01T09:00:00Z 2027-02-01T10:00:00Z busy")
}

func TestFreeBusyChooses(t *testing.T) {
	t.Parallel()
	h := newHouse(t, calendar.Config{})
	free, tentative := hours(11, 12), hours(13, 14)
	free.Status, tentative.Status = kalends.StatusFree, kalends.StatusTentative
	h.fill(t, "cal_1", hours(9, 10), free, tentative)
	h.fill(t, "cal_2", hours(9, 11))
	h.fill(t, "cal_3", hours(9, 10))
	busy1, busy2 := "cal_1 2027-02-01T09:00:00Z 2027-02-01T10:00:00Z busy", "cal_2 2027-02-01T09:00:00Z 2027-02-01T11:00:00Z busy"
	freeText, tentativeText := "cal_1 2027-02-01T11:00:00Z 2027-02-01T12:00:00Z free", "cal_1 2027-02-01T13:00:00Z 2027-02-01T14:00:00Z tentative"
	h.want(t, alice, calendar.FreeBusyQuery{}, busy1, busy2, tentativeText)
	h.want(t, alice, calendar.FreeBusyQuery{IncludeFree: true}, busy1, busy2, freeText, tentativeText)
	h.want(t, alice, calendar.FreeBusyQuery{Calendars: []string{"cal_2", "cal_2"}}, busy2)
	from, to := hours(10, 13).Start, hours(10, 13).End
	h.want(t, alice, calendar.FreeBusyQuery{From: from, To: to}, busy2) // what touches the limits is outside
	h.want(t, alice, calendar.FreeBusyQuery{From: from.Add(-time.Second), To: to.Add(time.Second)}, busy1, busy2, tentativeText)
}

func TestEventIDs(t *testing.T) {
	t.Parallel()
	h := newHouse(t, calendar.Config{})
	h.fill(t, "cal_1", hours(9, 10))
	without, _ := h.FreeBusy(t.Context(), alice, calendar.FreeBusyQuery{})
	with, err := h.FreeBusy(t.Context(), alice, calendar.FreeBusyQuery{IncludeIDs: true})
	if err != nil || len(with.FreeBusy) != 1 {
		t.Fatalf("page = %+v, %v", with, err)
	}
	if without.FreeBusy[0].EventUID != "" || !regexp.MustCompile(`^evt_external_[0-9a-f]{24}$`).MatchString(with.FreeBusy[0].EventUID) {
		t.Errorf("ids %q and %q", without.FreeBusy[0].EventUID, with.FreeBusy[0].EventUID)
	}
}

// dates is an all-day interval from one date to another, exclusive.
func dates(from, to string) kalends.Interval {
	start, _ := time.Parse(time.DateOnly, from)
	end, _ := time.Parse(time.DateOnly, to)
	return kalends.Interval{Start: start, End: end, AllDay: true}
}

func TestAllDayStaysTheSameDatesEverywhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t, calendar.Config{})
	h.fill(t, "cal_1", dates("2027-03-28", "2027-03-29")) // the clock changes in Europe
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Pacific/Kiritimati"} {
		location := load(t, name)
		day := time.Date(2027, 3, 28, 0, 0, 0, 0, location)
		want := "cal_1 2027-03-28 2027-03-29 busy"
		h.want(t, alice, calendar.FreeBusyQuery{Zone: location, From: day, To: day.AddDate(0, 0, 1)}, want)
		h.want(t, alice, calendar.FreeBusyQuery{Zone: location, From: day.Add(-time.Hour), To: day})
		h.want(t, alice, calendar.FreeBusyQuery{Zone: location, From: day.AddDate(0, 0, 1), To: day.AddDate(0, 0, 2)})
		h.want(t, alice, calendar.FreeBusyQuery{Zone: location, From: day.AddDate(0, 0, 1).Add(-time.Second), To: day.AddDate(0, 0, 2), Localized: true}, want)
	}
}

func TestLocalizedTimesAcrossClockChanges(t *testing.T) {
	t.Parallel()
	h := newHouse(t, calendar.Config{})
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2027, month, day, hour, minute, 0, 0, time.UTC)
	}
	h.fill(t, "cal_1",
		kalends.Interval{Start: at(3, 28, 0, 30), End: at(3, 28, 1, 30)}, // over the spring gap
		kalends.Interval{Start: at(10, 31, 0, 30), End: at(10, 31, 1, 30)},
	)
	q := calendar.FreeBusyQuery{Zone: load(t, "Europe/Berlin"), From: at(3, 1, 0, 0), To: at(12, 1, 0, 0), Localized: true}
	h.want(t, alice, q,
		"cal_1 2027-03-28T01:30:00+01:00 2027-03-28T03:30:00+02:00 busy",
		"cal_1 2027-10-31T02:30:00+02:00 2027-10-31T02:30:00+01:00 busy")
	q.Zone = time.UTC
	h.want(t, alice, q,
		"cal_1 2027-03-28T00:30:00Z 2027-03-28T01:30:00Z busy",
		"cal_1 2027-10-31T00:30:00Z 2027-10-31T01:30:00Z busy")
}

func TestDefaultLimitsAreLocalDays(t *testing.T) {
	t.Parallel()
	h := newHouse(t, calendar.Config{})
	location := load(t, "Europe/Berlin")
	first := time.Date(2026, 12, 21, 0, 0, 0, 0, location) // 42 days before 1 February
	h.fill(t, "cal_1",
		kalends.Interval{Start: first.Add(-time.Hour).UTC(), End: first.UTC()},
		kalends.Interval{Start: first.UTC(), End: first.Add(time.Hour).UTC()})
	h.want(t, alice, calendar.FreeBusyQuery{Zone: location}, "cal_1 2026-12-20T23:00:00Z 2026-12-21T00:00:00Z busy")
}

// many stores n intervals of an hour, one after the other.
func (h *house) many(t *testing.T, n int) {
	t.Helper()
	var intervals []kalends.Interval
	for i := range n {
		intervals = append(intervals, hours(i, i+1))
	}
	h.fill(t, "cal_1", intervals...)
}

// follow reads all pages.
func (h *house) follow(t *testing.T, page calendar.FreeBusyPage) (all []string, pages int) {
	t.Helper()
	for pages = 1; ; pages++ {
		all = append(all, texts(page)...)
		if page.Current != pages {
			t.Errorf("page %d says it is %d", pages, page.Current)
		}
		if page.Next == "" {
			return all, pages
		}
		if !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(page.Next) {
			t.Errorf("page id %q does not go into a path unescaped", page.Next)
		}
		next, err := h.FreeBusyPage(t.Context(), alice, page.Next)
		if err != nil {
			t.Fatal(err)
		}
		page = next
	}
}

func TestPagesHoldEverythingOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 9, 10, 11, 95} {
		h := newHouse(t, calendar.Config{PageSize: 10})
		h.many(t, n)
		first, err := h.FreeBusy(t.Context(), alice, calendar.FreeBusyQuery{})
		if err != nil {
			t.Fatal(err)
		}
		all, pages := h.follow(t, first)
		if len(all) != n || len(slices.Compact(slices.Clone(all))) != n {
			t.Errorf("%d intervals on the pages, want %d", len(all), n)
		}
		if want := max((n+9)/10, 1); pages != want || first.Total != want {
			t.Errorf("%d intervals: %d pages, said %d, want %d", n, pages, first.Total, want)
		}
	}
}

func TestPagesKeepTheirNumberWhileThingsChange(t *testing.T) {
	t.Parallel()
	for _, later := range []int{5, 80} {
		h := newHouse(t, calendar.Config{PageSize: 10})
		h.many(t, 30)
		first, err := h.FreeBusy(t.Context(), alice, calendar.FreeBusyQuery{Localized: true, Zone: load(t, "Europe/Berlin")})
		if err != nil {
			t.Fatal(err)
		}
		h.many(t, later)
		all, pages := h.follow(t, first)
		if pages != 3 || len(all) != max(later, 10) {
			t.Errorf("%d pages with %d intervals after a change to %d", pages, len(all), later)
		}
		if !strings.Contains(all[len(all)-1], "+01:00") {
			t.Errorf("the last page forgot the question: %s", all[len(all)-1])
		}
	}
}

func TestErrPageIsGone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, calendar.Config{PageSize: 10})
	h.many(t, 30)
	page, err := h.FreeBusy(t.Context(), alice, calendar.FreeBusyQuery{})
	if err != nil {
		t.Fatal(err)
	}
	flipped := []byte(page.Next)
	flipped[len(flipped)/2] ^= 1
	for _, id := range []string{"", "nonsense", string(flipped), page.Next[:len(page.Next)-4]} {
		if _, err := h.FreeBusyPage(t.Context(), alice, id); kalends.KindOf(err) != kalends.KindGone {
			t.Errorf("id %q: %v", id, err)
		}
	}
	h.clock.Advance(59 * time.Minute)
	if _, err := h.FreeBusyPage(t.Context(), alice, page.Next); err != nil {
		t.Errorf("within the hour: %v", err)
	}
	h.clock.Advance(2 * time.Minute)
	if _, err := h.FreeBusyPage(t.Context(), alice, page.Next); kalends.KindOf(err) != kalends.KindGone {
		t.Errorf("after an hour: %v", err)
	}
}

func FuzzFreeBusyPage(f *testing.F) {
	keys, err := secret.Generate()
	if err != nil {
		f.Fatal(err)
	}
	box, err := secret.Open(keys)
	if err != nil {
		f.Fatal(err)
	}
	d := dbtest.SQLite(f, db.Options{})
	service := calendar.New(calendar.Config{DB: d, Store: store.New(d, box), Box: box})
	f.Add("")
	f.Add("AAAA-_")
	f.Fuzz(func(t *testing.T, id string) {
		if _, err := service.FreeBusyPage(t.Context(), alice, id); kalends.KindOf(err) != kalends.KindGone {
			t.Errorf("%q: %v", id, err)
		}
	})
}
