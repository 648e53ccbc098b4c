package ews_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/explain"
	"kalends/provider"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

func (c company) hire(t *testing.T, recipients ...sandbox.Recipient) {
	t.Helper()
	for _, r := range recipients {
		if err := c.server.World().Hire(r); err != nil {
			t.Fatal(err)
		}
	}
}

// withoutRoomLists is a company whose rooms stand in no room list, two groups that
// hold each other, and a room outside of them.
func withoutRoomLists(t *testing.T, server string) company {
	t.Helper()
	c := musterwerkWith(t, ewsfake.Options{Version: server})
	for _, list := range c.server.World().Recipients(func(r *sandbox.Recipient) bool { return r.Kind == sandbox.RoomList }) {
		if err := c.server.World().Remove(list.Email); err != nil {
			t.Fatal(err)
		}
	}
	c.hire(t,
		sandbox.Recipient{Name: "Alle Räume", Email: "alle-raeume@musterwerk.example", Kind: sandbox.Group, Members: []string{"raum-isar@musterwerk.example", "raeume-nord@musterwerk.example", "fern@musterwerk.example"}},
		sandbox.Recipient{Name: "Räume Nord", Email: "raeume-nord@musterwerk.example", Kind: sandbox.Group, Members: []string{"raum-elbe@musterwerk.example", "alle-raeume@musterwerk.example", "raum-isar@musterwerk.example"}},
		sandbox.Recipient{Name: "Fern", Email: "fern@musterwerk.example", Kind: sandbox.Elsewhere},
	)
	return c
}

func (c company) nameOf(t *testing.T, email string) string {
	t.Helper()
	r, _ := c.server.World().Recipient(email)
	if r == nil {
		t.Fatalf("nobody has %s", email)
	}
	return r.Name
}

func (c company) count(operation string) int {
	n := 0
	for _, call := range c.server.Desk().Calls("exchange", time.Time{}) {
		if call.Operation == operation {
			n++
		}
	}
	return n
}

func emailsOf(rooms []kalends.Room) []string {
	var list []string
	for _, room := range rooms {
		list = append(list, room.Email)
	}
	return list
}

// Rooms that the form names are rooms everywhere; groups in groups are read once
// each, and whoever is not named stays a person.
func TestNamedRooms(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			c := withoutRoomLists(t, server)
			d := c.open(t, "rooms", "Raum-Spree@musterwerk.example\r\nalle-raeume@musterwerk.example; raum-spree@musterwerk.example")
			rooms, err := d.(provider.Rooms).Rooms(t.Context())
			if want := []string{"raum-spree@musterwerk.example", "raum-isar@musterwerk.example", "raum-elbe@musterwerk.example"}; err != nil || !slices.Equal(emailsOf(rooms), want) {
				t.Fatalf("%v, %v, want %v", rooms, err, want)
			}
			for _, room := range rooms {
				if room.Name != c.nameOf(t, room.Email) {
					t.Errorf("%s is called %q", room.Email, room.Name)
				}
			}
			if n := c.count("ExpandDL"); n != 2 {
				t.Errorf("%d groups read, want 2", n)
			}
			for email, want := range map[string]kalends.MailboxKind{
				"raum-elbe@musterwerk.example": kalends.MailboxResource, "raum-spree@musterwerk.example": kalends.MailboxResource,
				"raum-donau@musterwerk.example": kalends.MailboxPerson, c.block.TestEmail: kalends.MailboxPerson,
			} {
				if mailbox, err := d.Find(t.Context(), email); err != nil || mailbox.Kind != want {
					t.Errorf("%s: %+v, %v, want %v", email, mailbox, err, want)
				}
			}
			if steps, err := check(t, d); err != nil || steps[kalends.StepRooms].Status != kalends.StepOK || steps[kalends.StepRooms].Facts["rooms"] != "3" {
				t.Errorf("%+v, %v", steps[kalends.StepRooms], err)
			}
		})
	}
}

// Named rooms come on top of those in room lists.
func TestNamedRoomsBesideRoomLists(t *testing.T) {
	t.Parallel()
	c := musterwerkWith(t, ewsfake.Options{Version: "ExchangeSE"})
	listed, err := c.open(t).(provider.Rooms).Rooms(t.Context())
	if err != nil || len(listed) == 0 {
		t.Fatalf("%v, %v", listed, err)
	}
	c.hire(t, sandbox.Recipient{Name: "Raum Inn", Email: "raum-inn@musterwerk.example", Kind: sandbox.Room})
	all, err := c.open(t, "rooms", "raum-inn@musterwerk.example "+listed[0].Email).(provider.Rooms).Rooms(t.Context())
	if want := append(slices.Clone(listed), kalends.Room{Email: "raum-inn@musterwerk.example", Name: "Raum Inn"}); err != nil || !slices.Equal(all, want) {
		t.Errorf("%v, %v, want %v", all, err, want)
	}
}

