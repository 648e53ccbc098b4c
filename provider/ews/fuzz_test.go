package ews_test

import (
	"os"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider/ews"
)

// recorded are seeds: answers of real servers, where they are at hand.
func recorded(f *testing.F) {
	f.Helper()
	for _, file := range recordings(os.Getenv("KALENDS_SCHEMAS")) {
		if text, err := os.ReadFile(file); err == nil {
			f.Add(string(text))
		}
	}
	f.Add(soap(""))
}

var ages = kalends.Window{Start: time.Unix(0, 0), End: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}

func FuzzAnswer(f *testing.F) {
	recorded(f)
	f.Add(`<s:Envelope xmlns:s="x"><s:Body><a ResponseClass="Error"><ResponseCode>E</ResponseCode></a></s:Body></s:Envelope>`)
	f.Add(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`)
	f.Add(`<Items><CalendarItem><ItemId Id="1"/><Start>2027-01-01T00:00:00Z</Start><End>2027-01-02T00:00:00Z</End></CalendarItem></Items>`)
	f.Add("<a>&#x1F;\x0b<![CDATA[x]]></a")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = ews.CodesOf(text)
		_, _ = ews.CodesOf("<a><Body>" + text + "</Body></a>")
		events, _ := ews.Convert(text, ages)
		for _, e := range events {
			if e.End.Before(e.Start) || e.RemoteID == "" {
				t.Errorf("event %+v", e)
			}
		}
	})
}

// Whatever an item says, its details fit: no address of another kind, no endless
// text, and what is written of it is what differs from it.
func FuzzItem(f *testing.F) {
	recorded(f)
	f.Add(`<CalendarItem><ItemId Id="1"/><Body>x</Body><Start>2027-01-01T00:00:00Z</Start><RequiredAttendees><Attendee><Mailbox><EmailAddress>A@b.example</EmailAddress></Mailbox><ResponseType>Accept</ResponseType></Attendee></RequiredAttendees></CalendarItem>`)
	f.Fuzz(func(t *testing.T, text string) {
		event, update, ok := ews.Whole(text, kalends.Draft{ID: "x", Summary: "s", Start: ages.Start, End: ages.End, Zone: "Europe/Berlin"})
		if !ok {
			return
		}
		if len(event.Description) > 64<<10 {
			t.Errorf("%d bytes of text", len(event.Description))
		}
		for _, a := range event.Attendees {
			if a.Email == "" && a.Name == "" || a.Status == "" {
				t.Errorf("attendee %+v", a)
			}
		}
		if _, err := ews.CodesOf("<a><Body>" + update + "</Body></a>"); err != nil {
			t.Errorf("our own update: %v\n%s", err, update)
		}
	})
}

func FuzzAvailability(f *testing.F) {
	recorded(f)
	f.Add(`<FreeBusyView><FreeBusyViewType>MergedOnly</FreeBusyViewType><MergedFreeBusy>0123456x</MergedFreeBusy></FreeBusyView>`)
	f.Add(`<FreeBusyView><CalendarEventArray><CalendarEvent><StartTime>2027-01-01T09:00:00</StartTime><EndTime>2027-01-01T10:00:00</EndTime><BusyType>OOF</BusyType></CalendarEvent></CalendarEventArray></FreeBusyView>`)
	w := kalends.Window{Start: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, text string) {
		for _, i := range ews.Availability(text, w) {
			if !i.Start.Before(i.End) || !w.Overlaps(i.Start, i.End) || i.Status == kalends.StatusFree || i.Key == "" {
				t.Errorf("%+v", i)
			}
		}
	})
}

// A cursor gives back what it was made of, and nothing else is one.
func FuzzCursor(f *testing.F) {
	for _, text := range []string{"", "view-1", "sync-1 0 0 true true 0 =", "sync-1 1 2 true false 3 ~eJw", "sync-1 1 2 x y -1 =", "H4sIAAAA&<>\" \x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, ok := ews.CursorState(text); ok && len(text) < 12 {
			t.Errorf("%q is a cursor", text)
		}
		if state, ok := ews.CursorState(ews.CursorWith(text)); !ok || state != text {
			t.Errorf("%q came back as %q, %t", text, state, ok)
		}
	})
}

// Times and zones of all-day events are dates, whatever stands there.
func FuzzTimes(f *testing.F) {
	f.Add("2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z", "W. Europe Standard Time")
	f.Add("2027-03-28T00:00:00+0100", "2027-03-29T00:00:00.5+0200", "tzone://Microsoft/Custom")
	f.Add("0001-01-01T00:00:00-1400", "9999-12-31T23:59:59+14:00", "Mitteleuropäische Zeit")
	f.Fuzz(func(t *testing.T, start, end, zone string) {
		text := ews.Escape
		events, _ := ews.Convert(`<Items><CalendarItem><ItemId Id="1"/><Start>`+text(start)+`</Start><End>`+text(end)+`</End><IsAllDayEvent>true</IsAllDayEvent><StartTimeZone Id="`+text(zone)+`"/></CalendarItem></Items>`,
			kalends.Window{Start: time.Date(-10000, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)})
		for _, e := range events {
			if e.End.Before(e.Start) || e.Start.Truncate(24*time.Hour) != e.Start || e.End.Truncate(24*time.Hour) != e.End {
				t.Errorf("%v to %v", e.Start, e.End)
			}
		}
	})
}
