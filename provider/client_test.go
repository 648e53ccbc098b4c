package provider_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	kalends "kalends"
	"kalends/provider"
	"kalends/provider/memory"
)

// The tests run in synctest bubbles: waiting costs no time, and the time that
// passed is exact.

const alice = "alice@musterwerk.example"

func world() *memory.World {
	w := memory.NewWorld("musterwerk.example")
	w.Add(memory.Person{Email: alice}, memory.Person{Email: "bob@musterwerk.example"})
	return w
}

func failing(kind kalends.Kind, after time.Duration) error {
	return &kalends.Error{Kind: kind, Op: "memory", After: after, Detail: "raw answer"}
}

func bubble(t *testing.T, options provider.Options, do func(t *testing.T, w *memory.World, c *provider.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := world()
		options.Provider = kalends.Exchange
		c := provider.NewClient(w.Driver(), options)
		defer c.Close()
		do(t, w, c)
	})
}

func TestTemporaryErrorsAreTriedAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range []kalends.Kind{kalends.KindThrottled, kalends.KindUnavailable} {
		bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
			w.Break(memory.Fault{Times: 3, Err: failing(kind, 0)})
			started := time.Now()
			if _, err := c.Find(t.Context(), alice); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if n := w.Calls("find"); n != 4 {
				t.Errorf("%s: %d tries, want 4", kind, n)
			}
			if waited := time.Since(started); waited < 1750*time.Millisecond || waited > 3500*time.Millisecond+time.Second {
				t.Errorf("%s: waited %v, want growing back-off", kind, waited)
			}
		})
	}
}

func TestErrTriesExhaustedKeepsKindCauseAndMailbox(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.Break(memory.Fault{Err: failing(kalends.KindUnavailable, 0)})
		_, err := c.Calendars(t.Context(), alice)
		if kalends.KindOf(err) != kalends.KindUnavailable || kalends.DetailOf(err) != "raw answer" {
			t.Errorf("error = %v with detail %q", err, kalends.DetailOf(err))
		}
		if cause := kalends.CauseOf(err); cause == nil || cause.Key != kalends.CauseServerUnavailable {
			t.Errorf("cause = %v", cause)
		}
		for _, part := range []string{"exchange.calendars", alice} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("error %q lacks %q", err, part)
			}
		}
	})
}

func TestLastingErrorsAreNotTriedAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range []kalends.Kind{
		kalends.KindNotFound, kalends.KindDenied, kalends.KindGone,
		kalends.KindConflict, kalends.KindInvalid, kalends.KindUnsupported, kalends.KindInternal,
	} {
		bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
			w.Break(memory.Fault{Err: failing(kind, 0)})
			_, err := c.Find(t.Context(), alice)
			if kalends.KindOf(err) != kind || w.Calls("find") != 1 {
				t.Errorf("%s: kind %s after %d tries", kind, kalends.KindOf(err), w.Calls("find"))
			}
		})
	}
}

func TestRetryAfterIsRespected(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.Break(memory.Fault{Times: 1, Err: failing(kalends.KindThrottled, 20*time.Second)})
		started := time.Now()
		if _, err := c.Find(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(started); waited < 20*time.Second || waited > 21*time.Second {
			t.Errorf("waited %v, want 20 s", waited)
		}
	})
}

func TestErrRetryAfterTooLongIsTheCallersToRepeat(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.Break(memory.Fault{Times: 1, Err: failing(kalends.KindThrottled, time.Hour)})
		_, err := c.Find(t.Context(), alice)
		if kalends.RetryAfter(err) != time.Hour || w.Calls("find") != 1 {
			t.Errorf("error = %v, after %v, %d tries", err, kalends.RetryAfter(err), w.Calls("find"))
		}
	})
}

func TestThrottlingInARowPausesTheConnection(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{Tries: 1}, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.Break(memory.Fault{Times: 3, Err: failing(kalends.KindThrottled, 10*time.Second)})
		for range 3 {
			_, _ = c.Find(t.Context(), alice)
		}
		started := time.Now()
		if _, err := c.Find(t.Context(), "bob@musterwerk.example"); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(started); waited != 10*time.Second {
			t.Errorf("another mailbox waited %v, want 10 s", waited)
		}
	})
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.SetLatency(2 * time.Second)
		var all sync.WaitGroup
		emails := w.Staff(30)
		for _, email := range emails {
			for range 3 {
				all.Go(func() { _, _ = c.Calendars(t.Context(), email) })
			}
		}
		all.Wait()
		if most := w.MostAtOnce(""); most != 9 {
			t.Errorf("%d requests at once, want 9 and a lane kept free", most)
		}
		for _, email := range emails {
			if most := w.MostAtOnce(email); most > 2 {
				t.Errorf("%d requests at once for %s, want 2", most, email)
			}
		}
	})
}

