package sandbox_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kalends/sandbox"
)

func TestSeries(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	cases := []struct {
		name, start string
		rule        sandbox.Rule
		want        []string
	}{
		{"daily across the change of clocks", "2026-03-28T08:00:00Z", sandbox.Rule{Freq: "daily", Interval: 1, Count: 3}, []string{"2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z"}},
		{"every second week on two days", "2026-11-24T08:00:00Z", sandbox.Rule{Freq: "weekly", Interval: 2, Days: []time.Weekday{1, 2}, Count: 3}, []string{"2026-11-24T08:00:00Z", "2026-12-07T08:00:00Z", "2026-12-08T08:00:00Z"}},
		{"the 31st is the last day", "2026-01-31T08:00:00Z", sandbox.Rule{Freq: "monthly", Interval: 1, MonthDay: 31, Count: 3}, []string{"2026-01-31T08:00:00Z", "2026-02-28T08:00:00Z", "2026-03-31T07:00:00Z"}},
		{"last Friday", "2026-11-27T08:00:00Z", sandbox.Rule{Freq: "monthly_nth", Interval: 1, Nth: 5, Days: []time.Weekday{5}, Until: at("2026-12-31T00:00:00Z")}, []string{"2026-11-27T08:00:00Z", "2026-12-25T08:00:00Z"}},
		{"yearly", "2026-07-01T08:00:00Z", sandbox.Rule{Freq: "yearly", Interval: 1, Month: 7, MonthDay: 1, Count: 2}, []string{"2026-07-01T08:00:00Z", "2027-07-01T08:00:00Z"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			item := sandbox.Item{Start: at(c.start), End: at(c.start).Add(time.Hour), Zone: "Europe/Berlin", Rule: &c.rule}
			var got []string
			item.Occurrences(func(o sandbox.Occurrence) bool {
				got = append(got, o.Item.Start.UTC().Format(time.RFC3339))
				return true
			})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
