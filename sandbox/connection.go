package sandbox

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// Connection is one TCP connection to a system: some ways to sign in hold for
// as long as it lives.
type Connection struct {
	Certificate []byte // DER of the server's own certificate; nil in plain http
	mu          sync.Mutex
	state       any
}

type connectionKey struct{}

// ConnectionOf gives the connection that a request came on.
func ConnectionOf(ctx context.Context) *Connection {
	c, _ := ctx.Value(connectionKey{}).(*Connection)
	return c
}

// State reads and replaces what a system keeps for the connection.
func (c *Connection) State(change func(old any) any) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = change(c.state)
}

// accepted remembers a connection in the context of its requests.
func accepted(certificates *tls.Config) func(context.Context, net.Conn) context.Context {
	var leaf []byte
	if certificates != nil {
		if certificate, err := certificates.GetCertificate(&tls.ClientHelloInfo{}); err == nil {
			leaf = certificate.Certificate[0]
		}
	}
	return func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, &Connection{Certificate: leaf})
	}
}
