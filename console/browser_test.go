package console_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	kalends "kalends"
	"kalends/hub/connect"
	"kalends/internal/tools/browser"
	"kalends/web"
)

// views are how every page is looked at. Without pictures to take, the two that
// differ most are enough.
func views() []browser.Options {
	list := []browser.Options{
		{Width: 390, Lang: "de", Dark: true},
		{Width: 1280, Lang: "en"},
		{Width: 1280, Lang: "de"},
		{Width: 390, Lang: "en"},
		{Width: 1280, Lang: "en", Dark: true},
	}
	if os.Getenv("KALENDS_SCREENSHOTS") != "" {
		return list
	}
	return list[:2]
}

func needAssets(t *testing.T) {
	t.Helper()
	if !web.Open().Built() {
		t.Skip("assets are not built: go run ./internal/tools/assets")
	}
}

// scene is a page in a state.
type scene struct {
	name  string
	path  string
	state func(h *hub)
}

func scenes() []scene {
	at := func(check func(c *connect.Connect)) func(h *hub) {
		return func(h *hub) {
			h.connect.Provider, h.connect.Form = kalends.Exchange, exchangeForm()
			h.connect.Values = map[string]string{"username": "MUSTERWERK\\svc-kalender", "test_email": "anna.beispiel@musterwerk.example"}
			check(&h.connect)
		}
	}
	signedIn := func(h *hub) { h.signedIn, h.list, h.audits = true, connections(), audits() }
	base := "/enterprise_connect"
	return []scene{
		{"choose", base + "/connect", func(*hub) {}},
		{"form", base + "/connect/form", at(func(*connect.Connect) {})},
		{"form-url", base + "/connect/form", at(notFound)},
		{"check-running", base + "/connect/check", at(running)},
		{"check-not-permitted", base + "/connect/check", at(notPermitted)},
		{"check-not-found", base + "/connect/check", at(notFound)},
		{"check-outside", base + "/connect/check", at(leadsOutside)},
		{"check-distrusted", base + "/connect/check", at(distrusted)},
		{"check-unnamed", base + "/connect/check", at(unnamed)},
		{"check-outdated", base + "/connect/check", at(outdated)},
		{"check-refused", base + "/connect/check", at(refused)},
		{"check-too-many", base + "/connect/check", at(tooMany)},
		{"check-passed", base + "/connect/check", at(passed)},
		{"check-of-another", base + "/connect/check", at(ofAnother)},
		{"choose-for-nobody", base + "/connect", at(forNobody)},
		{"done", base + "/connect", at(func(c *connect.Connect) { c.Done, c.ConnectionID = true, "con_1" })},
		{"declined", base + "/connect", at(func(c *connect.Connect) { c.Done = true })},
		{"sign-in", base, func(*hub) {}},
		{"connections", base, signedIn},
		{"connections-none", base, func(h *hub) { h.signedIn = true }},
		{"connection", base + "/connections/con_2", signedIn},
		{"revoke", base + "/connections/con_1/revoke", signedIn},
		{"unknown-client", base + "/oauth/authorize?client_id=other", func(*hub) {}},
		{"link", base + "/link/good", func(*hub) {}},
	}
}

func TestEveryPageCanBeUsedByEverybody(t *testing.T) {
	t.Parallel()
	needAssets(t)
	b := browser.Start(t)
	for _, view := range views() {
		p := b.Page(t, view)
		for _, scene := range scenes() {
			h := newHub()
			scene.state(h)
			server := h.serve(t)
			open(p, server, h)
			p.Go(server.URL + scene.path)
			for _, violation := range p.Axe() {
				t.Errorf("%s %+v: %s", scene.name, view, violation)
			}
			if wide := p.Overflows(); wide > 0 {
				t.Errorf("%s %+v: %d px wider than the window", scene.name, view, wide)
			}
			shoot(p, scene.name, view)
			if scene.name != "check-passed" {
				continue
			}
			p.Wait(`document.querySelectorAll(".match details").forEach(d => d.open = true) || true`)
			for _, violation := range p.Axe() {
				t.Errorf("%s opened %+v: %s", scene.name, view, violation)
			}
			shoot(p, scene.name+"-open", view)
		}
	}
}

// open gives the browser the cookies of a connect and, where wanted, a session.
func open(p *browser.Page, server *httptest.Server, h *hub) {
	p.Go(server.URL + "/enterprise_connect/i/good")
	p.Cookie(server.URL, "kalends_console", "session", "/enterprise_connect")
}

func shoot(p *browser.Page, name string, o browser.Options) {
	folder := os.Getenv("KALENDS_SCREENSHOTS")
	if folder == "" {
		return
	}
	light := "light"
	if o.Dark {
		light = "dark"
	}
	p.Shot(filepath.Join(folder, fmt.Sprintf("hub-%s-%d-%s-%s.png", name, o.Width, light, o.Lang)))
}

