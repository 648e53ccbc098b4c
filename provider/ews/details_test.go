package ews_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// Bodies, the invited with their answers and the organiser's address come with the
// details, in every version; a room that answers later shows when it has.
func TestDetailsTellWhoAnswered(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			c := musterwerkWith(t, ewsfake.Options{Version: server})
			world := c.server.World()
			world.SetMail(sandbox.Mail{Held: true})
			host, guest := c.healthyPeople()[4].Email, c.healthyPeople()[5].Email
			room := world.Recipients(func(r *sandbox.Recipient) bool { return r.Kind == sandbox.Room && !r.Planted })[0].Email
			f := c.follow(t, host)
			f.request.Details = true
			start := f.request.Window.Start.AddDate(0, 0, 150).Add(20 * time.Hour)
			draft := kalends.Draft{ID: "talk", Summary: "Gespräch", Description: "Zeile eins\nZeile zwei", Start: start, End: start.Add(time.Hour), Invite: true, Attendees: []kalends.Attendee{
				{Email: guest, Name: "Gast"}, {Email: "extern@example.net", Optional: true}, {Email: room, Resource: true},
			}}
			if _, err := f.driver.Put(t.Context(), host, f.request.Calendar, draft); err != nil {
				t.Fatal(err)
			}
			answers := func() string {
				page, _ := f.read(t)
				at := slices.IndexFunc(page.Events, func(e kalends.Event) bool { return e.Start.Equal(start) })
				if at < 0 {
					t.Fatal("not there")
				}
				e := page.Events[at]
				if strings.Join(strings.Fields(e.Description), " ") != "Zeile eins Zeile zwei" || e.Organizer.Email != host || e.DraftID != "talk" {
					t.Errorf("%+v", e)
				}
				var list []string
				for _, a := range e.Attendees {
					list = append(list, fmt.Sprintf("%s %s %t %t", a.Email, a.Status, a.Optional, a.Resource))
				}
				return strings.Join(list, ", ")
			}
			if got, want := answers(), guest+" needs_action false false, extern@example.net needs_action true false, "+room+" needs_action false true"; got != want {
				t.Errorf("at first %s", got)
			}
			world.Settle()
			item := world.View(of(t, world, guest), start, start.Add(time.Hour))
			if err := world.Respond(of(t, world, guest), item[0].Item.ID, "Tentative"); err != nil {
				t.Fatal(err)
			}
			world.Settle()
			if got, want := answers(), guest+" tentative false false, extern@example.net needs_action true false, "+room+" accepted false true"; got != want {
				t.Errorf("later %s", got)
			}
		})
	}
}

func of(t *testing.T, world *sandbox.World, email string) *sandbox.Recipient {
	t.Helper()
	return outlook{world}.of(t, email)
}

var idsOf = regexp.MustCompile(`<t:ItemId Id="([^"]+)"`)

// batches is a calendar of so many events, whose items answer as told by id.
type batches struct {
	items map[string]string // id -> response code; "" = fine
	asked [][]string
}

func (b *batches) view(ids []string) func(string) (int, string) {
	return func(string) (int, string) {
		var items []string
		for n, id := range ids {
			at := year.Start.Add(time.Duration(n) * time.Hour)
			items = append(items, item(id, at, at.Add(time.Hour), "<t:Subject>"+id+"</t:Subject>"))
		}
		return found(true, items...)
	}
}

// stops are errors after which Exchange does not try the rest of a batch.
var stops = []string{"ErrorTimeoutExpired", "ErrorServerBusy", "ErrorInternalServerTransientError"}

func (b *batches) get(request string) (int, string) {
	var ids []string
	var out strings.Builder
	stopped := false
	for _, m := range idsOf.FindAllStringSubmatch(request, -1) {
		ids = append(ids, m[1])
		code := b.items[m[1]]
		switch {
		case stopped:
			out.WriteString(`<m:GetItemResponseMessage ResponseClass="Warning"><m:ResponseCode>ErrorBatchProcessingStopped</m:ResponseCode><m:Items/></m:GetItemResponseMessage>`)
		case code == "":
			out.WriteString(`<m:GetItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Items><t:CalendarItem><t:ItemId Id="` + m[1] + `"/><t:Body BodyType="Text">body of ` + m[1] + `</t:Body></t:CalendarItem></m:Items></m:GetItemResponseMessage>`)
		default:
			stopped = slices.Contains(stops, code)
			out.WriteString(`<m:GetItemResponseMessage ResponseClass="Error"><m:ResponseCode>` + code + `</m:ResponseCode><m:Items/></m:GetItemResponseMessage>`)
		}
	}
	b.asked = append(b.asked, ids)
	return http.StatusOK, `<m:GetItemResponse><m:ResponseMessages>` + out.String() + `</m:ResponseMessages></m:GetItemResponse>`
}

func (b *batches) read(t *testing.T, count int) (map[string]string, error) {
	t.Helper()
	var ids []string
	for n := range count {
		ids = append(ids, fmt.Sprintf("i%02d", n))
	}
	n := newInternet(t)
	n.host(t, mailHost, script{"FindItem": b.view(ids), "GetItem": b.get}.ServeHTTP)
	page, err := n.open(t, "version", "Exchange2013_SP1").Changes(t.Context(), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year, Details: true})
	told := map[string]string{}
	for _, e := range page.Events {
		told[e.RemoteID] = e.Description
	}
	return told, err
}

