package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kalends/zone"
)

// Errors of the world, decided by identity.
var (
	ErrNoRecipient = errors.New("no such recipient")
	ErrNoItem      = errors.New("no such item")
	ErrTaken       = errors.New("address is taken")
)

// World is the company as it stands now. Its methods may be called by many
// goroutines at once.
type World struct {
	config  Config
	mu      sync.RWMutex // guards the directory
	start   Company
	company *Company
	byEmail map[string]*Recipient // every address, lower case
	serial  int
	boxes   sync.Map // mailbox key -> *calendar
	gen     generator
	post    *postOffice
}

func newWorld(company Company, config Config) *World {
	w := &World{config: config, start: company, post: newPostOffice(config.MailDelay)}
	w.Reset()
	return w
}

// Reset makes the company as it was at the start.
func (w *World) Reset() {
	w.post.drop()
	w.post.set(func(m *Mail) { *m = newPostOffice(w.config.MailDelay).settings })
	w.mu.Lock()
	defer w.mu.Unlock()
	company := w.start
	company.Recipients = slices.Clone(w.start.Recipients)
	w.company, w.byEmail, w.serial = &company, map[string]*Recipient{}, 0
	for i := range company.Recipients {
		w.enter(&company.Recipients[i])
	}
	w.boxes.Clear()
	w.gen = newGenerator(company, w.config)
}

func newGenerator(company Company, config Config) generator {
	place, err := zone.Load(company.Zone)
	if err != nil {
		place = time.UTC
	}
	now := config.Now()
	monday := zone.ReadWall(now, place)
	monday.Hour, monday.Minute, monday.Second = 0, 0, 0
	origin := monday.AddDays(-(int(monday.Weekday()) + 6) % 7).Instant(place)
	return generator{seed: config.Seed, events: config.EventsPerMailbox, origin: origin, now: now, place: place, zone: company.Zone}
}

func (w *World) enter(r *Recipient) {
	w.serial++
	r.serial = w.serial
	for _, address := range append([]string{r.Email}, r.Aliases...) {
		w.byEmail[strings.ToLower(address)] = r
	}
}

// Now is the world's clock.
func (w *World) Now() time.Time { return w.config.Now() }

// Domain is the company's mail domain.
func (w *World) Domain() string { return w.start.Domain }

// Zone is the company's time zone, an IANA name.
func (w *World) Zone() string { return w.start.Zone }

// Planted lists the problems that stand in the world on purpose.
func (w *World) Planted() []Planted {
	if w.start.Planted == nil {
		return []Planted{}
	}
	return w.start.Planted
}

// Password is what an account signs in with.
func (w *World) Password(email string) string {
	return fmt.Sprintf("Sandbox-%08x", uint32(hash(fmt.Sprint(w.config.Seed, strings.ToLower(email)))))
}

// ServiceAccount is the account that may impersonate.
func (w *World) ServiceAccount() string {
	for _, r := range w.start.Recipients {
		if r.Kind == Service {
			return r.Email
		}
	}
	return ""
}

// Recipient finds who has an address; alias tells that it is not the primary one.
func (w *World) Recipient(address string) (r *Recipient, alias bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	r = w.byEmail[strings.ToLower(address)]
	if r == nil {
		return nil, false
	}
	return r, !strings.EqualFold(r.Email, address)
}

// Principal finds an account by its user principal name or its SID.
func (w *World) Principal(name string) *Recipient {
	found := w.Recipients(func(r *Recipient) bool {
		return strings.EqualFold(r.PrincipalName(), name) || strings.EqualFold(r.SID(), name)
	})
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// Recipients lists those that match, in the order of the company.
func (w *World) Recipients(match func(*Recipient) bool) []*Recipient {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var found []*Recipient
	for i := range w.company.Recipients {
		if r := &w.company.Recipients[i]; r.Email != "" && match(r) {
			found = append(found, r)
		}
	}
	return found
}

// Hire adds a recipient.
func (w *World) Hire(r Recipient) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.Kind == "" {
		r.Kind = Person
	}
	for _, address := range append([]string{r.Email}, r.Aliases...) {
		if w.byEmail[strings.ToLower(address)] != nil {
			return fmt.Errorf("%s: %w", address, ErrTaken)
		}
	}
	w.serial++
	r.serial = w.serial
	w.replace(append(slices.Clone(w.company.Recipients), r))
	return nil
}

// Change gives a recipient other properties; its mailbox stays. A changed
// primary address leaves the old one as an alias.
func (w *World) Change(address string, change func(*Recipient)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.byEmail[strings.ToLower(address)]
	if old == nil {
		return fmt.Errorf("%s: %w", address, ErrNoRecipient)
	}
	list := slices.Clone(w.company.Recipients)
	for i := range list {
		if list[i].Email == old.Email {
			change(&list[i])
			w.move(old, &list[i])
		}
	}
	w.replace(list)
	return nil
}

func (w *World) move(old, changed *Recipient) {
	if old.Email == changed.Email {
		return
	}
	changed.Aliases = append(slices.Clone(changed.Aliases), old.Email)
	if box, ok := w.boxes.LoadAndDelete(strings.ToLower(old.Email)); ok {
		w.boxes.Store(strings.ToLower(changed.Email), box)
	}
}

// Remove takes a recipient and its mailbox out of the company.
func (w *World) Remove(address string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.byEmail[strings.ToLower(address)]
	if r == nil {
		return fmt.Errorf("%s: %w", address, ErrNoRecipient)
	}
	email := r.Email
	w.boxes.Delete(strings.ToLower(email))
	w.replace(slices.DeleteFunc(slices.Clone(w.company.Recipients), func(r Recipient) bool { return r.Email == email }))
	return nil
}

// replace stores a new list: readers keep the old recipients unchanged.
func (w *World) replace(list []Recipient) {
	company := *w.company
	company.Recipients = list
	w.company, w.byEmail = &company, map[string]*Recipient{}
	for i := range list {
		r := &list[i]
		for _, address := range append([]string{r.Email}, r.Aliases...) {
			w.byEmail[strings.ToLower(address)] = r
		}
	}
}

func (w *World) close() { w.post.drop() }