func TestAnAdministratorConnectsHerCompany(t *testing.T) {
	t.Parallel()
	needAssets(t)
	h := newHub()
	h.onCheck = notFound
	server := h.serve(t)
	p := browser.Start(t).Page(t, browser.Options{})
	p.Go(server.URL + "/enterprise_connect/oauth/authorize?client_id=known")
	p.Has("heading", "Smart Calendar möchte Ihren Unternehmenskalender verbinden")
	p.See("Titel, Orte oder Teilnehmer von Terminen lesen")
	p.Click("button", "Microsoft Exchange")
	p.Fill("textbox", "Service-Konto", `MUSTERWERK\svc-kalender`)
	p.Fill("textbox", "Passwort des Service-Kontos", "geheim")
	p.Fill("textbox", "E-Mail-Adresse einer Person", "anna.beispiel@musterwerk.example")
	if p.Sees("Adresse des Exchange-Servers") {
		t.Error("the server is asked for before Autodiscover failed")
	}
	p.Click("button", "Verbindung prüfen")

	p.See("nicht bestanden")
	p.Fill("textbox", "Adresse des Exchange-Servers", "https://mail.musterwerk.example/EWS/Exchange.asmx")
	h.change(func(h *hub) { h.onCheck = running })
	p.Click("button", "Erneut prüfen")
	p.See("läuft")
	if h.entered["url"] == "" || h.entered["username"] != `MUSTERWERK\svc-kalender` {
		t.Errorf("the second check got %q", h.entered)
	}

	h.change(func(h *hub) { passed(&h.connect) })
	p.See("Wer wird verbunden?")
	p.Click("DisclosureTriangle", "Nicht gefunden 2")
	p.Click("DisclosureTriangle", "Postfach zuordnen")
	p.Fill("textbox", "Postfach für vertrieb@musterwerk.example", "vera.trieb@musterwerk.example")
	p.Click("button", "Zuordnen")
	p.See("Die Zuordnung für vertrieb@musterwerk.example ist gespeichert.")
	if got := h.mailboxes["vertrieb@musterwerk.example"]; got != "vera.trieb@musterwerk.example" {
		t.Errorf("mapped to %q", got)
	}
	p.Click("radio", "Erst bestätigen lassen")
	p.Click("button", "Jetzt verbinden")
	p.See("the application: code=abc")
	p.Back()
	p.See("Ihr Unternehmenskalender ist verbunden")
	if !h.connect.ConfirmAliases || h.finished != 1 {
		t.Errorf("policy %v, finished %d times", h.connect.ConfirmAliases, h.finished)
	}
	for _, complaint := range p.Errors() {
		t.Errorf("the browser complains: %s", complaint)
	}
}

func TestConnectingWorksWithoutScripts(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.onCheck = running
	server := h.serve(t)
	p := browser.Start(t).Page(t, browser.Options{NoScripts: true, Lang: "en"})
	p.Go(server.URL + "/enterprise_connect/i/good")
	p.Click("button", "Microsoft Exchange")
	p.Fill("textbox", "Service account", "svc")
	p.Fill("textbox", "Password of the service account", "secret")
	p.Fill("textbox", "One person’s e-mail address", "anna.beispiel@musterwerk.example")
	p.Click("button", "Check connection")
	p.See("Signing in")
	h.change(func(h *hub) { passed(&h.connect) })
	p.See("Who will be connected?") // the page reloads by itself
	p.Click("button", "Cancel and go back to Smart Calendar")
	p.See("the application: error=access_denied")
}

func TestAnAdministratorRevokesAConnection(t *testing.T) {
	t.Parallel()
	needAssets(t)
	h := newHub()
	h.list, h.audits = connections(), audits()
	server := h.serve(t)
	p := browser.Start(t).Page(t, browser.Options{})
	p.Go(server.URL + "/enterprise_connect")
	p.Fill("textbox", "Service-Konto", "svc")
	p.Fill("textbox", "Passwort des Service-Kontos", "geheim")
	p.Fill("textbox", "E-Mail-Adresse einer Person", "anna.beispiel@musterwerk.example")
	p.Click("button", "Anmelden")
	p.Click("link", "Smart Calendar")
	p.Click("link", "Verbindung trennen …")
	p.See("412 Personen sind nicht mehr verbunden.")
	p.Fill("textbox", "Geben Sie zur Bestätigung „musterwerk.example“ ein", "musterwerk")
	p.Click("button", "Verbindung trennen")
	p.See("Das stimmt nicht überein.")
	p.Fill("textbox", "Geben Sie zur Bestätigung „musterwerk.example“ ein", "Musterwerk.example")
	p.Click("button", "Verbindung trennen")
	p.See("Die Verbindung mit Smart Calendar ist getrennt.")
	if h.ended != "con_1" {
		t.Errorf("ended %q", h.ended)
	}
}
