package ews

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	kalends "kalends"
)

// ask sends one request without credentials and follows what is answered; it
// signs in where the server asks for it and shows that it is Exchange.
func (s *discovery) ask(ctx context.Context, q inquiry) string {
	if !s.mayAsk(q) {
		return ""
	}
	response, text, err := s.send(ctx, q, false)
	switch {
	case err != nil:
		return s.unanswered(q, err)
	case response.StatusCode != http.StatusUnauthorized || q.method == methodJSON:
		return s.follow(ctx, q, response, text)
	case len(methodsFor(response.Header)) == 0:
		s.tell(q, response.StatusCode, "authentication_method", "")
		s.keep(s.driver.statusError("Autodiscover", q.target, response))
		return ""
	case !looksLikeExchange(response.Header):
		s.tell(q, response.StatusCode, "wants_sign_in", "")
		s.doubtful = append(s.doubtful, q)
		return ""
	}
	s.driver.asking.offered(placeOf(q.target), response.Header)
	return s.signIn(ctx, q)
}

// signIn sends the request with credentials.
func (s *discovery) signIn(ctx context.Context, q inquiry) string {
	response, text, err := s.send(ctx, q, true)
	if err != nil {
		return s.unanswered(q, err)
	}
	if response.StatusCode == http.StatusUnauthorized {
		s.tell(q, response.StatusCode, "refused", "")
		s.refused, s.final = true, s.driver.statusError("Autodiscover", q.target, response)
		return ""
	}
	s.rank = leadSignedIn
	return s.follow(ctx, q, response, text)
}

// send asks over verified TLS at a host that may be asked.
func (s *discovery) send(ctx context.Context, q inquiry, signIn bool) (*http.Response, string, error) {
	r, err := s.request(ctx, q)
	if err != nil {
		return nil, "", err
	}
	client := s.driver.finder
	if signIn {
		client = s.driver.asker
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusBadRequest {
		drain(response) // the status says all
		return response, "", nil
	}
	text, err := readAll(response)
	return response, text, err
}

func (s *discovery) request(ctx context.Context, q inquiry) (*http.Request, error) {
	if q.method == methodJSON {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, q.target, nil)
		if err == nil {
			r.Header.Set("Accept", "application/json")
		}
		return r, err
	}
	body := requestPOX(s.email)
	if q.method == methodSOAP {
		body = requestSOAP(q.target, s.email)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, q.target, strings.NewReader(body))
	if err == nil {
		r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	}
	return r, err
}

// follow reads an answer, goes where it leads, or notes what it is.
func (s *discovery) follow(ctx context.Context, q inquiry, response *http.Response, text string) string {
	status := response.StatusCode
	if location := redirectLocation(response); location != "" {
		return s.hop(ctx, q, status, location)
	}
	if status != http.StatusOK && !(status == http.StatusBadRequest && q.method == methodJSON) {
		if status != http.StatusUnauthorized { // a proxy in front of what needs no sign-in
			s.keep(s.driver.statusError("Autodiscover", q.target, response))
		}
		s.tell(q, status, "status", "")
		return ""
	}
	a, err := readAnswer(q.method, text)
	if err != nil {
		s.tell(q, status, "not_autodiscover", "")
		return ""
	}
	return s.take(ctx, q, status, a)
}

// take goes on with what an answer says.
func (s *discovery) take(ctx context.Context, q inquiry, status int, a discovered) string {
	switch {
	case a.redirectURL != "":
		return s.hop(ctx, q, status, a.redirectURL)
	case a.redirectAddress != "":
		return s.readdress(ctx, q, status, kalends.NormalizeEmail(a.redirectAddress))
	case a.code != "":
		s.tell(q, status, "error", s.driver.detail(a.code))
		if a.busy {
			s.keep(s.driver.failed("Autodiscover", s.email, &responseError{code: "ErrorServerBusy", text: a.code}))
		}
		return ""
	}
	return s.usable(q, status, a.urls)
}

// hop asks where a redirect leads; the path tells XML from SOAP.
func (s *discovery) hop(ctx context.Context, from inquiry, status int, target string) string {
	if !s.leadsOn(from, status, target) {
		return ""
	}
	path, _, _ := strings.Cut(strings.ToLower(target), "?")
	method := from.method
	switch {
	case strings.HasSuffix(path, ".svc"):
		method = methodSOAP
	case strings.HasSuffix(path, ".xml"), method == methodRedirect:
		method = methodPOX
	}
	return s.ask(ctx, inquiry{method, target})
}

// readdress goes on with another address: at the same server if it is of the
// company, at the other domain's if an administrator confirmed that one.
func (s *discovery) readdress(ctx context.Context, q inquiry, status int, email string) string {
	domain := kalends.EmailDomain(email)
	switch {
	case isTenant(domain):
		s.online(q, status)
		return ""
	case !isAddress(email) || email == s.email:
		s.tell(q, status, "asked_before", email)
		return ""
	case !s.mayFollow(domain):
		s.leave(q, status, domain)
		return ""
	}
	s.tell(q, status, "another_address", email)
	s.email = email
	if !s.mayHop(q) {
		return ""
	}
	if s.driver.confirmed(domain) {
		if found := s.atHost(ctx, domain); found != "" || s.over(ctx) {
			return found
		}
		return s.atHost(ctx, "autodiscover."+domain)
	}
	if q.method == methodJSON {
		return ""
	}
	return s.ask(ctx, q)
}

// unanswered notes a candidate that did not answer, and keeps what an
// administrator can act on: a certificate, a private network.
func (s *discovery) unanswered(q inquiry, err error) string {
	failure := s.driver.probeError("Autodiscover", q.target, err)
	key := kalends.CauseOf(failure).Key
	if u, bad := url.Parse(q.target); bad == nil && u.Scheme == "https" && isDeaf(err) {
		s.deaf[u.Host] = true
	}
	if key == kalends.CauseServerNotFound {
		s.tell(q, 0, "no_answer", "")
		return ""
	}
	s.tell(q, 0, string(key), "")
	s.keep(failure)
	return ""
}

// isDeaf tells errors that every other request to the host would meet as well.
func isDeaf(err error) bool {
	var slow net.Error
	_, cause, _ := onTheWay(err)
	return cause == kalends.CauseTLS || cause == kalends.CausePrivateNetwork || cause == kalends.CauseServerNotFound ||
		errors.As(err, &slow) && slow.Timeout()
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

// redirectOf asks over http, without credentials; only a redirect counts. It
// gives where that leads.
func (s *discovery) redirectOf(ctx context.Context, q inquiry) (target string, status int) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, q.target, nil)
	if err != nil {
		return "", 0
	}
	response, err := s.driver.finder.Do(r)
	if err != nil {
		s.unanswered(q, err)
		return "", 0
	}
	_ = response.Body.Close()
	target = redirectLocation(response)
	if target == "" {
		s.tell(q, response.StatusCode, "not_autodiscover", "")
	}
	return target, response.StatusCode
}
