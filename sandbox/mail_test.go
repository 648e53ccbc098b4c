package sandbox_test

import (
	"slices"
	"testing"
	"time"

	"kalends/sandbox"
)

// house is a company whose mail is delivered by hand.
func house(t *testing.T) *sandbox.World {
	t.Helper()
	server := start(t, sandbox.Config{})
	if status := call(t, server, "PATCH", "/_sandbox/mail", `{"held":true}`, nil); status != 200 {
		t.Fatal(status)
	}
	return server.World()
}

func who(t *testing.T, w *sandbox.World, local string) *sandbox.Recipient {
	t.Helper()
	r, _ := w.Recipient(local + "@musterwerk.example")
	if r == nil {
		t.Fatal("nobody is ", local)
	}
	return r
}

// copyOf is somebody's copy of a meeting, or nil.
func copyOf(w *sandbox.World, r *sandbox.Recipient, uid string) *sandbox.Item {
	items := w.Items(r)
	at := slices.IndexFunc(items, func(i *sandbox.Item) bool { return i.UID == uid })
	if at < 0 {
		return nil
	}
	return items[at]
}

func meeting(w *sandbox.World, hours int, guests ...sandbox.Attendee) sandbox.Item {
	begin := w.Now().AddDate(1, 0, 0).Truncate(time.Hour).Add(time.Duration(hours) * time.Hour)
	return sandbox.Item{Subject: "Interview", Body: "Geheim", Start: begin, End: begin.Add(time.Hour), Attendees: guests}
}

func isar() sandbox.Attendee {
	return sandbox.Attendee{Email: "raum-isar@musterwerk.example", Kind: "resource"}
}

func make1(t *testing.T, w *sandbox.World, r *sandbox.Recipient, item sandbox.Item) *sandbox.Item {
	t.Helper()
	made, err := w.Create(r, item, true)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func answerOf(t *testing.T, w *sandbox.World, r *sandbox.Recipient, made *sandbox.Item) string {
	t.Helper()
	item, err := w.Item(r, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	return item.Attendees[0].Response
}

// TestRoomAnswersLater: first the meeting stands in the room's calendar, then
// the room decides, then the organizer hears of it.
func TestRoomAnswersLater(t *testing.T) {
	t.Parallel()
	w := house(t)
	admin, room := who(t, w, "admin"), who(t, w, "raum-isar")
	made := make1(t, w, admin, meeting(w, 0, isar()))
	if copyOf(w, room, made.UID) != nil {
		t.Fatal("arrived while mail is held")
	}
	w.Deliver()
	if c := copyOf(w, room, made.UID); c == nil || c.MyResponse != "NoResponseReceived" || c.Status != "Tentative" || c.Subject != "Interview" {
		t.Fatalf("in the room's calendar: %+v", c)
	}
	w.Deliver()
	if c := copyOf(w, room, made.UID); c.MyResponse != "Accept" || c.Status != "Busy" || c.Subject != admin.Name || c.Body != "" {
		t.Fatalf("decided: %+v", c)
	}
	if got := answerOf(t, w, admin, made); got != "Unknown" {
		t.Errorf("the organizer knows already: %s", got)
	}
	w.Deliver()
	if got := answerOf(t, w, admin, made); got != "Accept" {
		t.Errorf("the answer: %s", got)
	}
	if m := w.Mail(); m.Waiting != 0 {
		t.Errorf("%+v", m)
	}
}

// TestFirstDecidedWins: of two meetings at one time the room takes that on
// which it decided first, and none that was cancelled before.
func TestFirstDecidedWins(t *testing.T) {
	t.Parallel()
	w := house(t)
	admin, room := who(t, w, "admin"), who(t, w, "raum-isar")
	gone := make1(t, w, admin, meeting(w, 0, isar()))
	w.Deliver()
	if err := w.Delete(admin, gone.ID, true); err != nil {
		t.Fatal(err)
	}
	first, second := make1(t, w, admin, meeting(w, 0, isar())), make1(t, w, admin, meeting(w, 0, isar()))
	w.Settle()
	if a, b := answerOf(t, w, admin, first), answerOf(t, w, admin, second); a != "Accept" || b != "Decline" {
		t.Errorf("%s %s", a, b)
	}
	if copyOf(w, room, gone.UID) != nil || copyOf(w, room, second.UID) != nil {
		t.Error("cancelled or declined ones stay in the room's calendar")
	}
}

func TestRoomDecidesAgain(t *testing.T) {
	t.Parallel()
	w := house(t)
	admin, room := who(t, w, "admin"), who(t, w, "raum-isar")
	taken, moved := make1(t, w, admin, meeting(w, 5, isar())), make1(t, w, admin, meeting(w, 0, isar()))
	w.Settle()
	_, err := w.Update(admin, moved.ID, func(i *sandbox.Item) error { i.Start, i.End = taken.Start, taken.End; return nil }, true)
	if err != nil {
		t.Fatal(err)
	}
	if got := answerOf(t, w, admin, moved); got != "Unknown" {
		t.Errorf("the answer to the old time stays: %s", got)
	}
	w.Settle()
	if got := answerOf(t, w, admin, moved); got != "Decline" || copyOf(w, room, moved.UID) != nil {
		t.Errorf("after the move: %s", got)
	}
}

func TestMailToChangedOnly(t *testing.T) {
	t.Parallel()
	w := house(t)
	admin, max, vera := who(t, w, "admin"), who(t, w, "maximilian.hofer"), who(t, w, "vera.vorstand")
	made := make1(t, w, admin, meeting(w, 0, sandbox.Attendee{Email: max.Email}))
	w.Settle()
	_, err := w.UpdateSince(admin, made.ID, func(i *sandbox.Item, _ func(int) *sandbox.Item) error {
		i.Subject = "Anders"
		i.Attendees = append(i.Attendees, sandbox.Attendee{Email: vera.Email})
		return nil
	}, sandbox.Changed)
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if a, b := copyOf(w, max, made.UID), copyOf(w, vera, made.UID); a.Subject != "Interview" || b == nil || b.Subject != "Anders" {
		t.Errorf("%+v %+v", a, b)
	}
}

// TestGroup: its members are invited each, and appear with their answers.
func TestGroup(t *testing.T) {
	t.Parallel()
	w := house(t)
	admin, max := who(t, w, "admin"), who(t, w, "maximilian.hofer")
	made := make1(t, w, admin, meeting(w, 0, sandbox.Attendee{Email: "team-vertrieb@musterwerk.example"}))
	w.Settle()
	if err := w.Respond(max, copyOf(w, max, made.UID).ID, "Accept"); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	now, err := w.Item(admin, made.ID)
	if err != nil || len(now.Attendees) != 2 || now.Attendees[1].Email != max.Email || now.Attendees[1].Response != "Accept" || now.Attendees[0].Response != "Unknown" {
		t.Errorf("%+v %v", now.Attendees, err)
	}
	if err := w.Delete(admin, made.ID, true); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if c := copyOf(w, max, made.UID); c == nil || !c.Cancelled || c.Status != "Free" {
		t.Errorf("the cancelled copy: %+v", c)
	}
}

// TestReleased: letters that were held arrive when nobody holds them any more.
func TestReleased(t *testing.T) {
	t.Parallel()
	w := house(t)
	max := who(t, w, "maximilian.hofer")
	made := make1(t, w, who(t, w, "admin"), meeting(w, 0, sandbox.Attendee{Email: max.Email}))
	w.SetMail(sandbox.Mail{DelayMS: 1, RoomDelayMS: 1})
	w.Settle()
	if copyOf(w, max, made.UID) == nil {
		t.Error("lost")
	}
}
