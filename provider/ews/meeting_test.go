package ews_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

// meeting is a draft in somebody's calendar whose mail waits until it is delivered.
type meeting struct {
	*follower
	world             *sandbox.World
	host, guest, next string
	draft             kalends.Draft
}

func newMeeting(t *testing.T, server string) *meeting {
	t.Helper()
	c := musterwerkWith(t, ewsfake.Options{Version: server})
	m := &meeting{world: c.server.World(), host: c.healthyPeople()[4].Email, guest: c.healthyPeople()[5].Email, next: c.healthyPeople()[6].Email}
	m.world.SetMail(sandbox.Mail{Held: true})
	m.follower = c.follow(t, m.host)
	start := m.request.Window.Start.AddDate(0, 0, 150).Add(20 * time.Hour)
	ten := 10
	m.draft = kalends.Draft{
		ID: "talk", Summary: "Gespräch & mehr", Description: "eins\r\nzwei", Location: "Raum 1", Start: start, End: start.Add(time.Hour), Zone: "Europe/Berlin",
		Reminder: &ten, Invite: true, Attendees: []kalends.Attendee{{Email: m.guest, Name: "Gast"}},
	}
	return m
}

// put writes the draft and gives how many letters that sent, and by what.
func (m *meeting) put(t *testing.T) (letters int, operations []string) {
	t.Helper()
	m.cost()
	before := m.world.Mail().Waiting
	if _, err := m.driver.Put(t.Context(), m.host, m.request.Calendar, m.draft); err != nil {
		t.Fatal(err)
	}
	letters, operations = m.world.Mail().Waiting-before, m.cost()
	m.world.Settle()
	return letters, operations
}

func (m *meeting) item(t *testing.T, email string) *sandbox.Item {
	t.Helper()
	found := m.world.View(of(t, m.world, email), m.draft.Start, m.draft.End)
	if len(found) != 1 {
		t.Fatalf("%d items in the calendar of %s", len(found), email)
	}
	return found[0].Item
}

// Who is invited hears of what concerns him, once.
func TestMeetingsTellWhomTheyConcern(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			m := newMeeting(t, server)
			want := func(what string, letters int, operations ...string) {
				t.Helper()
				if sent, took := m.put(t); sent != letters || !slices.Equal(took, operations) {
					t.Errorf("%s: %d letters by %v, want %d by %v", what, sent, took, letters, operations)
				}
			}
			want("created", 1, "FindItem", "CreateItem")
			want("the same again", 0, "FindItem", "GetItem")
			if m.item(t, m.guest).Subject != m.draft.Summary {
				t.Error("the guest has another subject")
			}
			m.draft.Attendees = append(m.draft.Attendees, kalends.Attendee{Email: m.next})
			want("somebody came", 1, "FindItem", "GetItem", "UpdateItem")
			m.draft.Reminder = nil
			want("without a reminder", 0, "FindItem", "GetItem", "UpdateItem")
			m.draft.Start, m.draft.End = m.draft.Start.Add(time.Hour), m.draft.End.Add(time.Hour)
			want("moved", 2, "FindItem", "GetItem", "UpdateItem")
			if !m.item(t, m.next).Start.Equal(m.draft.Start) {
				t.Error("the guest has another time")
			}
			m.draft.Attendees = nil
			want("nobody left", 2, "FindItem", "GetItem", "UpdateItem")
			if left := m.item(t, m.host).Attendees; len(left) != 0 {
				t.Errorf("attendees %v", left)
			}
			if err := m.driver.Delete(t.Context(), m.host, m.request.Calendar, "talk", true); err != nil {
				t.Error(err)
			}
		})
	}
}

// What was saved without invitations is sent as soon as they are wanted.
func TestAMeetingIsSentLater(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, "Exchange2013_SP1")
	m.draft.Invite = false
	if sent, _ := m.put(t); sent != 0 {
		t.Errorf("%d letters", sent)
	}
	m.draft.Invite = true
	if sent, _ := m.put(t); sent != 1 {
		t.Errorf("%d letters", sent)
	}
	if sent, took := m.put(t); sent != 0 || slices.Contains(took, "UpdateItem") {
		t.Errorf("%d letters by %v", sent, took)
	}
}

