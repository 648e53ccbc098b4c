package mirror_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/db"
	"kalends/hub/mirror"
	"kalends/internal/tools/await"
	"kalends/jobs"
	"kalends/provider/memory"
)

func TestFirstReading(t *testing.T) {
	t.Parallel()
	each(t, 2, firstReading)
}

func firstReading(t *testing.T, h *house) {
	t.Helper()
	h.world.SetPageSize(2)
	h.book(h.emails[0], monday.Add(time.Hour), 30, kalends.StatusBusy)
	h.book(h.emails[0], monday.Add(-30*24*time.Hour), 60, kalends.StatusTentative)
	h.book(h.emails[0], monday.Add(200*24*time.Hour), 60, kalends.StatusFree)
	h.book(h.emails[0], monday.Add(-43*24*time.Hour), 60, kalends.StatusBusy)
	h.book(h.emails[0], monday.Add(202*24*time.Hour), 60, kalends.StatusBusy)
	h.book(h.emails[0], time.Date(2027, 2, 28, 23, 0, 0, 0, time.UTC), 120, kalends.StatusBusy)
	h.readDue(t, 2)
	h.wantBusy(t, "cal_0", "02.01. 08:00–02.01. 09:00 tentative", "01.02. 09:00–01.02. 09:30 busy",
		"28.02. 23:00–01.03. 01:00 busy", "20.08. 08:00–20.08. 09:00 free")
	h.wantBusy(t, "cal_1")
	h.readDue(t, 0)
	if n := h.value(t, `SELECT count(*) FROM calendars WHERE last_sync_at IS NULL OR cause_key <> ''`); n != "0" {
		t.Errorf("%s calendars are not noted as read", n)
	}
	if n := h.value(t, `SELECT count(*) FROM accounts WHERE last_sync_at IS NULL`); n != "0" {
		t.Errorf("%s accounts are not noted as read", n)
	}
	if got := h.value(t, `SELECT string_agg(packed, ',') FROM busy_months`); strings.Contains(got, "event-") {
		t.Error("the provider's ids are stored in the clear")
	}
}

func TestCancelledAndDeclinedTakeNoTime(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1)
	h.world.Book(h.emails[0], kalends.Event{Start: monday, End: monday.Add(time.Hour), Cancelled: true})
	h.world.Book(h.emails[0], kalends.Event{Start: monday, End: monday.Add(time.Hour), Declined: true})
	h.world.Book(h.emails[0], kalends.Event{Start: monday, End: monday})
	h.readDue(t, 1)
	h.wantBusy(t, "cal_0")
}

func TestAllDayEventsBecomeDates(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1)
	day := func(zone string, month time.Month, d int) time.Time {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		return time.Date(2027, month, d, 0, 0, 0, 0, location)
	}
	book := func(zone, said string, month time.Month, from, to int) {
		h.world.Book(h.emails[0], kalends.Event{Start: day(zone, month, from), End: day(zone, month, to), AllDay: true, Zone: said})
	}
	book("Europe/Berlin", "", 2, 3, 4)
	book("Europe/Berlin", "W. Europe Standard Time", 3, 28, 29) // 23 hours
	book("Europe/Berlin", "", 3, 27, 30)                        // two days and 23 hours
	book("America/New_York", "", 4, 1, 2)
	book("Pacific/Auckland", "Pacific/Auckland", 4, 2, 3) // UTC+13
	book("UTC", "", 4, 5, 7)
	h.readDue(t, 1)
	h.wantBusy(t, "cal_0",
		"03.02. 00:00–04.02. 00:00 busy", "27.03. 00:00–30.03. 00:00 busy", "28.03. 00:00–29.03. 00:00 busy",
		"01.04. 00:00–02.04. 00:00 busy", "02.04. 00:00–03.04. 00:00 busy", "05.04. 00:00–07.04. 00:00 busy")
}

func TestNewPeopleComeFirst(t *testing.T) {
	t.Parallel()
	each(t, 3, newPeopleComeFirst)
}

