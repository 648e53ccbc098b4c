package ews

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	kalends "kalends"
	"kalends/outbound"
)

// maxHost is the longest name in DNS.
const maxHost = 253

// online lists where Exchange Online lives, worldwide and in national clouds.
var online = []string{"outlook.office365.com", "outlook.office.com", "office365.com", "outlook.com", "partner.outlook.cn", "office365.us", "outlook.office.de"}

// tenants are the mail domains that Microsoft 365 gives to its customers.
var tenants = []string{".onmicrosoft.com", ".onmicrosoft.us", ".onmicrosoft.de", ".partner.onmschina.cn"}

func isOnline(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(online, func(name string) bool { return host == name || strings.HasSuffix(host, "."+name) })
}

func isTenant(domain string) bool {
	return slices.ContainsFunc(tenants, func(suffix string) bool { return strings.HasSuffix(domain, suffix) })
}

// mayFollow tells whether credentials may be sent to a host (with or without a
// port): what belongs to the owner of the mail domain, and what the administrator
// confirmed or entered.
func (s *discovery) mayFollow(host string) bool {
	host = bare(host)
	own := outbound.OwnDomain(s.domain)
	return own != "" && outbound.OwnDomain(host) == own || s.driver.confirmed(host)
}

// confirmed tells whether an administrator named the host: with the button that
// a check offers, or as the address of the server. A confirmed mail domain is
// one with its Autodiscover.
func (d *driver) confirmed(host string) bool {
	if entered := d.credentials[fieldURL]; entered != "" && bare(hostOf(entered)) == host {
		return true
	}
	return slices.ContainsFunc(strings.Fields(d.credentials[fieldHosts]), func(name string) bool {
		name = bare(name)
		return name != "" && (host == name || host == "autodiscover."+name)
	})
}

// bare is a host name without port, in the form in which names are compared and
// shown: as in DNS, so that letters that look alike do not pass for each other.
func bare(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		return ascii
	}
	return host
}

// mayAsk decides whether a URL is asked, and notes why not. Nothing, not even a
// request without credentials, goes to a host that nobody confirmed.
func (s *discovery) mayAsk(q inquiry) bool {
	u, err := secureURL(q.target)
	switch {
	case err != nil:
		s.tell(q, 0, "unsafe", "")
	case isOnline(u.Hostname()):
		s.online(q, 0)
	case !s.mayFollow(u.Host):
		s.leave(q, 0, bare(u.Host))
	case s.tried[s.key(q)]:
		s.tell(q, 0, "asked_before", "")
	case s.requests >= maxRequests:
		s.tell(q, 0, "too_many", "")
	default:
		s.tried[s.key(q)] = true
		s.requests++
		return true
	}
	return false
}

// leadsOn notes where an answer leads, and tells whether to go there.
func (s *discovery) leadsOn(from inquiry, status int, target string) bool {
	u, err := secureURL(target)
	switch {
	case err != nil:
		s.tell(from, status, "unsafe", "")
	case isOnline(u.Hostname()):
		s.online(from, status)
	case !s.mayFollow(u.Host):
		s.leave(from, status, bare(u.Host))
	case !s.mayHop(from):
	default:
		shown := target
		if from.method == methodSRV {
			shown = u.Host
		}
		s.tell(from, status, "redirect", shown)
		return true
	}
	return false
}

// mayHop counts a step away from what was asked first.
func (s *discovery) mayHop(from inquiry) bool {
	if s.hops++; s.hops < maxHops {
		return true
	}
	s.tell(from, 0, "too_many", "")
	return false
}

func (s *discovery) key(q inquiry) string {
	return q.method + " " + strings.ToLower(q.target) + " " + s.email
}

// online ends the search: what leads to Microsoft 365 is connected another way.
func (s *discovery) online(q inquiry, status int) {
	s.tell(q, status, "exchange_online", "")
	s.final = s.refusedOnline()
}

func (s *discovery) refusedOnline() error {
	return &kalends.Error{Kind: kalends.KindUnsupported, Op: "exchange.Autodiscover", Cause: kalends.NewCause(kalends.CauseExchangeOnline, "domain", s.domain)}
}

// leave notes that a host outside the domain is not followed, and keeps the best
// of them for the administrator to confirm.
func (s *discovery) leave(q inquiry, status int, host string) {
	if len(host) > maxHost || outbound.OwnDomain(host) == "" { // an IP address, or a name that nobody owns
		s.tell(q, status, "unsafe", "")
		return
	}
	s.tell(q, status, "unconfirmed", host)
	if s.lead == "" || s.rank > s.leadRank {
		s.lead, s.leadRank = host, s.rank
	}
}

func (s *discovery) unconfirmed() error {
	return &kalends.Error{
		Kind: kalends.KindInvalid, Op: "exchange.Autodiscover", Err: errors.New("leads to a host outside the domain"),
		Cause: kalends.NewCause(kalends.CauseServerNotConfirmed, "host", s.lead, "domain", s.domain),
	}
}

// usable takes the first EWS URL that may be used.
func (s *discovery) usable(q inquiry, status int, urls []string) string {
	left := false
	for _, address := range urls {
		u, err := secureURL(address)
		switch {
		case err != nil:
			continue
		case isOnline(u.Hostname()):
			s.online(q, status)
			return ""
		case !s.mayFollow(u.Host):
			s.leave(q, status, bare(u.Host))
			left = true
			continue
		}
		s.tell(q, status, "found", address)
		return address
	}
	if !left {
		s.tell(q, status, "no_url", "")
	}
	return ""
}

// checkHosts tells what is no list of host names.
func checkHosts(text string) error {
	for _, host := range strings.Fields(text) {
		if u, err := url.Parse("https://" + host); err != nil || u.Host != host || u.Port() != "" || outbound.OwnDomain(host) == "" {
			return errors.New("no host name")
		}
	}
	return nil
}
