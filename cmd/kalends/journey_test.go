package main

import (
	"fmt"
	"strings"
	"testing"

	"kalends/internal/tools/browser"
	"kalends/sandbox"
)

// TestJourneys is one story in one house: an administrator connects, looks at
// what went wrong, people come, and the connection ends and comes back.
func TestJourneys(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	d := startDemonstration(t)
	for _, part := range []struct {
		name string
		tell func(*testing.T, *demonstration)
	}{
		{"an administrator looks and goes back", looksAndGoesBack},
		{"every cause of a connection is explained by the check", breaksInTheCheck},
		{"an administrator connects the company", connectsTheCompany},
		{"every cause of a person is explained", explainsPeople},
		{"causes are mended one by one and together", mendsPeople},
		{"a person is looked at", looksAtAPerson},
		{"a newcomer is connected at the first sign-in", newcomerIsConnected},
		{"a newcomer without a mailbox waits", newcomerWaits},
		{"causes of the whole connection are shown while connected", breaksWhileConnected},
		{"it is disconnected and comes back by the link for IT", disconnectsAndComesBack},
		{"the hub's own page ends it", revokesAtTheHub},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.tell(t, d) }) {
			return // the rest stands on it
		}
	}
}

// looksAndGoesBack is the way to the hub, the back button, and cancel.
func looksAndGoesBack(t *testing.T, d *demonstration) {
	p, w := d.signIn(t, "de", d.Admin), words("de")
	p.Go(d.AppURL + "/settings/calendar")
	p.See(w.none)
	usable(t, p, "not connected")
	p.Click("button", w.start)
	p.Has("heading", w.asks)
	p.See("alle Mitarbeiter verbinden, deren Adressen die Anwendung kennt")
	p.See("E-Mails, Kontakte oder Dateien lesen")
	usable(t, p, "who asks")
	p.Click("button", "Microsoft Exchange")
	p.Has("heading", "Microsoft Exchange verbinden")
	usable(t, p, "form")
	p.Back()
	p.Has("heading", w.asks)
	p.Click("button", "Microsoft Exchange")
	p.Has("heading", "Microsoft Exchange verbinden")
	p.Click("button", w.cancel)
	p.See(w.declined)
	p.See(w.none)
	p.Back()
	p.See("Sie haben abgebrochen") // and not that all is connected
}

// connectsTheCompany is journey 4a with everything that goes wrong on the way.
func connectsTheCompany(t *testing.T, d *demonstration) {
	d.permit(t, d.Recruiter.Email, false) // a second one beside the planted one
	p, w := d.signIn(t, "de", d.Admin), words("de")
	p.Go(d.AppURL + "/settings/calendar")
	p.Click("button", w.start)
	p.Click("button", "Microsoft Exchange")
	d.enter(p, w, "not the password")
	p.See(w.refused)
	usable(t, p, "wrong password")
	d.withoutAutodiscover(t, p, w)
	d.seePreview(t, p, w)
	p.Click("button", w.connect)
	p.See(w.back)
	p.See(w.users)
	d.seeConnected(p, w)
	usable(t, p, "connected")
	if complaints := p.Errors(); len(complaints) > 0 {
		t.Errorf("the pages complain: %q", complaints)
	}
}

// enter fills in the form and has it checked.
func (d *demonstration) enter(p *browser.Page, w vocabulary, password string) {
	p.Fill("textbox", w.service, d.exchange.ServiceAccount)
	p.Fill("textbox", w.servicePassword, password)
	p.Fill("textbox", w.testEmail, d.exchange.TestEmail)
	p.Click("button", w.check)
}

// withoutAutodiscover enters the right password while the server cannot be
// found, and then its address.
func (d *demonstration) withoutAutodiscover(t *testing.T, p *browser.Page, w vocabulary) {
	t.Helper()
	p.Click("link", w.other)
	if p.Sees("Adresse des Exchange-Servers") {
		t.Error("the server is asked for before it could not be found")
	}
	d.broken(t, sandbox.Fault{Provider: "exchange", Target: "Autodiscover", Kind: "not_found"}, func() {
		d.enter(p, w, d.exchange.Password)
		p.See("Autodiscover führt für musterwerk.example zu keinem Exchange-Server.")
		usable(t, p, "server not found")
		p.Fill("textbox", "Adresse des Exchange-Servers", d.exchange.EWSURL)
		p.Click("button", w.again)
		p.See(w.found)
	})
}

// seePreview opens the parts of the bar: nobody is connected by it.
func (d *demonstration) seePreview(t *testing.T, p *browser.Page, w vocabulary) {
	t.Helper()
	p.See("Exchange 2013")
	p.See("6 Räume")
	p.See("Über eine andere Adresse derselben Person")
	p.See(w.connect)
	p.Click("DisclosureTriangle", w.exact+" 40")
	p.See(d.Admin.Email)
	usable(t, p, "preview")
}

// seeConnected waits until the run is over: everybody has a state.
func (d *demonstration) seeConnected(p *browser.Page, w vocabulary) {
	p.Wait(fmt.Sprintf(`document.body.innerText.includes(%q)`, w.connected))
	p.Wait(`!document.querySelector("progress, [role=progressbar]")`)
}

// under waits until a heading that folds has a row with all the texts.
func under(p *browser.Page, heading string, texts ...string) {
	p.Wait(fmt.Sprintf(`[...document.querySelectorAll("details")].filter(d => d.querySelector("summary").textContent.includes(%q)).some(
		d => [...d.querySelectorAll("li")].some(row => [%s].every(text => row.textContent.includes(text))))`, heading, quoted(texts)))
}

// inTable waits until a table with a name has a row with all the texts.
func inTable(p *browser.Page, table string, texts ...string) {
	p.Wait(fmt.Sprintf(`[...document.querySelectorAll("table")].filter(t => t.getAttribute("aria-label") === %q).some(
		t => [...t.rows].some(row => [%s].every(text => row.textContent.includes(text))))`, table, quoted(texts)))
}

func quoted(texts []string) string {
	list := make([]string, len(texts))
	for i, text := range texts {
		list[i] = fmt.Sprintf("%q", text)
	}
	return strings.Join(list, ",")
}
