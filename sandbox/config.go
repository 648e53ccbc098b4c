package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

// Config says which company is simulated and how. The zero value is Musterwerk
// with 40 people, without any calendar system: add ewsfake.System() to Systems.
type Config struct {
	Listen           string        // of the control API and sign-in pages (http); "" = 127.0.0.1:0
	Seed             int64         // 0 = 1
	People           int           // 0 = 40
	EventsPerMailbox int           // at least so many events over the window; 0 = as they come
	Plain            bool          // without the planted problem cases, for benchmarks
	CompanyFile      string        // JSON of Company instead of the invented one
	Latency          time.Duration // added to each provider answer
	MailDelay        time.Duration // how long invitations and answers travel; 0 = 200 ms
	CAFile           string        // where the CA certificate is written; "" = a temporary file
	JSON             bool          // Run prints one JSON line instead of sentences
	Systems          []System
	Now              func() time.Time // nil = time.Now
}

// System is one simulated calendar system.
type System struct {
	Provider string // "exchange", "microsoft365", "google"
	// Hosts are the names of its TLS listener for a mail domain.
	Hosts func(domain string) []string
	// Open makes its handlers: TLS under its hosts, and plain http under the
	// same names, or nil.
	Open func(*World, *Desk) (tls, plain http.Handler)
	// Settings let the control API change how it behaves; may be empty.
	Settings Settings
	// Names are DNS entries of a mail domain that lead to it, as KALENDS_RESOLVE
	// takes them; nil = none.
	Names func(domain string) map[string]string
	// Block describes it in the ready line; tls is the listener's address.
	Block func(w *World, tls string) any
}

// Settings are a system's own switches, as JSON.
type Settings struct {
	Show   func() any
	Change func(body []byte) error // overwrites what the object names
	Reset  func()
}

// Planted is a problem that stands in the world on purpose.
type Planted struct {
	Email    string   `json:"email"`
	Provider string   `json:"provider"`
	Cause    string   `json:"cause"`
	Scope    string   `json:"scope"` // person, connection, application
	Name     string   `json:"name,omitempty"`
	Names    []string `json:"names,omitempty"` // of those who share the address
	Fault    *Fault   `json:"fault,omitempty"` // what to POST to /_sandbox/faults to see it
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	if c.People == 0 {
		c.People = 40
	}
	if c.MailDelay == 0 {
		c.MailDelay = 200 * time.Millisecond
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// company is the one of the file, or the invented one.
func (c Config) company() (Company, error) {
	if c.CompanyFile == "" {
		return Musterwerk(c.Seed, c.People, !c.Plain), nil
	}
	text, err := os.ReadFile(c.CompanyFile)
	if err != nil {
		return Company{}, fmt.Errorf("read the company: %w", err)
	}
	var company Company
	if err := json.Unmarshal(text, &company); err != nil {
		return Company{}, fmt.Errorf("read the company %s: %w", c.CompanyFile, err)
	}
	return company.checked()
}
