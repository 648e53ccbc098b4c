package ews_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
)

var (
	viewOf    = regexp.MustCompile(`StartDate="([^"]+)" EndDate="([^"]+)"`)
	addressOf = regexp.MustCompile(`<t:Address>([^<]+)</t:Address>`)
	spanOf    = regexp.MustCompile(`<t:StartTime>([^<]+)</t:StartTime><t:EndTime>([^<]+)</t:EndTime>`)
	actingAs  = regexp.MustCompile(`<t:(?:Primary)?SmtpAddress>([^<]+)<`)
)

func instantOf(t testing.TB, layout, text string) time.Time {
	t.Helper()
	at, err := time.Parse(layout, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func item(id string, start, end time.Time, more string) string {
	return `<t:CalendarItem><t:ItemId Id="` + id + `" ChangeKey="k"/><t:Start>` + start.UTC().Format(time.RFC3339) + `</t:Start><t:End>` +
		end.UTC().Format(time.RFC3339) + `</t:End>` + more + `</t:CalendarItem>`
}

func found(last bool, items ...string) (int, string) {
	return success("FindItem", fmt.Sprintf(`<m:RootFolder IncludesLastItemInRange="%t" TotalItemsInView="%d"><t:Items>%s</t:Items></m:RootFolder>`, last, len(items), strings.Join(items, "")))
}

// crowded has an event every quarter of an hour and gives at most so many at once.
func crowded(t testing.TB, most int, views *[]kalends.Window) func(string) (int, string) {
	return func(request string) (int, string) {
		span := viewOf.FindStringSubmatch(request)
		w := kalends.Window{Start: instantOf(t, time.RFC3339, span[1]), End: instantOf(t, time.RFC3339, span[2])}
		*views = append(*views, w)
		var items []string
		for at := w.Start.Truncate(15 * time.Minute); at.Before(w.End); at = at.Add(15 * time.Minute) {
			if at.Add(20 * time.Minute).After(w.Start) { // overlapping the next one
				items = append(items, item(fmt.Sprint("e", at.Unix()), at, at.Add(20*time.Minute), ""))
			}
		}
		return found(len(items) <= most, items[:min(len(items), most)]...)
	}
}

func TestACutViewIsHalved(t *testing.T) {
	t.Parallel()
	start := time.Date(2027, 3, 27, 0, 0, 0, 0, time.UTC)
	whole := kalends.Window{Start: start, End: start.AddDate(0, 0, 10)}
	var views []kalends.Window
	n := newInternet(t)
	n.host(t, mailHost, script{"FindItem": crowded(t, 300, &views)}.ServeHTTP)
	page, err := n.open(t, "version", "Exchange2013_SP1").Changes(t.Context(), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: whole})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Events) != 10*24*4 || len(views) < 5 {
		t.Errorf("%d events from %d views, want 960", len(page.Events), len(views))
	}
	if !page.Full || !seamless(page.Replaced, whole) {
		t.Errorf("replaced %v", page.Replaced)
	}
}

func seamless(windows []kalends.Window, whole kalends.Window) bool {
	at := whole.Start
	for _, w := range windows {
		if !w.Start.Equal(at) {
			return false
		}
		at = w.End
	}
	return at.Equal(whole.End)
}

// What is still cut when a view is a quarter of an hour long is not called whole,
// and the rest is.
func TestAnUnreadableQuarterIsNotReplaced(t *testing.T) {
	t.Parallel()
	start := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	crowd := start.Add(20 * time.Hour)
	n := newInternet(t)
	n.host(t, mailHost, script{"FindItem": func(request string) (int, string) {
		span := viewOf.FindStringSubmatch(request)
		w := kalends.Window{Start: instantOf(t, time.RFC3339, span[1]), End: instantOf(t, time.RFC3339, span[2])}
		inside := w.Overlaps(crowd, crowd.Add(time.Minute))
		return found(!inside, item("one", crowd, crowd.Add(time.Minute), ""))
	}}.ServeHTTP)
	page, err := n.open(t, "version", "Exchange2013_SP1").Changes(t.Context(), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: kalends.Window{Start: start, End: start.AddDate(0, 0, 2)}})
	if err != nil || len(page.Events) != 1 {
		t.Fatalf("%d events, %v", len(page.Events), err)
	}
	var read time.Duration
	for _, w := range page.Replaced {
		read += w.End.Sub(w.Start)
		if w.Overlaps(crowd, crowd.Add(time.Minute)) {
			t.Errorf("%v was replaced although it was cut", w)
		}
	}
	if missing := 48*time.Hour - read; missing <= 0 || missing > 15*time.Minute {
		t.Errorf("%v not read", missing)
	}
}