// An entry that is no room is named as a warning and hides no other.
func TestErrNamedRooms(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			c := withoutRoomLists(t, server)
			d := c.open(t, "rooms", "raum-ixar@musterwerk.example fern@musterwerk.example raeume-nord@musterwerk.example")
			steps, err := check(t, d)
			step := steps[kalends.StepRooms]
			if err != nil || step.Status != kalends.StepWarning || step.Facts["rooms"] != "2" || step.Cause == nil || step.Cause.Key != kalends.CauseRoomsUnavailable {
				t.Fatalf("%+v, %v", step, err)
			}
			for _, lang := range []string{"de", "en"} {
				said := explain.Cause(lang, string(step.Cause.Key), step.Cause.Facts)
				if !strings.Contains(said.What, "raum-ixar@musterwerk.example, fern@musterwerk.example") || strings.Contains(said.What, "raeume-nord") || len(said.Commands) != 0 {
					t.Errorf("%s: %+v", lang, said)
				}
				if line := explain.StepDone(lang, "rooms", "warning", step.Facts); !strings.Contains(line, "2") {
					t.Errorf("%s: %s", lang, line)
				}
			}
			if rooms, err := d.(provider.Rooms).Rooms(t.Context()); err != nil || len(rooms) != 2 {
				t.Errorf("%v, %v", rooms, err)
			}
			_, err = c.open(t, "rooms", "raum-ixar@musterwerk.example").(provider.Rooms).Rooms(t.Context())
			if cause := kalends.CauseOf(err); cause == nil || cause.Key != kalends.CauseRoomsUnavailable || cause.Facts["address"] != "raum-ixar@musterwerk.example" {
				t.Errorf("no room at all: %v, %+v", err, cause)
			}
		})
	}
}

// Exchange tells 100 members of a group: the rest is missed, aloud.
func TestErrGroupOfTooManyRooms(t *testing.T) {
	t.Parallel()
	c := withoutRoomLists(t, "Exchange2007_SP1")
	group := sandbox.Recipient{Name: "Viele", Email: "viele@musterwerk.example", Kind: sandbox.Group}
	for i := range 101 {
		room := sandbox.Recipient{Name: fmt.Sprint("Raum ", i), Email: fmt.Sprintf("raum-%d@musterwerk.example", i), Kind: sandbox.Room}
		c.hire(t, room)
		group.Members = append(group.Members, room.Email)
	}
	c.hire(t, group)
	steps, err := check(t, c.open(t, "rooms", group.Email))
	step := steps[kalends.StepRooms]
	if err != nil || step.Status != kalends.StepWarning || step.Facts["rooms"] != "100" || step.Cause.Facts["group"] != group.Email {
		t.Errorf("%+v, %v", step, err)
	}
}

// Groups within groups end, however many there are.
func TestNamedRoomsEnd(t *testing.T) {
	t.Parallel()
	asked := 0
	server := healthy()
	server["ResolveNames"] = func(string) (int, string) {
		return success("ResolveNames", `<m:ResolutionSet><t:Resolution>`+member("PublicDL", "g0@"+domain)+`</t:Resolution></m:ResolutionSet>`)
	}
	server["ExpandDL"] = func(string) (int, string) {
		asked++
		return success("ExpandDL", `<m:DLExpansion IncludesLastItemInRange="true">`+member("PublicDL", fmt.Sprintf("g%d@%s", asked, domain))+`</m:DLExpansion>`)
	}
	n := newInternet(t)
	n.host(t, mailHost, server.ServeHTTP)
	steps, err := check(t, n.open(t, "rooms", "g0@"+domain))
	if step := steps[kalends.StepRooms]; err != nil || step.Status != kalends.StepWarning || step.Cause.Facts["group"] == "" || asked != 50 {
		t.Errorf("%+v, %v, %d groups read", step, err, asked)
	}
}

func member(kind, email string) string {
	return `<t:Mailbox><t:Name>` + email + `</t:Name><t:EmailAddress>` + email + `</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>` + kind + `</t:MailboxType></t:Mailbox>`
}

// What the directory hides is a room if it has a calendar. A fault of one address is
// that address's; a server that is busy says nothing of any.
func TestNamedRoomsOfAServerWithFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		resolve func(request string) (int, string)
		rooms   int
		status  kalends.StepStatus
		cause   kalends.CauseKey
	}{
		"hidden":    {func(string) (int, string) { return refusal("ResolveNames", "ErrorNameResolutionNoResults") }, 2, kalends.StepOK, ""},
		"one fails": {failsFor("one@", "ErrorADOperation"), 1, kalends.StepWarning, kalends.CauseRoomsUnavailable},
		"busy":      {failsFor("two@", "ErrorServerBusy"), 0, kalends.StepWarning, kalends.CauseThrottled},
		"down":      {func(string) (int, string) { return http.StatusBadGateway, "" }, 0, kalends.StepWarning, kalends.CauseServerUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := healthy()
			server["ResolveNames"] = c.resolve
			n := newInternet(t)
			n.host(t, mailHost, server.ServeHTTP)
			steps, err := check(t, n.open(t, "rooms", "one@"+domain+" two@"+domain))
			step := steps[kalends.StepRooms]
			if rooms := step.Facts["rooms"]; err != nil || step.Status != c.status || rooms != "" && rooms != fmt.Sprint(c.rooms) {
				t.Errorf("%+v, %v", step, err)
			}
			if c.cause != "" && (step.Cause == nil || step.Cause.Key != c.cause) {
				t.Errorf("cause %+v, want %s", step.Cause, c.cause)
			}
		})
	}
}

func failsFor(whom, code string) func(string) (int, string) {
	return func(request string) (int, string) {
		if strings.Contains(request, whom) {
			return refusal("ResolveNames", code)
		}
		return refusal("ResolveNames", "ErrorNameResolutionNoResults")
	}
}

// The form refuses what cannot be an address, and names its field.
func TestErrRoomsThatAreNoAddresses(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	for _, rooms := range []string{"Raum Isar", "a@" + domain + " <b@" + domain + ">", strings.Repeat("a", 300) + " @", manyRooms(201)} {
		if _, err := n.tryOpen("rooms", rooms); kalends.KindOf(err) != kalends.KindInvalid || kalends.CauseOf(err).Facts["field"] != "rooms" {
			t.Errorf("%.40q: %v", rooms, err)
		}
	}
	if _, err := n.tryOpen("rooms", manyRooms(200)); err != nil {
		t.Error(err)
	}
}

func manyRooms(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "r%d@%s\n", i, domain)
	}
	return b.String()
}
