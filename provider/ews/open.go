package ews

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	kalends "kalends"
	"kalends/outbound"
	"kalends/provider"
)

// The fields of the form, and what a check keeps beside them.
const (
	fieldUsername  = "username"
	fieldPassword  = "password"
	fieldTestEmail = "test_email"
	fieldURL       = "url"
	fieldCA        = "ca"
	fieldPin       = "pin"           // SHA-256 of the only certificate to accept
	fieldLegacy    = "legacy_tls"    // TLS 1.0 and 1.1, RSA key exchange
	fieldHosts     = "trusted_hosts" // outside the domain, confirmed one by one
	fieldRooms     = "rooms"         // addresses of rooms and of groups that hold rooms
	keptMethod     = "auth"          // how to sign in at the URL
	keptVersion    = "version"       // the RequestServerVersion to send
)

// Limits of one request.
const (
	requestTimeout = 60 * time.Second
	stepTimeout    = 10 * time.Second // of an Autodiscover try
	maxAnswer      = 16 << 20
	maxSmallAnswer = 1 << 20
	maxSockets     = 10 // budget of one account on Exchange 2010, section 4.10
)

// System is Exchange as a calendar system that a company can connect.
func System() provider.System {
	return provider.System{
		Form: kalends.Form{
			Provider: kalends.Exchange,
			Fields: []kalends.Field{
				{Name: fieldUsername, Kind: kalends.FieldText, Required: true, Identity: true},
				{Name: fieldPassword, Kind: kalends.FieldPassword, Required: true, Secret: true},
				{Name: fieldTestEmail, Kind: kalends.FieldEmail, Required: true},
				{Name: fieldURL, Kind: kalends.FieldURL, Advanced: true},
				{Name: fieldRooms, Kind: kalends.FieldLines, Advanced: true},
				{Name: fieldCA, Kind: kalends.FieldFile, Advanced: true},
				{Name: fieldPin, Kind: kalends.FieldFingerprint, Advanced: true},
				{Name: fieldLegacy, Kind: kalends.FieldLegacyTLS, Advanced: true},
				{Name: fieldHosts, Kind: kalends.FieldHosts, Advanced: true},
			},
			Steps: []kalends.StepKey{
				kalends.StepAutodiscover, kalends.StepReach, kalends.StepTLS, kalends.StepSignIn,
				kalends.StepImpersonation, kalends.StepVersion, kalends.StepFreeBusy, kalends.StepRooms,
			},
		},
		Open: open,
	}
}

type driver struct {
	credentials kalends.Credentials
	way         *outbound.Way
	sign        *signer
	client      *http.Client // EWS, signed in
	finder      *http.Client // Autodiscover and probes: short and small
	asking      *signer
	asker       *http.Client // Autodiscover, signed in
	known       known
	places      places
	moved       moved
	spoken      spoken // where a mailbox's server is older than the one asked

	mu      sync.Mutex
	url     string // where EWS is, "" until Autodiscover found it
	version version
	learned bool // version came from this server, or was kept
}

func open(credentials kalends.Credentials, way *outbound.Way) (provider.Driver, error) {
	if err := checkCredentials(credentials); err != nil {
		return nil, err
	}
	large := optionsFor(credentials)
	small := large
	small.Timeout, small.MaxBody, small.MaxConns = stepTimeout, maxSmallAnswer, 2
	d := &driver{
		credentials: credentials.Clone(), way: way,
		url: strings.TrimSpace(credentials[fieldURL]), version: version(credentials[keptVersion]),
		finder: way.Client(small),
	}
	d.asking = newSigner(way, small, credentials)
	d.asker = d.asking.client()
	d.sign = newSigner(way, large, credentials)
	d.client = d.sign.client()
	if m := method(credentials[keptMethod]); m.known() {
		d.sign.use(placeOf(d.url), m)
	}
	d.learned = d.version.known()
	if !d.learned {
		d.version = exchange2007SP1
	}
	return d, nil
}

func optionsFor(c kalends.Credentials) outbound.Options {
	o := outbound.Options{
		Timeout: requestTimeout, MaxBody: maxAnswer, Roots: []byte(c[fieldCA]), LegacyTLS: c[fieldLegacy] != "", HTTP1: true, MaxConns: maxSockets,
	}
	if pin, err := outbound.ParseFingerprint(c[fieldPin]); err == nil {
		o.Pin = &pin
	}
	return o
}

// Close implements provider.Driver.
func (d *driver) Close() {
	for _, client := range []*http.Client{d.client, d.finder, d.asker} {
		client.CloseIdleConnections()
	}
}

func checkCredentials(c kalends.Credentials) error {
	for _, name := range []string{fieldUsername, fieldPassword, fieldTestEmail} {
		if strings.TrimSpace(c[name]) == "" {
			return malformed(name, kalends.CauseInternal, errors.New("missing"))
		}
	}
	if !isAddress(c[fieldTestEmail]) {
		return malformed(fieldTestEmail, kalends.CauseAccountNotFound, errors.New("no e-mail address"))
	}
	if c[fieldCA] != "" && outbound.CheckRoots([]byte(c[fieldCA])) != nil {
		return malformed(fieldCA, kalends.CauseTLS, errors.New("no PEM certificate"))
	}
	if _, err := outbound.ParseFingerprint(c[fieldPin]); err != nil && strings.TrimSpace(c[fieldPin]) != "" {
		return malformed(fieldPin, kalends.CauseTLS, err)
	}
	if err := checkRooms(c[fieldRooms]); err != nil {
		return malformed(fieldRooms, kalends.CauseRoomsUnavailable, err)
	}
	if err := checkHosts(c[fieldHosts]); err != nil {
		return malformed(fieldHosts, kalends.CauseServerNotConfirmed, err)
	}
	if address := strings.TrimSpace(c[fieldURL]); address != "" {
		if _, err := secureURL(address); err != nil {
			return malformed(fieldURL, kalends.CauseServerNotFound, err)
		}
	}
	return nil
}

// malformed names the field, so that the form can show it there.
func malformed(field string, cause kalends.CauseKey, err error) error {
	return &kalends.Error{Kind: kalends.KindInvalid, Op: "exchange.Open", Cause: kalends.NewCause(cause, "field", field), Err: fmt.Errorf("%s: %w", field, err)}
}

// isAddress tells what can be an SMTP address; Exchange decides about the rest.
func isAddress(text string) bool {
	text = strings.TrimSpace(text)
	local, domain, ok := strings.Cut(text, "@")
	return ok && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(text, " <>\"(),;:\\\r\n\t") && !strings.Contains(domain, "@")
}

// secureURL accepts https URLs without credentials, at port 443, 444 or one above
// 1023: a form must not be a way to knock at other services.
func secureURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("no URL")
	case u.Scheme != "https" || u.Hostname() == "":
		return nil, errors.New("no https URL")
	case u.User != nil:
		return nil, errors.New("URL with credentials")
	}
	if port := u.Port(); port != "" && port != "443" && port != "444" {
		if n, err := strconv.Atoi(port); err != nil || n < 1024 {
			return nil, errors.New("port of another service")
		}
	}
	return u, nil
}

// target gives where requests go and in which version.
func (d *driver) target() (string, version) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.url, d.version
}

func (d *driver) setTarget(url string, v version) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.url, d.version = url, v
}

// placeOf gives host and port of a URL, as requests to it name them.
func placeOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
