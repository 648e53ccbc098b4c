package memory

import (
	"slices"
	"sync"
)

// mostLet is how many requests can be let through ahead of their coming.
const mostLet = 1 << 16

// Gate holds requests back until a test lets them through. Its methods may be
// called by many goroutines at once.
type Gate struct {
	world *World
	fault *Fault
	pass  chan struct{}
	open  sync.Once
}

// Hold makes every request of an operation wait, "" of all, until the gate lets
// it through or its caller gives up. Faults that were added before come first.
func (w *World) Hold(operation string) *Gate {
	pass := make(chan struct{}, mostLet)
	g := &Gate{world: w, fault: &Fault{Operation: operation, Hang: pass}, pass: pass}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, g.fault)
	return g
}

// Let lets n requests through: those that wait, then the next that come. It must
// not be called after Open.
func (g *Gate) Let(n int) {
	for range n {
		g.pass <- struct{}{}
	}
}

// Open lets through whatever waits or comes, and takes the gate away.
func (g *Gate) Open() {
	g.open.Do(func() { close(g.pass) })
	g.world.mu.Lock()
	defer g.world.mu.Unlock()
	g.world.faults = slices.DeleteFunc(g.world.faults, func(f *Fault) bool { return f == g.fault })
}
