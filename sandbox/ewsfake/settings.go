package ewsfake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"kalends/sandbox"
)

// Options choose how the simulated server behaves. The control API changes them
// while it runs (PATCH /_sandbox/systems/exchange).
type Options struct {
	// Version of the server: Exchange2007, Exchange2007_SP1, Exchange2010,
	// Exchange2010_SP1, Exchange2010_SP2, Exchange2013_SP1 (default),
	// Exchange2016, Exchange2019, ExchangeSE. A mailbox may stand on an older
	// one: sandbox.Recipient.Server.
	Version string `json:"version"`
	// BareVersion leaves the attribute Version out of ServerVersionInfo.
	BareVersion bool `json:"bare_version"`
	// Authenticate are the WWW-Authenticate values; nil = Negotiate, NTLM,
	// Basic realm="mail.…".
	Authenticate []string `json:"authenticate"`
	// SignInEachTime makes NTLM hold for one request instead of the connection
	// (IIS: authPersistSingleRequest).
	SignInEachTime bool `json:"sign_in_each_time"`
	// ExtendedProtection is off, allow or require; "" = as the version has it
	// (2019 and SE: allow). It counts for EWS, not for Autodiscover.
	ExtendedProtection string `json:"extended_protection"`
	// Concurrency is how many requests of one account are served at once before
	// ErrorServerBusy; 0 = as the version has it (2010: 10, later: 27), -1 = no
	// limit.
	Concurrency int `json:"concurrency"`
	// FindCountLimit is EWSFindCountLimit, the most that a search or view gives;
	// 0 = 1000, and none on 2007.
	FindCountLimit int `json:"find_count_limit"`
	// CrossSite is what meets a mailbox of another site: proxy_denied
	// (ErrorProxyRequestNotAllowed) or redirect (302); "" = as the version has it.
	CrossSite string `json:"cross_site"`
	// MaxSubscriptions is EWSMaxSubscriptions of a mailbox; 0 = 5000.
	MaxSubscriptions int `json:"max_subscriptions"`
	// HangingConnections is how many streams an account may have open; 0 = as the
	// version has it (2010 and 2013: 3, later: 10).
	HangingConnections int `json:"hanging_connections"`
	// HeartbeatMS is how often a quiet stream says that it lives; 0 = 30 s.
	HeartbeatMS int `json:"heartbeat_ms"`
	// StreamMS ends streams earlier than they ask for; 0 = as asked.
	StreamMS int `json:"stream_ms"`
	// Forms of Autodiscover that answer: pox, soap, json, redirect (over http);
	// nil = all that the version has.
	Forms []string `json:"forms"`
	// Outside is a host outside the mail domain that serves everything instead of
	// mail.DOMAIN, as a provider's does; a DNS entry leads to it. Not changed later.
	Outside string `json:"outside"`
}

func (o Options) offers(domain string) []string {
	if o.Authenticate == nil {
		return []string{"Negotiate", "NTLM", `Basic realm="mail.` + domain + `"`}
	}
	return o.Authenticate
}

// concurrency is EWSMaxConcurrency of the throttling policy; 2007 has none.
func (c *call) concurrency() int {
	switch {
	case c.options.Concurrency != 0:
		return c.options.Concurrency
	case c.build.level < level2010:
		return 0
	case c.build.level < level2013:
		return 10
	}
	return 27
}

// findLimit is how many items a search or view gives; 0 = all.
func (c *call) findLimit() int {
	switch {
	case c.options.FindCountLimit != 0:
		return c.options.FindCountLimit
	case c.build.level < level2010:
		return 0
	}
	return 1000
}

// settings are the options as they stand now, and as they stood at the start.
type settings struct {
	start   Options
	current atomic.Pointer[Options]
}

func newSettings(options Options) *settings {
	s := &settings{start: options}
	s.reset()
	return s
}

func (s *settings) now() Options { return *s.current.Load() }

func (s *settings) reset() {
	options := s.start
	if _, known := findBuild(options.Version); !known {
		options.Version = defaultVersion
	}
	s.current.Store(&options)
}

// change overwrites the options that a JSON object names.
func (s *settings) change(body []byte) error {
	options := s.now()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&options); err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	if _, known := findBuild(options.Version); !known {
		return fmt.Errorf("version %q is not simulated", options.Version)
	}
	if !slices.Contains([]string{"", "off", "allow", "require"}, options.ExtendedProtection) {
		return fmt.Errorf("extended protection %q is none", options.ExtendedProtection)
	}
	if !slices.Contains([]string{"", "proxy_denied", "redirect"}, options.CrossSite) {
		return fmt.Errorf("cross site %q is none", options.CrossSite)
	}
	if options.Outside != s.start.Outside {
		return errors.New("outside is set at the start")
	}
	for _, form := range options.Forms {
		if !slices.Contains([]string{formPOX, formSOAP, formJSON, formRedirect}, form) {
			return fmt.Errorf("autodiscover has no form %q", form)
		}
	}
	s.current.Store(&options)
	return nil
}

func (s *settings) control(subscriptions *subscriptions, made *shelf) sandbox.Settings {
	return sandbox.Settings{Show: func() any { return s.now() }, Change: s.change, Reset: func() {
		s.reset()
		subscriptions.drop()
		made.drop()
	}}
}
