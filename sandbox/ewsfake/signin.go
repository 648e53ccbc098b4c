package ewsfake

import (
	"crypto/rand"
	"encoding/base64"
	"strings"

	"kalends/sandbox"
	"kalends/sandbox/ntlm"
)

// session is what a connection remembers of signing in with NTLM: the messages
// of a handshake under way, and, for as long as the connection lives, who it
// belongs to. Whoever sends a request on it without credentials is that account.
type session struct {
	negotiate, challenge []byte
	account              *sandbox.Recipient
}

// signIn finds the account: by Basic credentials, by NTLM, or because the
// connection is signed in already.
func (c *call) signIn() {
	scheme, value, _ := strings.Cut(c.http.Header.Get("Authorization"), " ")
	switch strings.ToLower(scheme) {
	case "basic":
		c.scheme, c.account = "Basic", c.basic()
	case "ntlm", "negotiate":
		c.scheme = "NTLM"
		if strings.EqualFold(scheme, "negotiate") {
			c.scheme = "Negotiate"
		}
		if message, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value)); err == nil {
			c.leg(message)
		}
	case "":
		c.scheme = "NTLM"
		c.session(func(s *session) { c.account = s.account })
	}
}

// session changes what the connection remembers.
func (c *call) session(change func(*session)) {
	sandbox.ConnectionOf(c.http.Context()).State(func(old any) any {
		s, ok := old.(*session)
		if !ok {
			s = &session{}
		}
		change(s)
		return s
	})
}

// leg is one step of the handshake. A new one ends what was before.
func (c *call) leg(message []byte) {
	c.session(func(s *session) {
		switch ntlm.Kind(message) {
		case 1:
			c.challenge(s, message)
		case 3:
			negotiate, challenge := s.negotiate, s.challenge
			*s = session{}
			c.account = c.verified(negotiate, challenge, message)
			if !c.options.SignInEachTime {
				s.account = c.account
			}
		}
	})
}

func (c *call) challenge(s *session, negotiate []byte) {
	*s = session{}
	if !c.offersScheme(c.scheme) {
		return
	}
	var nonce [8]byte
	_, _ = rand.Read(nonce[:])
	challenge, err := c.acceptor().Challenge(negotiate, nonce, c.world.Now())
	if err != nil {
		return
	}
	s.negotiate, s.challenge = negotiate, challenge
	c.token = c.scheme + " " + base64.StdEncoding.EncodeToString(challenge)
}

func (c *call) verified(negotiate, challenge, message []byte) *sandbox.Recipient {
	domain, user, err := c.acceptor().Verify(negotiate, challenge, message)
	if err != nil {
		return nil
	}
	return c.accountOf(domain, user)
}

func (c *call) acceptor() ntlm.Acceptor {
	a := ntlm.Acceptor{
		Domain: c.netBIOS(), Computer: "MAIL", DNS: c.world.Domain(), Protection: c.protection(),
		Password: func(domain, user string) string {
			if account := c.accountOf(domain, user); account != nil {
				return c.world.Password(account.Email)
			}
			return ""
		},
	}
	if connection := sandbox.ConnectionOf(c.http.Context()); connection != nil && connection.Certificate != nil {
		a.Binding = ntlm.ChannelBinding(connection.Certificate)
	}
	return a
}

// protection is off for Autodiscover, and before 2019 unless somebody set it.
func (c *call) protection() ntlm.Protection {
	name := c.build.name
	switch {
	case !strings.HasPrefix(strings.ToLower(c.http.URL.Path), "/ews/"):
		return ntlm.Off
	case c.options.ExtendedProtection != "":
		return ntlm.Protection(c.options.ExtendedProtection)
	case name == "Exchange2019" || name == "ExchangeSE":
		return ntlm.Allow
	}
	return ntlm.Off
}

func (c *call) netBIOS() string {
	name, _, _ := strings.Cut(c.world.Domain(), ".")
	return strings.ToUpper(name)
}

// accountOf finds DOMAIN\name or a user principal name. An address is one too.
func (c *call) accountOf(domain, user string) *sandbox.Recipient {
	if domain != "" && !strings.EqualFold(domain, c.netBIOS()) && !strings.EqualFold(domain, c.world.Domain()) {
		return nil
	}
	if !strings.Contains(user, "@") {
		user += "@" + c.world.Domain()
	}
	account := c.world.Principal(user)
	if account == nil {
		account, _ = c.world.Recipient(user)
	}
	if account == nil || account.Disabled {
		return nil
	}
	return account
}

// basic finds the account of Basic credentials.
func (c *call) basic() *sandbox.Recipient {
	user, password, ok := c.http.BasicAuth()
	if !ok {
		return nil
	}
	domain := ""
	if before, name, found := strings.Cut(user, `\`); found {
		domain, user = before, name
	}
	account := c.accountOf(domain, user)
	if account == nil || password != c.world.Password(account.Email) {
		return nil
	}
	return account
}

// offersScheme tells whether the server takes a way to sign in.
func (c *call) offersScheme(scheme string) bool {
	for _, offer := range c.offers {
		name, _, _ := strings.Cut(offer, " ")
		if strings.EqualFold(name, scheme) {
			return true
		}
	}
	return false
}
