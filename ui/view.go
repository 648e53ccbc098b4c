package ui

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"time"

	g "maragu.dev/gomponents"
)

// View is one request's page in the making: language, time, flash. Components
// take it first when they say something of their own.
type View struct {
	Lang      string // "de" or "en"
	Now       time.Time
	Zone      *time.Location
	RequestID string
	Request   *http.Request
	focused   bool // a field has the focus
	kit       *Kit
	writer    http.ResponseWriter
}

// View starts a page for a request that came through Kit.Handler.
func (k *Kit) View(w http.ResponseWriter, r *http.Request) *View {
	return &View{
		Lang: k.language(r), Now: k.config.Clock(), Zone: k.config.Zone,
		RequestID: w.Header().Get("X-Request-Id"), Request: r, kit: k, writer: w,
	}
}

// T gives the text of a key in the view's language, see Texts.Say.
func (v *View) T(key string, pairs ...any) string { return v.kit.texts.Say(v.Lang, key, pairs...) }

// Has tells whether a key has a text.
func (v *View) Has(key string) bool { return v.kit.texts.Has(v.Lang, key) }

// Text is T as a node.
func (v *View) Text(key string, pairs ...any) g.Node { return g.Text(v.T(key, pairs...)) }

// Render writes a page (or a fragment for a live region) with a status.
func (v *View) Render(status int, node g.Node) {
	var page bytes.Buffer
	if err := node.Render(&page); err != nil {
		http.Error(v.writer, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	v.writer.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.writer.WriteHeader(status)
	_, _ = page.WriteTo(v.writer)
}

// Redirect answers a form: 303 to a path.
func (v *View) Redirect(to string) {
	http.Redirect(v.writer, v.Request, to, http.StatusSeeOther)
}

// Live tells whether htmx asks for a fragment rather than a browser for a page.
func (v *View) Live() bool { return v.Request.Header.Get("HX-Request") == "true" }

// here gives the address of this page with some of its query changed; an empty
// value removes the name.
func (v *View) here(pairs ...string) string {
	query := v.Request.URL.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			query.Del(pairs[i])
		}
	}
	target := url.URL{Path: v.Request.URL.Path, RawQuery: query.Encode()}
	return target.String()
}

func newRequestID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails: see crypto/rand
	return hex.EncodeToString(b)
}
