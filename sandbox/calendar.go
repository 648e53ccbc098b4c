package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// calendar is one mailbox's. Until the first write it holds nothing: reads
// generate what stands there from the seed.
type calendar struct {
	mu      sync.Mutex
	owned   bool
	items   []*Item
	next    int
	changes []Change
	past    map[string][]*Item // what changed items were, oldest first
	changed chan struct{}      // closed with the next change; nil = nobody waits
}

// keepVersions is how many earlier versions of an item are remembered.
const keepVersions = 20

// Change is one entry of a calendar's log; entries are numbered from 1.
type Change struct {
	ID     string
	Kind   string // created updated moved (to the deleted items) deleted
	Number int
	At     time.Time
}

func (c Change) gone() bool { return c.Kind == "deleted" || c.Kind == "moved" }

func (w *World) calendar(r *Recipient) *calendar {
	key := strings.ToLower(r.Email)
	if c, ok := w.boxes.Load(key); ok {
		return c.(*calendar)
	}
	c, _ := w.boxes.LoadOrStore(key, &calendar{})
	return c.(*calendar)
}

// Items lists a mailbox's singles and series. The items must not be changed.
func (w *World) Items(r *Recipient) []*Item {
	c := w.calendar(r)
	c.mu.Lock()
	if c.owned {
		defer c.mu.Unlock()
		return slices.Clone(c.items)
	}
	c.mu.Unlock()
	return w.generated(r)
}

func (w *World) generated(r *Recipient) []*Item {
	w.mu.RLock()
	company, gen := w.company, w.gen
	w.mu.RUnlock()
	return gen.items(r, company)
}

