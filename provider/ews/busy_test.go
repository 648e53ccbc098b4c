package ews_test

import (
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/explain"
	"kalends/provider"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// In whatever form a server says that it is busy, it is waited for as long as it
// says, or a minute.
func TestErrBusyInEveryForm(t *testing.T) {
	t.Parallel()
	for kind, after := range map[string]time.Duration{
		"server_busy": 7 * time.Second, "server_busy_bare": time.Minute, "error_page": time.Minute, "server_error_page": time.Minute,
		"message:ErrorServerBusy": 7 * time.Second, "ErrorServerBusy": 7 * time.Second, "ErrorExceededConnectionCount": time.Minute,
		"message:ErrorTooManyObjectsOpened": time.Minute, "status_503": 7 * time.Second, "status_429": 7 * time.Second,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := musterwerk(t)
			f := c.follow(t, c.healthyPeople()[4].Email)
			f.read(t)
			f.read(t)
			c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: kind, DelayMS: 7000})
			for what, ask := range map[string]func() error{
				"Changes": func() error { _, err := f.driver.Changes(t.Context(), f.request); return err },
				"Find":    func() error { _, err := f.driver.Find(t.Context(), f.request.Mailbox); return err },
				"Put": func() error {
					_, err := f.driver.Put(t.Context(), f.request.Mailbox, f.request.Calendar, kalends.Draft{ID: "x", Start: f.request.Window.Start, End: f.request.Window.End})
					return err
				},
				"FreeBusy": func() error {
					answers, err := f.driver.FreeBusy(t.Context(), []string{f.request.Mailbox}, kalends.Window{Start: f.request.Window.Start, End: f.request.Window.Start.AddDate(0, 0, 7)})
					if err == nil {
						err = answers[0].Err
					}
					return err
				},
			} {
				if err := ask(); kalends.KindOf(err) != kalends.KindThrottled || kalends.RetryAfter(err) != after || kalends.CauseOf(err).Key != kalends.CauseThrottled {
					t.Errorf("%s: %v after %v, want %v", what, err, kalends.RetryAfter(err), after)
				}
			}
			c.server.Desk().ClearFaults(kind)
			f.cost()
			f.want(t, "afterwards", false, "SyncFolderItems")
		})
	}
}

// A throttling policy that lets fewer items through than there are costs smaller
// views, and loses nothing.
func TestALowFindLimitLosesNothing(t *testing.T) {
	t.Parallel()
	all := len(readAll(t, ewsfake.Options{}))
	if got := len(readAll(t, ewsfake.Options{FindCountLimit: 20})); got != all || all < 40 {
		t.Errorf("%d events, want %d", got, all)
	}
}

func readAll(t *testing.T, options ewsfake.Options) []kalends.Event {
	t.Helper()
	c := musterwerkWith(t, options)
	f := c.follow(t, c.healthyPeople()[4].Email)
	page, _ := f.read(t)
	if !seamless(page.Replaced, f.request.Window) {
		t.Errorf("replaced %v", page.Replaced)
	}
	return page.Events
}

// 2007 has two rights: each has its own cause to be read and its own command.
func TestErrTheTwoRightsOf2007(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]struct{ right, command, not string }{
		"no_impersonation":  {"server", "ms-Exch-EPI-Impersonation", "ms-Exch-EPI-May-Impersonate"},
		"no_database_right": {"database", "ms-Exch-EPI-May-Impersonate", "ms-Exch-EPI-Impersonation"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			company := musterwerkWith(t, ewsfake.Options{Version: "Exchange2007_SP1"})
			company.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: kind})
			_, err := company.open(t).Check(t.Context(), provider.CheckRequest{}, func(kalends.Step) {})
			cause := kalends.CauseOf(err)
			if cause == nil || cause.Key != kalends.CauseImpersonationMissing || cause.Facts["right"] != c.right {
				t.Fatalf("%v, %+v", err, cause)
			}
			for _, lang := range []string{"de", "en"} {
				commands := ""
				said := explain.Cause(lang, string(cause.Key), cause.Facts)
				for _, command := range said.Commands {
					commands += command.Text
				}
				if !strings.Contains(commands, c.command) || strings.Contains(commands, c.not) || strings.Contains(commands+said.Fix, "ApplicationImpersonation") {
					t.Errorf("%s: %+v", lang, said)
				}
			}
		})
	}
}

// Somebody whose database lacks the right on 2007 is one person's matter.
func TestErrOneDatabaseOf2007(t *testing.T) {
	t.Parallel()
	c := musterwerkWith(t, ewsfake.Options{Version: "Exchange2007_SP1"})
	person := c.healthyPeople()[4].Email
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "no_database_right", Target: person})
	_, err := c.open(t).Find(t.Context(), person)
	cause := kalends.CauseOf(err)
	if cause == nil || cause.Key != kalends.CauseNotPermitted || cause.Facts["right"] != "database" {
		t.Fatalf("%v, %+v", err, cause)
	}
	for _, lang := range []string{"de", "en"} {
		if said := explain.Cause(lang, string(cause.Key), cause.Facts); len(said.Commands) != 1 || !strings.Contains(said.Commands[0].Text, "ms-Exch-EPI-May-Impersonate") || strings.Contains(said.Fix, "ApplicationImpersonation") {
			t.Errorf("%s: %+v", lang, said)
		}
	}
}

// 2007 has no room lists, and is not asked for them.
func TestErrRoomsOf2007(t *testing.T) {
	t.Parallel()
	c := musterwerkWith(t, ewsfake.Options{Version: "Exchange2007_SP1"})
	_, err := c.open(t).(provider.Rooms).Rooms(t.Context())
	cause := kalends.CauseOf(err)
	if cause == nil || cause.Key != kalends.CauseRoomsUnavailable || cause.Facts["reason"] != "exchange_2007" || kalends.KindOf(err) != kalends.KindUnsupported {
		t.Fatalf("%v, %+v", err, cause)
	}
	for _, lang := range []string{"de", "en"} {
		if said := explain.Cause(lang, string(cause.Key), cause.Facts); !strings.Contains(said.What, "2007") || len(said.Commands) != 0 {
			t.Errorf("%s: %+v", lang, said)
		}
	}
	for _, call := range c.server.Desk().Calls("exchange", time.Time{}) {
		if call.Operation == "GetRoomLists" {
			t.Error("asked for room lists")
		}
	}
}

// A view that takes the server too long is asked for in halves; a server for which
// all takes too long is not asked again and again.
func TestAViewThatTakesTooLong(t *testing.T) {
	t.Parallel()
	for most, enough := range map[time.Duration]bool{100 * 24 * time.Hour: true, time.Hour: false} {
		asked := 0
		n := newInternet(t)
		n.host(t, mailHost, script{"FindItem": func(request string) (int, string) {
			asked++
			span := viewOf.FindStringSubmatch(request)
			if instantOf(t, time.RFC3339, span[2]).Sub(instantOf(t, time.RFC3339, span[1])) > most {
				return refusal("FindItem", "ErrorTimeoutExpired")
			}
			return found(true)
		}}.ServeHTTP)
		page, err := n.open(t, "version", "Exchange2013_SP1").Changes(t.Context(), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year})
		if enough && (err != nil || !seamless(page.Replaced, year)) || !enough && kalends.KindOf(err) != kalends.KindUnavailable || asked > 7 {
			t.Errorf("up to %v: %d views, %v", most, asked, err)
		}
	}
}
