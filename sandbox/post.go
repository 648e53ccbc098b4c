package sandbox

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// postOffice carries letters between mailboxes, each after its delay, in the
// order in which they are due. While it is held they wait to be delivered by
// hand.
type postOffice struct {
	settings Mail
	turn     sync.Mutex // one letter is delivered at a time
	mu       sync.Mutex
	idle     *sync.Cond
	letters  []letter
	under    int // letters being delivered
	sent     int
}

type letter struct {
	number  int
	due     time.Time
	deliver func()
}

// Mail is how fast letters travel.
type Mail struct {
	DelayMS     int  `json:"delay_ms"`
	RoomDelayMS int  `json:"room_delay_ms"` // how long a room thinks before it answers
	Held        bool `json:"held"`          // nothing arrives before Deliver or Settle
	Waiting     int  `json:"waiting"`       // letters on their way
}

func newPostOffice(delay time.Duration) *postOffice {
	ms := int(delay.Milliseconds())
	p := &postOffice{settings: Mail{DelayMS: ms, RoomDelayMS: ms}}
	p.idle = sync.NewCond(&p.mu)
	return p
}

func (p *postOffice) number() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent++
	return p.sent
}

// send posts a letter; think sends a room's decision to itself.
func (p *postOffice) send(deliver func()) { p.post(deliver, func(m Mail) int { return m.DelayMS }) }

func (p *postOffice) think(deliver func()) {
	p.post(deliver, func(m Mail) int { return m.RoomDelayMS })
}

func (p *postOffice) post(deliver func(), delay func(Mail) int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent++
	wait := time.Duration(delay(p.settings)) * time.Millisecond
	p.letters = append(p.letters, letter{number: p.sent, due: time.Now().Add(wait), deliver: deliver})
	if !p.settings.Held {
		time.AfterFunc(wait, p.round)
	}
}

// round delivers what is due.
func (p *postOffice) round() {
	p.turn.Lock()
	defer p.turn.Unlock()
	now := time.Now()
	for p.next(func(l letter) bool { return !p.settings.Held && !l.due.After(now) }) {
	}
}

// next delivers the first letter of those that may be, and says whether there
// was one.
func (p *postOffice) next(may func(letter) bool) bool {
	p.mu.Lock()
	slices.SortFunc(p.letters, func(a, b letter) int { return cmp.Or(a.due.Compare(b.due), a.number-b.number) })
	at := slices.IndexFunc(p.letters, may)
	if at < 0 {
		p.mu.Unlock()
		return false
	}
	l := p.letters[at]
	p.letters = slices.Delete(p.letters, at, at+1)
	p.under++
	p.mu.Unlock()
	l.deliver()
	p.mu.Lock()
	p.under--
	p.mu.Unlock()
	p.idle.Broadcast()
	return true
}

// drop throws all letters away.
func (p *postOffice) drop() {
	p.mu.Lock()
	p.letters = nil
	p.mu.Unlock()
	p.idle.Broadcast()
}

func (p *postOffice) set(change func(*Mail)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.settings)
	if p.settings.Held {
		return
	}
	for _, l := range p.letters {
		time.AfterFunc(time.Until(l.due), p.round)
	}
}

// Mail says how letters travel now.
func (w *World) Mail() Mail {
	p := w.post
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.settings
	m.Waiting = len(p.letters) + p.under
	return m
}

// SetMail changes how letters travel from now on.
func (w *World) SetMail(m Mail) { w.post.set(func(now *Mail) { *now = m }) }

// Deliver brings the letters that are on their way now, whenever they are due,
// and not those that they cause.
func (w *World) Deliver() {
	p := w.post
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	last := p.sent
	p.mu.Unlock()
	for p.next(func(l letter) bool { return l.number <= last }) {
	}
}

// Settle waits until no letter is on its way, answers to letters included;
// held ones it delivers.
func (w *World) Settle() {
	p := w.post
	for w.Mail().Held && w.Mail().Waiting > 0 {
		w.Deliver()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.letters)+p.under > 0 && !p.settings.Held {
		p.idle.Wait()
	}
}
