package ews_test

import (
	"net/netip"
	"testing"
	"time"

	kalends "kalends"
	"kalends/outbound"
	"kalends/provider"
	"kalends/provider/ews"
	"kalends/provider/providertest"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// company is the simulated Musterwerk over HTTPS, and a way to it.
type company struct {
	server *sandbox.Server
	block  ewsfake.Block
	way    *outbound.Way
}

func musterwerk(t testing.TB) company {
	t.Helper()
	return musterwerkWith(t, ewsfake.Options{})
}

func musterwerkWith(t testing.TB, options ewsfake.Options) company {
	t.Helper()
	server, err := ewsfake.StartWith(t.Context(), sandbox.Config{People: 40}, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return company{server: server, block: server.Ready().Exchange.(ewsfake.Block), way: outbound.New(outbound.Config{
		Resolve: server.Resolve(), Roots: server.CAPEM(), PrivateNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})}
}

func (c company) open(t testing.TB, changes ...string) provider.Driver {
	t.Helper()
	credentials := kalends.Credentials{"username": c.block.ServiceAccount, "password": c.block.Password, "test_email": c.block.TestEmail, "url": c.block.EWSURL}
	for i := 0; i+1 < len(changes); i += 2 {
		credentials[changes[i]] = changes[i+1]
	}
	return c.openKept(t, credentials)
}

func (c company) openKept(t testing.TB, credentials kalends.Credentials) provider.Driver {
	t.Helper()
	d, err := ews.System().Open(credentials, c.way)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func (c company) healthyPeople() []*sandbox.Recipient {
	return c.server.World().Recipients(func(r *sandbox.Recipient) bool {
		return r.Kind == sandbox.Person && !r.OutOfScope && !r.Disabled && !r.Planted
	})
}

// Book, Move, Unbook and Events act as the users in Outlook.

type outlook struct{ world *sandbox.World }

func (o outlook) of(t *testing.T, email string) *sandbox.Recipient {
	t.Helper()
	r, _ := o.world.Recipient(email)
	if r == nil {
		t.Fatalf("nobody has %s", email)
	}
	return r
}

func (o outlook) Book(t *testing.T, email string, e providertest.Event) string {
	t.Helper()
	item := sandbox.Item{Subject: e.Summary, Start: e.Start, End: e.End, AllDay: e.AllDay, Status: "Busy", MyResponse: "Organizer"}
	if e.Free {
		item.Status = "Free"
	}
	if e.Tentative {
		item.Status = "Tentative"
	}
	made, err := o.world.Create(o.of(t, email), item, false)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func (o outlook) Move(t *testing.T, email, id string, start, end time.Time) {
	t.Helper()
	_, err := o.world.Update(o.of(t, email), id, func(i *sandbox.Item) error { i.Start, i.End = start, end; return nil }, false)
	if err != nil {
		t.Fatal(err)
	}
}

func (o outlook) Unbook(t *testing.T, email, id string) {
	t.Helper()
	if err := o.world.Delete(o.of(t, email), id, false); err != nil {
		t.Fatal(err)
	}
}

func (o outlook) Events(t *testing.T, email string, w kalends.Window) []providertest.Event {
	t.Helper()
	var list []providertest.Event
	for _, occurrence := range o.world.View(o.of(t, email), w.Start, w.End) {
		e := providertest.Event{Summary: occurrence.Item.Subject, Start: occurrence.Item.Start, End: occurrence.Item.End, AllDay: occurrence.Item.AllDay}
		for _, a := range occurrence.Item.Attendees {
			e.Attendees = append(e.Attendees, a.Email)
		}
		list = append(list, e)
	}
	return list
}

func TestContract(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			contract(t, server)
		})
	}
}

func contract(t *testing.T, server string) {
	t.Helper()
	c := musterwerkWith(t, ewsfake.Options{Version: server})
	world := c.server.World()
	people := c.healthyPeople()
	alice, bob := people[4], people[5]
	if err := world.Change(alice.Email, func(r *sandbox.Recipient) { r.Aliases = append(r.Aliases, "alice.alias@"+world.Domain()) }); err != nil {
		t.Fatal(err)
	}
	monday := world.Now().UTC().AddDate(0, 0, 210).Truncate(24 * time.Hour)
	for monday.Weekday() != time.Monday {
		monday = monday.AddDate(0, 0, 1)
	}
	named := "" // 2007 has no room lists: there a group holds the rooms
	if server == "Exchange2007_SP1" {
		named = "raeume-haupthaus@musterwerk.example\nraeume-werk2@musterwerk.example"
	}
	world.SetMail(sandbox.Mail{Held: true})
	h := providertest.Harness{
		Driver:  func(t *testing.T) provider.Driver { return c.open(t, "rooms", named) },
		Refused: func(t *testing.T) provider.Driver { return c.open(t, "password", "wrong-one-4711") }, RefusedPassword: "wrong-one-4711",
		World: outlook{world}, Settle: world.Settle, Start: monday, Alice: alice.Email, Bob: bob.Email, Alias: "alice.alias@" + world.Domain(),
		Unknown: "nobody.at.all@" + world.Domain(),
	}
	for _, p := range c.server.Ready().Planted {
		switch p.Cause {
		case "not_permitted":
			h.NotPermitted = p.Email
		case "no_mailbox":
			h.NoMailbox = p.Email
		case "not_a_person":
			h.Group = p.Email
		}
	}
	if rooms := world.Recipients(func(r *sandbox.Recipient) bool { return r.Kind == sandbox.Room && !r.Planted }); len(rooms) > 0 {
		h.Room = kalends.Room{Email: rooms[0].Email, Name: rooms[0].Name}
	}
	providertest.Run(t, h)
}

func TestPlantedPeopleHaveTheirCause(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	d := c.open(t)
	for _, p := range c.server.Ready().Planted {
		if p.Scope != "person" || p.Cause == "address_is_alias" || p.Cause == "address_not_unique" {
			continue
		}
		_, err := d.Find(t.Context(), p.Email)
		if cause := kalends.CauseOf(err); cause == nil || string(cause.Key) != p.Cause {
			t.Errorf("%s: %v, want %s", p.Email, err, p.Cause)
		}
	}
}

func TestAutodiscoverFindsTheServer(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	d := c.open(t, "url", "")
	var steps []kalends.Step
	result, err := d.Check(t.Context(), provider.CheckRequest{}, func(s kalends.Step) { steps = append(steps, s) })
	if err != nil || result.Credentials["url"] == "" || result.Rooms < 1 || result.Credentials["version"] != "Exchange2013_SP1" {
		t.Errorf("result without password: url %q version %q rooms %d, %v\n%+v", result.Credentials["url"], result.Credentials["version"], result.Rooms, err, steps)
	}
}

// The rooms are listed once for all.
func TestAMailboxCostsThreeRequests(t *testing.T) {
	t.Parallel()
	c := musterwerk(t)
	d, now := c.open(t), c.server.World().Now()
	people := c.healthyPeople()[:5]
	for _, person := range people {
		mailbox, err := d.Find(t.Context(), person.Email)
		if err != nil || mailbox.Calendar == nil || mailbox.Kind != kalends.MailboxPerson {
			t.Fatalf("%+v, %v", mailbox, err)
		}
		page, err := d.Changes(t.Context(), provider.ChangesRequest{
			Mailbox: mailbox.Email, Calendar: mailbox.Calendar.ID, Window: kalends.Window{Start: now.AddDate(0, 0, -42), End: now.AddDate(0, 0, 201)},
		})
		if err != nil || len(page.Events) == 0 {
			t.Errorf("%d events, %v", len(page.Events), err)
		}
	}
	mailboxes, lists := 0, 0
	for _, call := range c.server.Desk().Calls("exchange", time.Time{}) {
		switch call.Operation {
		case "GetRoomLists":
			lists++
		case "ResolveNames", "GetFolder", "FindItem":
			mailboxes++
		}
	}
	if mailboxes != 3*len(people) || lists != 1 {
		t.Errorf("%d requests for %d mailboxes, rooms listed %d times", mailboxes, len(people), lists)
	}
}
