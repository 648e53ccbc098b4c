package store_test

import (
	"testing"
	"time"

	kalends "kalends"
	"kalends/store"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPackedIntervalsComeBack(t *testing.T) {
	t.Parallel()
	statuses := []kalends.FreeBusyStatus{kalends.StatusUnknown, kalends.StatusBusy, kalends.StatusTentative, kalends.StatusFree}
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Custom(func(t *rapid.T) kalends.Interval {
			start := time.Unix(rapid.Int64Range(-1<<33, 1<<35).Draw(t, "start"), 0).UTC()
			return kalends.Interval{
				Start: start, End: start.Add(time.Duration(rapid.Int64Range(0, 1<<26).Draw(t, "length")) * time.Second),
				Status: rapid.SampledFrom(statuses).Draw(t, "status"), AllDay: rapid.Bool().Draw(t, "all day"),
				Key: rapid.StringN(0, 20, 40).Draw(t, "key"),
			}
		})).Draw(t, "intervals")
		got, err := store.UnpackBusy(store.PackBusy(want))
		if err != nil {
			t.Fatal(err)
		}
		if len(want) > 0 && !cmp.Equal(got, want) {
			t.Fatal(cmp.Diff(want, got))
		}
	})
}

func TestAnIntervalStandsInEveryMonthItTouches(t *testing.T) {
	t.Parallel()
	at := func(month time.Month, day int) time.Time { return time.Date(2027, month, day, 0, 0, 0, 0, time.UTC) }
	months := store.PackMonths([]kalends.Interval{
		{Start: at(1, 30), End: at(3, 1), Key: "over February"},
		{Start: at(3, 31), End: at(4, 1), Key: "to the end of March"},
	})
	want := map[string]int{"2027-01": 1, "2027-02": 1, "2027-03": 1}
	for month, packed := range months {
		intervals, err := store.UnpackBusy(packed)
		if err != nil || len(intervals) != want[month] {
			t.Errorf("%s: %d intervals, want %d (%v)", month, len(intervals), want[month], err)
		}
	}
	if len(months) != len(want) {
		t.Errorf("months = %v", months)
	}
}

func TestPackedIntervalsAreSmall(t *testing.T) {
	t.Parallel()
	var intervals []kalends.Interval
	for i := range 200 {
		start := time.Date(2027, 2, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(i) * 2 * time.Hour)
		intervals = append(intervals, kalends.Interval{Start: start, End: start.Add(30 * time.Minute), Status: kalends.StatusBusy, Key: "abcdefghijkl"})
	}
	if size := len(store.PackBusy(intervals)); size > 200*28 {
		t.Errorf("200 intervals take %d bytes", size)
	}
}

func FuzzUnpackBusy(f *testing.F) {
	f.Add("")
	f.Add("AQ")
	f.Add(store.PackBusy([]kalends.Interval{{Start: time.Unix(1, 0), End: time.Unix(2, 0), Key: "k"}}))
	f.Fuzz(func(t *testing.T, text string) {
		intervals, err := store.UnpackBusy(text)
		if err != nil {
			return
		}
		again, err := store.UnpackBusy(store.PackBusy(intervals))
		if err != nil || len(again) != len(intervals) {
			t.Errorf("%d intervals, then %d (%v)", len(intervals), len(again), err)
		}
	})
}
