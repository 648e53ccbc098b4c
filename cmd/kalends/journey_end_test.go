package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kalends/internal/tools/browser"
	"kalends/sandbox"
)

// saidOfConnections is what is said about a cause of the whole connection.
func saidOfConnections() []sentences {
	return []sentences{
		{"impersonation_missing", "", "kann sich anmelden, darf aber nicht für", "Geben Sie dem Service-Konto die Rolle ApplicationImpersonation"},
		{"credentials_expired", "", "nimmt Benutzername und Kennwort", "Prüfen Sie Benutzername und Kennwort."},
		{"authentication_method", "", "bietet Negotiate, NTLM an; benötigt wird Basic über TLS.", "Schalten Sie die Standardauthentifizierung (Basic)"},
		{"server_not_found", "", "zu keinem Exchange-Server.", "Geben Sie die Adresse der Exchange-Webdienste an"},
		{"throttled", "", "Das Kalendersystem begrenzt unsere Anfragen", "Wir machen von selbst weiter."},
		{"tls", "", "lässt sich nicht prüfen: Es ist abgelaufen", "erneuern es."},
	}
}

// faultOf gives the fault that plants a cause.
func (d *demonstration) faultOf(t *testing.T, cause string) sandbox.Fault {
	t.Helper()
	for _, p := range d.planted {
		if p.Cause == cause && p.Fault != nil {
			return *p.Fault
		}
	}
	t.Fatalf("%s is not planted", cause)
	return sandbox.Fault{}
}

// breaksInTheCheck has every fault of a connection strike a check.
func breaksInTheCheck(t *testing.T, d *demonstration) {
	said := map[string]sentences{}
	for _, s := range saidOfConnections() {
		said[s.cause] = s
	}
	p, w := d.signIn(t, "de", d.Admin), words("de")
	p.Go(d.AppURL + "/settings/calendar")
	p.Click("button", w.start)
	p.Click("button", "Microsoft Exchange")
	d.enter(p, w, d.exchange.Password)
	p.See(w.found)
	for _, planted := range d.planted {
		if planted.Scope != "connection" {
			continue
		}
		s, known := said[planted.Cause]
		if !known {
			t.Errorf("nothing is known about %s", planted.Cause)
			continue
		}
		d.broken(t, *planted.Fault, func() {
			p.Go(d.HubURL + "/enterprise_connect/connect/form")
			d.enter(p, w, d.exchange.Password)
			p.See("nicht bestanden")
			p.See(s.what)
			p.See(s.fix)
			usable(t, p, planted.Cause)
		})
		p.Go(d.HubURL + "/enterprise_connect/connect/form")
		d.enter(p, w, d.exchange.Password)
		p.See(w.found)
	}
	p.Click("button", w.cancel)
	p.See(w.declined)
}

// breaksWhileConnected has faults strike the connected company, and mends them.
func breaksWhileConnected(t *testing.T, d *demonstration) {
	p, w := d.signIn(t, "de", d.Admin), words("de")
	for _, s := range saidOfConnections() {
		switch s.cause {
		case "throttled":
			continue // nothing to be shown as broken: it goes on by itself
		case "server_not_found": // its address is known by now, and answers 404
			s.what = "/EWS/Exchange.asmx antwortet kein Exchange-Server."
		}
		d.broken(t, d.faultOf(t, s.cause), func() {
			p.Go(d.AppURL + "/settings/calendar")
			p.Click("button", "Erneut synchronisieren")
			p.See("gestört · Exchange · musterwerk.example")
			p.See(s.what)
			p.See(s.fix)
			usable(t, p, "degraded by "+s.cause)
		})
		p.Click("button", "Verbindung erneuern")
		p.Click("button", "Microsoft Exchange")
		d.enter(p, w, d.exchange.Password)
		p.See(w.found)
		p.Click("button", w.connect)
		p.See(w.back)
		d.seeConnected(p, w)
	}
}

