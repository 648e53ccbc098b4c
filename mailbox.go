package kalends

import "strings"

// MailboxKind tells people from rooms and from what is neither.
type MailboxKind string

// The kinds of mailbox.
const (
	MailboxPerson   MailboxKind = "person"
	MailboxResource MailboxKind = "resource"
	MailboxShared   MailboxKind = "shared"
	MailboxGroup    MailboxKind = "group"
	MailboxContact  MailboxKind = "contact"
)

// MatchedBy says how an address was found to belong to a mailbox.
type MatchedBy string

// The ways an address can match.
const (
	MatchedPrimary   MatchedBy = "primary"
	MatchedAlias     MatchedBy = "alias"
	MatchedUPN       MatchedBy = "upn"
	MatchedPlus      MatchedBy = "plus_address"
	MatchedOldDomain MatchedBy = "old_domain"
	MatchedManual    MatchedBy = "manual"
)

// Mailbox is one person's or room's mailbox as its provider knows it.
type Mailbox struct {
	ID        string // the provider's immutable id where it has one, else ""
	Email     string // primary address, lower case
	MatchedBy MatchedBy
	Name      string
	Kind      MailboxKind
	Server    string // where it lives, if the provider has several (Exchange: EWS URL)
	// Calendar is the primary calendar where finding the mailbox shows it without
	// another request; else nil, and Calendars has to be asked.
	Calendar *RemoteCalendar
}

// Key is what identifies the mailbox within its provider tenant.
func (m Mailbox) Key() string {
	if m.ID != "" {
		return m.ID
	}
	return NormalizeEmail(m.Email)
}

// Room is a bookable room or equipment mailbox. Capacity 0 and empty texts mean
// that the provider does not say.
type Room struct {
	Email    string
	Name     string
	Capacity int
	Building string
	Floor    string
}

// NormalizeEmail gives the form in which addresses are compared: trimmed, lower case.
func NormalizeEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// EmailDomain gives the part behind the last '@', lower case, or "".
func EmailDomain(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(email[at+1:]))
}