// Item finds one single or series.
func (w *World) Item(r *Recipient, id string) (*Item, error) {
	for _, item := range w.Items(r) {
		if item.ID == id {
			return item, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", id, ErrNoItem)
}

// View lists the occurrences that touch a span, by start.
func (w *World) View(r *Recipient, start, end time.Time) []Occurrence {
	found := make([]Occurrence, 0, 64)
	for _, item := range w.Items(r) {
		item.Window(start, end, func(o Occurrence) { found = append(found, o) })
	}
	slices.SortStableFunc(found, func(a, b Occurrence) int { return a.Item.Start.Compare(b.Item.Start) })
	return found
}

// Changes lists what happened since a number, one entry an item, and the number
// to ask with next.
func (w *World) Changes(r *Recipient, since int) ([]Change, int) {
	c := w.calendar(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	since = min(max(since, 0), len(c.changes))
	var found []Change
	for _, change := range c.changes[since:] {
		found = merge(found, change)
	}
	return found, len(c.changes)
}

// Log lists every single change since a number.
func (w *World) Log(r *Recipient, since int) []Change {
	c := w.calendar(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.changes[min(max(since, 0), len(c.changes)):])
}

// Watch gives a channel that is closed with the mailbox's next change.
func (w *World) Watch(r *Recipient) <-chan struct{} {
	c := w.calendar(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.changed
}

func merge(found []Change, change Change) []Change {
	at := slices.IndexFunc(found, func(f Change) bool { return f.ID == change.ID })
	switch {
	case at < 0:
		return append(found, change)
	case found[at].Kind == "created" && change.gone():
		return slices.Delete(found, at, at+1)
	case found[at].Kind == "created":
		return found
	}
	found[at] = change
	return found
}

// edit runs a change on a mailbox's own items.
func (w *World) edit(r *Recipient, act func(*calendar) error) error {
	c := w.calendar(r)
	var seeded []*Item
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.owned {
		seeded = w.generated(r)
		c.owned, c.items = true, seeded
	}
	return act(c)
}

func (c *calendar) log(id, kind string, now time.Time) {
	c.changes = append(c.changes, Change{ID: id, Kind: kind, Number: len(c.changes) + 1, At: now})
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

func (c *calendar) find(match func(*Item) bool) int { return slices.IndexFunc(c.items, match) }

func (c *calendar) insert(item *Item, now time.Time) {
	c.next++
	item.ID, item.Version = fmt.Sprintf("n%d", c.next), 1
	item.Created, item.Modified = now, now
	c.items = append(c.items, item)
	c.log(item.ID, "created", now)
}

func (c *calendar) store(at int, item *Item, now time.Time) {
	if c.past == nil {
		c.past = map[string][]*Item{}
	}
	before := c.items[at]
	versions := append(c.past[before.ID], before)
	c.past[before.ID] = versions[max(0, len(versions)-keepVersions):]
	item.Version, item.Modified = before.Version+1, now
	c.items[at] = item
	c.log(item.ID, "updated", now)
}

func (c *calendar) remove(at int, kind string, now time.Time) {
	c.log(c.items[at].ID, kind, now)
	c.items = slices.Delete(c.items, at, at+1)
}

// Audience is who hears of a change.
type Audience int

// The audiences: Changed are those who came or left.
const (
	Nobody Audience = iota
	Everybody
	Changed
)

// Create puts an item into a mailbox, as its organizer, and sends invitations
// to the attendees if asked.
func (w *World) Create(r *Recipient, item Item, send bool) (*Item, error) {
	made := item.clone()
	made.Organizer, made.MyResponse = Attendee{Name: r.Name, Email: r.Email}, "Organizer"
	made.Sent = send && len(made.Attendees) > 0
	made.fill(w.newUID(r))
	err := w.edit(r, func(c *calendar) error {
		c.insert(made, w.now())
		return nil
	})
	if made.Sent {
		w.invite(made, made.Attendees)
	}
	return made, err
}

// Update changes an item and tells attendees if asked; who is no longer among
// them gets a cancellation.
func (w *World) Update(r *Recipient, id string, change func(*Item) error, send bool) (*Item, error) {
	audience := Nobody
	if send {
		audience = Everybody
	}
	return w.UpdateSince(r, id, func(i *Item, _ func(int) *Item) error { return change(i) }, audience)
}

// UpdateSince is Update for changes that look at what the item was: earlier
// gives a version of it, or nil when that is forgotten.
func (w *World) UpdateSince(r *Recipient, id string, change func(i *Item, earlier func(version int) *Item) error, tell Audience) (*Item, error) {
	var before, after *Item
	err := w.edit(r, func(c *calendar) error {
		at := c.find(func(i *Item) bool { return i.ID == id })
		if at < 0 {
			return fmt.Errorf("%s: %w", id, ErrNoItem)
		}
		before, after = c.items[at], c.items[at].clone()
		if err := change(after, func(version int) *Item { return c.earlier(id, version) }); err != nil {
			return err
		}
		after.renew(before, tell != Nobody)
		c.store(at, after, w.now())
		return nil
	})
	if err != nil {
		return nil, err
	}
	w.tell(before, after, tell)
	return after, nil
}

// tell sends a change to the attendees; who left gets a cancellation.
func (w *World) tell(before, after *Item, tell Audience) {
	if tell == Nobody || after.MyResponse != "Organizer" {
		return
	}
	w.cancel(before, gone(before.Attendees, after.Attendees))
	if tell == Changed {
		w.invite(after, gone(after.Attendees, before.Attendees))
		return
	}
	w.invite(after, after.Attendees)
}

func (c *calendar) earlier(id string, version int) *Item {
	for _, item := range c.past[id] {
		if item.Version == version {
			return item
		}
	}
	return nil
}

// renew forgets answers to another time, and the exceptions of another pattern.
func (i *Item) renew(before *Item, send bool) {
	i.Sent = i.Sent || send && len(i.Attendees) > 0
	if before.Rule != nil && (!i.Rule.samePattern(before.Rule) || !i.Start.Equal(before.Start)) {
		i.Exceptions = nil
	}
	if i.MyResponse != "Organizer" || i.Start.Equal(before.Start) && i.End.Equal(before.End) {
		return
	}
	i.Sequence++
	for n := range i.Attendees {
		i.Attendees[n].Response, i.Attendees[n].At, i.Attendees[n].Proposed = "Unknown", time.Time{}, nil
	}
}

// Delete moves an item to the deleted items, as Outlook does, and cancels it
// for the attendees if asked.
func (w *World) Delete(r *Recipient, id string, send bool) error {
	return w.delete(r, id, send, "moved")
}

// Destroy is Delete past the deleted items.
func (w *World) Destroy(r *Recipient, id string, send bool) error {
	return w.delete(r, id, send, "deleted")
}

func (w *World) delete(r *Recipient, id string, send bool, kind string) error {
	var before *Item
	err := w.edit(r, func(c *calendar) error {
		at := c.find(func(i *Item) bool { return i.ID == id })
		if at < 0 {
			return fmt.Errorf("%s: %w", id, ErrNoItem)
		}
		before = c.items[at]
		c.remove(at, kind, w.now())
		return nil
	})
	if err != nil || !send {
		return err
	}
	if before.MyResponse == "Organizer" {
		w.cancel(before, before.Attendees)
	} else {
		w.answer(before, r, Attendee{Response: "Decline"})
	}
	return nil
}

func gone(before, after []Attendee) []Attendee {
	return slices.DeleteFunc(slices.Clone(before), func(b Attendee) bool {
		return slices.ContainsFunc(after, func(a Attendee) bool { return strings.EqualFold(a.Email, b.Email) })
	})
}

func (i *Item) fill(uid string) {
	if i.UID == "" {
		i.UID = uid
	}
	for _, field := range []struct {
		to    *string
		value string
	}{{&i.Status, "Busy"}, {&i.Sensitivity, "Normal"}} {
		if *field.to == "" {
			*field.to = field.value
		}
	}
	for n := range i.Attendees {
		if i.Attendees[n].Response == "" {
			i.Attendees[n].Response = "Unknown"
		}
	}
}

func (w *World) now() time.Time { return w.config.Now().UTC().Truncate(time.Second) }

func (w *World) newUID(r *Recipient) string {
	return fmt.Sprintf("040000008200E00074C5B7101A82E008%016X%016X", hash(r.Email), uint64(w.post.number()))
}
