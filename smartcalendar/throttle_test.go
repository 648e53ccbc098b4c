package smartcalendar_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/cronofy"
	"kalends/internal/tools/browser"
	"kalends/provider/memory"
)

// throttles has the calendar system put off all requests, for some time each, until
// it is healed.
func (h *town) throttles(each time.Duration) {
	h.world.Break(memory.Fault{Err: &kalends.Error{Kind: kalends.KindThrottled, After: each}})
}

// saysThrottled lets time pass until the company's calendar is known to be kept
// waiting, from now on.
func (h *town) saysThrottled() {
	h.t.Helper()
	h.until("the throttling is known", func() bool {
		h.later(100 * time.Millisecond)
		until, known := h.throttledUntil()
		return known && until.After(h.now())
	})
}

// throttledUntil is what Smart Calendar knows of it.
func (h *town) throttledUntil() (until time.Time, known bool) {
	h.t.Helper()
	var connections []cronofy.Connection
	must(h.t, json.Unmarshal([]byte(h.text("SELECT connections FROM sc_calendars")), &connections))
	for _, c := range connections {
		if c.Cause != nil && c.Cause.Key == string(kalends.CauseThrottled) {
			until, _ = time.Parse(time.RFC3339, c.Cause.Facts["until"])
			return until, true
		}
	}
	return time.Time{}, false
}

func TestThrottlingIsShownAndHarmsNobody(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		t.Helper()
		h.lives("Berta", "Carla", "Dora", "Emil")
		h.throttles(time.Minute)
		if a := h.browser.post(t, "/settings/calendar/resync"); a.status != http.StatusSeeOther {
			t.Fatalf("resync answers %d", a.status)
		}
		h.saysThrottled()
		page := h.browser.page(t, "/settings/calendar")
		for _, want := range []string{"Waiting for Exchange.", "goes on by itself", "/help/troubleshooting#throttled", "connected · Exchange"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
		if strings.Contains(page, "is-error") || strings.Contains(page, "does not answer") {
			t.Error("the page is alarmed")
		}
		if page := h.browser.page(t, h.person("berta@musterwerk.example")); !strings.Contains(page, "The calendar system is limiting our requests until ") {
			t.Error("the person's page does not say it")
		}
		h.harmed("")
		h.world.Heal()
		h.later(time.Minute)
		h.finished()
		h.until("it is over", func() bool {
			h.later(100 * time.Millisecond)
			_, known := h.throttledUntil()
			return !known
		})
		h.harmed("")
		if page := h.browser.page(t, "/settings/calendar"); strings.Contains(page, "slowing us down") {
			t.Error("the page still says it")
		}
	})
}

// harmed fails for everybody who is in error, and for alarms.
func (h *town) harmed(what string) {
	h.t.Helper()
	if n := h.count("sc_links WHERE status IN ('error', 'waiting', 'none') OR cause_key <> ''"); n != 0 {
		h.t.Errorf("%d people suffer%s", n, what)
	}
	if status := h.text("SELECT status FROM sc_calendars"); status != "connected" {
		h.t.Errorf("the calendar is %s%s", status, what)
	}
	if n := h.count("sc_history WHERE action LIKE 'calendar.%' AND action NOT IN ('calendar.connected')"); n != 0 {
		h.t.Errorf("%d alarms%s", n, what)
	}
}

// Hours of throttling during a run never look like a service that does not answer.
func TestErrARunThatIsThrottledForHoursGivesNobodyUp(t *testing.T) {
	t.Parallel()
	h := newTown(t)
	h.lives("Berta", "Carla", "Dora")
	h.throttles(time.Minute)
	h.browser.post(t, "/settings/calendar/resync")
	h.saysThrottled()
	for range 12 {
		before := h.number("SELECT max(due_at) FROM sc_links")
		h.later(2*time.Minute + time.Second)
		h.until("the hub is asked again", func() bool { return h.number("SELECT max(due_at) FROM sc_links") > before })
		h.saysThrottled()
		h.harmed(" while it lasts")
	}
}

const watchShifts = `(window.shift = 0, new PerformanceObserver(list => list.getEntries().forEach(
	e => { if (!e.hadRecentInput) window.shift += e.value })).observe({type: "layout-shift"}), true)`

func TestThrottlingComesAndGoesCalmlyOnThePage(t *testing.T) {
	t.Parallel()
	needAssets(t)
	b, h := browser.Start(t), newTown(t)
	h.lives("Berta", "Carla", "Dora", "Emil")
	says := map[string][3]string{
		"":   {"Exchange bremst unsere Anfragen.", "Wir warten auf Exchange.", "Letzte Synchronisierung"},
		"en": {"Exchange is slowing us down.", "Waiting for Exchange.", "Last sync"},
	}
	windows := []window{
		h.visit(b, "ada@musterwerk.example", browser.Options{Width: 390}),
		h.visit(b, "ada@musterwerk.example", browser.Options{Width: 1280, Lang: "en"}),
	}
	for _, w := range windows {
		w.Go(h.appServer.URL + "/settings/calendar")
		w.See(says[w.o.Lang][2])
		w.Wait(watchShifts)
	}
	h.throttles(6 * time.Second)
	for _, w := range windows {
		w.See(says[w.o.Lang][0])
		w.Wait(`window.shift === 0`)
		w.calm(t, "throttled")
	}
	h.browser.post(t, "/settings/calendar/resync")
	for _, w := range windows {
		w.See(says[w.o.Lang][1])
		w.calm(t, "a run that is throttled")
	}
	h.world.Heal()
	for _, w := range windows {
		w.See(says[w.o.Lang][2])
	}
}

// calm fails for what axe finds, and for what is wider than the window.
func (w window) calm(t *testing.T, what string) {
	t.Helper()
	for _, violation := range w.Axe() {
		t.Errorf("%s %+v: %s", what, w.o, violation)
	}
	if wide := w.Overflows(); wide > 0 {
		t.Errorf("%s %+v: %d px wider than the window", what, w.o, wide)
	}
}
