package ews

import (
	"context"
	"errors"
	"net/url"
	"strings"

	kalends "kalends"
	"kalends/outbound"
)

// Limits of one search. All clients that are known to work stop after ten redirects.
const (
	maxHops     = 10 // requests that the redirects of one candidate may cause, the first among them
	maxRequests = 60
)

// How a candidate is asked; the values are keys of explain.Method.
const (
	methodPOX      = "pox"      // [MS-OXDSCLI]: every version, the only one of 2007
	methodSOAP     = "soap"     // [MS-OXWSADISC]: from 2010 on
	methodJSON     = "json"     // Autodiscover v2: Exchange 2016 CU3 and later, without a sign-in
	methodRedirect = "redirect" // GET over http, without a sign-in
	methodSRV      = "srv"
	methodMX       = "mx"
)

// How much a lead to a host outside the domain says, by where it comes from.
const (
	leadOfDomain = iota // the bare domain is often some web server
	leadOfAutodiscover
	leadOfSRV
	leadSignedIn // an Exchange that took the password
)

// discovery is one run of Autodiscover for an address (section 1).
type discovery struct {
	driver   *driver
	email    string
	domain   string   // the company's: where the search begins, and whom it may trust
	first    []string // hosts to ask before
	tried    map[string]bool
	deaf     map[string]bool // hosts that gave no answer at all
	doubtful []inquiry       // want a sign-in, but show no sign of Exchange
	attempts []kalends.Attempt
	final    error // what ends the search: refused credentials, Exchange Online, a private network
	refused  bool  // the credentials were sent and not taken
	hops     int
	requests int
	rank     int    // of the step
	lead     string // the host outside the domain that wants a confirmation
	leadRank int
}

// inquiry is one address to ask in one way.
type inquiry struct{ method, target string }

// discover finds the EWS URL of the test mailbox.
func (d *driver) discover(ctx context.Context) (string, []kalends.Attempt, error) {
	email := kalends.NormalizeEmail(d.credentials[fieldTestEmail])
	return d.discovery(email).find(ctx)
}

// discovery searches for a mailbox; where to search is the test mailbox's domain
// in any case: other addresses are what applications send.
func (d *driver) discovery(email string) *discovery {
	return &discovery{
		driver: d, email: email, domain: bare(kalends.EmailDomain(d.credentials[fieldTestEmail])),
		tried: map[string]bool{}, deaf: map[string]bool{},
	}
}

// find gives the EWS URL, or why there is none. A host that wants a confirmation
// says more than any candidate that failed, except a refused password.
func (s *discovery) find(ctx context.Context) (string, []kalends.Attempt, error) {
	found := s.run(ctx)
	switch {
	case found != "":
		return found, s.attempts, nil
	case s.over(ctx):
		return "", s.attempts, s.final
	case s.lead != "":
		return "", s.attempts, s.unconfirmed()
	case s.final != nil:
		return "", s.attempts, s.final
	}
	err := s.notFound(ctx)
	return "", s.attempts, err
}

// run asks the candidates in order, each without credentials first. They go to
// the first one that shows signs of Exchange; to others only if there is none: a
// refused password counts at the directory, so the first refusal ends the search,
// and some other server at the domain must not cause it. A domain under which
// everybody registers has no candidates: autodiscover.co.uk is somebody else's.
func (s *discovery) run(ctx context.Context) string {
	steps := []func(context.Context) string{s.atFirst, s.atDomain, s.atAutodiscover, s.byRedirect, s.bySRV, s.bySignIn}
	if outbound.OwnDomain(s.domain) == "" {
		steps = steps[:1]
	}
	for _, step := range steps {
		s.hops = 0
		if found := step(ctx); found != "" || s.over(ctx) {
			return found
		}
	}
	return ""
}

// over ends the search early.
func (s *discovery) over(ctx context.Context) bool {
	if err := ctx.Err(); err != nil && s.final == nil {
		s.final = s.driver.transportError("Autodiscover", "https://"+s.domain, err)
	}
	cause := kalends.CauseOf(s.final)
	return s.refused || ctx.Err() != nil || cause != nil && cause.Key == kalends.CauseExchangeOnline
}

func (s *discovery) atFirst(ctx context.Context) string {
	s.rank = leadOfDomain
	for _, host := range s.first {
		if found := s.atHost(ctx, host); found != "" || s.over(ctx) {
			return found
		}
	}
	return ""
}

func (s *discovery) atDomain(ctx context.Context) string {
	s.rank = leadOfDomain
	return s.atHost(ctx, s.domain)
}

func (s *discovery) atAutodiscover(ctx context.Context) string {
	s.rank = leadOfAutodiscover
	return s.atHost(ctx, "autodiscover."+s.domain)
}

