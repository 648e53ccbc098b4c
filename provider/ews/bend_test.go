package ews_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// Servers, or what stands before them, break their own rules now and then: what is
// read is the same, in every version.
func TestBentAnswersSayTheSame(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			c := musterwerkWith(t, ewsfake.Options{Version: server})
			person := c.healthyPeople()[4].Email
			f := c.follow(t, person)
			straight := f.seen(t)
			if len(straight) < 50 {
				t.Fatalf("%d lines", len(straight))
			}
			for _, bend := range []string{"order", "doubled", "offsets", "illegal", "bom", "strange", "zones", "status", "order,doubled,offsets,illegal,bom,strange"} {
				c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "bend:" + bend})
				if bent := f.seen(t); !slices.Equal(bent, straight) {
					t.Errorf("%s: %d lines, want %d\n%s", bend, len(bent), len(straight), firstOther(bent, straight))
				}
				c.server.Desk().ClearFaults("bend:" + bend)
			}
		})
	}
}

// seen writes down what a reading with details and one of free/busy tell.
func (f *follower) seen(t *testing.T) []string {
	t.Helper()
	f.request.Cursor, f.request.Details = "", true
	page, err := f.driver.Changes(t.Context(), f.request)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range page.Events {
		var people []string
		for _, a := range e.Attendees {
			people = append(people, a.Email+" "+string(a.Status))
		}
		lines = append(lines, fmt.Sprint(e.RemoteID, e.Start, e.End, e.AllDay, e.Status, e.Summary, e.Organizer.Email, people, strings.Fields(e.Description)))
	}
	start := f.request.Window.Start.AddDate(0, 0, 42)
	answers, err := f.driver.FreeBusy(t.Context(), []string{f.request.Mailbox}, kalends.Window{Start: start, End: start.AddDate(0, 0, 20)})
	if err != nil || answers[0].Err != nil {
		t.Fatal(err, answers)
	}
	for _, i := range answers[0].Intervals {
		lines = append(lines, fmt.Sprint(i.Start, i.End, i.Status))
	}
	slices.Sort(lines)
	return lines
}

func firstOther(got, want []string) string {
	for n := range min(len(got), len(want)) {
		if got[n] != want[n] {
			return got[n] + "\nwant\n" + want[n]
		}
	}
	return ""
}

// A view that gives series instead of their occurrences is asked for again, and
// never taken for a calendar with little in it.
func TestAViewThatIsNotExpanded(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	f := c.follow(t, c.healthyPeople()[4].Email)
	straight := f.seen(t)
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "bend:no_expansion", Count: 1})
	if bent := f.seen(t); !slices.Equal(bent, straight) {
		t.Errorf("%d lines, want %d", len(bent), len(straight))
	}
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "bend:no_expansion"})
	f.request.Cursor = ""
	_, err := f.driver.Changes(t.Context(), f.request)
	if cause := kalends.CauseOf(err); kalends.KindOf(err) != kalends.KindUnavailable || cause == nil || cause.Key != kalends.CauseAnswerUnreadable {
		t.Error(err)
	}
}

// Half a body is no calendar, and a state that is taken silently does not hide a
// change for good.
func TestErrHalfABody(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	f := c.follow(t, c.healthyPeople()[4].Email)
	straight := f.seen(t)
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "bend:cut", Count: 1})
	f.request.Cursor = ""
	if _, err := f.driver.Changes(t.Context(), f.request); kalends.KindOf(err) != kalends.KindUnavailable {
		t.Error(err)
	}
	if again := f.seen(t); !slices.Equal(again, straight) {
		t.Error("another calendar than before")
	}
}

func TestErrAFaultWithStatus200(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	f := c.follow(t, c.healthyPeople()[4].Email)
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "bend:fault_200"})
	c.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "ErrorServerBusy", DelayMS: 7000, Count: 1})
	_, err := f.driver.Changes(t.Context(), f.request)
	if err != nil && kalends.KindOf(err) != kalends.KindThrottled {
		t.Error(err)
	}
	busy := `<s:Fault><faultcode xmlns:a="x">a:ErrorServerBusy</faultcode><detail><e:ResponseCode xmlns:e="e">ErrorServerBusy</e:ResponseCode><t:MessageXml><t:Value Name="Policy">x</t:Value><t:Value Name="BackOffMilliseconds">7000</t:Value></t:MessageXml></detail></s:Fault>`
	n := newInternet(t)
	n.host(t, mailHost, script{"FindItem": func(string) (int, string) { return 200, busy }}.ServeHTTP)
	_, err = n.open(t, "version", "Exchange2013_SP1").Changes(t.Context(), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year})
	if kalends.KindOf(err) != kalends.KindThrottled || kalends.RetryAfter(err) != 7*time.Second {
		t.Error(err)
	}
}

// Two documents in one body, or two messages that say the same.
func TestDoubledAnswers(t *testing.T) {
	t.Parallel()
	_, body := found(true, item("x", year.Start, year.Start.Add(time.Hour), ""))
	_, refused := refusal("FindItem", "ErrorTimeoutExpired")
	messages := strings.TrimSuffix(strings.TrimPrefix(refused, "<m:FindItemResponse><m:ResponseMessages>"), "</m:ResponseMessages></m:FindItemResponse>")
	for name, c := range map[string]struct {
		text string
		kind kalends.Kind
	}{
		"documents":       {soap(body) + soap(body), ""},
		"space before":    {"\ufeff \r\n" + soap(body), ""},
		"twice the error": {soap(strings.Replace(refused, messages, messages+messages, 1)), kalends.KindUnavailable},
	} {
		n := newInternet(t)
		n.host(t, mailHost, signedIn(text(c.text)))
		page, err := n.open(t, "version", "Exchange2013_SP1").Changes(t.Context(), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year})
		if kalends.KindOf(err) != c.kind || err == nil && len(page.Events) != 1 {
			t.Errorf("%s: %d events, %v", name, len(page.Events), err)
		}
		if c.kind != "" && !strings.Contains(fmt.Sprint(err), "ErrorTimeoutExpired") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Times come in more forms than the schema has.
func TestFormsOfTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC)
	for _, form := range []string{
		"2027-02-01T09:00:00Z", "2027-02-01T09:00:00z", "2027-02-01T10:00:00+01:00", "2027-02-01T10:00:00+0100", "2027-02-01T10:00:00+01", "2027-02-01T09:00:00",
		"2027-02-01T09:00:00.0000000Z", "2027-02-01T09:00Z", "2027-02-01T09:00", "2027-02-01 09:00:00", "2027-02-01T03:30:00.5-0530", " 2027-02-01T09:00:00Z\n",
	} {
		e, ok := read(t, false, `<t:CalendarItem><t:ItemId Id="x"/><t:Start>`+form+`</t:Start><t:End>2027-02-01T12:00:00Z</t:End></t:CalendarItem>`)["x"]
		if !ok || !e.Start.Truncate(time.Second).Equal(at) {
			t.Errorf("%q: %v", form, e.Start)
		}
	}
}
