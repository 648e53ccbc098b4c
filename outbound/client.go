package outbound

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Defaults of Options, and the limit of a header.
const (
	defaultTimeout = 30 * time.Second
	defaultMaxBody = 16 << 20
	maxHeaderBytes = 64 << 10
	idleTimeout    = 90 * time.Second // shorter than IIS's 120 s
)

// Options shape one client. The zero value is careful: 30 s, 16 MiB, no redirect.
type Options struct {
	Timeout       time.Duration // of a whole request, body included; negative = none (the context's alone)
	HeaderTimeout time.Duration // until the answer's header; 0 = Timeout
	MaxBody       int64         // bytes of an answer, unpacked; reading on ends with ErrTooLarge
	Roots         []byte        // PEM certificates trusted besides the Way's
	HTTP1         bool          // never HTTP/2
	// LegacyTLS allows TLS 1.0 and 1.1, and cipher suites without forward secrecy.
	LegacyTLS bool
	// Pin is the SHA-256 hash of the only certificate to accept; its chain, name and
	// dates do not matter then. PinError for every other.
	Pin             *[32]byte
	MaxConns        int // sockets per host; 0 = no limit
	FollowRedirects int // how many; 0 = the redirect itself is the answer
}

// Client makes a client with a connection pool of its own. Close it by
// CloseIdleConnections. It has no cookie jar. Every connection, also of a
// redirect, is checked; a redirect from https to http is refused.
func (w *Way) Client(options Options) *http.Client {
	options = options.withDefaults()
	return &http.Client{
		Transport:     &guarded{way: w, base: w.transport(options), maxBody: options.MaxBody},
		Timeout:       max(options.Timeout, 0),
		CheckRedirect: redirects(options.FollowRedirects),
	}
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.HeaderTimeout == 0 {
		o.HeaderTimeout = max(o.Timeout, 0)
	}
	if o.MaxBody == 0 {
		o.MaxBody = defaultMaxBody
	}
	return o
}

func (w *Way) transport(options Options) *http.Transport {
	transport := &http.Transport{
		DialContext:            w.dial,
		TLSClientConfig:        w.tlsConfig(options),
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  options.HeaderTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxConnsPerHost:        options.MaxConns,
		MaxIdleConnsPerHost:    max(options.MaxConns, 4),
		IdleConnTimeout:        idleTimeout,
		ForceAttemptHTTP2:      !options.HTTP1,
	}
	if options.HTTP1 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	if w.config.Proxy != nil {
		transport.Proxy = func(*http.Request) (*url.URL, error) { return w.config.Proxy, nil }
	}
	return transport
}

func redirects(most int) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		switch {
		case most == 0:
			return http.ErrUseLastResponse
		case len(via) > most:
			return fmt.Errorf("more than %d redirects", most)
		case via[len(via)-1].URL.Scheme == "https" && next.URL.Scheme != "https":
			return errors.New("redirect from https to http")
		}
		return nil
	}
}

// guarded is the transport of a client: it names us, checks what only a proxy
// would resolve, and caps the body.
type guarded struct {
	way     *Way
	base    *http.Transport
	maxBody int64
}

// RoundTrip implements http.RoundTripper.
func (g *guarded) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := g.checkBehindProxy(request); err != nil {
		closeBody(request)
		return nil, err
	}
	response, err := g.base.RoundTrip(g.named(request))
	if err != nil {
		return nil, err
	}
	response.Body = &capped{ReadCloser: response.Body, left: g.maxBody}
	return response, nil
}

// CloseIdleConnections ends idle sockets; http.Client calls it.
func (g *guarded) CloseIdleConnections() { g.base.CloseIdleConnections() }

func (g *guarded) named(request *http.Request) *http.Request {
	if g.way.config.UserAgent == "" || request.Header.Get("User-Agent") != "" {
		return request
	}
	request = request.Clone(request.Context())
	request.Header.Set("User-Agent", g.way.config.UserAgent)
	return request
}

func (g *guarded) checkBehindProxy(request *http.Request) error {
	if g.way.config.Proxy == nil {
		return nil
	}
	host := request.URL.Hostname()
	port := request.URL.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[request.URL.Scheme]
	}
	_, err := g.way.targets(request.Context(), net.JoinHostPort(host, port))
	return err
}

func closeBody(request *http.Request) {
	if request.Body != nil {
		_ = request.Body.Close()
	}
}

// capped gives ErrTooLarge instead of the first byte beyond the limit.
type capped struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (c *capped) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.ReadCloser.Read(p)
	if int64(n) > c.left {
		n, c.left = int(c.left), 0
		return n, ErrTooLarge
	}
	c.left -= int64(n)
	return n, err
}