func newPeopleComeFirst(t *testing.T, h *house) {
	t.Helper()
	h.write(t, `UPDATE calendars SET last_sync_at = 1, due_at = due_at - 1000 WHERE id <> 'cal_2'`)
	h.write(t, `UPDATE calendars SET due_at = due_at - 1 WHERE id = 'cal_1'`)
	var order []string
	err := h.db.Read(t.Context(), func(tx *db.Tx) error {
		due, err := h.store.DueCalendars(t.Context(), tx, []string{"con_9"}, 10)
		for _, d := range due {
			order = append(order, d.ID)
		}
		return err
	})
	if err != nil || !slices.Equal(order, []string{"cal_2", "cal_1", "cal_0"}) {
		t.Errorf("order = %v, %v", order, err)
	}
}

func TestErrPassingFaultsLoseNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 300)
	for _, email := range h.emails {
		h.book(email, monday, 30, kalends.StatusBusy)
	}
	for _, kind := range []kalends.Kind{kalends.KindThrottled, kalends.KindUnavailable, kalends.KindThrottled} {
		for _, email := range h.emails[:40] {
			h.world.Break(memory.Fault{Mailbox: email, Times: 1, Err: &kalends.Error{Kind: kind}})
		}
	}
	h.readDue(t, 300)
	if n := h.value(t, `SELECT count(*) FROM calendars WHERE last_sync_at IS NULL OR cause_key <> ''`); n != "0" {
		t.Errorf("%s calendars were lost", n)
	}
	for i := range h.emails {
		h.wantBusy(t, fmt.Sprintf("cal_%d", i), "01.02. 08:00–01.02. 08:30 busy")
	}
}

func TestALargeConnectionHidesNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 600)
	h.addConnection(t, "con_2")
	h.write(t, `UPDATE profiles SET connection_id = 'con_2' WHERE id = 'pro_599'`)
	h.write(t, `UPDATE calendars SET due_at = due_at - 1 WHERE id <> 'cal_599'`) // the only one of con_2 is the last in the queue
	hang := make(chan struct{})
	for _, email := range h.emails[:599] {
		h.world.Break(memory.Fault{Mailbox: email, Hang: hang})
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.mirror(mirror.Config{Poll: time.Millisecond}).Run(ctx) }()
	for h.value(t, `SELECT count(*) FROM calendars WHERE last_sync_at IS NOT NULL`) != "1" {
		if t.Context().Err() != nil {
			t.Fatal("the small connection was not read")
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestPollingFollowsChanges(t *testing.T) {
	t.Parallel()
	each(t, 1, pollingFollowsChanges)
}

func pollingFollowsChanges(t *testing.T, h *house) {
	t.Helper()
	moved := h.book(h.emails[0], monday.Add(time.Hour), 30, kalends.StatusBusy)
	gone := h.book(h.emails[0], monday.Add(2*time.Hour), 30, kalends.StatusBusy)
	h.readDue(t, 1)
	h.clock.Advance(3 * time.Minute)
	h.readDue(t, 0) // not due before four minutes have passed
	h.world.Change(h.emails[0], moved, func(e *kalends.Event) { e.Start, e.End = monday.Add(5*time.Hour), monday.Add(6*time.Hour) })
	h.world.Unbook(h.emails[0], gone)
	h.book(h.emails[0], monday.Add(8*time.Hour), 30, kalends.StatusTentative)
	h.clock.Advance(3*time.Minute + time.Second)
	h.readDue(t, 1)
	h.wantBusy(t, "cal_0", "01.02. 13:00–01.02. 14:00 busy", "01.02. 16:00–01.02. 16:30 tentative")
}

func TestWindowMovesOnEveryDay(t *testing.T) {
	t.Parallel()
	each(t, 1, windowMovesOnEveryDay)
}

func windowMovesOnEveryDay(t *testing.T, h *house) {
	t.Helper()
	h.book(h.emails[0], monday.Add(-42*24*time.Hour), 30, kalends.StatusBusy)
	h.book(h.emails[0], monday.Add(202*24*time.Hour), 30, kalends.StatusBusy)
	h.readDue(t, 1)
	h.wantBusy(t, "cal_0", "21.12. 08:00–21.12. 08:30 busy")
	h.clock.Advance(24 * time.Hour)
	h.readDue(t, 1)
	h.wantBusy(t, "cal_0", "22.08. 08:00–22.08. 08:30 busy")
}

func TestErrDeadCursorReadsTheWholeWindow(t *testing.T) {
	t.Parallel()
	each(t, 1, errDeadCursorReadsTheWholeWindow)
}

func errDeadCursorReadsTheWholeWindow(t *testing.T, h *house) {
	t.Helper()
	h.book(h.emails[0], monday, 30, kalends.StatusBusy)
	gone := h.book(h.emails[0], monday.Add(time.Hour), 30, kalends.StatusBusy)
	h.readDue(t, 1)
	h.world.Unbook(h.emails[0], gone)
	h.world.ForgetCursors()
	h.clock.Advance(7 * time.Minute)
	h.readDue(t, 2) // the dead cursor, then the whole
	h.wantBusy(t, "cal_0", "01.02. 08:00–01.02. 08:30 busy")
}

func TestErrPartialReadIsNoDeletion(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1)
	for i := range 6 {
		h.book(h.emails[0], monday.Add(time.Duration(i)*time.Hour), 30, kalends.StatusBusy)
	}
	h.readDue(t, 1)
	before := h.busy(t, "cal_0")
	h.world.SetPageSize(2)
	h.clock.Advance(24 * time.Hour) // a full reading is due, and breaks off after its first page
	h.world.Break(memory.Fault{Operation: "changes", Times: 1, Err: nil, Hang: closed()})
	h.world.Break(memory.Fault{Operation: "changes", Err: &kalends.Error{Kind: kalends.KindUnavailable}})
	h.readDue(t, 1)
	if got := h.busy(t, "cal_0"); !slices.Equal(got, before) {
		t.Errorf("busy = %q, want what was there: %q", got, before)
	}
	if cause := h.value(t, `SELECT cause_key FROM calendars`); cause != "server_unavailable" {
		t.Errorf("cause = %q", cause)
	}
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func TestErrOneBadMailboxStopsNobody(t *testing.T) {
	t.Parallel()
	each(t, 20, errOneBadMailboxStopsNobody)
}

func errOneBadMailboxStopsNobody(t *testing.T, h *house) {
	t.Helper()
	h.world.SetState(h.emails[3], memory.NotPermitted)
	h.world.Remove(h.emails[7])
	h.readDue(t, 20)
	if n := h.value(t, `SELECT count(*) FROM calendars WHERE last_sync_at IS NOT NULL`); n != "18" {
		t.Errorf("%s calendars were read, want 18", n)
	}
	if causes := h.value(t, `SELECT string_agg(cause_key, ',') FROM (SELECT cause_key FROM calendars WHERE cause_key <> '' ORDER BY id) c`); causes != "not_permitted,account_not_found" {
		t.Errorf("causes = %s", causes)
	}
	if status := h.value(t, `SELECT status FROM connections`); status != "connected" {
		t.Errorf("the connection is %s", status)
	}
}

func TestErrMailboxThatStaysAwayIsMatchedAnew(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 2)
	h.world.Remove(h.emails[0])
	due := `SELECT count(*) FROM accounts WHERE due_at IS NOT NULL`
	for range 2 {
		h.readDue(t, 2)
		h.clock.Advance(10 * time.Minute)
		if n := h.value(t, due); n != "0" {
			t.Errorf("%s accounts are matched anew too early", n)
		}
	}
	h.readDue(t, 2)
	if id := h.value(t, `SELECT id FROM accounts WHERE due_at IS NOT NULL`); id != "acc_0" {
		t.Errorf("%s is matched anew", id)
	}
}

func TestErrBackOffGrowsAndEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 1)
	h.world.Break(memory.Fault{Err: &kalends.Error{Kind: kalends.KindUnavailable}})
	var waits []time.Duration
	for range 8 {
		h.readDue(t, 1)
		due := h.value(t, `SELECT due_at FROM calendars`)
		var micros int64
		if _, err := fmt.Sscan(due, &micros); err != nil {
			t.Fatal(err)
		}
		wait := db.Time(micros).Sub(h.clock.Now())
		waits = append(waits, wait)
		h.clock.Advance(wait)
	}
	if waits[0] > 40*time.Second || waits[3] < 2*time.Minute || waits[7] > 36*time.Minute {
		t.Errorf("waits = %v", waits)
	}
	h.world.Heal()
	h.readDue(t, 1)
	if tries := h.value(t, `SELECT tries || cause_key FROM calendars`); tries != "0" {
		t.Errorf("tries and cause = %s", tries)
	}
}

