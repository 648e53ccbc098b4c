package provider

import (
	"context"
	"sync"

	kalends "kalends"
)

// Open makes the driver of a connection from its stored credentials. It sends
// nothing.
type Open func(ctx context.Context, connectionID string) (Driver, kalends.Provider, error)

// Pool holds one Client for each connection in use. Its methods may be called by
// many goroutines at once.
type Pool struct {
	open    Open
	options Options

	mu      sync.Mutex
	clients map[string]*Client
	drops   int // counts Drop, so that a client opened across one is not kept
	closed  bool
}

// NewPool makes a pool. Provider and Connection of the options are set for each
// client. Close it.
func NewPool(open Open, options Options) *Pool {
	return &Pool{open: open, options: options, clients: map[string]*Client{}}
}

// Client gives the connection's client and opens it if need be. Do not close it,
// and do not keep it for longer than one piece of work: Drop ends it.
func (p *Pool) Client(ctx context.Context, connectionID string) (*Client, error) {
	for {
		p.mu.Lock()
		client, drops, closed := p.clients[connectionID], p.drops, p.closed
		p.mu.Unlock()
		switch {
		case closed:
			return nil, kalends.Errorf(kalends.KindUnavailable, "provider.Pool: closed")
		case client != nil:
			return client, nil
		}
		client, err := p.openClient(ctx, connectionID)
		if err != nil {
			return nil, err
		}
		if kept := p.keep(connectionID, client, drops); kept != nil {
			return kept, nil
		}
	}
}

func (p *Pool) openClient(ctx context.Context, connectionID string) (*Client, error) {
	driver, name, err := p.open(ctx, connectionID)
	if err != nil {
		return nil, err
	}
	options := p.options
	options.Provider, options.Connection = name, connectionID
	return NewClient(driver, options), nil
}

// keep stores a client that was just opened, unless another goroutine was
// faster. It gives nil when a Drop came between: the credentials may be old.
func (p *Pool) keep(connectionID string, opened *Client, drops int) *Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drops != drops || p.closed {
		opened.Close()
		return nil
	}
	if faster := p.clients[connectionID]; faster != nil {
		opened.Close()
		return faster
	}
	p.clients[connectionID] = opened
	return opened
}

// Drop ends the connection's client: its credentials changed, or it is
// disconnected. Calls under way stop with KindUnavailable.
func (p *Pool) Drop(connectionID string) {
	p.mu.Lock()
	client := p.clients[connectionID]
	delete(p.clients, connectionID)
	p.drops++
	p.mu.Unlock()
	if client != nil {
		client.Close()
	}
}

// Close ends all clients; the pool opens none afterwards.
func (p *Pool) Close() {
	p.mu.Lock()
	clients := p.clients
	p.clients, p.closed = map[string]*Client{}, true
	p.mu.Unlock()
	for _, client := range clients {
		client.Close()
	}
}
