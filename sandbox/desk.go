package sandbox

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault breaks something on purpose. Without rate it hits every request,
// without count and seconds it stays until removed.
type Fault struct {
	Provider string  `json:"provider"`
	Target   string  `json:"target,omitempty"` // an operation, OPERATION/FORM, a mailbox or an account; "" = all
	Kind     string  `json:"kind"`
	Rate     float64 `json:"rate,omitempty"`  // 0..1; 0 = always
	Count    int     `json:"count,omitempty"` // hits before it ends
	Seconds  float64 `json:"seconds,omitempty"`
	DelayMS  int     `json:"delay_ms,omitempty"` // waits first; also the advised back-off
	ends     time.Time
	left     int
	removed  chan struct{}
}

// Call is one request as a system understood it.
type Call struct {
	At        time.Time     `json:"at"`
	Provider  string        `json:"provider"`
	Operation string        `json:"operation"`
	Form      string        `json:"form,omitempty"` // where an operation has several: Autodiscover by soap
	Mailbox   string        `json:"mailbox,omitempty"`
	Account   string        `json:"account,omitempty"`
	Status    int           `json:"status"`
	Code      string        `json:"code,omitempty"`
	Fault     string        `json:"fault,omitempty"`
	Took      time.Duration `json:"took_ns"`
	Handshake bool          `json:"handshake,omitempty"` // a leg of signing in: faults spare it unless they name it
	ended     bool
	kinds     []string // of faults that may strike; nil = those of requests
}

// Stats are the counts of one provider.
type Stats struct {
	Requests    int            `json:"requests"`
	Operations  map[string]int `json:"operations"`
	Mailboxes   int            `json:"mailboxes"`
	Concurrency int            `json:"concurrency"` // the most seen at once
	LimitsHit   int            `json:"limits_hit"`
	Faults      map[string]int `json:"faults"`
	First       time.Time      `json:"first,omitzero"`
	Last        time.Time      `json:"last,omitzero"`
}

// keep is how many requests the log holds; counts go on.
const keep = 20000

// Desk is where every system reports its requests and learns of faults.
type Desk struct {
	config Config
	mu     sync.Mutex
	faults []*Fault
	calls  []Call
	from   int // index of the oldest call in the ring
	stats  map[string]*Stats
	boxes  map[string]map[string]bool
	flight map[string]int // provider + account -> requests at once
	random *rand.Rand
	closed chan struct{}
}

func newDesk(config Config) *Desk {
	d := &Desk{config: config, random: rand.New(rand.NewPCG(uint64(config.Seed), 7)), closed: make(chan struct{})}
	d.Reset()
	return d
}

// Reset forgets requests, counts and faults.
func (d *Desk) Reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(func(*Fault) bool { return true })
	d.calls, d.from = nil, 0
	d.stats, d.boxes, d.flight = map[string]*Stats{}, map[string]map[string]bool{}, map[string]int{}
}

func (d *Desk) close() { close(d.closed) }

// Closed ends waiting requests when the sandbox stops.
func (d *Desk) Closed() <-chan struct{} { return d.closed }

// Latency is what each provider answer takes in addition.
func (d *Desk) Latency() time.Duration { return d.config.Latency }

// AddFault breaks something from now on.
func (d *Desk) AddFault(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.left, f.removed = f.Count, make(chan struct{})
	if f.Seconds > 0 {
		f.ends = d.config.Now().Add(time.Duration(f.Seconds * float64(time.Second)))
	}
	d.faults = append(d.faults, &f)
}

// ClearFaults mends everything, or all faults of one kind.
func (d *Desk) ClearFaults(kind string) { d.ClearFaultsOf("", kind) }

// ClearFaultsOf mends what is broken for one target, or for all.
func (d *Desk) ClearFaultsOf(target, kind string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(func(f *Fault) bool {
		return (kind == "" || f.Kind == kind) && (target == "" || strings.EqualFold(f.Target, target))
	})
}

// remove lets go what the faults hold.
func (d *Desk) remove(which func(*Fault) bool) {
	d.faults = slices.DeleteFunc(d.faults, func(f *Fault) bool {
		if !which(f) {
			return false
		}
		close(f.removed)
		return true
	})
}

// on tells whether a fault of a kind is there, without using it up.
func (d *Desk) on(provider, kind string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.faults, func(f *Fault) bool {
		return (f.Provider == "" || f.Provider == provider) && f.Kind == kind && d.alive(f)
	})
}