func TestErrRefusedCredentialIsToldOnce(t *testing.T) {
	t.Parallel()
	each(t, 30, errRefusedCredentialIsToldOnce)
}

func errRefusedCredentialIsToldOnce(t *testing.T, h *house) {
	t.Helper()
	h.world.SetPassword("changed")
	h.readDue(t, 30)
	if got := h.value(t, `SELECT status || ' ' || cause_key FROM connections`); got != "degraded credentials_expired" {
		t.Errorf("connection is %s", got)
	}
	if len(h.jobs.args) != 1 {
		t.Fatalf("%d jobs, want one", len(h.jobs.args))
	}
	if job, ok := h.jobs.args[0].(jobs.ConnectionChanged); !ok || job.ConnectionID != "con_1" || job.AuditID == "" {
		t.Errorf("job = %+v", h.jobs.args[0])
	}
	sent := h.world.Calls("changes")
	h.clock.Advance(36 * time.Minute)
	h.readDue(t, 30)
	if probes := h.world.Calls("changes") - sent; probes != 1 {
		t.Errorf("%d requests with a refused password after 40 minutes, want one", probes)
	}
	h.world.SetPassword("correct horse")
	h.clock.Advance(36 * time.Minute)
	h.readDue(t, 30)
	h.readDue(t, 0)
	if got := h.value(t, `SELECT status FROM connections`); got != "connected" {
		t.Errorf("connection is %s after the password was repaired", got)
	}
	if len(h.jobs.args) != 2 {
		t.Errorf("%d jobs, want one more for the repair", len(h.jobs.args))
	}
}

func TestALateReadingIsNotApplied(t *testing.T) {
	t.Parallel()
	each(t, 1, aLateReadingIsNotApplied)
}

func aLateReadingIsNotApplied(t *testing.T, h *house) {
	t.Helper()
	h.book(h.emails[0], monday, 30, kalends.StatusBusy)
	hang := make(chan struct{})
	h.world.Break(memory.Fault{Operation: "changes", Times: 1, Hang: hang})
	late := make(chan error)
	go func() {
		_, err := h.mirror(mirror.Config{}).ReadDue(t.Context())
		late <- err
	}()
	for h.world.Calls("changes") == 0 {
		if t.Context().Err() != nil {
			return
		}
	}
	h.readDue(t, 1) // another node is faster
	cursor := h.value(t, `SELECT cursor FROM calendars`)
	h.world.Book(h.emails[0], kalends.Event{Start: monday.Add(time.Hour), End: monday.Add(2 * time.Hour)})
	close(hang)
	if err := <-late; err != nil {
		t.Fatal(err)
	}
	h.wantBusy(t, "cal_0", "01.02. 08:00–01.02. 08:30 busy")
	if got := h.value(t, `SELECT cursor FROM calendars`); got != cursor {
		t.Errorf("cursor = %s, want %s: the late reading was applied", got, cursor)
	}
}

func TestDueTimeSetDuringAReadingStays(t *testing.T) {
	t.Parallel()
	each(t, 1, dueTimeSetDuringAReadingStays)
}

