package sandbox

import (
	"slices"
	"strings"
	"time"
)

// invite sends an invitation, or its update, to each attendee.
func (w *World) invite(item *Item, attendees []Attendee) {
	for _, attendee := range attendees {
		w.post.send(func() { w.receive(item, attendee) })
	}
}

// cancel tells the attendees that a meeting is off.
func (w *World) cancel(item *Item, attendees []Attendee) {
	if !item.Sent {
		return
	}
	for _, attendee := range attendees {
		w.post.send(func() { w.receiveCancel(item, attendee) })
	}
}

// receive puts the meeting into an attendee's calendar, tentatively. A group's
// members get it each; a room thinks about it.
func (w *World) receive(item *Item, attendee Attendee) {
	r, _ := w.Recipient(attendee.Email)
	switch {
	case r == nil:
		return
	case r.Kind == Group:
		for _, member := range r.Members {
			w.receive(item, Attendee{Email: member})
		}
		return
	case !r.HasMailbox() || r.Email == item.Organizer.Email:
		return
	}
	_ = w.edit(r, func(c *calendar) error {
		c.deliver(c.find(func(i *Item) bool { return i.UID == item.UID }), copyFor(item), w.now())
		return nil
	})
	if r.Kind == Room {
		w.post.think(func() { w.decide(r, item) })
	}
}

// decide is a room's answer: it declines clashes and organizers from outside,
// and shows the organizer's name instead of the subject (DeleteSubject and
// AddOrganizerToSubject are on by default).
func (w *World) decide(r *Recipient, item *Item) {
	answer := w.roomAnswer(r, item)
	open := false
	_ = w.edit(r, func(c *calendar) error {
		at := c.find(func(i *Item) bool { return i.UID == item.UID && !i.Cancelled })
		if open = at >= 0; !open {
			return nil
		}
		if answer == "Decline" {
			c.remove(at, "moved", w.now())
			return nil
		}
		taken := c.items[at].clone()
		taken.MyResponse, taken.Answered, taken.Status = answer, w.now(), item.Status
		taken.Subject, taken.Body = item.Organizer.Name, ""
		c.store(at, taken, w.now())
		return nil
	})
	if open {
		w.answer(item, r, Attendee{Response: answer})
	}
}

func (c *calendar) deliver(at int, item *Item, now time.Time) {
	if at < 0 {
		c.insert(item, now)
		return
	}
	old := c.items[at]
	item.ID, item.Created, item.Props = old.ID, old.Created, old.Props
	if old.Start.Equal(item.Start) && old.End.Equal(item.End) && item.MyResponse == "NoResponseReceived" {
		item.MyResponse, item.Answered, item.Status = old.MyResponse, old.Answered, old.Status
	}
	c.store(at, item, now)
}

// copyFor is the attendee's own copy: extended properties and the answers of
// others stay at home.
func copyFor(item *Item) *Item {
	c := item.clone()
	for n := range c.Attendees {
		c.Attendees[n].Response, c.Attendees[n].At, c.Attendees[n].Proposed = "Unknown", time.Time{}, nil
	}
	c.Props, c.Categories, c.MyResponse, c.Status = nil, nil, "NoResponseReceived", "Tentative"
	if item.Status == "Free" {
		c.Status = "Free"
	}
	return c
}

// roomAnswer accepts unless something else blocks the room at that time.
func (w *World) roomAnswer(r *Recipient, item *Item) string {
	if !strings.HasSuffix(strings.ToLower(item.Organizer.Email), "@"+strings.ToLower(w.Domain())) {
		return "Decline"
	}
	answer := "Accept"
	until := item.Start.AddDate(0, 3, 0)
	item.Occurrences(func(o Occurrence) bool {
		clash := slices.ContainsFunc(w.View(r, o.Item.Start, o.Item.End), func(other Occurrence) bool {
			return other.Item.UID != item.UID && other.Item.Blocks() && other.Item.MyResponse != "NoResponseReceived"
		})
		if clash {
			answer = "Decline"
		}
		return !clash && o.Item.Start.Before(until)
	})
	return answer
}

func (w *World) receiveCancel(item *Item, attendee Attendee) {
	r, _ := w.Recipient(attendee.Email)
	if r != nil && r.Kind == Group {
		for _, member := range r.Members {
			w.receiveCancel(item, Attendee{Email: member})
		}
	}
	if r == nil || !r.HasMailbox() || r.Email == item.Organizer.Email {
		return
	}
	_ = w.edit(r, func(c *calendar) error {
		at := c.find(func(i *Item) bool { return i.UID == item.UID })
		switch {
		case at < 0:
		case r.Kind == Room:
			c.remove(at, "moved", w.now())
		default:
			off := c.items[at].clone()
			off.Cancelled, off.Status = true, "Free"
			off.Subject = "Abgesagt: " + strings.TrimPrefix(off.Subject, "Abgesagt: ")
			c.store(at, off, w.now())
		}
		return nil
	})
}

// Respond is what a person does with an invitation: Accept, Tentative, Decline.
func (w *World) Respond(r *Recipient, id, response string) error {
	return w.Propose(r, id, response, nil)
}

// Propose is Respond with another time.
func (w *World) Propose(r *Recipient, id, response string, other *Span) error {
	var answered *Item
	err := w.edit(r, func(c *calendar) error {
		at := c.find(func(i *Item) bool { return i.ID == id })
		if at < 0 {
			return ErrNoItem
		}
		answered = c.items[at].clone()
		answered.MyResponse, answered.Answered = response, w.now()
		answered.Status = map[string]string{"Accept": "Busy", "Tentative": "Tentative", "Decline": "Free"}[response]
		if response == "Decline" {
			c.remove(at, "moved", w.now())
			return nil
		}
		c.store(at, answered, w.now())
		return nil
	})
	if err == nil {
		w.answer(answered, r, Attendee{Response: response, Proposed: other})
	}
	return err
}

// answer carries a response to the organizer's copy.
func (w *World) answer(item *Item, from *Recipient, response Attendee) {
	w.post.send(func() {
		organizer, _ := w.Recipient(item.Organizer.Email)
		if organizer == nil || !organizer.HasMailbox() {
			return
		}
		_ = w.edit(organizer, func(c *calendar) error {
			at := c.find(func(i *Item) bool { return i.UID == item.UID })
			if at < 0 {
				return ErrNoItem
			}
			mine := c.items[at].clone()
			w.note(mine, from, response)
			c.store(at, mine, w.now())
			return nil
		})
	})
}

// note writes an answer into the organizer's copy; members of a group appear
// with their first answer.
func (w *World) note(mine *Item, from *Recipient, response Attendee) {
	at := slices.IndexFunc(mine.Attendees, func(a Attendee) bool {
		to, _ := w.Recipient(a.Email)
		return to != nil && to.Email == from.Email
	})
	if at < 0 {
		at = len(mine.Attendees)
		mine.Attendees = append(mine.Attendees, Attendee{Name: from.Name, Email: from.Email, Kind: "required"})
	}
	a := &mine.Attendees[at]
	a.Response, a.Proposed, a.At = response.Response, response.Proposed, w.now()
}
