package notify

import (
	"context"
	"sync"
	"time"
)

// How long a job waits for its turn at a receiver before it gives its worker to
// others.
const turn = 500 * time.Millisecond

// receivers counts what is in flight to each host. A receiver that failed some
// times in a row gets one request at a time until one succeeds, so that it
// cannot hold all workers.
type receivers struct {
	mu    sync.Mutex
	hosts map[string]*receiver
}

type receiver struct {
	busy     int
	failures int // in a row
	waiting  []chan struct{}
}

func (r *receiver) ailing() bool { return r.failures >= 3 }

func newReceivers() *receivers { return &receivers{hosts: map[string]*receiver{}} }

func (r *receiver) free() bool {
	if r.ailing() {
		return r.busy == 0
	}
	return r.busy < perHost
}

// enter waits a little for a place; errBusy if there is none, errAiling at once
// if the receiver fails and another request is trying it. leave wants to know
// how it went.
func (r *receivers) enter(ctx context.Context, host string) (leave func(error), err error) {
	place, ok := r.take(host)
	if !ok && place == nil {
		return nil, errAiling
	}
	if !ok {
		timer := time.NewTimer(turn)
		defer timer.Stop()
		select {
		case <-place:
		case <-timer.C:
			err = errBusy
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil && r.giveUp(host, place) {
			return nil, err
		}
	}
	return func(outcome error) { r.leave(host, outcome == nil) }, nil
}

// take gives a place, or what closes when there is one; neither for a receiver
// that fails.
func (r *receivers) take(host string) (place chan struct{}, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.hosts[host]
	if to == nil {
		to = &receiver{}
		r.hosts[host] = to
	}
	if to.free() {
		to.busy++
		return nil, true
	}
	if to.ailing() {
		return nil, false
	}
	place = make(chan struct{})
	to.waiting = append(to.waiting, place)
	return place, false
}

// giveUp leaves the queue; false if the place came at the last moment.
func (r *receivers) giveUp(host string, place chan struct{}) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.hosts[host]
	for i, other := range to.waiting {
		if other == place {
			to.waiting = append(to.waiting[:i], to.waiting[i+1:]...)
			return true
		}
	}
	return false
}

func (r *receivers) leave(host string, healthy bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.hosts[host]
	to.busy--
	to.failures++
	if healthy {
		to.failures = 0
	}
	for to.free() && len(to.waiting) > 0 {
		close(to.waiting[0])
		to.waiting = to.waiting[1:]
		to.busy++
	}
	if to.busy == 0 && len(to.waiting) == 0 && to.failures == 0 {
		delete(r.hosts, host)
	}
}
