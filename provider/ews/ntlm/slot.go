package ntlm

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"

	ntlmssp "github.com/Azure/go-ntlmssp"
)

// ErrChallenge is in the chain of errors for a challenge of the server that can
// not be answered: malformed, or of a kind that is no NTLMv2.
var ErrChallenge = errors.New("no NTLM challenge that can be answered")

const maxRefusal = 64 << 10 // bytes of a refusal that are read to keep its connection

// slot is one round-tripper and what its connections are signed in as.
type slot struct {
	options *Options
	base    http.RoundTripper
	signed  map[string]net.Conn // by host
}

func newSlot(options *Options) *slot {
	return &slot{options: options, base: options.NewSlot(), signed: map[string]net.Conn{}}
}

func (s *slot) closeIdle() {
	if c, ok := s.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// roundTrip sends a request on a connection that is signed in already, or signs
// one in. A 401 on a connection that was signed in means that it was replaced or
// that the server wants a new sign-in.
func (s *slot) roundTrip(request *http.Request, body []byte) (*http.Response, error) {
	if s.signed[request.URL.Host] != nil {
		response, conn, err := s.leg(request, body, "")
		if err != nil || response.StatusCode != http.StatusUnauthorized {
			s.remember(request, conn, err == nil && conn == s.signed[request.URL.Host])
			return response, err
		}
		s.remember(request, nil, false)
		drop(response)
	}
	response, lost, err := s.signIn(request, body)
	if lost {
		response, _, err = s.signIn(request, body)
	}
	return response, err
}

func (s *slot) remember(request *http.Request, conn net.Conn, signedIn bool) {
	if signedIn {
		s.signed[request.URL.Host] = conn
		return
	}
	delete(s.signed, request.URL.Host)
}

// signIn is the handshake: negotiate without a body, challenge, authenticate with
// the body, all on one connection. lost tells that the connection was replaced
// between the legs, so that nothing was executed.
func (s *slot) signIn(request *http.Request, body []byte) (response *http.Response, lost bool, err error) {
	negotiate, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrChallenge, err)
	}
	asked, conn, err := s.leg(request, nil, s.header(negotiate))
	if err != nil || asked.StatusCode != http.StatusUnauthorized {
		return asked, false, err
	}
	challenge := s.challenge(asked.Header)
	if challenge == nil {
		return s.unanswerable(asked)
	}
	authenticate, err := s.authenticate(challenge, asked)
	drop(asked)
	if err != nil {
		s.closeIdle()
		return nil, false, err
	}
	response, other, err := s.leg(request, body, s.header(authenticate))
	if err != nil {
		return nil, false, err
	}
	if response.StatusCode == http.StatusUnauthorized {
		return s.refused(response), other != conn, nil
	}
	s.remember(request, conn, other == conn)
	return response, false, nil
}

// unanswerable is a 401 without a challenge, before anything secret was sent. A
// server that offers the scheme and does not go on with it (Kerberos alone behind
// Negotiate, a proxy in between) is told apart from other refusals.
func (s *slot) unanswerable(asked *http.Response) (*http.Response, bool, error) {
	refusal := s.refused(asked)
	for _, value := range refusal.Header.Values("WWW-Authenticate") {
		if offers(value, s.options.Scheme) {
			return nil, false, fmt.Errorf("%w: none came", ErrChallenge)
		}
	}
	return refusal, false, nil
}

// offers finds a bare scheme in a header value, which may be a list.
func offers(value, scheme string) bool {
	for part := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(strings.TrimSpace(part), scheme) {
			return true
		}
	}
	return false
}

func (s *slot) authenticate(challenge []byte, asked *http.Response) ([]byte, error) {
	if asked.TLS != nil && !s.options.Unbound && len(asked.TLS.PeerCertificates) > 0 {
		bound, err := bind(challenge, endPoint(asked.TLS.PeerCertificates[0]))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrChallenge, err)
		}
		challenge = bound
	}
	message, err := ntlmssp.NewAuthenticateMessage(challenge, s.options.Username, s.options.Password, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChallenge, err)
	}
	return message, nil
}

func (s *slot) header(message []byte) string {
	return s.options.Scheme + " " + base64.StdEncoding.EncodeToString(message)
}

// challenge finds the server's message; nil if there is none.
func (s *slot) challenge(header http.Header) []byte {
	for _, value := range header.Values("WWW-Authenticate") {
		scheme, token, _ := strings.Cut(strings.TrimSpace(value), " ")
		if !strings.EqualFold(scheme, s.options.Scheme) {
			continue
		}
		if message, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token)); err == nil && len(message) > 0 {
			return message
		}
	}
	return nil
}

// leg sends one request and tells on which connection.
func (s *slot) leg(request *http.Request, body []byte, authorization string) (*http.Response, net.Conn, error) {
	var conn net.Conn
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { conn = info.Conn }}
	ctx := httptrace.WithClientTrace(request.Context(), trace)
	response, err := s.base.RoundTrip(WithBody(ctx, request, body, authorization))
	if err != nil {
		return nil, nil, err
	}
	return response, conn, nil
}

// refused takes the whole refusal and ends its connection: IIS gives no second
// challenge on it.
func (s *slot) refused(response *http.Response) *http.Response {
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal))
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(text))
	s.closeIdle()
	return response
}

// drop reads what keeps the connection usable.
func drop(response *http.Response) {
	_, _ = io.CopyN(io.Discard, response.Body, maxRefusal)
	_ = response.Body.Close()
}
