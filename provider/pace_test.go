package provider_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/provider/memory"
)

// throttle has the next requests put off, n of them, and makes them one by one.
func throttle(t *testing.T, w *memory.World, c *provider.Client, n int, after time.Duration) {
	t.Helper()
	w.Break(memory.Fault{Times: n, Err: failing(kalends.KindThrottled, after)})
	for range n {
		_, _ = c.Find(t.Context(), alice)
	}
}

func TestPaceTellsOfLastingThrottlingOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		times int
		after time.Duration
		held  bool
	}{
		"two in a row":                   {2, time.Minute, false},
		"three that ask for a moment":    {3, 2 * time.Second, false},
		"three that ask for a minute":    {3, time.Minute, true},
		"a moment, asked for repeatedly": {6, 2 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, provider.Options{Tries: 1}, func(t *testing.T, w *memory.World, client *provider.Client) {
				throttle(t, w, client, c.times, c.after)
				until := client.Pace().Until
				if until.IsZero() == c.held {
					t.Fatalf("until = %v, want one: %t", until, c.held)
				}
				if c.held && !until.Equal(time.Now().Add(c.after)) {
					t.Errorf("until = %v, want %v from now", until, c.after)
				}
			})
		})
	}
}

func TestPaceEndsWithTheFirstAnswerAfterThePause(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{Tries: 1}, func(t *testing.T, w *memory.World, c *provider.Client) {
		throttle(t, w, c, 3, 20*time.Second)
		until := c.Pace().Until
		time.Sleep(25 * time.Second)
		if c.Pace().Until != until {
			t.Error("time alone ended it")
		}
		if _, err := c.Find(t.Context(), "nobody@musterwerk.example"); kalends.KindOf(err) != kalends.KindNotFound {
			t.Fatal(err)
		}
		if p := c.Pace(); !p.Until.IsZero() || !p.Answered.Equal(time.Now()) {
			t.Errorf("after an answer: %+v", p)
		}
	})
}

// An answer that comes during a pause belongs to a request from before.
func TestPaceIsNotEndedByWhatWasUnderWay(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{Tries: 1}, func(t *testing.T, w *memory.World, c *provider.Client) {
		hang := make(chan struct{})
		w.Break(memory.Fault{Mailbox: "bob@musterwerk.example", Times: 1, Hang: hang})
		var slow sync.WaitGroup
		slow.Go(func() { _, _ = c.Find(t.Context(), "bob@musterwerk.example") })
		synctest.Wait()
		throttle(t, w, c, 3, 20*time.Second)
		close(hang)
		slow.Wait()
		if c.Pace().Until.IsZero() {
			t.Error("it ended early")
		}
	})
}

func TestAfterAPauseOneRequestTriesForAll(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{Tries: 1}, func(t *testing.T, w *memory.World, c *provider.Client) {
		throttle(t, w, c, 3, 20*time.Second)
		time.Sleep(20 * time.Second)
		before := w.Calls("find")
		w.SetLatency(time.Second)
		w.Break(memory.Fault{Times: 1, Err: failing(kalends.KindThrottled, time.Minute)})
		emails := w.Staff(12)
		var all sync.WaitGroup
		for _, email := range emails {
			all.Go(func() {
				if _, err := c.Find(t.Context(), email); kalends.KindOf(err) != kalends.KindThrottled {
					t.Errorf("%s: %v", email, err)
				}
			})
		}
		all.Wait()
		if sent := w.Calls("find") - before; sent != 1 {
			t.Errorf("%d requests were sent, want one", sent)
		}
		if left := time.Until(c.Pace().Until); left != time.Minute {
			t.Errorf("held for %v more, want a minute", left)
		}
	})
}

// Who waits out a pause for too long was throttled: it says nothing about the server.
func TestErrTimeRanOutInAPause(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{Tries: 1}, func(t *testing.T, w *memory.World, c *provider.Client) {
		throttle(t, w, c, 3, 25*time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var all sync.WaitGroup
		for range 3 { // one sits it out, the others wait for their turn
			all.Go(func() {
				_, err := c.Find(ctx, alice)
				if kalends.KindOf(err) != kalends.KindThrottled || kalends.RetryAfter(err) != 20*time.Second || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error = %v, after %v", err, kalends.RetryAfter(err))
				}
			})
		}
		all.Wait()
	})
}

func TestErrThrottledSaysUntilWhen(t *testing.T) {
	t.Parallel()
	bubble(t, provider.Options{}, func(t *testing.T, w *memory.World, c *provider.Client) {
		w.Break(memory.Fault{Times: 1, Err: failing(kalends.KindThrottled, time.Hour)})
		_, err := c.Find(t.Context(), alice)
		cause := kalends.CauseOf(err)
		if cause == nil || cause.Key != kalends.CauseThrottled || cause.Facts["until"] != time.Now().Add(time.Hour).UTC().Format(time.RFC3339) {
			t.Errorf("cause = %+v", cause)
		}
	})
}

func TestNextPaceChangesRarely(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 2, 1, 8, 0, 0, 0, time.UTC)
	in := func(seconds int) time.Time { return now.Add(time.Duration(seconds) * time.Second) }
	for name, c := range map[string]struct {
		pace  provider.Pace
		known time.Time
		until time.Time
		news  bool
	}{
		"nothing":                         {},
		"held":                            {provider.Pace{Until: in(60)}, time.Time{}, in(60), true},
		"held for a moment again":         {provider.Pace{Until: in(1)}, time.Time{}, in(10), true},
		"known":                           {provider.Pace{Until: in(60)}, in(60), in(60), false},
		"still known, asked for less":     {provider.Pace{Until: in(1)}, in(8), in(8), false},
		"known to others, answered early": {provider.Pace{Answered: now}, in(8), in(8), false},
		"nobody was asked since":          {provider.Pace{Until: in(-1), Answered: in(-90)}, in(-1), in(-1), false},
		"answered since":                  {provider.Pace{Answered: now}, in(-1), time.Time{}, true},
	} {
		until, news := c.pace.Next(c.known, now)
		if !until.Equal(c.until) || news != c.news {
			t.Errorf("%s: %v %t, want %v %t", name, until, news, c.until, c.news)
		}
	}
}