// byRedirect follows what the domain says over http, as far as it leads to https.
func (s *discovery) byRedirect(ctx context.Context) string {
	s.rank = leadOfAutodiscover
	q := inquiry{methodRedirect, "http://autodiscover." + s.domain + pathOf(methodPOX)}
	target, status := s.redirectOf(ctx, q)
	if target == "" {
		return ""
	}
	if found := s.hop(ctx, q, status, target); found != "" || s.over(ctx) {
		return found
	}
	if u, err := secureURL(target); err == nil && s.mayFollow(u.Host) {
		return s.atHost(ctx, u.Host)
	}
	return ""
}

// bySRV asks the hosts of the DNS entry _autodiscover._tcp, the best first; only
// port 443 counts.
func (s *discovery) bySRV(ctx context.Context) string {
	s.rank = leadOfSRV
	q := inquiry{methodSRV, "_autodiscover._tcp." + s.domain}
	records, err := s.driver.way.LookupSRV(ctx, "autodiscover", "tcp", s.domain)
	if err != nil || len(records) == 0 {
		s.tell(q, 0, "no_record", "")
		return ""
	}
	for _, record := range records[:min(len(records), maxHops)] {
		host := strings.TrimSuffix(strings.ToLower(record.Target), ".")
		if host == "" || record.Port != 443 {
			s.tell(q, 0, "other_port", host)
			continue
		}
		if !s.leadsOn(q, 0, "https://"+host) {
			continue
		}
		if found := s.atHost(ctx, host); found != "" || s.over(ctx) {
			return found
		}
	}
	return ""
}

// bySignIn signs in where nothing shows that it is Exchange, once nothing else is left.
func (s *discovery) bySignIn(ctx context.Context) string {
	for _, q := range s.doubtful {
		if found := s.signIn(ctx, q); found != "" || s.over(ctx) {
			return found
		}
	}
	return ""
}

// atHost asks one host in every way, unless it does not answer at all.
func (s *discovery) atHost(ctx context.Context, host string) string {
	for _, method := range []string{methodPOX, methodSOAP, methodJSON} {
		q := inquiry{method, s.urlOf(method, host)}
		if s.deaf[host] || s.hops >= maxHops {
			return ""
		}
		if s.tried[s.key(q)] {
			continue
		}
		found := s.ask(ctx, q)
		if found != "" || s.over(ctx) || !s.mayFollow(host) {
			return found
		}
	}
	return ""
}

func pathOf(method string) string {
	if method == methodSOAP {
		return "/autodiscover/autodiscover.svc"
	}
	return "/autodiscover/autodiscover.xml"
}

func (s *discovery) urlOf(method, host string) string {
	if method == methodJSON {
		return "https://" + host + "/autodiscover/autodiscover.json/v1.0/" + url.PathEscape(s.email) + "?Protocol=EWS"
	}
	return "https://" + host + pathOf(method)
}

// tell writes an attempt down.
func (s *discovery) tell(q inquiry, status int, result, target string) {
	s.attempts = append(s.attempts, kalends.Attempt{What: short(q.target), Method: q.method, Result: result, Target: short(target), Status: status})
}

// short cuts what a server may have made long.
func short(text string) string {
	if len(text) > maxDetail {
		return strings.ToValidUTF8(text[:maxDetail], "") + "…"
	}
	return text
}

// keep remembers the first failure that an administrator can act on: web servers
// stand at most domains, and that they are no Exchange, or have nothing at this
// path, says nothing.
func (s *discovery) keep(err error) {
	key := kalends.CauseOf(err).Key
	if s.final == nil && key != kalends.CauseNotExchange && key != kalends.CauseServerNotFound {
		s.final = err
	}
}

// notFound says that nothing answered; where mail goes to Microsoft 365, that.
func (s *discovery) notFound(ctx context.Context) error {
	if names, err := s.driver.way.LookupMX(ctx, s.domain); err == nil {
		for _, name := range names {
			if strings.HasSuffix(name, ".mail.protection.outlook.com") {
				s.tell(inquiry{methodMX, s.domain}, 0, "exchange_online", "")
				return s.refusedOnline()
			}
		}
	}
	return &kalends.Error{
		Kind: kalends.KindInvalid, Op: "exchange.Autodiscover", Err: errors.New("no candidate answered"),
		Cause: kalends.NewCause(kalends.CauseServerNotFound, "domain", s.domain),
	}
}

// ready makes sure that there is a URL.
func (d *driver) ready(ctx context.Context) error {
	address, v := d.target()
	if address != "" {
		return nil
	}
	found, _, err := d.discover(ctx)
	if err != nil {
		return err
	}
	d.setTarget(found, v)
	return nil
}
