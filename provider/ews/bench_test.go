package ews_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/provider/ews"
)

// year is the window of a first reading.
var year = kalends.Window{Start: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2027, 9, 1, 0, 0, 0, 0, time.UTC)}

// view200 is an answer of Exchange 2013 to what a reading asks, with 200 events.
func view200() string {
	var items []string
	for i := range 200 {
		at := year.Start.Add(time.Duration(i) * 26 * time.Hour)
		items = append(items, strings.Replace(item(strings.Repeat("AAMkAGVm", 19)+fmt.Sprint(i), at, at.Add(time.Hour),
			`<t:IsAllDayEvent>false</t:IsAllDayEvent><t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus><t:IsCancelled>false</t:IsCancelled>`+
				`<t:CalendarItemType>Single</t:CalendarItemType><t:MyResponseType>Organizer</t:MyResponseType><t:StartTimeZoneId>W. Europe Standard Time</t:StartTimeZoneId>`),
			"<t:Start>", "<t:Sensitivity>Normal</t:Sensitivity><t:LastModifiedTime>2026-11-01T08:00:00Z</t:LastModifiedTime><t:Start>", 1))
	}
	_, body := found(true, items...)
	return soap(body)
}

// Our own work on a mailbox: parsing and converting an answer.
func BenchmarkDecode200(b *testing.B) {
	text := view200()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if events, err := ews.Convert(text, year); err != nil || len(events) != 200 {
			b.Fatalf("%d events, %v", len(events), err)
		}
	}
}

// What a busy machine does not blur: allocations. An event takes about eight.
func TestDecodingStaysCheap(t *testing.T) { // not parallel: it counts the allocations of the whole process
	text := view200()
	allocations := testing.AllocsPerRun(5, func() {
		if _, err := ews.Convert(text, year); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 3000 {
		t.Errorf("%.0f allocations for 200 events", allocations)
	}
}

// A whole reading over HTTPS, server and TLS on both ends included.
func BenchmarkChanges200(b *testing.B) {
	text := view200()
	n := newInternet(b)
	n.host(b, mailHost, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, text)
	})
	readings(b, n.open(b, "version", "Exchange2013_SP1"))
}

// The same with the answer packed, as IIS does when it is asked to.
func BenchmarkChanges200Gzip(b *testing.B) {
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, view200())
	_ = z.Close()
	n := newInternet(b)
	n.host(b, mailHost, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, packed.String())
	})
	readings(b, n.open(b, "version", "Exchange2013_SP1"))
	b.ReportMetric(float64(packed.Len()), "wire-bytes")
}

// The simulated Musterwerk, which computes what it answers.
func BenchmarkChangesSandbox(b *testing.B) {
	c := musterwerk(b)
	d, now := c.open(b), c.server.World().Now()
	mailbox, err := d.Find(b.Context(), c.block.TestEmail)
	if err != nil {
		b.Fatal(err)
	}
	request := provider.ChangesRequest{Mailbox: mailbox.Email, Calendar: mailbox.Calendar.ID, Window: kalends.Window{Start: now.AddDate(0, 0, -42), End: now.AddDate(0, 0, 201)}}
	events := 0
	for b.Loop() {
		page, err := d.Changes(b.Context(), request)
		if err != nil {
			b.Fatal(err)
		}
		events = len(page.Events)
	}
	b.ReportMetric(float64(events), "events")
}

func readings(b *testing.B, d provider.Driver) {
	b.ReportAllocs()
	for b.Loop() {
		page, err := d.Changes(b.Context(), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year})
		if err != nil || len(page.Events) != 200 {
			b.Fatalf("%d events, %v", len(page.Events), err)
		}
	}
}

// Answers are asked for packed, and unpacked ones are understood too.
func TestAnswersTravelPacked(t *testing.T) {
	t.Parallel()
	var packed atomic.Int64
	n := newInternet(t)
	n.host(t, mailHost, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			healthy().ServeHTTP(w, r)
			return
		}
		inner := httptest.NewRecorder()
		healthy().ServeHTTP(inner, r)
		for name, value := range inner.Header() {
			w.Header()[name] = value
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(inner.Code)
		z := gzip.NewWriter(w)
		_, _ = z.Write(inner.Body.Bytes())
		_ = z.Close()
		packed.Add(1)
	})
	if _, err := check(t, n.open(t)); err != nil || packed.Load() < 4 {
		t.Errorf("%v, %d packed answers", err, packed.Load())
	}
}

// A mailbox in which nothing changed, with a state of three kilobytes.
func BenchmarkUnchanged(b *testing.B) {
	state := strings.Repeat("H4sIAAAAAAAEAO29", 192)
	n := newInternet(b)
	n.host(b, mailHost, script{
		"FindItem":        func(string) (int, string) { return found(true) },
		"SyncFolderItems": func(string) (int, string) { return synced(state, true, "") },
	}.ServeHTTP)
	d, request := n.open(b, "version", "Exchange2013_SP1"), provider.ChangesRequest{Mailbox: "a@" + domain, Calendar: "AAMk", Window: year}
	b.ReportAllocs()
	for b.Loop() {
		page, err := d.Changes(b.Context(), request)
		if err != nil {
			b.Fatal(err)
		}
		request.Cursor = page.Next
	}
}