func TestInteractiveWorkPassesBy(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.SetLatency(time.Second)
		var all sync.WaitGroup
		for _, email := range w.Staff(500) {
			all.Go(func() { _, _ = c.Calendars(t.Context(), email) })
		}
		synctest.Wait()
		started := time.Now()
		if _, err := c.Find(provider.Interactive(t.Context()), alice); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(started); waited != time.Second {
			t.Errorf("interactive work took %v, want the request's own second", waited)
		}
		all.Wait()
	})
}

func TestReservedPlaceIsLentWhileAnswersAreFast(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.SetLatency(50 * time.Millisecond)
		var all sync.WaitGroup
		for _, email := range w.Staff(509) {
			all.Go(func() { _, _ = c.Calendars(t.Context(), email) })
		}
		started := time.Now()
		time.Sleep(time.Second + 10*time.Millisecond)
		if _, err := c.Find(provider.Interactive(t.Context()), alice); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(started) - time.Second; waited > 100*time.Millisecond {
			t.Errorf("interactive work took %v beside fast answers", waited)
		}
		all.Wait()
		// 9 + 10 a turn until the interactive request, then 9 a turn
		if took := time.Since(started); took < 2600*time.Millisecond || took > 2800*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestErrRefusedCredentialStopsSending(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.SetPassword("changed")
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				if _, err := c.Find(t.Context(), alice); kalends.KindOf(err) != kalends.KindUnauthorized {
					t.Errorf("kind = %s", kalends.KindOf(err))
				}
			})
		}
		all.Wait()
		before := w.Calls("find")
		started := time.Now()
		_, err := c.Find(t.Context(), "bob@musterwerk.example")
		if kalends.KindOf(err) != kalends.KindUnauthorized || w.Calls("find") != before || time.Since(started) != 0 {
			t.Errorf("error = %v, %d further requests, %v", err, w.Calls("find")-before, time.Since(started))
		}
		if cause := kalends.CauseOf(err); cause == nil || cause.Key != kalends.CauseCredentialsExpired {
			t.Errorf("cause = %v", cause)
		}
	})
}

func TestErrRefusedCredentialCostsTwoTriesOnly(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.SetPassword("changed")
		_, _ = c.Find(t.Context(), alice)
		for range 5 {
			_, _ = c.Find(t.Context(), alice)
		}
		if n := w.Calls("find"); n != 2 {
			t.Errorf("%d requests with a refused password, want 2", n)
		}
		c.Resume()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() { _, _ = c.Find(t.Context(), alice) })
		}
		all.Wait()
		if n := w.Calls("find"); n != 3 {
			t.Errorf("%d requests after Resume, want one more", n-2)
		}
		w.SetPassword("correct horse")
		c.Resume()
		if _, err := c.Find(t.Context(), alice); err != nil {
			t.Errorf("after Resume: %v", err)
		}
	})
}

func TestASingleRefusalIsNoOutage(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		for range 3 {
			w.Break(memory.Fault{Times: 1, Err: failing(kalends.KindUnauthorized, 0)})
			if _, err := c.Find(t.Context(), alice); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestCheckIsNeverTriedAgain(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.SetPassword("changed")
		_, err := c.Check(t.Context(), provider.CheckRequest{Sample: alice}, func(kalends.Step) {})
		if kalends.KindOf(err) != kalends.KindUnauthorized || w.Calls("") != 1 {
			t.Errorf("error = %v after %d requests, want one", err, w.Calls(""))
		}
	})
}

func TestErrHangingServerMeetsTheDeadline(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{Deadline: 5 * time.Second, Tries: 2}, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.Break(memory.Fault{Hang: make(chan struct{})})
		started := time.Now()
		_, err := c.Find(t.Context(), alice)
		if kalends.KindOf(err) != kalends.KindUnavailable || w.Calls("find") != 2 {
			t.Errorf("error = %v after %d tries", err, w.Calls("find"))
		}
		if took := time.Since(started); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("took %v, want two deadlines and a back-off", took)
		}
	})
}

func TestErrCallerGivesUpWhileWaiting(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{InFlight: 2}, func(t *testing.T, w *memory.World, c *provider.Client) {
		hang := make(chan struct{})
		w.Break(memory.Fault{Mailbox: alice, Hang: hang})
		var all sync.WaitGroup
		all.Go(func() { _, _ = c.Find(t.Context(), alice) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Find(ctx, "bob@musterwerk.example"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v", err)
		}
		close(hang)
		all.Wait()
		if _, err := c.Find(t.Context(), "bob@musterwerk.example"); err != nil {
			t.Errorf("the place of the one who gave up is lost: %v", err)
		}
	})
}

func TestErrPutWithoutIDIsNotSent(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		now := time.Now()
		for _, draft := range []kalends.Draft{
			{Start: now, End: now.Add(time.Hour)},
			{ID: "evt", Start: now, End: now.Add(-time.Hour)},
		} {
			if _, err := c.Put(t.Context(), alice, "calendar-of-"+alice, draft); kalends.KindOf(err) != kalends.KindInvalid {
				t.Errorf("draft %+v: %v", draft, err)
			}
		}
		if w.Calls("put") != 0 {
			t.Error("it was sent")
		}
	})
}

