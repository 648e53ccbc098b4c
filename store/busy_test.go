package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	kalends "kalends"
	"kalends/db"
	"kalends/store"
)

// drawIntervals draws intervals of up to three months around a turn of the
// year, ordered as they are given back, each with a key of its own.
func drawIntervals(t *rapid.T, label string) []kalends.Interval {
	begin := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	statuses := []kalends.FreeBusyStatus{kalends.StatusBusy, kalends.StatusTentative, kalends.StatusFree, kalends.StatusUnknown}
	draw := rapid.Custom(func(t *rapid.T) kalends.Interval {
		start := begin.Add(time.Duration(rapid.IntRange(0, 120*24*4).Draw(t, "quarter")) * 15 * time.Minute)
		length := rapid.OneOf(rapid.IntRange(1, 12), rapid.IntRange(1, 9000), rapid.Just(0)).Draw(t, "length")
		return kalends.Interval{
			Start: start, End: start.Add(time.Duration(length) * 15 * time.Minute), Status: rapid.SampledFrom(statuses).Draw(t, "status"),
			AllDay: rapid.Bool().Draw(t, "all day"), Key: rapid.StringN(1, 12, 40).Draw(t, "key"),
		}
	})
	list := rapid.SliceOfNDistinct(draw, 0, 40, func(i kalends.Interval) string { return i.Key }).Draw(t, label)
	slices.SortFunc(list, func(a, b kalends.Interval) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	return list
}

func TestPackedIntervalsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawIntervals(t, "intervals")
		got, err := store.UnpackBusy(store.PackBusy(want))
		if diff := cmp.Diff(want, got); err != nil || len(want)+len(got) > 0 && diff != "" {
			t.Fatalf("%v, -want +got\n%s", err, diff)
		}
	})
}

func TestPackedIntervalsAreSmall(t *testing.T) {
	t.Parallel()
	var list []kalends.Interval
	for i := range 200 {
		start := time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC).Add(time.Duration(i) * 3 * time.Hour)
		list = append(list, kalends.Interval{Start: start, End: start.Add(time.Hour), Status: kalends.StatusBusy, Key: "0123456789ab"})
	}
	if n := len(store.PackBusy(list)); n > 200*28 {
		t.Errorf("%d bytes for 200 intervals", n)
	}
}

// What is stored is what is read, whatever was stored before, and whichever
// window looks at it: nothing is lost, doubled or merged at the end of a month.
func TestBusyTimeIsReadAsItWasWritten(t *testing.T) {
	each(t, func(h *home) {
		c := h.calendar(h.account("acc_1", "a@musterwerk.example", h.connection("con_1").ID))
		other := h.calendar(h.account("acc_2", "b@musterwerk.example", "con_1"))
		h.write(func(tx *db.Tx) error {
			return h.s.ReplaceBusy(ctx, tx, other.ID, []kalends.Interval{{Start: h.clock.now(), End: h.clock.now().Add(time.Hour), Status: kalends.StatusBusy, Key: "other"}})
		})
		rapid.Check(h.T, func(t *rapid.T) {
			for _, label := range []string{"first", "second"} {
				list := drawIntervals(t, label)
				if err := h.db.WriteRelaxed(ctx, func(tx *db.Tx) error { return h.s.ReplaceBusy(ctx, tx, c.ID, list) }); err != nil {
					t.Fatal(err)
				}
				day := rapid.IntRange(-5, 130).Draw(t, "day")
				start := time.Date(2026, 11, 20+day, 7, 0, 0, 0, time.UTC)
				window := kalends.Window{Start: start, End: start.AddDate(0, 0, rapid.IntRange(1, 70).Draw(t, "days"))}
				compareBusy(t, h, c.ID, list, window)
			}
		})
	})
}

func compareBusy(t *rapid.T, h *home, id string, list []kalends.Interval, window kalends.Window) {
	var all, want []kalends.Interval
	for _, i := range list {
		all = append(all, i)
		if window.Overlaps(i.Start, i.End) {
			want = append(want, i)
		}
	}
	err := h.db.Read(ctx, func(tx *db.Tx) error {
		busy, err := h.s.Busy(ctx, tx, []string{id}, window)
		if diff := cmp.Diff(want, busy[id]); diff != "" {
			t.Fatalf("window %v, -want +got\n%s", window, diff)
		}
		if err != nil {
			return err
		}
		stored, err := h.s.AllBusy(ctx, tx, id)
		if diff := cmp.Diff(all, stored); diff != "" {
			t.Fatalf("all, -want +got\n%s", diff)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func FuzzUnpackBusy(f *testing.F) {
	at := time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC)
	f.Add(store.PackBusy([]kalends.Interval{{Start: at, End: at.Add(time.Hour), Status: kalends.StatusBusy, Key: "k"}, {Start: at, End: at.Add(24 * time.Hour), AllDay: true, Status: kalends.StatusTentative, Key: ""}}))
	for _, seed := range []string{"", "AQ", "AAAA", "AQD//////////w8B", "AQAAAP////8P", "!"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := store.UnpackBusy(text)
		if err != nil {
			return
		}
		again, err := store.UnpackBusy(store.PackBusy(list))
		if diff := cmp.Diff(list, again); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	})
}