func TestTooManyFoundIsHalvedToo(t *testing.T) {
	t.Parallel()
	start := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	views := 0
	n := newInternet(t)
	n.host(t, mailHost, script{"FindItem": func(request string) (int, string) {
		span := viewOf.FindStringSubmatch(request)
		if views++; instantOf(t, time.RFC3339, span[2]).Sub(instantOf(t, time.RFC3339, span[1])) > 24*time.Hour {
			return refusal("FindItem", "ErrorExceededFindCountLimit")
		}
		return found(true)
	}}.ServeHTTP)
	whole := kalends.Window{Start: start, End: start.AddDate(0, 0, 4)}
	page, err := n.open(t, "version", "Exchange2013_SP1").Changes(t.Context(), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: whole})
	if err != nil || views != 7 || !seamless(page.Replaced, whole) {
		t.Errorf("%d views, %v, %v", views, page.Replaced, err)
	}
}

func TestFreeBusyInChunks(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	most, longest, requests := 0, time.Duration(0), 0
	exchange := script{"GetUserAvailabilityRequest": func(request string) (int, string) {
		mu.Lock()
		defer mu.Unlock()
		const naive = "2006-01-02T15:04:05"
		asked, span := addressOf.FindAllStringSubmatch(request, -1), spanOf.FindStringSubmatch(request)
		start, end := instantOf(t, naive, span[1]), instantOf(t, naive, span[2])
		most, longest, requests = max(most, len(asked)), max(longest, end.Sub(start)), requests+1
		var b strings.Builder
		for _, address := range asked {
			if strings.HasPrefix(address[1], "p007@") {
				b.WriteString(`<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Error"><m:ResponseCode>ErrorMailRecipientNotFound</m:ResponseCode></m:ResponseMessage></m:FreeBusyResponse>`)
				continue
			}
			busy := `<t:CalendarEvent><t:StartTime>` + start.Format(naive) + `</t:StartTime><t:EndTime>` + start.Add(time.Hour).Format(naive) + `</t:EndTime><t:BusyType>OOF</t:BusyType></t:CalendarEvent>`
			b.WriteString(`<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType><t:CalendarEventArray>` + busy + `</t:CalendarEventArray></m:FreeBusyView></m:FreeBusyResponse>`)
		}
		return http.StatusOK, `<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>` + b.String() + `</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>`
	}}
	n := newInternet(t)
	n.host(t, mailHost, exchange.ServeHTTP)
	var people []string
	for i := range 230 {
		people = append(people, fmt.Sprintf("p%03d@%s", i, domain))
	}
	start := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	answers, err := n.open(t).FreeBusy(t.Context(), people, kalends.Window{Start: start, End: start.AddDate(0, 0, 80)})
	if err != nil || len(answers) != len(people) {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	if most != 100 || longest != 35*24*time.Hour || requests != 9 {
		t.Errorf("%d requests with up to %d mailboxes and %v", requests, most, longest)
	}
	for i, a := range answers {
		if refused := i == 7; a.Email != people[i] || (a.Err != nil) != refused || !refused && len(a.Intervals) != 3 {
			t.Errorf("answer %d: %+v", i, a)
		}
	}
}

// Servers that give only digits are understood; what they do not know blocks.
func TestFreeBusyDigits(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.host(t, mailHost, script{"GetUserAvailabilityRequest": func(string) (int, string) {
		return http.StatusOK, `<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>` +
			`<m:FreeBusyView><t:FreeBusyViewType>MergedOnly</t:FreeBusyViewType><t:MergedFreeBusy>0112230045</t:MergedFreeBusy></m:FreeBusyView></m:FreeBusyResponse></m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>`
	}}.ServeHTTP)
	start := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	answers, err := n.open(t).FreeBusy(t.Context(), []string{"a@" + domain}, kalends.Window{Start: start, End: start.Add(150 * time.Minute)})
	if err != nil || len(answers) != 1 {
		t.Fatal(err)
	}
	var got []string
	for _, i := range answers[0].Intervals {
		got = append(got, fmt.Sprintf("%s-%s %s", i.Start.Format("15:04"), i.End.Format("15:04"), i.Status))
	}
	want := []string{"09:15-09:45 tentative", "09:45-10:15 busy", "10:15-10:30 busy", "11:00-11:15 unknown", "11:15-11:30 unknown"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// An alias that Exchange refuses is answered with the primary address, once.
func TestThePrimaryAddressIsAdopted(t *testing.T) {
	t.Parallel()
	for name, pairs := range map[string][]string{"named": {"Primary", "Anna.Muster@" + domain}, "not named": {}, "in circles": {"Primary", "alias2@" + domain}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			exchange := healthy()
			exchange["ResolveNames"] = func(string) (int, string) { return refusal("ResolveNames", "ErrorNameResolutionNoResults") }
			exchange["GetFolder"] = func(request string) (int, string) {
				if asked++; actingAs.FindStringSubmatch(request)[1] == "anna.muster@"+domain {
					return folder()
				}
				return refusal("GetFolder", "ErrorNonPrimarySmtpAddress", pairs...)
			}
			n := newInternet(t)
			n.host(t, mailHost, exchange.ServeHTTP)
			d := n.open(t, "test_email", "alias@"+domain)
			mailbox, err := d.Find(t.Context(), "alias@"+domain)
			switch {
			case name == "named" && (err != nil || mailbox.Email != "anna.muster@"+domain || mailbox.MatchedBy != kalends.MatchedAlias):
				t.Errorf("%+v, %v", mailbox, err)
			case name != "named" && (kalends.CauseOf(err) == nil || kalends.CauseOf(err).Key != kalends.CauseAddressIsAlias):
				t.Error(err)
			case asked > 2:
				t.Errorf("asked %d times", asked)
			}
			if _, err := check(t, d); (err == nil) != (name == "named") {
				t.Errorf("check: %v", err)
			}
		})
	}
}

func read(t *testing.T, details bool, items ...string) map[string]kalends.Event {
	t.Helper()
	n := newInternet(t)
	n.host(t, mailHost, script{"FindItem": func(string) (int, string) { return found(true, items...) }, "GetItem": (&batches{}).get}.ServeHTTP)
	page, err := n.open(t, "version", "Exchange2013_SP1").Changes(t.Context(), provider.ChangesRequest{
		Mailbox: "a@" + domain, Calendar: "AAMk", Details: details,
		Window: kalends.Window{Start: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)},
	})
	if err != nil {
		t.Fatal(err)
	}
	events := map[string]kalends.Event{}
	for _, e := range page.Events {
		events[e.RemoteID] = e
	}
	return events
}