func TestErrAnAnswerThatIsNoneIsNotSent(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		for _, answer := range []kalends.AttendeeStatus{"", kalends.AttendeeNeedsAction, kalends.AttendeeUnknown, "yes"} {
			if err := c.Respond(t.Context(), alice, "calendar-of-"+alice, "one", answer); kalends.KindOf(err) != kalends.KindInvalid {
				t.Errorf("%q: %v", answer, err)
			}
		}
		if err := c.Respond(t.Context(), alice, "calendar-of-"+alice, "", kalends.AttendeeAccepted); kalends.KindOf(err) != kalends.KindInvalid {
			t.Errorf("no event: %v", err)
		}
		if w.Calls("respond") != 0 {
			t.Error("it was sent")
		}
	})
}

// What an unanswered try may have declined is no longer there: declined. What was
// never there is not.
func TestADeclineWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault  kalends.Kind
		answer kalends.AttendeeStatus
		want   kalends.Kind
	}{
		{kalends.KindUnavailable, kalends.AttendeeDeclined, ""},
		{kalends.KindThrottled, kalends.AttendeeDeclined, kalends.KindNotFound},
		{kalends.KindUnavailable, kalends.AttendeeAccepted, kalends.KindNotFound},
		{"", kalends.AttendeeDeclined, kalends.KindNotFound},
	} {
		bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, client *provider.Client) {
			if c.fault != "" {
				w.Break(memory.Fault{Operation: "respond", Times: 1, Err: failing(c.fault, 0)})
			}
			err := client.Respond(t.Context(), alice, "calendar-of-"+alice, "taken away", c.answer)
			if (err != nil) != (c.want != "") || err != nil && kalends.KindOf(err) != c.want {
				t.Errorf("%s after %q: %v, want %q", c.answer, c.fault, err, c.want)
			}
		})
	}
}

func TestOddEventsAreLeftOut(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		now := time.Now()
		w.Book(alice, kalends.Event{RemoteID: "backwards", Start: now.Add(time.Hour), End: now})
		w.Book(alice, kalends.Event{RemoteID: "odd status", Start: now, End: now.Add(time.Hour), Status: "elsewhere"})
		page, err := c.Changes(t.Context(), provider.ChangesRequest{
			Mailbox: alice, Calendar: "calendar-of-" + alice,
			Window: kalends.Window{Start: now.Add(-24 * time.Hour), End: now.Add(24 * time.Hour)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Events) != 1 || page.Events[0].Status != kalends.StatusUnknown {
			t.Errorf("events = %+v", page.Events)
		}
	})
}

func TestCountersAndLog(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	var log bytes.Buffer
	options := provider.Options{
		Metrics: provider.NewMetrics(registry), Connection: "con_1",
		Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	bubble(t, options, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.Break(memory.Fault{Times: 1, Err: failing(kalends.KindThrottled, 0)})
		_, _ = c.Find(t.Context(), alice)
		_, _ = c.Find(t.Context(), "nobody@musterwerk.example")
	})
	for kind, want := range map[string]float64{"ok": 1, "throttled": 1, "not_found": 1, "unavailable": 0} {
		if got := counted(t, registry, kind); got != want {
			t.Errorf("%v requests counted as %s, want %v", got, kind, want)
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 2 {
		t.Errorf("%d log lines, want one for each call:\n%s", lines, log.String())
	}
	if !strings.Contains(log.String(), `"tries":2`) || !strings.Contains(log.String(), `"kind":"not_found"`) {
		t.Errorf("log = %s", log.String())
	}
}

// counted reads kalends_provider_requests_total{provider="exchange",operation="find",kind=…}.
func counted(t *testing.T, registry *prometheus.Registry, kind string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, pair := range metric.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			if family.GetName() == "kalends_provider_requests_total" && labels["provider"] == "exchange" && labels["operation"] == "find" && labels["kind"] == kind {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestErrWhatADriverCannot(t *testing.T) {
	t.Parallel()
	w := world()
	c := provider.NewClient(struct{ provider.Driver }{w.Driver()}, provider.Options{})
	defer c.Close()
	if _, err := c.Rooms(t.Context()); kalends.KindOf(err) != kalends.KindUnsupported || c.HasRooms() {
		t.Errorf("error = %v, has rooms = %t", err, c.HasRooms())
	}
	if err := c.Respond(t.Context(), alice, "calendar", "one", kalends.AttendeeAccepted); kalends.KindOf(err) != kalends.KindUnsupported || c.CanRespond() {
		t.Errorf("error = %v, can respond = %t", err, c.CanRespond())
	}
}