// What others added to our event stays, and answers do.
func TestAnUpdateKeepsWhatOthersWrote(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, "Exchange2010_SP2")
	m.put(t)
	if err := m.world.Respond(of(t, m.world, m.guest), m.item(t, m.guest).ID, "Accept"); err != nil {
		t.Fatal(err)
	}
	m.world.Settle()
	_, err := m.world.Update(of(t, m.world, m.host), m.item(t, m.host).ID, func(i *sandbox.Item) error {
		i.Categories, i.Body = []string{"wichtig"}, "Notiz davor\r\n\r\n"+i.Body+"\r\nTeams-Link"
		return nil
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	m.draft.Location = "Raum 2"
	m.put(t)
	now := m.item(t, m.host)
	if now.Location != "Raum 2" || !strings.Contains(now.Body, "Teams-Link") || !slices.Equal(now.Categories, []string{"wichtig"}) || now.Attendees[0].Response != "Accept" {
		t.Errorf("%+v", now)
	}
	event, err := m.driver.Put(t.Context(), m.host, m.request.Calendar, m.draft)
	if err != nil || len(event.Attendees) != 1 || event.Attendees[0].Status != kalends.AttendeeAccepted {
		t.Errorf("%+v, %v", event.Attendees, err)
	}
	m.draft.Description = "ganz anders"
	m.put(t)
	if body := m.item(t, m.host).Body; body != "ganz anders" {
		t.Errorf("body %q", body)
	}
}

// A copy that somebody made of our event is not the event.
func TestACopyIsNotOurEvent(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, "Exchange2013_SP1")
	m.draft.Attendees, m.draft.Invite = nil, false
	m.put(t)
	original := m.item(t, m.host)
	other := *original
	other.Start, other.End = original.Start.AddDate(0, 0, -3), original.End.AddDate(0, 0, -3)
	other.UID, other.ID = "", ""
	made, err := m.world.Create(of(t, m.world, m.host), other, false)
	if err != nil {
		t.Fatal(err)
	}
	later := func(i *sandbox.Item) error { i.Created = i.Created.Add(time.Hour); return nil }
	if _, err := m.world.Update(of(t, m.world, m.host), made.ID, later, false); err != nil {
		t.Fatal(err)
	}
	m.draft.Summary = "geändert"
	m.put(t)
	if now := m.item(t, m.host); now.ID != original.ID || now.Subject != "geändert" {
		t.Errorf("%+v", now)
	}
}

// stored is an Exchange with at most one item, scripted.
type stored struct {
	there            bool
	creates, updates int
	create, update   func() (int, string) // nil = done
	seen             []string
}

func (s *stored) script() script {
	const id = `<t:ItemId Id="AAAA" ChangeKey="k"/>`
	done := func(op string, how func() (int, string)) (int, string) {
		if how != nil {
			if code, body := how(); code != 0 {
				return code, body
			}
		}
		return success(op, `<m:Items><t:CalendarItem>`+id+`</t:CalendarItem></m:Items>`)
	}
	return script{
		"FindItem": func(string) (int, string) {
			if s.there {
				return found(true, `<t:CalendarItem>`+id+`</t:CalendarItem>`)
			}
			return found(true)
		},
		"GetItem": func(string) (int, string) {
			return success("GetItem", `<m:Items><t:CalendarItem>`+id+`<t:Subject>old</t:Subject></t:CalendarItem></m:Items>`)
		},
		"CreateItem": func(request string) (int, string) {
			s.creates++
			s.seen = append(s.seen, request)
			return done("CreateItem", s.create)
		},
		"UpdateItem": func(request string) (int, string) {
			s.updates++
			s.seen = append(s.seen, request)
			return done("UpdateItem", s.update)
		},
	}
}

func (s *stored) put(t *testing.T, d provider.Driver) error {
	t.Helper()
	start := year.Start
	_, err := d.Put(t.Context(), "a@"+domain, "AAMk", kalends.Draft{ID: "one", Summary: "new", Start: start, End: start.Add(time.Hour), Zone: "Europe/Berlin"})
	return err
}

