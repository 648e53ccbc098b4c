package memory_test

import (
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
	"kalends/provider/memory"
	"kalends/provider/providertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	w := memory.NewWorld("musterwerk.example")
	w.Add(
		memory.Person{Email: "alice@musterwerk.example", Name: "Alice", Aliases: []string{"a.muster@musterwerk.example"}},
		memory.Person{Email: "bob@musterwerk.example", Name: "Bob"},
		memory.Person{Email: "chefin@musterwerk.example", State: memory.NotPermitted},
		memory.Person{Email: "neu@musterwerk.example", State: memory.NoMailbox},
		memory.Person{Email: "alle@musterwerk.example", Kind: kalends.MailboxGroup},
	)
	room := kalends.Room{Email: "raum1@musterwerk.example", Name: "Raum 1", Capacity: 6, Building: "Haus A", Floor: "2"}
	w.AddRoom(room)
	w.SetPageSize(2) // so that following pages is tested too
	providertest.Run(t, providertest.Harness{
		Driver: func(*testing.T) provider.Driver { return w.Driver() },
		Refused: func(t *testing.T) provider.Driver {
			credentials := w.Credentials()
			credentials["password"] = "wrong-one"
			d, err := w.Open(credentials)
			if err != nil {
				t.Fatal(err)
			}
			return d
		},
		RefusedPassword: "wrong-one",

		World: actor{w},
		Start: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC),
		Alice: "alice@musterwerk.example", Bob: "bob@musterwerk.example", Alias: "a.muster@musterwerk.example",
		Unknown: "niemand@musterwerk.example", NotPermitted: "chefin@musterwerk.example",
		NoMailbox: "neu@musterwerk.example", Group: "alle@musterwerk.example", Room: room,
	})
}

// What a gate holds waits for its turn; what it does not hold goes on.
func TestAGateLetsThroughByNumber(t *testing.T) {
	t.Parallel()
	w := memory.NewWorld("musterwerk.example")
	staff := w.Staff(5)
	d, gate, found := w.Driver(), w.Hold("find"), make(chan error, 5)
	for _, email := range staff {
		go func() {
			_, err := d.Find(t.Context(), email)
			found <- err
		}()
	}
	gate.Let(2)
	for range 2 {
		if err := <-found; err != nil {
			t.Error(err)
		}
	}
	if _, err := d.Calendars(t.Context(), staff[0]); err != nil {
		t.Errorf("another operation: %v", err)
	}
	if len(found) > 0 {
		t.Error("a third one went through")
	}
	gate.Open()
	for range 3 {
		if err := <-found; err != nil {
			t.Error(err)
		}
	}
	if _, err := d.Find(t.Context(), staff[0]); err != nil {
		t.Errorf("after the gate was opened: %v", err)
	}
}

// actor lets the suite act in a memory world.
type actor struct{ world *memory.World }

func (a actor) Book(_ *testing.T, email string, e providertest.Event) string {
	event := kalends.Event{Summary: e.Summary, Start: e.Start, End: e.End, AllDay: e.AllDay}
	switch {
	case e.Free:
		event.Status = kalends.StatusFree
	case e.Tentative:
		event.Status = kalends.StatusTentative
	}
	return a.world.Book(email, event)
}

func (a actor) Move(_ *testing.T, email, id string, start, end time.Time) {
	a.world.Change(email, id, func(e *kalends.Event) { e.Start, e.End = start, end })
}

func (a actor) Unbook(_ *testing.T, email, id string) { a.world.Unbook(email, id) }

func (a actor) Events(_ *testing.T, email string, window kalends.Window) []providertest.Event {
	var events []providertest.Event
	for _, e := range a.world.Events(email) {
		if !window.Overlaps(e.Start, e.End) {
			continue
		}
		event := providertest.Event{Summary: e.Summary, Start: e.Start, End: e.End, AllDay: e.AllDay, Free: e.Status == kalends.StatusFree}
		for _, attendee := range e.Attendees {
			event.Attendees = append(event.Attendees, attendee.Email)
		}
		events = append(events, event)
	}
	return events
}
