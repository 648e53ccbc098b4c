package kalends

import (
	"strings"
	"unicode/utf8"
)

// Form describes what an administrator enters to connect a calendar system, as
// data, so that pages know no provider. Texts are keys of the page's languages:
// "form.<provider>.<field>.label", ".help" and ".placeholder".
type Form struct {
	Provider Provider
	Fields   []Field
	Steps    []StepKey // the check's lines, in order
}

// FieldKind says how a field is entered.
type FieldKind string

// The kinds of field.
const (
	FieldText     FieldKind = "text"
	FieldEmail    FieldKind = "email"
	FieldPassword FieldKind = "password"
	FieldURL      FieldKind = "url"
	FieldFile     FieldKind = "file"  // its text content is the value
	FieldLines    FieldKind = "lines" // text of several lines
	// FieldHosts holds host names outside the mail domain that the administrator
	// confirmed, with spaces between. Nobody types it: a check that meets such a
	// host ends with CauseServerNotConfirmed, and a button adds its fact host.
	FieldHosts FieldKind = "hosts"
	// FieldFingerprint holds the SHA-256 fingerprint of the only certificate to
	// accept; where CauseTLS has the fact fingerprint, a button enters that one.
	FieldFingerprint FieldKind = "fingerprint"
	// FieldLegacyTLS is "on" or ""; where CauseTLS has the reason legacy, a button
	// enters it.
	FieldLegacyTLS FieldKind = "legacy_tls"
)

// Field is one entry of a Form. Advanced fields are folded away until needed.
type Field struct {
	Name     string
	Kind     FieldKind
	Required bool
	Advanced bool
	Secret   bool // never shown again, never sent back to the browser
	Identity bool // together with the server it identifies the service account
}

// StepKey names a line of a check.
type StepKey string

// The lines a check can have.
const (
	StepAutodiscover  StepKey = "autodiscover"
	StepReach         StepKey = "reach"
	StepTLS           StepKey = "tls"
	StepSignIn        StepKey = "sign_in"
	StepVersion       StepKey = "version"
	StepDirectory     StepKey = "directory"
	StepImpersonation StepKey = "impersonation"
	StepFreeBusy      StepKey = "free_busy"
	StepRooms         StepKey = "rooms"
	StepWrite         StepKey = "write"
	StepNegative      StepKey = "negative"
	StepMatch         StepKey = "match"
	StepCalendar      StepKey = "calendar"
)

// StepStatus is the state of a line.
type StepStatus string

// The states of a line.
const (
	StepRunning StepStatus = "running"
	StepOK      StepStatus = "ok"
	StepFailed  StepStatus = "failed"
	StepSkipped StepStatus = "skipped"
	StepWarning StepStatus = "warning" // failed, but connecting can go on
)

// Step is one line of a check: what was tried, how it went, how long it took.
// Facts make the line concrete ("host", "version", "rooms"); Attempts are the
// tries within the step, such as each Autodiscover address.
type Step struct {
	Key          StepKey           `json:"key"`
	Status       StepStatus        `json:"status"`
	Milliseconds int64             `json:"milliseconds"`
	Facts        map[string]string `json:"facts,omitempty"`
	Attempts     []Attempt         `json:"attempts,omitempty"`
	Cause        *Cause            `json:"cause,omitempty"`
	Detail       string            `json:"detail,omitempty"`
}

// Attempt is one try within a step. Method and Result are keys that package
// explain has words for; a Result that it does not know is shown as it is.
type Attempt struct {
	What   string `json:"what"`             // the URL or the DNS name tried
	Method string `json:"method,omitempty"` // how, such as "soap"
	Result string `json:"result"`           // what became of it, such as "redirect"
	Target string `json:"target,omitempty"` // where it leads: a URL, a host, an address, an error code
	Status int    `json:"status,omitempty"` // of HTTP; 0 = no answer
}

// Storable tells whether a database takes a text: UTF-8 without a zero byte.
func Storable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }
