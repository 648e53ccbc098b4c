package sandbox

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// postOffice carries letters between mailboxes, each after the delay.
type postOffice struct {
	delay   time.Duration
	mu      sync.Mutex
	idle    *sync.Cond
	transit map[*time.Timer]bool
	letters int
}

func (p *postOffice) number() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.letters++
	return p.letters
}

func (p *postOffice) send(deliver func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.transit == nil {
		p.transit = map[*time.Timer]bool{}
	}
	var timer *time.Timer
	timer = time.AfterFunc(p.delay, func() {
		p.mu.Lock()
		there := p.transit[timer]
		p.mu.Unlock()
		if there {
			deliver()
			p.arrived(timer)
		}
	})
	p.transit[timer] = true
}

func (p *postOffice) arrived(timer *time.Timer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.transit, timer)
	if p.idle != nil {
		p.idle.Broadcast()
	}
}

// drop throws all letters in transit away.
func (p *postOffice) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for timer := range p.transit {
		timer.Stop()
	}
	p.transit = nil
	if p.idle != nil {
		p.idle.Broadcast()
	}
}

// Settle waits until no letter is on its way, answers to letters included.
func (w *World) Settle() {
	p := &w.post
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle == nil {
		p.idle = sync.NewCond(&p.mu)
	}
	for len(p.transit) > 0 {
		p.idle.Wait()
	}
}

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

// receive puts the meeting into an attendee's calendar, tentatively. A room
// answers at once: it declines clashes and organizers from outside.
func (w *World) receive(item *Item, attendee Attendee) {
	r, _ := w.Recipient(attendee.Email)
	if r == nil || !r.HasMailbox() {
		return
	}
	response := "NoResponseReceived"
	if r.Kind == Room {
		response = w.roomAnswer(r, item)
	}
	_ = w.edit(r, func(c *calendar) error {
		at := c.find(func(i *Item) bool { return i.UID == item.UID })
		if response != "Decline" {
			c.deliver(at, copyFor(r, item, response), w.now())
		} else if at >= 0 {
			c.remove(at)
		}
		return nil
	})
	if r.Kind == Room {
		w.answer(item, r, response)
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
func copyFor(r *Recipient, item *Item, response string) *Item {
	c := item.clone()
	for n := range c.Attendees {
		c.Attendees[n].Response, c.Attendees[n].At = "Unknown", time.Time{}
	}
	c.Props, c.Categories, c.MyResponse = nil, nil, response
	if response != "Accept" {
		c.Status = "Tentative"
	}
	if item.Status == "Free" {
		c.Status = "Free"
	}
	if r.Kind == Room { // DeleteSubject and AddOrganizerToSubject are on by default
		c.Subject, c.Body = item.Organizer.Name, ""
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
			return other.Item.UID != item.UID && other.Item.Blocks()
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
	if r == nil || !r.HasMailbox() {
		return
	}
	_ = w.edit(r, func(c *calendar) error {
		at := c.find(func(i *Item) bool { return i.UID == item.UID })
		switch {
		case at < 0:
		case r.Kind == Room:
			c.remove(at)
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
			c.remove(at)
			return nil
		}
		c.store(at, answered, w.now())
		return nil
	})
	if err == nil {
		w.answer(answered, r, response)
	}
	return err
}

// answer carries a response to the organizer's copy.
func (w *World) answer(item *Item, from *Recipient, response string) {
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
			for n := range mine.Attendees {
				if to, _ := w.Recipient(mine.Attendees[n].Email); to != nil && to.Email == from.Email {
					mine.Attendees[n].Response, mine.Attendees[n].At = response, w.now()
				}
			}
			c.store(at, mine, w.now())
			return nil
		})
	})
}
