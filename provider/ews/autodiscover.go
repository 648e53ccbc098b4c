package ews

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	kalends "kalends"
)

const maxHops = 10

// online lists where Exchange Online lives, worldwide and in national clouds.
var online = []string{"outlook.office365.com", "outlook.office.com", "office365.com", "outlook.com", "partner.outlook.cn", "office365.us", "outlook.office.de"}

func isOnline(host string) bool {
	for _, name := range online {
		if h := strings.ToLower(host); h == name || strings.HasSuffix(h, "."+name) {
			return true
		}
	}
	return false
}

// within tells whether credentials may be sent to a host: the mail domain and
// what is below it. Other hosts want the administrator's own word, the URL field.
func within(host, domain string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// discovery is one run of Autodiscover for an address (section 1, POX).
type discovery struct {
	driver   *driver
	email    string
	domain   string
	tried    map[string]bool
	doubtful []string // want a sign-in, but show no sign of Exchange
	attempts []kalends.Attempt
	final    error // what ends the search: refused credentials, Exchange Online, a private network
	refused  bool  // the credentials were sent and not taken
	hops     int
}

// discover finds the EWS URL of the test mailbox.
func (d *driver) discover(ctx context.Context) (string, []kalends.Attempt, error) {
	email := kalends.NormalizeEmail(d.credentials[fieldTestEmail])
	s := &discovery{driver: d, email: email, domain: kalends.EmailDomain(email), tried: map[string]bool{}}
	found := s.run(ctx)
	switch {
	case found != "":
		return found, s.attempts, nil
	case s.final != nil:
		return "", s.attempts, s.final
	}
	return "", s.attempts, s.notFound(ctx)
}

// run asks the candidates without credentials. They go to the first one that
// shows signs of Exchange; to others only if there is none: a refused password
// counts at the directory, so the first refusal ends the search, and some other
// server at the domain must not cause it.
func (s *discovery) run(ctx context.Context) string {
	const path = "/autodiscover/autodiscover.xml"
	for _, host := range []string{s.domain, "autodiscover." + s.domain} {
		if found := s.ask(ctx, "https://"+host+path); found != "" || s.over(ctx) {
			return found
		}
	}
	if target := s.redirectOf(ctx, "http://autodiscover."+s.domain+path); target != "" && !s.over(ctx) {
		if found := s.ask(ctx, target); found != "" || s.over(ctx) {
			return found
		}
	}
	for _, target := range s.doubtful {
		if found := s.signIn(ctx, target); found != "" || s.over(ctx) {
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

func (s *discovery) note(what, result string) {
	s.attempts = append(s.attempts, kalends.Attempt{What: what, Result: result})
}

// trusted notes why a URL may not be asked with credentials.
func (s *discovery) trusted(target string) bool {
	u, err := secureURL(target)
	switch {
	case err != nil:
		s.note(target, "not https")
		return false
	case isOnline(u.Hostname()):
		s.note(target, "exchange_online")
		s.final = s.refusedOnline()
		return false
	case !within(u.Hostname(), s.domain):
		s.note(target, "outside "+s.domain)
		return false
	case s.tried[strings.ToLower(u.String())] || s.hops >= maxHops:
		s.note(target, "asked before")
		return false
	}
	s.tried[strings.ToLower(u.String())] = true
	s.hops++
	return true
}

func (s *discovery) refusedOnline() error {
	return &kalends.Error{Kind: kalends.KindUnsupported, Op: "exchange.Autodiscover", Cause: kalends.NewCause(kalends.CauseExchangeOnline, "domain", s.domain)}
}

// ask posts to one candidate without credentials and follows what it answers.
func (s *discovery) ask(ctx context.Context, target string) string {
	if !s.trusted(target) {
		return ""
	}
	response, text, err := s.post(ctx, target, false)
	switch {
	case err != nil:
		return s.unanswered(target, err)
	case response.StatusCode != http.StatusUnauthorized:
		return s.follow(ctx, target, response, text)
	case !offersBasic(response.Header):
		s.note(target, "HTTP 401")
		s.keep(s.driver.statusError("Autodiscover", target, response))
		return ""
	case !looksLikeExchange(response.Header):
		s.note(target, "HTTP 401")
		s.doubtful = append(s.doubtful, target)
		return ""
	}
	return s.signIn(ctx, target)
}

// signIn posts with credentials.
func (s *discovery) signIn(ctx context.Context, target string) string {
	response, text, err := s.post(ctx, target, true)
	if err != nil {
		return s.unanswered(target, err)
	}
	if response.StatusCode == http.StatusUnauthorized {
		s.note(target, "HTTP 401")
		s.refused, s.final = true, s.driver.statusError("Autodiscover", target, response)
		return ""
	}
	return s.follow(ctx, target, response, text)
}

// follow reads an answer, goes where it leads, or notes what it is.
func (s *discovery) follow(ctx context.Context, target string, response *http.Response, text string) string {
	if location := redirectLocation(response); location != "" {
		s.note(target, "redirect to "+location)
		return s.ask(ctx, location)
	}
	if response.StatusCode != http.StatusOK {
		s.keep(s.driver.statusError("Autodiscover", target, response))
		s.note(target, fmt.Sprintf("HTTP %d", response.StatusCode))
		return ""
	}
	return s.read(ctx, target, text)
}

// post sends the request over verified TLS to a host of the mail domain, with
// Basic if it shall sign in.
func (s *discovery) post(ctx context.Context, target string, signIn bool) (*http.Response, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(autodiscoverRequest(s.email)))
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	if signIn {
		r.SetBasicAuth(s.driver.credentials[fieldUsername], s.driver.credentials[fieldPassword])
	}
	response, err := s.driver.finder.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		drain(response) // the status says all
		return response, "", nil
	}
	text, err := readAll(response)
	return response, text, err
}

// unanswered notes a candidate that did not answer, and keeps what an
// administrator can act on: a certificate, a private network.
func (s *discovery) unanswered(target string, err error) string {
	failure := s.driver.probeError("Autodiscover", target, err)
	cause := kalends.CauseOf(failure)
	s.note(target, string(cause.Key))
	if cause.Key != kalends.CauseServerNotFound {
		s.keep(failure)
	}
	return ""
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

func redirectLocation(response *http.Response) string {
	if response.StatusCode != http.StatusMovedPermanently && response.StatusCode != http.StatusFound &&
		response.StatusCode != http.StatusTemporaryRedirect && response.StatusCode != http.StatusPermanentRedirect {
		return ""
	}
	location, err := response.Location()
	if err != nil {
		return ""
	}
	return location.String()
}

// redirectOf asks over http, without credentials; only a redirect counts.
func (s *discovery) redirectOf(ctx context.Context, target string) string {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return ""
	}
	response, err := s.driver.finder.Do(r)
	if err != nil {
		return s.unanswered(target, err)
	}
	_ = response.Body.Close()
	location := redirectLocation(response)
	if location == "" {
		s.note(target, fmt.Sprintf("HTTP %d", response.StatusCode))
		return ""
	}
	s.note(target, "redirect to "+location)
	return location
}

// read follows an answer: settings, or another address or URL to ask.
func (s *discovery) read(ctx context.Context, target, text string) string {
	root, err := parse(text)
	if err != nil || root.name != "Autodiscover" {
		s.note(target, "not Autodiscover")
		return ""
	}
	account := root.find("Account")
	switch action := account.value("Action"); {
	case strings.EqualFold(action, "redirectUrl"):
		s.note(target, "redirect to "+account.value("RedirectUrl"))
		return s.ask(ctx, account.value("RedirectUrl"))
	case strings.EqualFold(action, "redirectAddr"):
		return s.readdress(ctx, target, account.value("RedirectAddr"))
	}
	if code := root.find("Error").value("ErrorCode"); code != "" {
		s.note(target, "error "+code)
		return ""
	}
	return s.settings(target, account)
}

// readdress restarts with another address of the same domain; a changed domain
// is Exchange Online or wants an administrator's word.
func (s *discovery) readdress(ctx context.Context, target, email string) string {
	email = kalends.NormalizeEmail(email)
	s.note(target, "redirect to "+email)
	domain := kalends.EmailDomain(email)
	if strings.HasSuffix(domain, ".onmicrosoft.com") {
		s.final = s.refusedOnline()
		return ""
	}
	if email == s.email || !within(domain, s.domain) || s.hops >= maxHops {
		return ""
	}
	s.email = email
	delete(s.tried, strings.ToLower(target))
	return s.ask(ctx, target)
}

// settings takes the EWS URL: EXPR is external, EXCH internal (section 1).
func (s *discovery) settings(target string, account *node) string {
	for _, kind := range []string{"EXPR", "EXHTTP", "EXCH", "WEB"} {
		for _, protocol := range account.all() {
			if protocol.name != "Protocol" || protocol.value("Type") != kind {
				continue
			}
			if found := s.usable(target, protocol); found != "" {
				return found
			}
		}
	}
	s.note(target, "no EWS URL")
	return ""
}

func (s *discovery) usable(target string, protocol *node) string {
	for _, name := range []string{"EwsUrl", "ASUrl"} {
		address := protocol.value(name)
		u, err := secureURL(address)
		if address == "" || err != nil {
			continue
		}
		if isOnline(u.Hostname()) {
			s.note(target, "exchange_online")
			s.final = s.refusedOnline()
			return ""
		}
		if !within(u.Hostname(), s.domain) {
			s.note(target, "EWS URL "+address+" outside "+s.domain)
			continue
		}
		s.note(target, "found "+address)
		return address
	}
	return ""
}

// notFound says that nothing answered; where mail goes to Microsoft 365, that.
func (s *discovery) notFound(ctx context.Context) error {
	if names, err := s.driver.way.LookupMX(ctx, s.domain); err == nil {
		for _, name := range names {
			if strings.HasSuffix(name, ".mail.protection.outlook.com") {
				s.note("MX "+s.domain, "exchange_online")
				return s.refusedOnline()
			}
		}
	}
	return &kalends.Error{
		Kind: kalends.KindInvalid, Op: "exchange.Autodiscover", Err: errors.New("no candidate answered"),
		Cause: kalends.NewCause(kalends.CauseServerNotFound, "domain", s.domain),
	}
}

// autodiscoverRequest: [MS-OXDSCLI] section 2.2.3.
func autodiscoverRequest(email string) string {
	return `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">` +
		`<Request><EMailAddress>` + escape(email) + `</EMailAddress><AcceptableResponseSchema>` +
		`http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`
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
