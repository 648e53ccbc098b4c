package ntlm

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
)

// Schemes of the Authorization header that carry NTLM messages.
const (
	NTLM      = "NTLM"
	Negotiate = "Negotiate" // bare NTLM messages are taken there too
)

// Options of a Transport.
type Options struct {
	Username string // DOMAIN\user or user@domain
	Password string
	Scheme   string // NTLM if ""
	Slots    int    // requests at the same time; 1 if 0
	Unbound  bool   // leave the channel binding out
	// NewSlot makes the round-tripper of one slot. It has to keep at most one
	// connection a host, to speak HTTP/1.1 only, and to be used by nobody else.
	NewSlot func() http.RoundTripper
}

// Transport is a http.RoundTripper for one credential. It is safe for concurrent
// use; more requests than slots wait for one.
type Transport struct {
	options Options
	free    chan struct{}

	mu    sync.Mutex
	slots []*slot // not in use; the last one used comes first, its connection is alive
	all   []*slot
}

// New makes a Transport.
func New(options Options) *Transport {
	options.Slots = max(options.Slots, 1)
	if options.Scheme == "" {
		options.Scheme = NTLM
	}
	t := &Transport{options: options, free: make(chan struct{}, options.Slots)}
	for range options.Slots {
		t.slots = append(t.slots, newSlot(&t.options))
		t.free <- struct{}{}
	}
	t.all = slices.Clone(t.slots)
	return t
}

// RoundTrip implements http.RoundTripper. The slot is taken until the body of the
// answer is closed. ErrChallenge if the server's challenge can not be answered.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := WholeBody(request)
	if err != nil {
		return nil, err
	}
	s, err := t.take(request.Context())
	if err != nil {
		return nil, err
	}
	response, err := s.roundTrip(request, body)
	if err != nil {
		t.give(s)
		return nil, err
	}
	response.Body = &held{ReadCloser: response.Body, release: sync.OnceFunc(func() { t.give(s) })}
	return response, nil
}

// CloseIdleConnections ends the sockets that are not in use.
func (t *Transport) CloseIdleConnections() {
	for _, s := range t.all {
		s.closeIdle()
	}
}

func (t *Transport) take(ctx context.Context) (*slot, error) {
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-t.free:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	last := len(t.slots) - 1
	s := t.slots[last]
	t.slots = t.slots[:last]
	return s, nil
}

func (t *Transport) give(s *slot) {
	t.mu.Lock()
	t.slots = append(t.slots, s)
	t.mu.Unlock()
	t.free <- struct{}{}
}

// WholeBody reads and closes the body of a request, which may have to be sent
// twice; nil if it has none.
func WholeBody(request *http.Request) ([]byte, error) {
	if request.Body == nil || request.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(request.Body)
	if closed := request.Body.Close(); err == nil {
		err = closed
	}
	return body, err
}

// WithBody gives a copy of a request with another body and Authorization header;
// none where they are empty.
func WithBody(ctx context.Context, request *http.Request, body []byte, authorization string) *http.Request {
	leg := request.Clone(ctx)
	leg.Body, leg.GetBody, leg.ContentLength = http.NoBody, nil, 0
	if len(body) > 0 {
		leg.Body, leg.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	leg.Header.Del("Authorization")
	if authorization != "" {
		leg.Header.Set("Authorization", authorization)
	}
	return leg
}

// held gives the slot back when the body is closed.
type held struct {
	io.ReadCloser
	release func()
}

// Close implements io.Closer.
func (h *held) Close() error {
	defer h.release()
	return h.ReadCloser.Close()
}
