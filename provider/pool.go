package provider

import (
	"context"
	"sync"
	"time"

	kalends "kalends"
)

// Open makes the driver of a connection from its stored credentials. It sends
// nothing.
type Open func(ctx context.Context, connectionID string) (Driver, kalends.Provider, error)

// Version tells which credentials are stored for a connection: another text
// after every change, and "" once there are none. It sends nothing.
type Version func(ctx context.Context, connectionID string) (string, error)

// lookAgain is for how long a Pool goes without comparing a connection's
// credentials with the stored ones.
const lookAgain = time.Second

// Pool holds one Client for each connection in use. Its methods may be called by
// many goroutines at once.
type Pool struct {
	open    Open
	options Options

	mu      sync.Mutex
	version Version // or nil
	clients map[string]*pooled
	drops   int // counts Drop, so that a client opened across one is not kept
	closed  bool
}

// pooled is a client with what its credentials were known by.
type pooled struct {
	client  *Client
	version string
	looked  time.Time // when that was compared last
}

// NewPool makes a pool. Provider and Connection of the options are set for each
// client. Close it.
func NewPool(open Open, options Options) *Pool {
	return &Pool{open: open, options: options.withDefaults(), clients: map[string]*pooled{}}
}

// Follow has the pool notice within a second of use that a connection's stored
// credentials are others, or gone: another process may have changed them.
func (p *Pool) Follow(version Version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.version = version
}

// Client gives the connection's client and opens it if need be. Do not close it,
// and do not keep it for longer than one piece of work: Drop ends it.
func (p *Pool) Client(ctx context.Context, connectionID string) (*Client, error) {
	for {
		p.mu.Lock()
		kept, drops, closed, version := p.clients[connectionID], p.drops, p.closed, p.version
		look := kept != nil && version != nil && p.due(kept)
		p.mu.Unlock()
		switch {
		case closed:
			return nil, kalends.Errorf(kalends.KindUnavailable, "provider.Pool: closed")
		case look:
			if err := p.compare(ctx, connectionID, kept, version); err != nil {
				return nil, err
			}
		case kept != nil:
			return kept.client, nil
		default:
			opened, err := p.openClient(ctx, connectionID, version)
			if err != nil {
				return nil, err
			}
			p.keep(connectionID, opened, drops)
		}
	}
}

// due tells whether the caller has to compare; the others go on meanwhile.
func (p *Pool) due(kept *pooled) bool {
	now := p.options.Clock.Now()
	if now.Sub(kept.looked) < lookAgain {
		return false
	}
	kept.looked = now
	return true
}

// compare ends a client whose credentials are no longer the stored ones.
func (p *Pool) compare(ctx context.Context, connectionID string, kept *pooled, version Version) error {
	stored, err := version(ctx, connectionID)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		kept.looked = time.Time{} // whoever comes next compares
		return err
	}
	if stored != kept.version && p.clients[connectionID] == kept {
		delete(p.clients, connectionID)
		kept.client.Close()
	}
	return nil
}

// openClient asks for the version first: a change in between then shows as one.
func (p *Pool) openClient(ctx context.Context, connectionID string, version Version) (*pooled, error) {
	opened := &pooled{looked: p.options.Clock.Now()}
	var err error
	if version != nil {
		if opened.version, err = version(ctx, connectionID); err != nil {
			return nil, err
		}
	}
	driver, name, err := p.open(ctx, connectionID)
	if err != nil {
		return nil, err
	}
	options := p.options
	options.Provider, options.Connection = name, connectionID
	opened.client = NewClient(driver, options)
	return opened, nil
}

// keep stores a client that was just opened, unless another goroutine was
// faster, or a Drop came between: the credentials may be old.
func (p *Pool) keep(connectionID string, opened *pooled, drops int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drops != drops || p.closed || p.clients[connectionID] != nil {
		opened.client.Close()
		return
	}
	p.clients[connectionID] = opened
}

// Drop ends the connection's client: its credentials changed, or it is
// disconnected. Calls under way stop with KindUnavailable.
func (p *Pool) Drop(connectionID string) {
	p.mu.Lock()
	dropped := p.clients[connectionID]
	delete(p.clients, connectionID)
	p.drops++
	p.mu.Unlock()
	if dropped != nil {
		dropped.client.Close()
	}
}

// Close ends all clients; the pool opens none afterwards.
func (p *Pool) Close() {
	p.mu.Lock()
	clients := p.clients
	p.clients, p.closed = map[string]*pooled{}, true
	p.mu.Unlock()
	for _, kept := range clients {
		kept.client.Close()
	}
}
