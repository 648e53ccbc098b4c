package smartcalendar_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"kalends/explain"
	"kalends/internal/tools/browser"
	"kalends/smartcalendar"
)

// visit opens a window and signs in.
func (h *town) visit(b *browser.Browser, email string, o browser.Options) window {
	h.t.Helper()
	w := window{b.Page(h.t, o), o}
	w.Go(h.appServer.URL + "/sign-in")
	w.Fill("textbox", map[string]string{"": "E-Mail-Adresse", "en": "E-mail address"}[o.Lang], email)
	w.Fill("textbox", map[string]string{"": "Passwort", "en": "Password"}[o.Lang], password)
	w.Click("button", map[string]string{"": "Anmelden", "en": "Sign in"}[o.Lang])
	w.See("Ada Admin")
	return w
}

// What the reader folded stays so, and nothing is loaded anew.
func TestTheSettingsMoveByThemselves(t *testing.T) {
	t.Parallel()
	needAssets(t)
	b, h := browser.Start(t), newTown(t)
	people := []smartcalendar.NewPerson{{Name: "Fehlt", Email: "fehlt@musterwerk.example"}, {Name: "Ada Zwei", Email: "ADA@musterwerk.example"}}
	for i := range 40 {
		people = append(people, h.known(fmt.Sprint("Berta-", i))...)
	}
	h.settle(people...)
	w := h.visit(b, "ada@musterwerk.example", browser.Options{})
	w.Go(h.appServer.URL + "/settings/calendar")
	w.Wait(`window.same = true`)
	gate := h.connectsHeld()
	gate.Let(10)
	w.Has("progressbar", "") // the page notices the connection by itself
	w.Wait(`document.querySelector("#cause-address_not_unique")?.open && !(document.querySelector("#cause-address_not_unique").open = false)`)
	w.Wait(`(window.first ??= document.querySelector("progress").value) >= 0`)
	gate.Let(10)
	w.Wait(`document.querySelector("progress")?.value > window.first`)
	gate.Open()
	h.finished()
	w.See("Adresse nicht in der Organisation")
	w.Wait(`!document.querySelector("progress") && document.querySelector(".nav-count").textContent === "2"`)
	if w.Wait(`window.same`); !strings.Contains(h.browser.page(t, "/settings/calendar"), "every 3000ms") {
		t.Error("a page at rest asks as often as one that runs")
	}
	w.Wait(`!document.querySelector("#cause-address_not_unique").open`)
	h.revoke()
	w.See("Authentifizierung starten")
	w.See("it@musterwerk.example")
	w.Wait(`window.same`)
}

func TestMyCalendarAppearsByItself(t *testing.T) {
	t.Parallel()
	needAssets(t)
	b, h := browser.Start(t), newTown(t)
	h.lives()
	gate := h.world.Hold("find")
	h.add(smartcalendar.NewPerson{Name: "Neo Neu, nicht Ada Admin", Email: "neo@musterwerk.example", Password: password})
	h.known("Neo")
	w := h.visit(b, "neo@musterwerk.example", browser.Options{})
	w.Go(h.appServer.URL + "/me")
	w.Wait(`(window.same = true) && document.querySelector("#me-live")`)
	gate.Open()
	w.See("Belegte Zeiten dieser Woche")
	w.Wait(`window.same && !document.querySelector("#me-live")`)
}

// Without scripts, forms and reloads do the same.
func TestTheSettingsWorkWithoutScripts(t *testing.T) {
	t.Parallel()
	needAssets(t)
	b, h := browser.Start(t), newTown(t)
	h.settle(append(h.known("Berta"), smartcalendar.NewPerson{Name: "Fehlt", Email: "fehlt@musterwerk.example"})...)
	h.connect()
	h.finished()
	w := h.visit(b, "ada@musterwerk.example", browser.Options{NoScripts: true})
	gate := h.world.Hold("find")
	w.Click("button", "Erneut synchronisieren")
	w.See("Sie können diese Seite verlassen")
	gate.Open()
	h.finished()
	w.See("Letzte Synchronisierung") // the page reloads itself
	h.known("Fehlt")
	w.Click("button", "Alle erneut versuchen")
	h.becomes("fehlt@musterwerk.example", "connected")
	w.See("Keine Fehler")
}

func TestTheKeyboardIsEnough(t *testing.T) {
	t.Parallel()
	needAssets(t)
	b, h := browser.Start(t), newTown(t)
	h.settle(smartcalendar.NewPerson{Name: "Fehlt", Email: "fehlt@musterwerk.example"})
	h.connect()
	h.finished()
	w := h.visit(b, "ada@musterwerk.example", browser.Options{})
	w.Go(h.appServer.URL + "/settings/calendar")
	w.Key(kb.Tab)
	w.Wait(`document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().top >= 0`)
	w.Key(kb.Enter)
	w.Wait(`document.activeElement.id === "content"`)
	w.Wait(`(document.querySelector(".menu summary").focus(), true)`)
	w.Key(kb.Enter)
	w.Key(kb.Tab)
	w.Wait(`document.querySelector(".menu").open && document.activeElement.closest(".menu-items") && getComputedStyle(document.activeElement).outlineStyle !== "none"`)
	w.Wait(`[...document.querySelectorAll(".menu-items .button")].every(b => { const r = b.getBoundingClientRect(); return r.left >= 0 && r.right <= innerWidth })`)
	w.Key(kb.Escape)
	w.Wait(`!document.querySelector(".menu").open && document.activeElement.matches(".menu summary")`)
	w.Wait(`[...document.querySelectorAll("[tabindex]")].every(e => e.tabIndex <= 0)`)
	w.Wait(`[...document.querySelectorAll("time")].every(e => /CET|CEST/.test(e.title))`)
}

// Every link to the help leads to a page, and to a place on it.
func TestHelpLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	seen := map[string]bool{}
	for _, lang := range []string{"de", "en"} {
		links := []string{"help/exchange#rooms", "help/disconnect", "help/data", "help/exchange", "help/exchange-rights"}
		for _, key := range explain.Keys() {
			for _, l := range explain.Cause(lang, key, nil).Links {
				links = append(links, l.URL)
			}
		}
		_, index := h.get(t, "/help?lang="+lang)
		for _, topic := range regexp.MustCompile(`href="/(help/[^"]+)"`).FindAllStringSubmatch(index, -1) {
			links = append(links, topic[1])
			_, page := h.get(t, "/"+topic[1])
			for _, l := range regexp.MustCompile(`href="/?(help/[^"]+)"`).FindAllStringSubmatch(page, -1) {
				links = append(links, l[1])
			}
		}
		for _, l := range links {
			to, anchor, _ := strings.Cut(l, "#")
			if seen[lang+l] || !strings.HasPrefix(l, "help/") {
				continue
			}
			seen[lang+l] = true
			if status, body := h.get(t, "/"+to); status != 200 || anchor != "" && !strings.Contains(body, `id="`+anchor+`"`) {
				t.Errorf("%s: %s leads nowhere (%d)", lang, l, status)
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d links were tried", len(seen))
	}
}