// All-day events stand for dates, in whatever zone they were made.
func TestAllDayEventsKeepTheirDates(t *testing.T) {
	t.Parallel()
	const day = "2006-01-02"
	for name, c := range map[string]struct {
		zone, place string // as Exchange names it, and where midnight is
		start, end  string // the dates, end exclusive
	}{
		"winter":             {"W. Europe Standard Time", "Europe/Berlin", "2027-01-18", "2027-01-19"},
		"summer":             {"W. Europe Standard Time", "Europe/Berlin", "2027-07-05", "2027-07-08"},
		"clocks go forward":  {"W. Europe Standard Time", "Europe/Berlin", "2027-03-28", "2027-03-29"},
		"clocks go back":     {"W. Europe Standard Time", "Europe/Berlin", "2027-10-31", "2027-11-01"},
		"far east":           {"New Zealand Standard Time", "Pacific/Auckland", "2027-01-18", "2027-01-19"},
		"far west":           {"Hawaiian Standard Time", "Pacific/Honolulu", "2027-01-18", "2027-01-19"},
		"half an hour":       {"India Standard Time", "Asia/Kolkata", "2027-01-18", "2027-01-19"},
		"an IANA name":       {"America/New_York", "America/New_York", "2027-01-18", "2027-01-20"},
		"UTC":                {"UTC", "UTC", "2027-01-18", "2027-01-19"},
		"custom zone":        {"tzone://Microsoft/Custom", "Europe/Berlin", "2027-07-05", "2027-07-06"},
		"named in German":    {"Mitteleuropäische Zeit", "Europe/Berlin", "2027-01-18", "2027-01-19"},
		"no zone, from west": {"", "America/New_York", "2027-01-18", "2027-01-19"},
		"no zone, from east": {"", "Asia/Tokyo", "2027-01-18", "2027-01-19"},
		"no zone, from here": {"", "Europe/Berlin", "2027-07-05", "2027-07-06"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			place, err := time.LoadLocation(c.place)
			if err != nil {
				t.Fatal(err)
			}
			start, _ := time.ParseInLocation(day, c.start, place)
			end, _ := time.ParseInLocation(day, c.end, place)
			e := read(t, false, item("x", start, end, `<t:IsAllDayEvent>true</t:IsAllDayEvent><t:StartTimeZoneId>`+c.zone+`</t:StartTimeZoneId>`))["x"]
			if !e.AllDay || !e.Start.Equal(instantOf(t, day, c.start)) || !e.End.Equal(instantOf(t, day, c.end)) {
				t.Errorf("%v to %v, want %s to %s", e.Start, e.End, c.start, c.end)
			}
		})
	}
}