func (d *Desk) alive(f *Fault) bool {
	return (f.Count == 0 || f.left > 0) && (f.ends.IsZero() || d.config.Now().Before(f.ends))
}

// Begin counts a request in and says which fault hits it, if any, and how many
// requests of the account are in flight with it.
func (d *Desk) Begin(c *Call) (fault *Fault, flight int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c.At = d.config.Now()
	key := c.Provider + "/" + c.Account
	d.flight[key]++
	flight = d.flight[key]
	s := d.of(c.Provider)
	s.Requests++
	s.Operations[c.Operation]++
	s.Concurrency = max(s.Concurrency, flight)
	if s.First.IsZero() {
		s.First = c.At
	}
	s.Last = c.At
	if c.Mailbox != "" {
		d.boxes[c.Provider][c.Mailbox] = true
		s.Mailboxes = len(d.boxes[c.Provider])
	}
	if fault = d.draw(c); fault != nil {
		c.Fault = fault.Kind
		s.Faults[fault.Kind]++
	}
	return fault, flight
}

func (d *Desk) of(provider string) *Stats {
	s := d.stats[provider]
	if s == nil {
		s = &Stats{Operations: map[string]int{}, Faults: map[string]int{}}
		d.stats[provider], d.boxes[provider] = s, map[string]bool{}
	}
	return s
}

func (d *Desk) draw(c *Call) *Fault {
	for _, f := range d.faults {
		if !d.alive(f) || !f.hits(c) || f.Rate > 0 && d.random.Float64() >= f.Rate {
			continue
		}
		if f.Count > 0 {
			f.left--
		}
		hit := *f
		return &hit
	}
	return nil
}

// notifications is how the faults begin that strike what a system tells of
// itself: notification_lost, notification_twice, notification_silent.
const notifications = "notification_"

// Notify draws the fault of one of some kinds, if any, that strikes a
// notification about a mailbox.
func (d *Desk) Notify(provider, mailbox string, kinds ...string) *Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	fault := d.draw(&Call{Provider: provider, Operation: "Notification", Mailbox: mailbox, kinds: kinds})
	if fault != nil {
		d.of(provider).Faults[fault.Kind]++
	}
	return fault
}

func (f *Fault) hits(c *Call) bool {
	if strings.HasPrefix(f.Kind, notifications) != (c.kinds != nil) || c.kinds != nil && !slices.Contains(c.kinds, f.Kind) {
		return false
	}
	if c.Handshake && !strings.EqualFold(f.Target, c.Operation) && f.Kind != "kerberos_only" { // it is the leg that fails
		return false
	}
	return (f.Provider == "" || f.Provider == c.Provider) &&
		(f.Target == "" || strings.EqualFold(f.Target, c.Operation) || strings.EqualFold(f.Target, c.Mailbox) || strings.EqualFold(f.Target, c.Account) ||
			c.Form != "" && strings.EqualFold(f.Target, c.Operation+"/"+c.Form))
}

// LimitHit counts a request that the provider's own limit turned away.
func (d *Desk) LimitHit(provider string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of(provider).LimitsHit++
}

// End counts the request out and writes it into the log. It may be called twice.
func (d *Desk) End(c *Call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	c.Took = d.config.Now().Sub(c.At)
	if key := c.Provider + "/" + c.Account; d.flight[key] > 0 {
		d.flight[key]--
	}
	if len(d.calls) < keep {
		d.calls = append(d.calls, *c)
		return
	}
	d.calls[d.from] = *c
	d.from = (d.from + 1) % keep
}

// Calls lists the newest requests of a provider ("" = all) since a moment.
func (d *Desk) Calls(provider string, since time.Time) []Call {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := []Call{}
	for n := range d.calls {
		c := d.calls[(d.from+n)%len(d.calls)]
		if (provider == "" || c.Provider == provider) && !c.At.Before(since) {
			found = append(found, c)
		}
	}
	return found
}

// Stats gives the counts of each provider.
func (d *Desk) Stats() map[string]Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := map[string]Stats{}
	for provider, s := range d.stats {
		c := *s
		c.Operations, c.Faults = maps.Clone(s.Operations), maps.Clone(s.Faults)
		all[provider] = c
	}
	return all
}

// Faults lists what is broken now.
func (d *Desk) Faults() []Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := []Fault{}
	for _, f := range d.faults {
		if d.alive(f) {
			list = append(list, *f)
		}
	}
	return list
}
