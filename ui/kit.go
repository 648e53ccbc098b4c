package ui

import (
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"kalends/web"
)

// Config is what the pages of one half of the program have in common.
type Config struct {
	Name    string           // of the product on these pages: "Smart Calendar"
	Home    string           // where the name leads: "/" or "/enterprise_connect"
	Cookies string           // prefix of the cookies' names: "kalends_hub"
	Secure  bool             // pages are served by https: cookies say so
	Texts   fs.FS            // holds texts/de.json and texts/en.json
	Assets  *web.Assets      // nil: web.Open()
	Clock   func() time.Time // nil: time.Now
	Zone    *time.Location   // in which times are shown; nil: Europe/Berlin
	FormTo  []string         // further origins that forms may lead to by redirect (CSP form-action)
}

// Kit makes views. It is made once and used by all requests at once.
type Kit struct {
	config Config
	texts  *Texts
	guard  *http.CrossOriginProtection
}

// NewKit reads the texts. It fails only if they are missing or malformed.
func NewKit(c Config) (*Kit, error) {
	texts, err := NewTexts(c.Texts)
	if err != nil {
		return nil, fmt.Errorf("make page kit: %w", err)
	}
	if c.Assets == nil {
		c.Assets = web.Open()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Zone == nil {
		c.Zone = defaultZone()
	}
	return &Kit{config: c, texts: texts, guard: http.NewCrossOriginProtection()}, nil
}

// Texts gives the words, for what is written outside pages (mail).
func (k *Kit) Texts() *Texts { return k.texts }

// Assets serves web.Prefix.
func (k *Kit) Assets() http.Handler { return k.config.Assets.Handler() }

// Handler wraps the pages: security headers, no-store, request id, the language
// link, and refusal of posts from other sites.
func (k *Kit) Handler(next http.Handler) http.Handler {
	next = k.switchLanguage(next)
	next = k.guarded(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.secure(w.Header())
		next.ServeHTTP(w, r)
	})
}

func (k *Kit) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := k.guard.Check(r); err != nil {
			v := k.View(w, r)
			v.Fail(http.StatusForbidden, "ui.foreign.title", "ui.foreign.text")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (k *Kit) secure(h http.Header) {
	formTo := "'self'"
	for _, origin := range k.config.FormTo {
		formTo += " " + origin
	}
	h.Set("Content-Security-Policy", "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action "+formTo)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if h.Get("X-Request-Id") == "" {
		h.Set("X-Request-Id", newRequestID())
	}
}

func defaultZone() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return time.UTC
	}
	return zone
}