// disconnectsAndComesBack is journey 4f, and the link for IT in a browser that
// never saw the application: in English.
func disconnectsAndComesBack(t *testing.T, d *demonstration) {
	p, w := d.signIn(t, "en", d.Admin), words("en")
	before := d.subs(t)
	p.Go(d.AppURL + "/settings/calendar")
	p.Click("DisclosureTriangle", w.more)
	p.Click("link", w.disconnect)
	p.See(fmt.Sprintf("%d people", len(before)-6))
	p.See("6 rooms")
	usable(t, p, "disconnect")
	p.Fill("textbox", w.confirm, "Muster")
	p.Click("button", w.disconnect)
	p.See("That does not match.")
	p.Fill("textbox", w.confirm, "musterwerk")
	p.Click("button", w.disconnect)
	p.See(w.ended)
	p.See(w.none)
	usable(t, p, "disconnected")
	p.Go(d.AppURL + "/people")
	p.See("Maximilian Hofer") // people keep their place
	p.Go(d.AppURL + "/settings/calendar")
	p.Click("button", w.itLink)
	p.Has("textbox", w.itLink)
	link := p.Text(`document.querySelector("input[readonly]").value`)

	it := d.page(t, "en")
	it.Go(link)
	it.Has("heading", w.asks)
	it.Click("button", "Microsoft Exchange")
	d.enter(it, w, d.exchange.Password)
	it.See(w.found)
	usable(t, it, "check for IT")
	it.Click("button", w.connect)
	it.See(w.back)
	it.See("You can close this window.")
	usable(t, it, "end for IT")

	p.Go(d.AppURL + "/settings/calendar")
	d.seeConnected(p, w)
	usable(t, p, "connected again")
	d.sameSubs(t, before)
	it.Go(link)
	it.See("This link is no longer valid")
}

func (d *demonstration) sameSubs(t *testing.T, before map[string]string) {
	t.Helper()
	after := d.subs(t)
	for email, sub := range before {
		if after[email] != sub {
			t.Errorf("%s was %s and is %s", email, sub, after[email])
		}
	}
}

// revokesAtTheHub ends the connection on the hub's own page, signed in by the
// service account; Smart Calendar says who and why within ten seconds.
func revokesAtTheHub(t *testing.T, d *demonstration) {
	app := d.signIn(t, "de", d.Admin)
	app.Go(d.AppURL + "/settings/calendar")
	app.See(words("de").connected)
	p := d.signInAtHub(t)
	p.Click("link", "Smart Calendar")
	p.See("alle Mitarbeiter verbinden, deren Adressen die Anwendung kennt")
	usable(t, p, "a connection at the hub")
	p.Click("link", "Verbindung trennen …")
	p.See("Personen sind nicht mehr verbunden.")
	p.Fill("textbox", "Geben Sie zur Bestätigung „musterwerk.example“ ein", "musterwerk.example")
	p.Click("button", "Verbindung trennen")
	p.See("Die Verbindung mit Smart Calendar ist getrennt.")
	began := time.Now()
	app.See("Die Verbindung wurde am")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("shown after %s", took)
	}
	app.See(strings.Split(d.exchange.ServiceAccount, "@")[0])
	usable(t, app, "ended at the hub")
	p.Go(d.HubURL + "/enterprise_connect")
	p.See("Keine Verbindungen")
}

func (d *demonstration) signInAtHub(t *testing.T) *browser.Page {
	t.Helper()
	p, w := d.page(t, "de"), words("de")
	p.Go(d.HubURL + "/enterprise_connect")
	usable(t, p, "sign-in at the hub")
	p.Fill("textbox", w.service, d.exchange.ServiceAccount)
	p.Fill("textbox", w.servicePassword, d.exchange.Password)
	p.Fill("textbox", w.testEmail, d.exchange.TestEmail)
	p.Click("button", w.signIn)
	p.See("Diese Anwendungen nutzen den Kalender Ihres Unternehmens.")
	p.See("Verbunden")
	usable(t, p, "connections at the hub")
	return p
}
