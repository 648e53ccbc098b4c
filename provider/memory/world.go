package memory

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	kalends "kalends"
)

// State says what is wrong with somebody's mailbox.
type State string

// The states of a mailbox; the zero value is a healthy one.
const (
	NoMailbox    State = "no_mailbox"    // known in the directory only
	Elsewhere    State = "elsewhere"     // lives in another system
	NotPermitted State = "not_permitted" // the service account may not act for it
)

// Person is one entry of the directory: a person, a group, a contact, a room.
type Person struct {
	Email   string // primary
	Name    string
	ID      string // the provider's immutable id; "" = this provider has none
	UPN     string // sign-in name, if it differs
	Aliases []string
	Kind    kalends.MailboxKind // "" = person
	State   State
}

// World is an invented company with its calendars. Its methods may be called by
// many goroutines at once.
type World struct {
	Domain         string
	Provider       kalends.Provider
	ServiceAccount string

	mu        sync.Mutex
	password  string
	people    map[string]*mailbox // by primary address
	addresses map[string]string   // every address -> primary address
	rooms     []kalends.Room
	noRooms   bool
	faults    []*Fault
	latency   time.Duration
	pageSize  int
	calls     []Call
	sequence  int64 // grows with every change of an event
	epoch     int   // grows when cursors die
	inFlight  map[string]int
	most      map[string]int // the most requests at once, per mailbox and "" in all
}

type mailbox struct {
	Person
	events map[string]*entry // by RemoteID
}

// entry is an event with the sequence number of its last change. Deleted ones stay.
type entry struct {
	kalends.Event
	changed int64
	deleted bool
}

// Call is one request that the world answered.
type Call struct{ Operation, Mailbox string }

// NewWorld makes an empty company. Its service account is svc-kalends@domain
// with the password "correct horse"; it passes for Exchange unless Provider is set.
func NewWorld(domain string) *World {
	return &World{
		Domain: domain, Provider: kalends.Exchange, ServiceAccount: "svc-kalends@" + domain, password: "correct horse",
		people: map[string]*mailbox{}, addresses: map[string]string{},
		inFlight: map[string]int{}, most: map[string]int{},
	}
}

// Credentials are those that an administrator would enter.
func (w *World) Credentials() kalends.Credentials {
	w.mu.Lock()
	defer w.mu.Unlock()
	test := ""
	for email := range w.people {
		if m := w.people[email]; m.Kind == kalends.MailboxPerson && m.State == "" && (test == "" || email < test) {
			test = email
		}
	}
	return kalends.Credentials{"username": w.ServiceAccount, "password": w.password, "test_email": test}
}

// Add hires somebody, or changes the one who has the address.
func (w *World) Add(people ...Person) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range people {
		w.add(p)
	}
}

func (w *World) add(p Person) {
	p.Email = kalends.NormalizeEmail(p.Email)
	if p.Kind == "" {
		p.Kind = kalends.MailboxPerson
	}
	events := map[string]*entry{}
	if before := w.people[p.Email]; before != nil {
		events = before.events
		w.forget(before)
	}
	w.people[p.Email] = &mailbox{Person: p, events: events}
	for _, address := range append([]string{p.Email, p.UPN}, p.Aliases...) {
		if address != "" {
			w.addresses[kalends.NormalizeEmail(address)] = p.Email
		}
	}
}

func (w *World) forget(m *mailbox) {
	for address, primary := range w.addresses {
		if primary == m.Email {
			delete(w.addresses, address)
		}
	}
	delete(w.people, m.Email)
}

// Staff hires n people, person1@domain and so on, and gives their addresses.
func (w *World) Staff(n int) []string {
	emails := make([]string, n)
	for i := range emails {
		emails[i] = fmt.Sprintf("person%d@%s", i+1, w.Domain)
		w.Add(Person{Email: emails[i], Name: fmt.Sprintf("Person %d", i+1)})
	}
	return emails
}

// AddRoom adds a bookable room with its mailbox.
func (w *World) AddRoom(room kalends.Room) {
	w.Add(Person{Email: room.Email, Name: room.Name, Kind: kalends.MailboxResource})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rooms = append(w.rooms, room)
}

// HideRooms makes listing rooms impossible, as without a mailbox of the service account.
func (w *World) HideRooms(hidden bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noRooms = hidden
}

// Remove deletes somebody with the mailbox.
func (w *World) Remove(email string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.people[kalends.NormalizeEmail(email)]; m != nil {
		w.forget(m)
	}
}

// Rename changes somebody's primary address; the old one becomes an alias.
func (w *World) Rename(email, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.people[kalends.NormalizeEmail(email)]
	if m == nil {
		return
	}
	w.forget(m)
	p := m.Person
	p.Aliases = append(slices.Clone(p.Aliases), p.Email)
	p.Email = to
	w.add(p)
	w.people[kalends.NormalizeEmail(to)].events = m.events
}

// SetState changes what is wrong with a mailbox.
func (w *World) SetState(email string, state State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.people[kalends.NormalizeEmail(email)]; m != nil {
		m.State = state
	}
}

// SetPassword changes the service account's password at the directory.
func (w *World) SetPassword(password string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.password = password
}

// matchedBy says how an address belongs to a mailbox.
func (m *mailbox) matchedBy(address string) kalends.MatchedBy {
	switch {
	case address == m.Email:
		return kalends.MatchedPrimary
	case address == kalends.NormalizeEmail(m.UPN):
		return kalends.MatchedUPN
	case kalends.EmailDomain(address) != kalends.EmailDomain(m.Email):
		return kalends.MatchedOldDomain
	}
	return kalends.MatchedAlias
}

// withoutPlus takes a "+tag" out of an address.
func withoutPlus(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	return local + "@" + domain
}
