package main

import (
	"net/http"
	"testing"
)

// TestThrottledWhileConnected is the cause that breaks nothing: Exchange is busy,
// the pages of hub and application say so, and it passes.
func TestThrottledWhileConnected(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	d := startDemonstration(t, "--connected")
	d.lang = "de"
	p, w := d.signIn(t, d.lang, d.Admin), words(d.lang)
	p.Go(d.AppURL + "/settings/calendar")
	d.seeConnected(p, w)
	p.See("Letzte Synchronisierung")
	hub := d.signInAtHub(t) // proves the password, which a busy Exchange would put off
	before := d.subs(t)

	fault := d.faultOf(t, "throttled")
	fault.DelayMS = 8000 // what it asks for
	d.control(t, http.MethodPost, "faults", fault)
	p.See("Exchange bremst unsere Anfragen.")
	p.See(w.connected)
	usable(t, p, "throttled")
	p.Click("button", "Erneut synchronisieren")
	p.See("Wir warten auf Exchange.")
	usable(t, p, "a run that is throttled")
	hub.Go(d.HubURL + "/enterprise_connect")
	hub.See("Server bittet um Geduld")
	usable(t, hub, "throttled at the hub")
	hub.Click("link", "Smart Calendar")
	hub.See(said(t, saidOfConnections(d.lang), "throttled").what + " bis ")
	usable(t, hub, "a throttled connection at the hub")

	d.control(t, http.MethodDelete, "faults", nil)
	d.seeConnected(p, w) // the run goes on by itself and ends
	p.See("Letzte Synchronisierung")
	hub.Go(d.HubURL + "/enterprise_connect")
	if hub.Sees("Server bittet um Geduld") {
		t.Error("the hub still says it")
	}
	d.sameSubs(t, before)
}
