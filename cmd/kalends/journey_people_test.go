package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"kalends/sandbox"
)

// explainsPeople is the list of errors of journey 4e.
func explainsPeople(t *testing.T, d *demonstration) {
	p, w := d.signIn(t, d.lang, d.Admin), words(d.lang)
	p.Go(d.AppURL + "/settings/calendar")
	p.See(fmt.Sprintf(w.errors, 7))
	p.See(w.waiting)
	known := map[string]bool{}
	for _, s := range saidOfPeople(d.lang) {
		known[s.cause] = true
		p.See(s.heading)
		under(p, s.heading, s.what, s.fix, s.command)
	}
	for _, planted := range d.planted {
		if planted.Scope != "connection" && !known[planted.Cause] {
			t.Errorf("nothing is known about %s of %s", planted.Cause, planted.Email)
		}
	}
	usable(t, p, "errors")
	table := p.Text(`fetch("/settings/calendar/errors.csv").then(r => r.text())`)
	for _, want := range []string{w.csvHead, w.csvKlaus, "maximilian.hofer@musterwerk.example"} {
		if !strings.Contains(table, want) {
			t.Errorf("the CSV file lacks %q:\n%s", want, table)
		}
	}
}

// mendsPeople takes a proposal, tries one again, a group, and all.
func mendsPeople(t *testing.T, d *demonstration) {
	p, w := d.signIn(t, d.lang, d.Admin), words(d.lang)
	p.Go(d.AppURL + "/settings/calendar")
	p.Click("button", w.accept)
	p.See(w.accepted)
	p.See(fmt.Sprintf(w.errors, 6))

	d.control(t, http.MethodPost, "mailboxes", map[string]string{"name": "Klaus Altmann", "email": d.plantedEmail(t, "account_not_found"), "kind": "person"})
	p.Go(d.AppURL + "/people?q=klaus.altmann")
	p.Click("link", "Klaus Altmann")
	p.See(saidOfPeople(d.lang)[0].what)
	p.Click("button", w.tryAgain)
	p.See(w.trying)
	d.settled(p)
	p.Go(d.AppURL + "/settings/calendar")
	p.See(fmt.Sprintf(w.errors, 5))

	d.permit(t, d.Recruiter.Email, true)
	d.permit(t, d.plantedEmail(t, "not_permitted"), true)
	p.Click("button", w.tryGroup)
	p.See(fmt.Sprintf(w.errors, 3))
	d.seeConnected(p, w)

	d.control(t, http.MethodPatch, "mailboxes/"+d.plantedEmail(t, "mailbox_elsewhere"), map[string]string{"kind": "person"})
	p.Click("button", w.tryAll)
	p.See(fmt.Sprintf(w.errors, 2))
	d.seeConnected(p, w)
	p.See(w.retried)
	usable(t, p, "mended")
}

// permit says whether the service account may act for a mailbox.
func (d *demonstration) permit(t *testing.T, email string, may bool) {
	t.Helper()
	d.control(t, http.MethodPatch, "mailboxes/"+email, map[string]bool{"out_of_scope": !may})
}

// settled waits on a person's page until nothing is owed.
func (d *demonstration) settled(p page) {
	p.Wait(`fetch("/settings/calendar").then(r => r.text()).then(text => { window.settled = !text.includes("progressbar") && !text.includes("<progress") }) && window.settled`)
}

// looksAtAPerson is the page of one person, with the check: as it is, with what
// can be wrong with a mailbox that was connected, and after.
func looksAtAPerson(t *testing.T, d *demonstration) {
	p, w := d.signIn(t, d.lang, d.Admin), words(d.lang)
	p.Go(d.AppURL + "/people?q=max.hofer")
	p.Click("link", "Maximilian Hofer")
	for _, text := range []string{w.byHand, w.primary, w.busy, w.proposalTaken, w.calendarConnected} {
		p.See(text)
	}
	p.Click("link", w.checkNow)
	p.See(w.opens)
	usable(t, p, "a person")
	for _, cause := range []string{"ews_disabled", "moving"} {
		s := said(t, saidOfOne(d.lang), cause)
		d.broken(t, sandbox.Fault{Provider: "exchange", Target: "maximilian.hofer@musterwerk.example", Kind: s.heading}, func() {
			p.Click("link", w.checkNow)
			p.See(s.what)
			p.See(s.fix)
			inSteps(p, w.failed)
			p.Wait(fmt.Sprintf(`document.body.textContent.includes(%q)`, s.command))
			usable(t, p, "a person with "+cause)
		})
	}
	p.Click("link", w.checkNow)
	p.Wait(fmt.Sprintf(`!document.querySelector("main").textContent.includes(%q)`, w.failed))
	inSteps(p, w.ok)
}

