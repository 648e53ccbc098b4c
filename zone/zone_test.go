package zone_test

import (
	"errors"
	"testing"
	"time"

	"kalends/zone"
)

func TestWallInstant(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, zone string
		wall       zone.Wall
		want       string
	}{
		{"winter", "Europe/Berlin", zone.Wall{2026, 1, 15, 9, 0, 0}, "2026-01-15T08:00:00Z"},
		{"summer", "Europe/Berlin", zone.Wall{2026, 7, 15, 9, 0, 0}, "2026-07-15T07:00:00Z"},
		{"gap uses the offset before", "Europe/Berlin", zone.Wall{2026, 3, 29, 2, 30, 0}, "2026-03-29T01:30:00Z"},
		{"overlap is the first one", "Europe/Berlin", zone.Wall{2026, 10, 25, 2, 30, 0}, "2026-10-25T00:30:00Z"},
		{"gap in New York", "America/New_York", zone.Wall{2007, 3, 11, 2, 30, 0}, "2007-03-11T07:30:00Z"},
		{"overlap in New York", "America/New_York", zone.Wall{2007, 11, 4, 1, 30, 0}, "2007-11-04T05:30:00Z"},
		{"half an hour in Lord Howe, gap", "Australia/Lord_Howe", zone.Wall{2026, 10, 4, 2, 15, 0}, "2026-10-03T15:45:00Z"},
		{"just after the gap", "Europe/Berlin", zone.Wall{2026, 3, 29, 3, 0, 0}, "2026-03-29T01:00:00Z"},
		{"midnight does not occur in Cairo", "Africa/Cairo", zone.Wall{2026, 4, 24, 0, 0, 0}, "2026-04-23T22:00:00Z"},
		{"days carry over", "UTC", zone.Wall{2026, 2, 30, 0, 0, 0}, "2026-03-02T00:00:00Z"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			location, err := zone.Load(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.wall.Instant(location).UTC().Format(time.RFC3339); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestWallRoundTrip(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		location, err := zone.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		instant := time.Date(2026, 1, 1, 0, 7, 0, 0, time.UTC)
		for range 24 * 365 {
			instant = instant.Add(time.Hour)
			wall := zone.ReadWall(instant, location)
			back := wall.Instant(location)
			if zone.ReadWall(back, location) != wall || back.After(instant) {
				t.Fatalf("%s %s: wall %v came back as %s", name, instant, wall, back)
			}
		}
	}
}

func TestWindowsNames(t *testing.T) {
	t.Parallel()
	cases := []struct{ windows, territory, iana string }{
		{"W. Europe Standard Time", "", "Europe/Berlin"},
		{"w. europe standard time", "AT", "Europe/Vienna"},
		{"GMT Standard Time", "", "Europe/London"},
		{"Eastern Standard Time", "", "America/New_York"},
		{"UTC", "", "Etc/UTC"},
		{"Mitteleuropäische Zeit", "", "Europe/Berlin"},
	}
	for _, c := range cases {
		if got, ok := zone.FromWindows(c.windows, c.territory); !ok || got != c.iana {
			t.Errorf("FromWindows(%q, %q) = %q, %v; want %q", c.windows, c.territory, got, ok, c.iana)
		}
	}
	for iana, want := range map[string]string{
		"Europe/Berlin": "W. Europe Standard Time", "Europe/Zurich": "W. Europe Standard Time",
		"Asia/Calcutta": "India Standard Time", "Asia/Kolkata": "India Standard Time",
		"UTC": "UTC", "Europe/Kyiv": "FLE Standard Time", "Europe/London": "GMT Standard Time",
	} {
		if got, ok := zone.ToWindows(iana); !ok || got != want {
			t.Errorf("ToWindows(%q) = %q, %v; want %q", iana, got, ok, want)
		}
	}
}

func TestEveryWindowsNameLoads(t *testing.T) {
	t.Parallel()
	names := zone.WindowsNames()
	if len(names) < 130 {
		t.Fatalf("only %d names: the table is cut", len(names))
	}
	for _, name := range names {
		if _, err := zone.Load(name); err != nil {
			t.Error(err)
		}
		iana, _ := zone.FromWindows(name, "")
		if back, ok := zone.ToWindows(iana); !ok || back != name {
			t.Errorf("%s -> %s -> %s", name, iana, back)
		}
	}
}

func TestErrLoadUnknown(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Local", "Mars/Olympus", "../etc/passwd"} {
		if _, err := zone.Load(name); !errors.Is(err, zone.ErrUnknown) {
			t.Errorf("Load(%q) gave %v", name, err)
		}
	}
}

func TestMidnight(t *testing.T) {
	t.Parallel()
	berlin, _ := zone.Load("Europe/Berlin")
	got := zone.Midnight(time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC), berlin)
	if want := time.Date(2026, 3, 28, 23, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("got %s", got)
	}
}
