package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/zone"
)

// More than any calendar has: what goes on beyond is a driver that turns in circles.
const mostPages = 1000

// reading is what one read of a calendar gave, all its pages together.
type reading struct {
	replaced []kalends.Window            // what is not in taken there is gone
	taken    map[string]kalends.Interval // by key
	dropped  map[string]bool             // keys that are gone
	cursor   string
	pace     provider.Pace // how the other end takes requests, also if the reading failed
}

// read asks for the changes of a calendar until there are no more. Nothing of it
// counts unless all pages came.
func read(ctx context.Context, client *provider.Client, calendarID string, request provider.ChangesRequest) (reading, error) {
	r := reading{taken: map[string]kalends.Interval{}, dropped: map[string]bool{}}
	for range mostPages {
		page, err := client.Changes(ctx, request)
		if err != nil {
			return reading{}, err
		}
		r.add(calendarID, page)
		if !page.More {
			r.cursor = page.Next
			return r, nil
		}
		request.Cursor = page.Next
	}
	return reading{}, kalends.Errorf(kalends.KindInternal, "mirror: more than %d pages of changes", mostPages)
}

func (r *reading) add(calendarID string, page provider.ChangesPage) {
	if page.Full {
		r.replaced = append(r.replaced, page.Replaced...)
	}
	for _, remoteID := range page.Deleted {
		r.drop(Key(calendarID, remoteID))
	}
	for _, event := range page.Events {
		key := Key(calendarID, event.RemoteID)
		r.drop(key)
		if !event.Cancelled && !event.Declined && event.End.After(event.Start) {
			r.taken[key] = interval(key, event)
			delete(r.dropped, key)
		}
	}
}

func (r *reading) drop(key string) {
	delete(r.taken, key)
	r.dropped[key] = true
}

// merge gives what is taken after the reading, from what was taken before it.
// What lies outside the window leaves.
func (r *reading) merge(before []kalends.Interval, window kalends.Window) []kalends.Interval {
	var after []kalends.Interval
	for _, i := range before {
		_, again := r.taken[i.Key]
		if !again && !r.dropped[i.Key] && !r.replaces(i) && window.Overlaps(i.Start, i.End) {
			after = append(after, i)
		}
	}
	for _, i := range r.taken {
		if window.Overlaps(i.Start, i.End) {
			after = append(after, cut(i, window))
		}
	}
	slices.SortFunc(after, func(a, b kalends.Interval) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	return after
}

// cut shortens a stretch that lasts for ages: each month that it touches is a row.
func cut(i kalends.Interval, window kalends.Window) kalends.Interval {
	if first := window.Start.Add(-reach); i.Start.Before(first) {
		i.Start = first
	}
	if last := window.End.Add(reach); i.End.After(last) {
		i.End = last
	}
	return i
}

func (r *reading) replaces(i kalends.Interval) bool {
	return slices.ContainsFunc(r.replaced, func(w kalends.Window) bool { return w.Overlaps(i.Start, i.End) })
}

// Key gives the opaque key of an event's interval in a calendar: stable for the
// same occurrence, and telling nothing about it.
func Key(calendarID, remoteID string) string {
	sum := sha256.Sum256([]byte(calendarID + "\x00" + remoteID))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

func interval(key string, event kalends.Event) kalends.Interval {
	i := kalends.Interval{Start: event.Start.UTC(), End: event.End.UTC(), Status: event.Status, AllDay: event.AllDay, Key: key}
	if event.AllDay {
		i.Start, i.End = dates(event)
	}
	return i
}

// dates gives the days of an all-day event as midnights UTC. Where the event's
// zone is not known, the date whose midnight is nearest to the start is meant:
// right for all zones from UTC-12 to UTC+12.
func dates(event kalends.Event) (start, end time.Time) {
	if location, err := zone.Load(event.Zone); err == nil && event.Zone != "" {
		local := event.Start.In(location)
		if local.Hour() == 0 && local.Minute() == 0 {
			start = time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
		}
	}
	if start.IsZero() {
		start = event.Start.UTC().Add(day / 2).Truncate(day)
	}
	days := event.End.Sub(event.Start).Round(day) / day // a day may have 23 or 25 hours
	return start, start.Add(max(days, 1) * day)
}