// inSteps waits until a line of the check has a state.
func inSteps(p page, state string) {
	p.Wait(fmt.Sprintf(`[...document.querySelectorAll("#check li .hidden-text")].some(word => word.textContent === %q)`, state+": "))
}

// newcomerIsConnected is journey 4d: hired, invited, signed in, connected.
func newcomerIsConnected(t *testing.T, d *demonstration) {
	w := words(d.lang)
	d.control(t, http.MethodPost, "mailboxes", map[string]string{"name": "Nele Neumann", "email": "nele.neumann@musterwerk.example", "kind": "person"})
	p := d.welcome(t, "Nele Neumann", "nele.neumann@musterwerk.example")
	p.See(w.mine)
	p.See(w.busy)
	usable(t, p, "her own page")
	p.Go(d.AppURL + "/settings/calendar")
	p.See(w.admins)
}

// newcomerWaits has a mailbox only later.
func newcomerWaits(t *testing.T, d *demonstration) {
	w := words(d.lang)
	d.control(t, http.MethodPost, "mailboxes", map[string]string{"name": "Wim Wartmann", "email": "wim.wartmann@musterwerk.example", "kind": "no_mailbox"})
	p := d.welcome(t, "Wim Wartmann", "wim.wartmann@musterwerk.example")
	p.See(w.notYet)
	usable(t, p, "waiting")

	d.control(t, http.MethodPatch, "mailboxes/wim.wartmann@musterwerk.example", map[string]string{"kind": "person"})
	admin := d.signIn(t, d.lang, d.Admin)
	admin.Go(d.AppURL + "/settings/calendar")
	under(admin, said(t, saidOfPeople(d.lang), "no_mailbox").heading, "Wim Wartmann")
	admin.Go(d.AppURL + "/people?q=wim")
	admin.Click("link", "Wim Wartmann")
	admin.Click("button", w.tryAgain)
	d.settled(admin)
	p.Go(d.AppURL + "/me")
	p.See(w.mine)
}

// newcomerIsProposed is known by her old address: the next synchronisation asks
// the administrator.
func newcomerIsProposed(t *testing.T, d *demonstration) {
	d.control(t, http.MethodPost, "mailboxes", map[string]any{
		"name": "Paula Paschke", "email": "paula.paschke@musterwerk.example", "aliases": []string{"paula.alt@musterwerk.example"}, "kind": "person",
	})
	admin, w := d.invite(t, "Paula Paschke", "paula.alt@musterwerk.example"), words(d.lang)
	admin.Go(d.AppURL + "/settings/calendar")
	admin.Click("button", w.resync)
	under(admin, said(t, saidOfPeople(d.lang), "address_is_alias").heading, "Paula Paschke", "paula.paschke@musterwerk.example")
	d.seeConnected(admin, w)
	admin.See(w.resyncStarted)
}

// invite sends an invitation, and returns with the administrator's page.
func (d *demonstration) invite(t *testing.T, name, email string) page {
	t.Helper()
	admin, w := d.signIn(t, d.lang, d.Admin), words(d.lang)
	admin.Go(d.AppURL + "/people/new")
	usable(t, admin, "invite")
	admin.Fill("textbox", w.name, name)
	admin.Fill("textbox", w.email, email)
	admin.Click("button", w.invite)
	admin.See(fmt.Sprintf(w.invited, email))
	return admin
}

// welcome invites somebody and accepts with the link of the mail, in a browser
// of her own. It returns with the first page after.
func (d *demonstration) welcome(t *testing.T, name, email string) page {
	t.Helper()
	d.invite(t, name, email)
	p, w := d.page(t, d.lang), words(d.lang)
	p.Go(d.OutboxURL)
	inTable(p, w.outbox, email)
	p.Go(d.AppURL + p.Text(fmt.Sprintf(`[...document.querySelectorAll("tr")].find(r => r.innerText.includes(%q)).querySelector("a").getAttribute("href")`, email)))
	p.See(fmt.Sprintf(w.hello, name))
	p.Go(p.Text(`[...document.querySelectorAll("a")].map(a => a.href).find(h => h.includes("/welcome/"))`))
	p.See(w.choose)
	usable(t, p, "welcome")
	p.Fill("textbox", w.newPassword, "ein-langes-passwort-1")
	p.Click("button", w.begin)
	p.Wait(`location.pathname === "/me"`)
	return p
}
