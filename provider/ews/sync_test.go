package ews_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/provider/providertest"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

var servers = []string{"Exchange2007_SP1", "Exchange2010_SP2", "Exchange2013_SP1", "ExchangeSE"}

// follower reads one mailbox again and again and counts what that costs.
type follower struct {
	company
	driver  provider.Driver
	request provider.ChangesRequest
	counted int
}

func (c company) follow(t testing.TB, email string) *follower {
	t.Helper()
	f := &follower{company: c, driver: c.open(t)}
	mailbox, err := f.driver.Find(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	today := c.server.World().Now().UTC().Truncate(24 * time.Hour)
	f.request = provider.ChangesRequest{Mailbox: mailbox.Email, Calendar: mailbox.Calendar.ID, Window: kalends.Window{Start: today.AddDate(0, 0, -42), End: today.AddDate(0, 0, 202)}}
	f.cost()
	return f
}

// read follows a cursor on and gives the operations that it took.
func (f *follower) read(t testing.TB) (provider.ChangesPage, []string) {
	t.Helper()
	page, err := f.driver.Changes(t.Context(), f.request)
	if err != nil {
		t.Fatal(err)
	}
	f.request.Cursor = page.Next
	return page, f.cost()
}

func (f *follower) cost() []string {
	var list []string
	calls := f.server.Desk().Calls("exchange", time.Time{})
	for _, call := range calls[f.counted:] {
		list = append(list, call.Operation)
	}
	f.counted = len(calls)
	return list
}

func (f *follower) want(t *testing.T, what string, full bool, operations ...string) provider.ChangesPage {
	t.Helper()
	page, took := f.read(t)
	if page.Full != full || !slices.Equal(took, operations) {
		t.Errorf("%s: whole %t by %v, want %t by %v", what, page.Full, took, full, operations)
	}
	return page
}

// What changed in a folder is asked for first; the calendar is read again only if
// something did.
func TestAnUnchangedMailboxCostsOneRequest(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			c := musterwerkWith(t, ewsfake.Options{Version: server})
			person := c.healthyPeople()[4].Email
			f, o := c.follow(t, person), outlook{c.server.World()}
			f.want(t, "first", true, "FindItem")
			f.want(t, "second", true, "SyncFolderItems", "FindItem")
			quiet := f.want(t, "third", false, "SyncFolderItems")
			if len(quiet.Events)+len(quiet.Replaced)+len(quiet.Deleted) != 0 || quiet.Next == "" {
				t.Errorf("%+v", quiet)
			}
			f.want(t, "fourth", false, "SyncFolderItems")
			start := f.request.Window.Start.AddDate(0, 0, 60).Add(9 * time.Hour)
			id := o.Book(t, person, providertest.Event{Summary: "new", Start: start, End: start.Add(time.Hour)})
			if page := f.want(t, "after a booking", true, "SyncFolderItems", "FindItem"); !startsAt(page, start) {
				t.Error("the new event is not there")
			}
			f.want(t, "after that", false, "SyncFolderItems")
			o.Unbook(t, person, id)
			if page := f.want(t, "after a deletion", true, "SyncFolderItems", "FindItem"); startsAt(page, start) {
				t.Error("the deleted event is there")
			}
		})
	}
}

func startsAt(page provider.ChangesPage, at time.Time) bool {
	return slices.ContainsFunc(page.Events, func(e kalends.Event) bool { return e.Start.Equal(at) })
}

func TestAnotherWindowIsReadWhole(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	f := c.follow(t, c.healthyPeople()[4].Email)
	f.read(t)
	f.read(t)
	f.request.Window.End = f.request.Window.End.AddDate(0, 0, 1)
	f.want(t, "moved on by a day", true, "SyncFolderItems", "FindItem")
	f.want(t, "then", false, "SyncFolderItems")
	f.request.Details = true
	if page, _ := f.read(t); !page.Full {
		t.Error("asked for details, and the calendar was not read")
	}
}

func TestErrDeadSyncState(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	f := c.follow(t, c.healthyPeople()[4].Email)
	f.read(t)
	f.read(t)
	c.server.Desk().AddFault(sandbox.Fault{Kind: "dead_sync_state", Provider: "exchange"})
	if _, err := f.driver.Changes(t.Context(), f.request); kalends.KindOf(err) != kalends.KindGone {
		t.Fatalf("%v, want gone", err)
	}
	c.server.Desk().ClearFaults("dead_sync_state")
	f.cost()
	f.request.Cursor = ""
	f.want(t, "from the start", true, "FindItem")
	f.want(t, "again", true, "SyncFolderItems", "FindItem")
	f.want(t, "and quiet", false, "SyncFolderItems")
}

// A large folder is walked in pages, not all in one reading.
func TestALargeFolderIsWalkedOnceAndInParts(t *testing.T) {
	t.Parallel()
	const items = 12_000
	pages, views := 0, 0
	n := newInternet(t)
	n.host(t, mailHost, script{
		"FindItem": func(string) (int, string) { views++; return found(true) },
		"SyncFolderItems": func(request string) (int, string) {
			pages++
			from := 0
			_, _ = fmt.Sscan(stateIn(request), &from)
			to := min(from+512, items)
			if !strings.Contains(request, "<m:MaxChangesReturned>512<") {
				t.Error("another limit than 512")
			}
			return synced(fmt.Sprint(to), to == items, strings.Repeat(`<t:Create><t:CalendarItem><t:ItemId Id="x"/></t:CalendarItem></t:Create>`, to-from))
		},
	}.ServeHTTP)
	d, request := n.open(t, "version", "Exchange2013_SP1"), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year}
	var before, most int
	for reading := 1; reading <= 5; reading++ {
		page, err := d.Changes(t.Context(), request)
		if err != nil || page.Full != (reading < 4) {
			t.Errorf("reading %d: whole %t, %v", reading, page.Full, err)
		}
		request.Cursor = page.Next
		before, most = pages, max(most, pages-before)
	}
	if most > 20 || pages != (items+511)/512+2 || views != 3 {
		t.Errorf("%d pages, %d at most in a reading, %d views", pages, most, views)
	}
}

