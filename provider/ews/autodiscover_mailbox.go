package ews

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	kalends "kalends"
)

// How long it is remembered where a mailbox lives: a day, as Autodiscover's
// documentation advises, and shorter where it could not be found out.
const (
	placeStays   = 24 * time.Hour
	placeUnknown = 10 * time.Minute
	placeShut    = time.Hour // a server that refused the password is left alone
	maxPlaces    = 50_000
)

// errOtherServer is in the chain of errors of a server that does not hold the
// mailbox, but another one may.
var errOtherServer = errors.New("another server holds the mailbox")

// elsewhereCodes: ResponseCode enumeration of the EWS reference. With 2007 and
// 2010 each site has Client Access servers of its own, and they do not always
// pass a request on.
var elsewhereCodes = []string{
	"ErrorCrossSiteRequest", "ErrorProxyRequestNotAllowed", "ErrorProxyServiceDiscoveryFailed",
	"ErrorNoRespondingCASInDestinationSite", "ErrorWrongServerVersion",
}

// livesElsewhere tells whether to look for the mailbox at another server.
func livesElsewhere(err error) bool {
	return errors.Is(err, errOtherServer) || slices.Contains(elsewhereCodes, codeOf(err))
}

// place is where a mailbox lives, or why that is not known.
type place struct {
	url   string
	err   error
	until time.Time
}

// places are the mailboxes that do not live where the others do. The zero value
// is ready.
type places struct {
	mu       sync.Mutex
	of       map[string]place
	versions map[string]version // of their servers, by URL
	shut     map[string]time.Time
}

func (p *places) get(mailbox string) (place, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.of[kalends.NormalizeEmail(mailbox)]
	return found, ok && time.Now().Before(found.until)
}

func (p *places) put(mailbox string, at place, stay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil || len(p.of) >= maxPlaces {
		p.of = map[string]place{}
	}
	at.until = time.Now().Add(stay)
	p.of[kalends.NormalizeEmail(mailbox)] = at
}

func (p *places) forget(mailbox string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.of, kalends.NormalizeEmail(mailbox))
}

// version is the one to speak at another server: the oldest until it has answered.
func (p *places) version(url string) version {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.versions[url]; ok {
		return v
	}
	return exchange2007SP1
}

func (p *places) learn(url string, v version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.versions == nil {
		p.versions = map[string]version{}
	}
	if p.versions[url].before(v) {
		p.versions[url] = v
	}
}

// close leaves a server alone that refused the password: each further try counts
// at the directory.
func (p *places) close(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut == nil {
		p.shut = map[string]time.Time{}
	}
	p.shut[host] = time.Now().Add(placeShut)
}

func (p *places) closed(host string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.shut[host])
}

// placeOf gives where requests for a mailbox go, and in which version.
func (d *driver) placeOf(mailbox string) (string, version) {
	if at, ok := d.places.get(mailbox); ok && mailbox != "" && at.url != "" {
		return at.url, d.places.version(at.url)
	}
	return d.target()
}

// atPlace judges an error of a server that is not the connection's own: that it
// is gone or refuses the password concerns its mailboxes, not everybody.
func (d *driver) atPlace(mailbox, address string, err error) error {
	own, _ := d.target()
	cause, kind := kalends.CauseOf(err), kalends.KindOf(err)
	switch {
	case err == nil || address == own:
		return err
	case livesElsewhere(err):
		d.places.forget(mailbox)
		return err
	case cause == nil, cause.Key.OfPerson(), kind == kalends.KindThrottled:
		return err
	case kind == kalends.KindUnavailable:
		d.places.forget(mailbox)
		return d.elsewhere(kalends.KindUnavailable, mailbox, hostOf(address), err)
	case kind == kalends.KindUnauthorized:
		d.places.close(hostOf(address))
	}
	err = d.elsewhere(kalends.KindDenied, mailbox, hostOf(address), err)
	d.places.put(mailbox, place{err: err}, placeShut)
	return err
}

// relocate finds the server of a mailbox that is not at the one just asked. Where
// that fails the error says where the mailbox lives, as far as it is known.
func (d *driver) relocate(ctx context.Context, mailbox, from string, refusal error) (string, error) {
	if at, ok := d.places.get(mailbox); ok && at.err != nil {
		return "", at.err
	}
	if d.places.closed("") {
		return "", refusal
	}
	own, _ := d.target()
	s := d.discovery(kalends.NormalizeEmail(mailbox))
	s.first = []string{placeOf(own)}
	found, _, err := s.find(ctx)
	switch {
	case ctx.Err() != nil:
		return "", err
	case err == nil && d.places.closed(hostOf(found)):
		return "", d.elsewhere(kalends.KindDenied, mailbox, hostOf(found), refusal)
	case err == nil && !strings.EqualFold(found, from):
		d.places.put(mailbox, place{url: found}, placeStays)
		return found, nil
	case kalends.KindOf(err) == kalends.KindUnauthorized:
		d.places.close("")
	}
	stay, err := d.whereElse(mailbox, refusal, err)
	d.places.put(mailbox, place{err: err}, stay)
	return "", err
}

// whereElse turns the end of a search into what is to be said about the mailbox,
// and for how long.
func (d *driver) whereElse(mailbox string, refusal, err error) (time.Duration, error) {
	cause := kalends.CauseOf(err)
	switch {
	case cause == nil:
	case cause.Key == kalends.CauseExchangeOnline:
		return placeShut, d.person("Autodiscover", mailbox, kalends.KindNotFound, kalends.CauseMailboxElsewhere)
	case cause.Key == kalends.CauseServerNotConfirmed:
		return placeShut, d.elsewhere(kalends.KindDenied, mailbox, cause.Facts["host"], err)
	}
	return placeUnknown, d.elsewhere(kalends.KindUnavailable, mailbox, "", refusal)
}

// elsewhere says that a mailbox lives on another Exchange server.
func (d *driver) elsewhere(kind kalends.Kind, mailbox, host string, err error) error {
	facts := append(d.facts(mailbox), "reason", "other_server")
	if host != "" {
		facts = append(facts, "target", host)
	}
	return &kalends.Error{Kind: kind, Op: "exchange.Autodiscover", Err: err, Cause: kalends.NewCause(kalends.CauseMailboxElsewhere, facts...)}
}

// toOtherServer tells a redirect to the web services of another server from one
// to a page for signing in.
func toOtherServer(response *http.Response, from string) bool {
	location := redirectLocation(response)
	return location != "" && !strings.EqualFold(hostOf(location), hostOf(from)) && !isOnline(hostOf(location)) &&
		strings.HasSuffix(strings.ToLower(location), "/exchange.asmx")
}
