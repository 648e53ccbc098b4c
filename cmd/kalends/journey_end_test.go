package main

import (
	"fmt"
	"testing"
)

// disconnectsAndComesBack is journey 4f, and the link for IT in a browser that
// never saw the application. This time whoever is known by another address is
// connected without a question.
func disconnectsAndComesBack(t *testing.T, d *demonstration) {
	p, w := d.signIn(t, d.lang, d.Admin), words(d.lang)
	before := d.subs(t)
	d.disconnects(t, p, w, len(before)-6)
	p.Go(d.AppURL + "/people")
	p.See("Maximilian Hofer") // people keep their place
	p.Go(d.AppURL + "/settings/calendar")
	p.Click("button", w.itLink)
	p.Has("textbox", w.itLink)
	link := p.Text(`document.querySelector("input[readonly]").value`)
	usable(t, p, "link for IT")

	it := d.page(t, d.lang)
	d.connectsForIT(t, it, w, link)
	p.Go(d.AppURL + "/settings/calendar")
	d.seeConnected(p, w)
	usable(t, p, "connected again")
	d.sameSubs(t, before)
	p.Go(d.AppURL + "/people?q=paula")
	p.Click("link", "Paula Paschke")
	p.See(w.alias)
	it.Go(link)
	it.See(w.gone)
}

func (d *demonstration) disconnects(t *testing.T, p page, w vocabulary, people int) {
	t.Helper()
	p.Go(d.AppURL + "/settings/calendar")
	p.Click("DisclosureTriangle", w.more)
	p.Click("link", w.disconnect)
	p.See(fmt.Sprintf(w.lose, people))
	p.See(w.loseRooms)
	usable(t, p, "disconnect")
	p.Fill("textbox", w.confirm, "Muster")
	p.Click("button", w.disconnect)
	p.See(w.mismatch)
	p.Fill("textbox", w.confirm, "musterwerk")
	p.Click("button", w.disconnect)
	p.See(w.separated)
	p.See(w.none)
	p.See(w.endedByCompany)
	usable(t, p, "disconnected")
}

func (d *demonstration) connectsForIT(t *testing.T, it page, w vocabulary, link string) {
	t.Helper()
	it.Go(link)
	it.Has("heading", w.asks)
	it.Click("button", "Microsoft Exchange")
	d.upload(it, w)
	d.enter(it, w, d.exchange.Password)
	it.See(w.found)
	usable(t, it, "check for IT")
	it.Click("radio", w.connectAlias)
	it.Click("button", w.connect)
	it.See(w.back)
	it.See(w.close)
	usable(t, it, "end for IT")
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
// service account; Smart Calendar says by itself who did it.
func revokesAtTheHub(t *testing.T, d *demonstration) {
	app, w := d.signIn(t, d.lang, d.Admin), words(d.lang)
	app.Go(d.AppURL + "/settings/calendar")
	app.See(w.connected)
	p := d.signInAtHub(t)
	p.Click("link", "Smart Calendar")
	p.See(w.mayConnect)
	usable(t, p, "a connection at the hub")
	p.Click("link", w.ask)
	p.Fill("textbox", w.confirmHub, "musterwerk.example")
	usable(t, p, "revoke at the hub")
	p.Click("button", w.disconnect)
	p.See(w.endedHub)
	app.See(w.ended)
	app.See(d.exchange.ServiceAccount)
	usable(t, app, "ended at the hub")
	p.Go(d.HubURL + "/enterprise_connect")
	p.See(w.noConnections)
	p.See(w.endedInHistory)
	usable(t, p, "no connections at the hub")
}

func (d *demonstration) signInAtHub(t *testing.T) page {
	t.Helper()
	p, w := d.page(t, d.lang), words(d.lang)
	p.Go(d.HubURL + "/enterprise_connect")
	p.Has("heading", w.manage)
	usable(t, p, "sign-in at the hub")
	p.Fill("textbox", w.service, d.exchange.ServiceAccount)
	p.Fill("textbox", w.servicePassword, d.exchange.Password)
	p.Fill("textbox", w.testEmail, d.exchange.TestEmail)
	p.Click("button", w.signIn)
	p.See(w.connections)
	p.See(w.isConnected)
	usable(t, p, "connections at the hub")
	return p
}
