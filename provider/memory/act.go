package memory

import (
	"fmt"
	"slices"
	"time"

	kalends "kalends"
)

// Book puts an event into somebody's calendar, as the person would, and gives
// its remote id. An empty RemoteID is made up; an empty status is busy.
func (w *World) Book(email string, event kalends.Event) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.people[kalends.NormalizeEmail(email)]
	if m == nil {
		return ""
	}
	return w.put(m, event).RemoteID
}

// BookMany puts n events of 30 minutes into somebody's calendar, one every two
// hours from the first start on.
func (w *World) BookMany(email string, first time.Time, n int) {
	for i := range n {
		start := first.Add(time.Duration(i) * 2 * time.Hour)
		w.Book(email, kalends.Event{Start: start, End: start.Add(30 * time.Minute)})
	}
}

func (w *World) put(m *mailbox, event kalends.Event) *entry {
	w.sequence++
	if event.RemoteID == "" {
		event.RemoteID = fmt.Sprintf("event-%d", w.sequence)
	}
	if event.Status == "" {
		event.Status = kalends.StatusBusy
	}
	event.Version = fmt.Sprint(w.sequence)
	e := &entry{Event: event, changed: w.sequence}
	m.events[event.RemoteID] = e
	return e
}

// Change edits an event in somebody's calendar.
func (w *World) Change(email, remoteID string, edit func(*kalends.Event)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.people[kalends.NormalizeEmail(email)]
	if m == nil || m.events[remoteID] == nil || m.events[remoteID].deleted {
		return
	}
	event := m.events[remoteID].Event
	edit(&event)
	w.put(m, event)
}

// Unbook deletes an event from somebody's calendar.
func (w *World) Unbook(email, remoteID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.people[kalends.NormalizeEmail(email)]; m != nil {
		w.remove(m, remoteID)
	}
}

func (w *World) remove(m *mailbox, remoteID string) {
	if e := m.events[remoteID]; e != nil && !e.deleted {
		w.sequence++
		e.changed, e.deleted = w.sequence, true
	}
}

// Events gives what stands in somebody's calendar: the provider's truth.
func (w *World) Events(email string) []kalends.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.people[kalends.NormalizeEmail(email)]
	if m == nil {
		return nil
	}
	var events []kalends.Event
	for _, e := range m.events {
		if !e.deleted {
			events = append(events, e.Event)
		}
	}
	slices.SortFunc(events, func(a, b kalends.Event) int { return a.Start.Compare(b.Start) })
	return events
}

// ForgetCursors makes every cursor given so far unknown.
func (w *World) ForgetCursors() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.epoch++
}

// SetLatency makes every request take that long.
func (w *World) SetLatency(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.latency = d
}

// SetPageSize cuts full reads into pages of about n events; 0 = one page.
func (w *World) SetPageSize(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pageSize = n
}

// Fault makes matching requests fail.
type Fault struct {
	Operation string // "" = any
	Mailbox   string // "" = any
	Times     int    // 0 = until Heal
	Err       error
	Hang      <-chan struct{} // answer only when it is closed or the caller gives up; with a nil Err then as usual
}

// Break adds a fault.
func (w *World) Break(fault Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, &fault)
}

// Heal takes all faults away.
func (w *World) Heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = nil
}

// Calls counts the requests of an operation so far; "" counts all.
func (w *World) Calls(operation string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.calls {
		if operation == "" || c.Operation == operation {
			n++
		}
	}
	return n
}

// MostAtOnce gives the most requests that were under way at once: for one
// mailbox, or with "" in all.
func (w *World) MostAtOnce(mailbox string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.most[mailbox]
}
