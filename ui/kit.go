package ui

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
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

// policy lets nothing in from elsewhere, and no script or style inside pages.
const policy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

// StrictTransport has browsers ask by https only, for a year (RFC 6797).
const StrictTransport = "max-age=31536000"

// CookieName gives the name of a cookie: behind https with the prefix that has
// browsers take it from this very host only, with the path "/" (RFC 6265bis,
// section 4.1.3.2).
func CookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

// AllowFormTo lets the forms of this page lead to other sites by redirect:
// browsers hold redirects after a form against form-action, too.
func (v *View) AllowFormTo(addresses ...string) {
	allowed := policy
	for _, address := range addresses {
		if origin := originOf(address); origin != "" {
			allowed += " " + origin
		}
	}
	v.writer.Header().Set("Content-Security-Policy", allowed)
}

// originOf gives the part of an address that the policy names, "" for none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(u.Host, ";, '\"") {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func (k *Kit) secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	if k.config.Secure {
		h.Set("Strict-Transport-Security", StrictTransport)
	}
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