// One item that cannot be read hides no other one.
func TestOneBadItemHidesNoOther(t *testing.T) {
	t.Parallel()
	for code, there := range map[string]bool{
		"ErrorItemNotFound": false, "ErrorItemCorrupt": true, "ErrorOfTheFuture": true, "ErrorTimeoutExpired": true, "ErrorInternalServerTransientError": true, "ErrorAccessDenied": true,
	} {
		for _, bad := range []string{"i00", "i04", "i09", "i22"} {
			b := &batches{items: map[string]string{bad: code}}
			told, err := b.read(t, 23)
			if err != nil {
				t.Errorf("%s at %s: %v", code, bad, err)
				continue
			}
			if description, is := told[bad]; is != there || description != "" {
				t.Errorf("%s at %s: there %t, %q", code, bad, is, description)
			}
			delete(told, bad)
			for id, description := range told {
				if description != "body of "+id {
					t.Errorf("%s at %s: %s says %q", code, bad, id, description)
				}
			}
			if len(told) != 22 || len(b.asked) > 4 || len(b.asked[0]) != 10 {
				t.Errorf("%s at %s: %d events, batches %v", code, bad, len(told), b.asked)
			}
		}
	}
}

// What concerns the whole mailbox is told.
func TestErrAllItems(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]kalends.Kind{"ErrorServerBusy": kalends.KindThrottled, "ErrorMailboxMoveInProgress": kalends.KindUnavailable, "ErrorMailboxStoreUnavailable": kalends.KindUnavailable} {
		for _, count := range []int{1, 15} {
			b := &batches{items: map[string]string{"i00": code}}
			if _, err := b.read(t, count); kalends.KindOf(err) != kind {
				t.Errorf("%s of %d: %v", code, count, err)
			}
		}
	}
}

// Hundreds of occurrences of one series cost one item.
func TestASeriesSpeaksOnce(t *testing.T) {
	t.Parallel()
	var items []string
	for n := range 200 {
		at := year.Start.Add(time.Duration(n) * 24 * time.Hour)
		kind := "Occurrence"
		if n == 100 {
			kind = "Exception"
		}
		items = append(items, item(fmt.Sprintf("o%03d", n), at, at.Add(time.Hour), "<t:UID>series</t:UID><t:CalendarItemType>"+kind+"</t:CalendarItemType>"))
	}
	b := &batches{items: map[string]string{}}
	n := newInternet(t)
	n.host(t, mailHost, script{"FindItem": func(string) (int, string) { return found(true, items...) }, "GetItem": b.get}.ServeHTTP)
	page, err := n.open(t, "version", "Exchange2013_SP1").Changes(t.Context(), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year, Details: true})
	if err != nil || len(page.Events) != 200 || len(b.asked) != 1 || len(b.asked[0]) != 2 {
		t.Fatalf("%d events, batches %v, %v", len(page.Events), b.asked, err)
	}
	for n, e := range page.Events {
		want := "body of o000"
		if n == 100 {
			want = "body of o100"
		}
		if e.Description != want || e.SeriesID != "series" || n != 100 && !e.OriginalStart.Equal(e.Start) {
			t.Errorf("%+v", e)
		}
	}
}

// What only some events have: where they meet online, and when the series has them.
func TestDetailsOfSomeEvents(t *testing.T) {
	t.Parallel()
	at := year.Start.Add(9 * time.Hour)
	n := newInternet(t)
	n.host(t, mailHost, script{
		"FindItem": func(string) (int, string) {
			return found(true, item("moved", at, at.Add(time.Hour), "<t:UID>series</t:UID><t:CalendarItemType>Exception</t:CalendarItemType>"),
				item("hidden", at, at.Add(time.Hour), "<t:Sensitivity>Private</t:Sensitivity>"))
		},
		"GetItem": func(request string) (int, string) {
			if strings.Contains(request, "hidden") {
				t.Error("asked for somebody's private event")
			}
			return success("GetItem", `<m:Items><t:CalendarItem><t:ItemId Id="moved"/><t:Body BodyType="Text">`+strings.Repeat("ä", 50_000)+`</t:Body><t:OriginalStart>2027-01-02T08:00:00Z</t:OriginalStart>`+
				`<t:Organizer><t:Mailbox><t:Name>Anna</t:Name><t:EmailAddress>Anna@`+domain+`</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType></t:Mailbox></t:Organizer>`+
				`<t:RequiredAttendees><t:Attendee><t:Mailbox><t:Name>Alt</t:Name><t:EmailAddress>/O=X/CN=ALT</t:EmailAddress><t:RoutingType>EX</t:RoutingType></t:Mailbox><t:ResponseType>OfTheFuture</t:ResponseType></t:Attendee><t:Attendee/></t:RequiredAttendees>`+
				`<t:JoinOnlineMeetingUrl>https://meet.`+domain+`/x</t:JoinOnlineMeetingUrl></t:CalendarItem></m:Items>`)
		},
	}.ServeHTTP)
	page, err := n.open(t, "version", "Exchange2013_SP1").Changes(t.Context(), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year, Details: true})
	if err != nil || len(page.Events) != 2 {
		t.Fatalf("%d events, %v", len(page.Events), err)
	}
	e := page.Events[0]
	if e.MeetingURL != "https://meet."+domain+"/x" || !e.OriginalStart.Equal(time.Date(2027, 1, 2, 8, 0, 0, 0, time.UTC)) || e.SeriesID != "series" || e.Organizer.Email != "anna@"+domain {
		t.Errorf("%+v", e)
	}
	if len(e.Description) != 64<<10 || len(e.Attendees) != 1 || e.Attendees[0].Email != "" || e.Attendees[0].Status != kalends.AttendeeUnknown {
		t.Errorf("%d bytes, %+v", len(e.Description), e.Attendees)
	}
	if hidden := page.Events[1]; hidden.Summary+hidden.Description != "" || hidden.Status != kalends.StatusBusy {
		t.Errorf("%+v", hidden)
	}
}