// After a conflict the item is read and changed once more, and not for ever.
func TestAConflictIsTriedOnceMore(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"ErrorIrresolvableConflict", "ErrorStaleObject", "ErrorChangeKeyRequiredForWriteOperations"} {
		for refused, updates := range map[int]int{0: 1, 1: 2, 9: 2} {
			s := &stored{there: true}
			left := refused
			s.update = func() (int, string) {
				if left--; left >= 0 {
					return refusal("UpdateItem", code)
				}
				return 0, ""
			}
			n := newInternet(t)
			n.host(t, mailHost, s.script().ServeHTTP)
			err := s.put(t, n.open(t, "version", "Exchange2013_SP1"))
			if s.updates != updates || s.creates != 0 || (err != nil) != (refused > 1) || err != nil && kalends.KindOf(err) != kalends.KindConflict {
				t.Errorf("%s %d times: %d updates, %d creates, %v", code, refused, s.updates, s.creates, err)
			}
		}
	}
}

// A creation whose answer is lost is not repeated: what was made is found.
func TestALostAnswerMakesNoSecondEvent(t *testing.T) {
	t.Parallel()
	s := &stored{}
	s.create = func() (int, string) { s.there = true; return http.StatusInternalServerError, "" }
	n := newInternet(t)
	n.host(t, mailHost, s.script().ServeHTTP)
	d := n.open(t, "version", "Exchange2013_SP1")
	if err := s.put(t, d); err == nil {
		t.Error("an answer that never came is taken for one")
	}
	if err := s.put(t, d); err != nil || s.creates != 1 || s.updates != 1 {
		t.Errorf("%d creates, %d updates, %v", s.creates, s.updates, err)
	}
}

// 2007 refuses names of zones that it does not know: then without.
func TestAZoneThatTheServerDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, there := range []bool{false, true} {
		s := &stored{there: there}
		refuse := func(op string) func() (int, string) {
			return func() (int, string) {
				if strings.Contains(s.seen[len(s.seen)-1], "TimeZone ") {
					return refusal(op, "ErrorTimeZone")
				}
				return 0, ""
			}
		}
		s.create, s.update = refuse("CreateItem"), refuse("UpdateItem")
		n := newInternet(t)
		n.host(t, mailHost, as2007(s.script()))
		if err := s.put(t, n.open(t, "version", "Exchange2007_SP1")); err != nil || len(s.seen) != 2 {
			t.Errorf("%v after %d tries", err, len(s.seen))
		}
	}
	for version, zone := range map[string]string{
		"Exchange2007_SP1": `<t:MeetingTimeZone TimeZoneName="W. Europe Standard Time"/>`, "Exchange2010_SP2": `<t:StartTimeZone Id="W. Europe Standard Time"/>`,
	} {
		if got := fmt.Sprint(createdIn(t, version)); !strings.Contains(got, zone) {
			t.Errorf("%s: %s", version, got)
		}
	}
}

func createdIn(t *testing.T, version string) []string {
	t.Helper()
	s := &stored{}
	n := newInternet(t)
	answer := s.script().ServeHTTP
	if version == "Exchange2007_SP1" {
		answer = as2007(s.script())
	}
	n.host(t, mailHost, answer)
	if err := s.put(t, n.open(t, "version", version)); err != nil {
		t.Error(err)
	}
	return s.seen
}

// Whom somebody forwarded the invitation to stays invited; whom the draft no longer
// names does not.
func TestAForwardedInvitationStays(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			m := newMeeting(t, server)
			m.put(t)
			_, err := m.world.Update(of(t, m.world, m.host), m.item(t, m.host).ID, func(i *sandbox.Item) error {
				i.Attendees = append(i.Attendees, sandbox.Attendee{Email: m.next, Kind: "required"})
				return nil
			}, true)
			if err != nil {
				t.Fatal(err)
			}
			m.world.Settle()
			if sent, took := m.put(t); sent != 0 || slices.Contains(took, "UpdateItem") {
				t.Errorf("the same again: %d letters by %v", sent, took)
			}
			m.draft.Location = "Raum 2"
			if sent, _ := m.put(t); sent != 2 {
				t.Errorf("%d letters, want one to each", sent)
			}
			m.draft.Attendees = nil
			if sent, _ := m.put(t); sent != 1 {
				t.Errorf("%d letters, want one to who left", sent)
			}
			if sent, took := m.put(t); sent != 0 || slices.Contains(took, "UpdateItem") {
				t.Errorf("the same once more: %d letters by %v", sent, took)
			}
			if left := m.item(t, m.host).Attendees; len(left) != 1 || left[0].Email != m.next {
				t.Errorf("left %v", left)
			}
		})
	}
}