func TestWhatItemsSayAboutBlocking(t *testing.T) {
	t.Parallel()
	at := time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC)
	add := func(id, more string) string {
		return item(id, at, at.Add(time.Hour), `<t:Subject>Betreff</t:Subject>`+more+`<t:Location>Ort</t:Location>`)
	}
	events := read(t, true,
		add("busy", `<t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus>`), add("free", `<t:LegacyFreeBusyStatus>Free</t:LegacyFreeBusyStatus>`),
		add("tentative", `<t:LegacyFreeBusyStatus>Tentative</t:LegacyFreeBusyStatus>`), add("oof", `<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus>`),
		add("elsewhere", `<t:LegacyFreeBusyStatus>WorkingElsewhere</t:LegacyFreeBusyStatus>`), add("new", `<t:LegacyFreeBusyStatus>OfTheFuture</t:LegacyFreeBusyStatus>`),
		add("private", `<t:Sensitivity>Private</t:Sensitivity><t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus>`),
		add("confidential", `<t:Sensitivity>Confidential</t:Sensitivity><t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus>`),
		add("cancelled", `<t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus><t:IsCancelled>true</t:IsCancelled>`),
		add("declined", `<t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus><t:MyResponseType>Decline</t:MyResponseType>`),
		`<t:BookingItem><t:ItemId Id="booking"/><t:Start>2027-02-01T09:00:00Z</t:Start><t:End>2027-02-01T10:00:00Z</t:End></t:BookingItem>`,
		`<t:CalendarItem><t:ItemId Id="odd"/><t:Start>whenever</t:Start><t:End>2027-02-01T10:00:00Z</t:End></t:CalendarItem>`,
		`<t:CalendarItem><t:ItemId Id="backwards"/><t:Start>2027-02-01T11:00:00Z</t:Start><t:End>2027-02-01T10:00:00Z</t:End></t:CalendarItem>`,
		`<t:Message/>`, add("offset", `<t:Subject>&#x1F;&#xB;</t:Subject>`),
	)
	for id, want := range map[string]kalends.FreeBusyStatus{
		"busy": "busy", "free": "free", "tentative": "tentative", "oof": "busy", "elsewhere": "free", "new": "busy", "private": "busy",
		"confidential": "busy", "cancelled": "free", "declined": "free", "booking": "busy", "offset": "busy",
	} {
		e, ok := events[id]
		hidden := id == "private" || id == "confidential"
		if !ok || e.Status != want || e.Private != hidden || hidden && e.Summary+e.Location != "" || e.Cancelled != (id == "cancelled") || e.Declined != (id == "declined") {
			t.Errorf("%s: %+v", id, e)
		}
	}
	if len(events) != 12 {
		t.Errorf("%d events, want 12 without the odd ones", len(events))
	}
}

// Where no zone can be found by its id, its name for people tells how far it is
// from UTC: 2007 says no more, and zones that somebody made have nothing else.
func TestAllDayEventsByTheNameOfTheirZone(t *testing.T) {
	t.Parallel()
	const day = "2006-01-02"
	for place, name := range map[string]string{
		"Pacific/Honolulu": "(GMT-10:00) Hawaii", "Europe/Berlin": "(GMT+01:00) Amsterdam, Berlin, Bern, Rom, Stockholm, Wien", "Pacific/Pago_Pago": "(UTC-11:00) Koordinierte Weltzeit-11",
		"Pacific/Apia": "(UTC+13:00) Samoa", "Pacific/Kiritimati": "(UTC+14:00) Insel Kiritimati", "Asia/Kolkata": "(GMT+05:30) Chennai", "Europe/London": "(GMT) Dublin, London", "America/Anchorage": "(UTC-09:00) Alaska",
	} {
		location, err := time.LoadLocation(place)
		if err != nil {
			t.Fatal(err)
		}
		for _, date := range []string{"2027-01-18", "2027-07-05", "2027-03-28", "2027-10-31"} {
			start, _ := time.ParseInLocation(day, date, location)
			end := start.AddDate(0, 0, 2)
			for form, xml := range map[string]string{
				"2007": "<t:TimeZone>" + name + "</t:TimeZone>", "made": `<t:StartTimeZone Id="tzone://Microsoft/Custom" Name="` + name + `"/>`,
			} {
				e := read(t, false, item("x", start, end, "<t:IsAllDayEvent>true</t:IsAllDayEvent>"+xml))["x"]
				if want := instantOf(t, day, date); !e.Start.Equal(want) || !e.End.Equal(want.AddDate(0, 0, 2)) {
					t.Errorf("%s in %s as %s: %v to %v", date, place, form, e.Start, e.End)
				}
			}
		}
	}
}
