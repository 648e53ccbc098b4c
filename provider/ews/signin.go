package ews

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	kalends "kalends"
	"kalends/outbound"
	"kalends/provider/ews/ntlm"
)

const oldSlots = 5 // NTLM connections to a server whose limit is 10

// method is a way to sign in, and how it is kept with the credentials.
type method string

// The methods, the best first. What a server offers is asked before credentials
// are sent; Kerberos is not among them.
const (
	methodNTLM      method = "ntlm"
	methodNegotiate method = "negotiate" // NTLM messages under the name Negotiate
	methodBasic     method = "basic"
	// methodUnbound is NTLM without channel binding: behind a proxy that ends TLS
	// with a certificate of its own, Extended Protection refuses every other.
	methodUnbound method = "ntlm_unbound"
)

var signInMethods = []method{methodNTLM, methodNegotiate, methodBasic, methodUnbound}

func (m method) known() bool { return slices.Contains(signInMethods, m) }

// name is what administrators call the method.
func (m method) name() string {
	return map[method]string{
		methodNTLM: "NTLM", methodNegotiate: "Negotiate (NTLM)", methodBasic: "Basic", methodUnbound: "NTLM without channel binding",
	}[m]
}

// scheme is what a server has to offer for the method.
func (m method) scheme() string {
	return map[method]string{methodNTLM: "NTLM", methodNegotiate: "Negotiate", methodBasic: "Basic", methodUnbound: "NTLM"}[m]
}

// methodsFor lists what can be tried with a server that sent these headers, at
// most two: each costs a failed sign-in where the password is wrong, and accounts
// get locked.
func methodsFor(header http.Header) []method {
	list := offered(header)
	var found []method
	switch {
	case slices.Contains(list, "NTLM"):
		found = append(found, methodNTLM)
	case slices.Contains(list, "Negotiate"):
		found = append(found, methodNegotiate)
	}
	switch {
	case offersBasic(header):
		found = append(found, methodBasic)
	case slices.Contains(list, "NTLM"):
		found = append(found, methodUnbound)
	}
	return found
}

// signer is the http.RoundTripper of one set of credentials. It signs in to each
// host by what that host offers, and shares no connection with other credentials.
type signer struct {
	username, password string
	plain              http.RoundTripper
	slot               func() http.RoundTripper
	slots              int
	timeout            time.Duration

	mu      sync.Mutex
	methods map[string]method   // by host
	offers  map[string][]method // by host: what a refusal named that somebody else met
	ntlm    map[method]*ntlm.Transport
}

// newSigner makes a signer with so many connections as the options say, or fewer
// where the account may have fewer.
func newSigner(way *outbound.Way, options outbound.Options, c kalends.Credentials) *signer {
	one := options
	one.MaxConns = 1
	return &signer{
		username: strings.TrimSpace(c[fieldUsername]), password: c[fieldPassword], slots: slotsFor(version(c[keptVersion]), options.MaxConns),
		timeout: options.Timeout, plain: way.Client(options).Transport,
		slot:    func() http.RoundTripper { return way.Client(one).Transport },
		methods: map[string]method{}, offers: map[string][]method{}, ntlm: map[method]*ntlm.Transport{},
	}
}

// slotsFor: servers up to 2010 let an account have 10 connections, later ones 27
// (section 2); half of the former while the version is not known.
func slotsFor(v version, most int) int {
	if v.before(exchange2013) {
		return min(most, oldSlots)
	}
	return most
}

// client gives the signer as a client that follows no redirect.
func (s *signer) client() *http.Client {
	return &http.Client{Transport: s, Timeout: s.timeout, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// use makes a method the one for a host.
func (s *signer) use(host string, m method) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.methods[host] = m
}

// offered tells what a host named in a refusal: it is not asked again.
func (s *signer) offered(host string, header http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offers[host] = methodsFor(header)
}

func (s *signer) offer(host string) []method {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offers[host]
}

// method gives the one for a host, "" if it was not asked yet.
func (s *signer) method(host string) method {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.methods[host]
}

// RoundTrip implements http.RoundTripper. A host that offers something else than
// it did, a method switched off for instance, is asked again once.
func (s *signer) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := ntlm.WholeBody(request)
	if err != nil {
		return nil, err
	}
	for again := true; ; again = false {
		response, used, err := s.once(request, body)
		if err != nil || response.StatusCode != http.StatusUnauthorized || !again || !used.outdated(response.Header) {
			return response, err
		}
		s.replace(request.URL.Host, used, response.Header)
		drain(response)
		_ = response.Body.Close()
	}
}

// replace forgets a method for what a refusal offers, unless another request that
// was under way has done so.
func (s *signer) replace(host string, used method, header http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.methods[host] == used {
		s.methods[host], s.offers[host] = "", methodsFor(header)
	}
}

// CloseIdleConnections ends idle sockets; http.Client calls it.
func (s *signer) CloseIdleConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.ntlm {
		t.CloseIdleConnections()
	}
	if c, ok := s.plain.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// once sends a request as the host wants it, and tells by which method.
func (s *signer) once(request *http.Request, body []byte) (*http.Response, method, error) {
	if m := s.method(request.URL.Host); m != "" {
		response, err := s.send(m, request, body)
		return response, m, err
	}
	return s.first(request, body)
}

// first asks a host by an empty request without credentials what it offers; an
// answer to that which is no 401 is the answer.
func (s *signer) first(request *http.Request, body []byte) (*http.Response, method, error) {
	if possible := s.offer(request.URL.Host); len(possible) > 0 {
		return s.choose(request, body, possible)
	}
	asked, err := s.plain.RoundTrip(ntlm.WithBody(request.Context(), request, nil, ""))
	if err != nil || asked.StatusCode != http.StatusUnauthorized || len(methodsFor(asked.Header)) == 0 {
		return asked, "", err
	}
	drain(asked)
	_ = asked.Body.Close()
	return s.choose(request, body, methodsFor(asked.Header))
}

// choose takes the first method that the host goes on with.
func (s *signer) choose(request *http.Request, body []byte, possible []method) (response *http.Response, m method, err error) {
	for _, m = range possible {
		if response, err = s.send(m, request, body); !errors.Is(err, ntlm.ErrChallenge) {
			s.use(request.URL.Host, m)
			return response, m, err
		}
	}
	s.forget(request.URL.Host)
	return nil, m, err
}

// forget has a host asked anew what it offers.
func (s *signer) forget(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.offers, host)
}

func (s *signer) send(m method, request *http.Request, body []byte) (*http.Response, error) {
	leg := ntlm.WithBody(request.Context(), request, body, "")
	if m == methodBasic {
		leg.SetBasicAuth(s.username, s.password)
		return s.plain.RoundTrip(leg)
	}
	return s.transport(m).RoundTrip(leg)
}

// transport gives the connections of an NTLM method.
func (s *signer) transport(m method) *ntlm.Transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ntlm[m] == nil {
		o := ntlm.Options{Username: s.username, Password: s.password, Slots: s.slots, Unbound: m == methodUnbound, NewSlot: s.slot}
		if m == methodNegotiate {
			o.Scheme = ntlm.Negotiate
		}
		s.ntlm[m] = ntlm.New(o)
	}
	return s.ntlm[m]
}

// outdated tells that a refusal offers other methods, and this one no more.
func (m method) outdated(header http.Header) bool {
	list := offered(header)
	return m != "" && len(methodsFor(header)) > 0 && len(list) > 0 && !slices.Contains(list, m.scheme())
}