func dueTimeSetDuringAReadingStays(t *testing.T, h *house) {
	t.Helper()
	hang := make(chan struct{})
	h.world.Break(memory.Fault{Operation: "changes", Times: 1, Hang: hang})
	done := make(chan error)
	go func() {
		_, err := h.ReadDue(t.Context())
		done <- err
	}()
	for h.world.Calls("changes") == 0 {
		if t.Context().Err() != nil {
			return
		}
	}
	h.clock.Advance(time.Second)
	h.write(t, `UPDATE calendars SET due_at = $1`, db.Micros(h.clock.Now())) // a notification comes in
	close(hang)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := h.world.Calls("changes"); n != 2 {
		t.Errorf("%d readings, want a second one for the notification", n)
	}
}

func TestEndedThingsAreNotRead(t *testing.T) {
	t.Parallel()
	each(t, 3, endedThingsAreNotRead)
}

func endedThingsAreNotRead(t *testing.T, h *house) {
	t.Helper()
	h.write(t, `UPDATE calendars SET deleted_at = 1 WHERE id = 'cal_0'`)
	h.write(t, `UPDATE profiles SET revoked_at = 1 WHERE id = 'pro_1'`)
	h.readDue(t, 1)
	h.clock.Advance(time.Hour)
	h.write(t, `UPDATE connections SET status = 'disconnected'`)
	h.readDue(t, 0)
}

func TestKilledInTheMiddleLosesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 60)
	for _, email := range h.emails {
		h.book(email, monday, 30, kalends.StatusBusy)
	}
	ctx, kill := context.WithCancel(t.Context())
	gate := h.world.Hold("changes")
	gate.Let(25)
	ended := make(chan error)
	go func() { ended <- h.Run(ctx) }()
	h.Wake()
	await.True(t, "the reading is in the middle", func() bool { return h.world.Calls("changes") > 25 })
	kill()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	gate.Open()
	if _, err := h.mirror(mirror.Config{}).ReadDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range h.emails {
		h.wantBusy(t, fmt.Sprintf("cal_%d", i), "01.02. 08:00–01.02. 08:30 busy")
	}
}

func TestRunReadsAtOnceWhenWoken(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 0)
	m := h.mirror(mirror.Config{Poll: time.Hour})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	h.connect(t, h.world.Staff(3))
	m.Wake()
	for h.value(t, `SELECT count(*) FROM calendars WHERE last_sync_at IS NOT NULL`) != "3" {
		if t.Context().Err() != nil {
			t.Fatal("not read")
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestManyCalendarsAreReadWhole(t *testing.T) {
	t.Parallel()
	h := newHouse(t, 100)
	for _, email := range h.emails {
		h.world.BookMany(email, monday.Add(-30*24*time.Hour), 200)
	}
	h.readDue(t, 100)
	if n := h.value(t, `SELECT count(*) FROM calendars WHERE last_sync_at IS NULL`); n != "0" {
		t.Errorf("%s calendars were lost", n)
	}
	if got := h.busy(t, "cal_99"); len(got) != 200 {
		t.Errorf("%d intervals, want 200", len(got))
	}
}

// A right that is missing for everybody is the connection's matter: told once,
// and over with the first reading that succeeds.
func TestErrRightWithdrawnIsOfTheConnection(t *testing.T) {
	t.Parallel()
	each(t, 12, errRightWithdrawn)
}

func errRightWithdrawn(t *testing.T, h *house) {
	t.Helper()
	h.world.Break(memory.Fault{Operation: "changes", Err: &kalends.Error{Kind: kalends.KindDenied, Cause: kalends.NewCause(kalends.CauseImpersonationMissing)}})
	h.readDue(t, 12)
	if got := h.value(t, `SELECT status || ' ' || cause_key FROM connections`); got != "degraded impersonation_missing" || len(h.jobs.args) != 1 {
		t.Errorf("connection is %s, told %d times", got, len(h.jobs.args))
	}
	if again := h.value(t, `SELECT count(*) FROM accounts WHERE due_at IS NOT NULL`); again != "0" {
		t.Errorf("%s people are matched anew", again)
	}
	h.world.Heal()
	h.clock.Advance(36 * time.Minute)
	h.readDue(t, 12)
	if got := h.value(t, `SELECT status || cause_key FROM connections`); got != "connected" || len(h.jobs.args) != 2 {
		t.Errorf("connection is %s, told %d times", got, len(h.jobs.args))
	}
}