var stateOf = regexp.MustCompile(`<m:SyncState>([^<]*)<`)

func stateIn(request string) string {
	if m := stateOf.FindStringSubmatch(request); m != nil {
		return m[1]
	}
	return ""
}

func synced(state string, last bool, changes string) (int, string) {
	return success("SyncFolderItems", fmt.Sprintf("<m:SyncState>%s</m:SyncState><m:IncludesLastItemInRange>%t</m:IncludesLastItemInRange><m:Changes>%s</m:Changes>", state, last, changes))
}

// A server that takes any state and never tells of a change is found out.
func TestASilentSyncStateIsNotBelievedForEver(t *testing.T) {
	t.Parallel()
	started := 0
	n := newInternet(t)
	n.host(t, mailHost, script{
		"FindItem": func(string) (int, string) { return found(true) },
		"SyncFolderItems": func(request string) (int, string) {
			if stateIn(request) == "" {
				started++
			}
			return synced("dead", true, "")
		},
	}.ServeHTTP)
	d, request, whole := n.open(t, "version", "Exchange2013_SP1"), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year}, 0
	for range 200 {
		page, err := d.Changes(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if request.Cursor = page.Next; page.Full {
			whole++
		}
	}
	if whole < 4 || whole > 6 || started != whole-1 {
		t.Errorf("%d times whole, %d states begun in 200 readings", whole, started)
	}
}

// Whatever the answer lacks or holds too much of, the calendar is read.
func TestOddSyncAnswers(t *testing.T) {
	t.Parallel()
	nasty := `&amp;&lt;"' ` + strings.Repeat("A", 9000)
	for name, answer := range map[string]func(string) (int, string){
		"no state":     func(string) (int, string) { return synced("", true, "") },
		"everything":   func(string) (int, string) { return synced("s", true, `<t:Create><t:CalendarItem/></t:Create>`) },
		"never ending": func(string) (int, string) { return synced("s", false, "") },
		"nothing":      func(string) (int, string) { return success("SyncFolderItems", "") },
		"refused":      func(string) (int, string) { return refusal("SyncFolderItems", "ErrorInvalidOperation") },
		"unknown":      func(string) (int, string) { return refusal("SyncFolderItems", "ErrorOfTheFuture") },
		"unheard of":   func(string) (int, string) { return refusal("SyncFolderItems", "ErrorInvalidRequest") },
		"odd state": func(request string) (int, string) {
			if state := stateIn(request); state != "" && state != strings.ReplaceAll(nasty, `"`, "&quot;") {
				return refusal("SyncFolderItems", "ErrorInvalidSyncStateData")
			}
			return synced(nasty, true, `<t:Create/>`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			n.host(t, mailHost, script{"FindItem": func(string) (int, string) { return found(true) }, "SyncFolderItems": answer}.ServeHTTP)
			d, request := n.open(t, "version", "Exchange2013_SP1"), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year}
			for range 4 {
				page, err := d.Changes(t.Context(), request)
				if err != nil || !page.Full {
					t.Errorf("whole %t, %v", page.Full, err)
				}
				if request.Cursor = page.Next; len(page.Next) > 2000 {
					t.Errorf("a cursor of %d bytes", len(page.Next))
				}
			}
		})
	}
}

// What concerns the connection or passes by is told, not read over.
func TestErrSyncIsThrottled(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]kalends.Kind{"ErrorServerBusy": kalends.KindThrottled, "ErrorTimeoutExpired": kalends.KindUnavailable, "ErrorInvalidSyncStateData": kalends.KindGone} {
		n := newInternet(t)
		n.host(t, mailHost, script{
			"FindItem": func(string) (int, string) { return found(true) },
			"SyncFolderItems": func(request string) (int, string) {
				if stateIn(request) == "" {
					return synced("s", true, "")
				}
				return refusal("SyncFolderItems", code)
			},
		}.ServeHTTP)
		d, request := n.open(t, "version", "Exchange2013_SP1"), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year}
		for range 2 {
			page, err := d.Changes(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			request.Cursor = page.Next
		}
		if _, err := d.Changes(t.Context(), request); kalends.KindOf(err) != kind {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// A part that could not be read whole is tried again although nothing changed.
func TestWhatWasNotReadIsReadAgain(t *testing.T) {
	t.Parallel()
	cut := true
	crowd := year.Start.Add(20 * time.Hour)
	n := newInternet(t)
	n.host(t, mailHost, script{
		"FindItem": func(request string) (int, string) {
			span := viewOf.FindStringSubmatch(request)
			w := kalends.Window{Start: instantOf(t, time.RFC3339, span[1]), End: instantOf(t, time.RFC3339, span[2])}
			return found(!cut || !w.Overlaps(crowd, crowd.Add(time.Minute)))
		},
		"SyncFolderItems": func(string) (int, string) { return synced("s", true, "") },
	}.ServeHTTP)
	d := n.open(t, "version", "Exchange2013_SP1")
	request := provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: kalends.Window{Start: year.Start, End: year.Start.AddDate(0, 0, 3)}}
	for reading, whole := range []bool{true, true, true, true, false} {
		page, err := d.Changes(t.Context(), request)
		if err != nil || page.Full != whole {
			t.Errorf("reading %d: whole %t, %v", reading, page.Full, err)
		}
		request.Cursor, cut = page.Next, reading < 2
	}
}
