package ews_test

import (
	"cmp"
	"context"
	"flag"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/outbound"
	"kalends/provider"
	"kalends/provider/ews"
	"kalends/provider/providertest"
)

var live = flag.Bool("live", false, "run the driver contract against the server named by KALENDS_LIVE_EWS_…; it writes into two mailboxes")

// server is an Exchange to run the contract against, as TESTING.md describes.
type server struct {
	values         kalends.Credentials
	way            *outbound.Way
	alice, bob     string
	start          time.Time
	setting        func(string) string
	unknown, alias string
	settle         func()
}

// TestLive runs only when it is asked for.
func TestLive(t *testing.T) {
	if !*live {
		t.Skip("-live is not given: no real server is asked")
	}
	setting := func(name string) string { return os.Getenv("KALENDS_LIVE_EWS_" + name) }
	ca := ""
	if file := setting("CA_FILE"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ca = string(text)
	}
	var networks []netip.Prefix
	if text := setting("NETWORK"); text != "" {
		networks = append(networks, netip.MustParsePrefix(text))
	}
	s := server{
		values: kalends.Credentials{"username": setting("USERNAME"), "password": setting("PASSWORD"), "test_email": setting("ALICE"), "url": setting("URL"), "ca": ca, "rooms": setting("ROOMS")},
		way:    outbound.New(outbound.Config{PrivateNetworks: networks, Resolve: names(setting("RESOLVE"))}), alice: setting("ALICE"), bob: setting("BOB"),
		start: time.Now().UTC().AddDate(0, 0, 300).Truncate(24 * time.Hour), setting: setting,
		unknown: cmp.Or(setting("UNKNOWN"), "kalends.nobody@"+kalends.EmailDomain(setting("ALICE"))), alias: setting("ALIAS"),
		settle: func() { time.Sleep(2 * time.Second) }, // a real server's letters tell nobody that they came
	}
	if s.alice == "" || s.bob == "" {
		t.Fatal("KALENDS_LIVE_EWS_ALICE and _BOB are not set: see TESTING.md")
	}
	providertest.Run(t, s.harness())
}

// names reads "host:port=address:port,…", as in KALENDS_RESOLVE.
func names(text string) map[string]string {
	list := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		if name, address, ok := strings.Cut(part, "="); ok {
			list[name] = address
		}
	}
	return list
}

// The live run itself is tried against the sandbox, over EWS alone.
func TestLiveRunAgainstTheSandbox(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	people := c.healthyPeople()
	s := server{
		values: kalends.Credentials{"username": c.block.ServiceAccount, "password": c.block.Password, "test_email": c.block.TestEmail, "url": c.block.EWSURL},
		way:    c.way, alice: people[4].Email, bob: people[5].Email, unknown: "kalends.nobody@" + c.server.World().Domain(),
		start: c.server.World().Now().UTC().AddDate(0, 0, 210).Truncate(24 * time.Hour), setting: func(string) string { return "" },
		settle: c.server.World().Settle,
	}
	providertest.Run(t, s.harness())
}

func (s server) open(t *testing.T, changes ...string) provider.Driver {
	t.Helper()
	c := s.values.Clone()
	for i := 0; i+1 < len(changes); i += 2 {
		c[changes[i]] = changes[i+1]
	}
	d, err := ews.System().Open(c, s.way)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// harness: the wrong password is tried for an account that does not exist, so
// that the suite locks nobody out.
func (s server) harness() providertest.Harness {
	start := s.start
	for start.Weekday() != time.Monday {
		start = start.AddDate(0, 0, 1)
	}
	return providertest.Harness{
		Driver: func(t *testing.T) provider.Driver { return s.open(t) },
		Refused: func(t *testing.T) provider.Driver {
			return s.open(t, "username", "kalends.nobody", "password", "wrong-one-4711")
		},
		RefusedPassword: "wrong-one-4711", World: users{s}, Settle: s.settle, Start: start, Alice: s.alice, Bob: s.bob, Alias: s.alias, Unknown: s.unknown,
		NotPermitted: s.setting("NOT_PERMITTED"), NoMailbox: s.setting("NO_MAILBOX"), Group: s.setting("GROUP"),
		Room: kalends.Room{Email: s.setting("ROOM"), Name: s.setting("ROOM_NAME")},
	}
}

// users act over EWS, each as himself.
type users struct{ server }

func (u users) Book(t *testing.T, email string, e providertest.Event) string {
	t.Helper()
	status := "Busy"
	switch {
	case e.Free:
		status = "Free"
	case e.Tentative:
		status = "Tentative"
	}
	id, err := ews.NewOutlook(u.open(t)).Book(t.Context(), email, kalends.Draft{ID: "none", Summary: e.Summary, Start: e.Start, End: e.End, AllDay: e.AllDay, Zone: "UTC"}, status)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (u users) Move(t *testing.T, email, id string, start, end time.Time) {
	t.Helper()
	if err := ews.NewOutlook(u.open(t)).Move(t.Context(), email, id, start, end); err != nil {
		t.Fatal(err)
	}
}

func (u users) Unbook(t *testing.T, email, id string) {
	t.Helper()
	if err := ews.NewOutlook(u.open(t)).Unbook(context.WithoutCancel(t.Context()), email, id); err != nil {
		t.Error(err)
	}
}

func (u users) Events(t *testing.T, email string, w kalends.Window) []providertest.Event {
	t.Helper()
	d := u.open(t)
	calendars, err := d.Calendars(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	page, err := d.Changes(t.Context(), provider.ChangesRequest{Mailbox: email, Calendar: calendars[0].ID, Window: w, Details: true})
	if err != nil {
		t.Fatal(err)
	}
	var list []providertest.Event
	for _, e := range page.Events {
		var attendees []string
		for _, a := range e.Attendees {
			attendees = append(attendees, a.Email)
		}
		list = append(list, providertest.Event{Summary: e.Summary, Start: e.Start, End: e.End, AllDay: e.AllDay, Attendees: attendees})
	}
	slices.SortFunc(list, func(a, b providertest.Event) int { return a.Start.Compare(b.Start) })
	return list
}
