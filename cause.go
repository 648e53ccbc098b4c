package kalends

import "maps"

// CauseKey names why something does not work, in words that stay stable in the
// API. Package explain turns it into a sentence, a fix and a command.
type CauseKey string

// Causes that one person, room or address can have.
const (
	CauseAccountNotFound  CauseKey = "account_not_found"  // no such address in the organisation
	CauseAddressIsAlias   CauseKey = "address_is_alias"   // another primary address, and policy wants it confirmed
	CauseNotAPerson       CauseKey = "not_a_person"       // a group, contact, guest or shared mailbox
	CauseNoMailbox        CauseKey = "no_mailbox"         // known in the directory, but without a mailbox (yet)
	CauseMailboxElsewhere CauseKey = "mailbox_elsewhere"  // lives in another system or is being moved
	CauseNotPermitted     CauseKey = "not_permitted"      // outside what the service account may reach
	CauseAddressNotUnique CauseKey = "address_not_unique" // two people of the application share it
)

// Causes of a whole connection.
const (
	CauseImpersonationMissing CauseKey = "impersonation_missing" // the right is missing for everybody
	CauseCredentialsExpired   CauseKey = "credentials_expired"   // password, secret or certificate refused
	CauseConsentMissing       CauseKey = "consent_missing"
	CauseScopeMissing         CauseKey = "scope_missing"
	CauseAPIDisabled          CauseKey = "api_disabled"
	CauseAuthenticationMethod CauseKey = "authentication_method" // server offers none that we can use
	CauseTLS                  CauseKey = "tls"                   // certificate does not verify, or TLS too old
	CauseServerNotFound       CauseKey = "server_not_found"      // Autodiscover or the URL leads nowhere
	CauseThrottled            CauseKey = "throttled"
)

// Causes that only connecting needs.
const (
	CauseNotExchange        CauseKey = "not_exchange"         // the host answers, but it is not Exchange
	CauseExchangeOnline     CauseKey = "exchange_online"      // leads to Microsoft 365: connect that way
	CauseServerNotConfirmed CauseKey = "server_not_confirmed" // leads to a host outside the domain: an administrator's word is wanted
	CausePrivateNetwork     CauseKey = "private_network"      // an address that this installation may not reach
	CauseAnswerTooLarge     CauseKey = "answer_too_large"     // more bytes than we read
	CauseAnswerUnreadable   CauseKey = "answer_unreadable"    // not the XML or JSON it should be
	CauseServerUnavailable  CauseKey = "server_unavailable"   // time-outs and 5xx after all tries
	CauseVersionTooOld      CauseKey = "version_too_old"      // before Exchange 2007 SP1
	CauseTooManyTries       CauseKey = "too_many_tries"       // wrong passwords: waiting protects the directory account
	CauseOutsideDomain      CauseKey = "outside_domain"       // the address belongs to another organisation
	CauseRoomsUnavailable   CauseKey = "rooms_unavailable"    // rooms cannot be listed (no mailbox, no room list)
	CauseRevoked            CauseKey = "revoked"              // ended by an administrator
	CauseInternal           CauseKey = "internal"             // our own mistake: request id in the log
)

// Cause is why something does not work, with the facts that make the sentence
// concrete: host, address, server code, mailbox. Facts hold no secrets.
type Cause struct {
	Key   CauseKey          `json:"key"`
	Facts map[string]string `json:"facts,omitempty"`
}

// NewCause makes a cause from a key and fact pairs: name, value, name, value.
func NewCause(key CauseKey, facts ...string) *Cause {
	c := &Cause{Key: key}
	for i := 0; i+1 < len(facts); i += 2 {
		if c.Facts == nil {
			c.Facts = map[string]string{}
		}
		c.Facts[facts[i]] = facts[i+1]
	}
	return c
}

// Entry gives the cause as facts of an audit entry: its own and, as "cause", the key.
func (c *Cause) Entry() map[string]string {
	facts := maps.Clone(c.Facts)
	if facts == nil {
		facts = map[string]string{}
	}
	facts["cause"] = string(c.Key)
	return facts
}

// OfPerson tells whether the cause concerns one person or room; the others
// concern the whole connection.
func (k CauseKey) OfPerson() bool {
	switch k {
	case CauseAccountNotFound, CauseAddressIsAlias, CauseNotAPerson, CauseNoMailbox,
		CauseMailboxElsewhere, CauseNotPermitted, CauseAddressNotUnique, CauseOutsideDomain:
		return true
	}
	return false
}
