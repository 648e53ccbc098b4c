package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kalends/internal/tools/browser"
)

// sentences are what is said about a cause: the heading of its group, what
// happened to whom, and what to do.
type sentences struct{ cause, heading, what, fix string }

func saidOfPeople() []sentences {
	return []sentences{
		{"account_not_found", "Adresse nicht in der Organisation", "klaus.altmann@musterwerk.example ist im verbundenen Kalendersystem nicht bekannt.", "Berichtigen Sie die Adresse"},
		{"address_is_alias", "Adresse ist ein Alias", "max.hofer@musterwerk.example ist eine zweite Adresse von maximilian.hofer@musterwerk.example.", "Übernehmen Sie den Vorschlag"},
		{"not_a_person", "Gruppe oder Kontakt statt eines Postfachs", "team-vertrieb@musterwerk.example gehört zu einer Gruppe", "Tragen Sie die eigene Adresse der Person ein."},
		{"mailbox_elsewhere", "Postfach liegt in einem anderen System", "Das Postfach von oskar.wolkenstein@musterwerk.example liegt nicht auf diesem Exchange", "Verbinden Sie zusätzlich Microsoft 365"},
		{"not_permitted", "Service-Konto darf nicht zugreifen", "darf nicht für vera.vorstand@musterwerk.example handeln.", "Geltungsbereich der Rolle ApplicationImpersonation"},
		{"address_not_unique", "Zwei Personen teilen sich eine Adresse", "empfang@musterwerk.example wird auch von ", "Geben Sie jeder Person eine eigene Adresse"},
		{"no_mailbox", "Postfach noch nicht vorhanden", "lena.frischmuth@musterwerk.example steht im Verzeichnis, hat aber kein Postfach.", "Seit"},
	}
}

// explainsPeople is the list of errors of journey 4e.
func explainsPeople(t *testing.T, d *demonstration) {
	p := d.signIn(t, "de", d.Admin)
	p.Go(d.AppURL + "/settings/calendar")
	p.See("Synchronisierungsfehler (7)")
	p.See("Wartet auf das Postfach (1)")
	said := map[string]bool{}
	for _, s := range saidOfPeople() {
		said[s.cause] = true
		p.See(s.heading)
		under(p, s.heading, s.what, s.fix)
	}
	for _, planted := range d.planted {
		if planted.Scope != "connection" && !said[planted.Cause] {
			t.Errorf("nothing is known about %s of %s", planted.Cause, planted.Email)
		}
	}
	usable(t, p, "errors")
	table := p.Text(`fetch("/settings/calendar/errors.csv").then(r => r.text())`)
	for _, want := range []string{"Name;E-Mail-Adresse;", "Klaus Altmann;klaus.altmann@musterwerk.example;", "maximilian.hofer@musterwerk.example"} {
		if !strings.Contains(table, want) {
			t.Errorf("the CSV file lacks %q:\n%s", want, table)
		}
	}
}

// mendsPeople takes a proposal, tries one again and a group.
func mendsPeople(t *testing.T, d *demonstration) {
	p, w := d.signIn(t, "de", d.Admin), words("de")
	p.Go(d.AppURL + "/settings/calendar")
	p.Click("button", "maximilian.hofer@musterwerk.example übernehmen")
	p.See("Übernommen. Die Person wird verbunden.")
	p.See("Synchronisierungsfehler (6)")

	d.control(t, http.MethodPost, "mailboxes", map[string]string{"name": "Klaus Altmann", "email": d.plantedEmail(t, "account_not_found"), "kind": "person"})
	p.Go(d.AppURL + "/people?q=klaus.altmann")
	p.Click("link", "Klaus Altmann")
	p.See("klaus.altmann@musterwerk.example ist im verbundenen Kalendersystem nicht bekannt.")
	p.Click("button", "Erneut versuchen")
	p.See("Wir versuchen es erneut.")
	d.settled(p)
	p.Go(d.AppURL + "/settings/calendar")
	p.See("Synchronisierungsfehler (5)")

	d.permit(t, d.Recruiter.Email, true)
	d.permit(t, d.plantedEmail(t, "not_permitted"), true)
	p.Click("button", "Diese Gruppe erneut versuchen")
	d.seeConnected(p, w)
	p.See("Synchronisierungsfehler (3)")
}

// permit says whether the service account may act for a mailbox.
func (d *demonstration) permit(t *testing.T, email string, may bool) {
	t.Helper()
	d.control(t, http.MethodPatch, "mailboxes/"+email, map[string]bool{"out_of_scope": !may})
}

// settled waits on a person's page until nothing is owed.
func (d *demonstration) settled(p *browser.Page) {
	p.Wait(`fetch("/settings/calendar").then(r => r.text()).then(text => { window.settled = !text.includes("progressbar") && !text.includes("<progress") }) && window.settled`)
}

// looksAtAPerson is the page of one person, with the check.
func looksAtAPerson(t *testing.T, d *demonstration) {
	p := d.signIn(t, "de", d.Admin)
	p.Go(d.AppURL + "/people?q=max.hofer")
	p.Click("link", "Maximilian Hofer")
	p.See("maximilian.hofer@musterwerk.example (von Hand gewählt)")
	p.See("Hauptkalender")
	p.See("belegte Zeiten als Liste")
	p.See("Vorschlag übernommen")
	p.Click("link", "Jetzt prüfen")
	p.See("Kalender öffnen")
	p.See("in Ordnung")
	usable(t, p, "a person")
	p.Go(d.AppURL + "/people?q=oskar")
	p.Click("link", "Oskar Wolkenstein")
	p.Click("link", "Jetzt prüfen")
	p.See("fehlgeschlagen")
	usable(t, p, "a person with an error")
}

// newcomerIsConnected is journey 4d: hired, invited, signed in, connected.
func newcomerIsConnected(t *testing.T, d *demonstration) {
	d.control(t, http.MethodPost, "mailboxes", map[string]string{"name": "Nele Neumann", "email": "nele.neumann@musterwerk.example", "kind": "person"})
	p := d.welcome(t, "Nele Neumann", "nele.neumann@musterwerk.example")
	began := time.Now()
	p.See("Ihr Kalender ist verbunden.")
	took := time.Since(began)
	t.Logf("connected %s after the first sign-in", took.Round(time.Millisecond))
	if took > 2*time.Second*slowness {
		t.Errorf("connected after %s", took)
	}
	p.See("belegte Zeiten als Liste")
	usable(t, p, "her own page")
	p.Go(d.AppURL + "/settings/calendar")
	p.See("Nur für Administratoren")
}

// slowness is how much slower than a machine of its own this one may be: tests
// run side by side, under the race detector.
const slowness = 2

// newcomerWaits has a mailbox only later.
func newcomerWaits(t *testing.T, d *demonstration) {
	d.control(t, http.MethodPost, "mailboxes", map[string]string{"name": "Wim Wartmann", "email": "wim.wartmann@musterwerk.example", "kind": "no_mailbox"})
	p := d.welcome(t, "Wim Wartmann", "wim.wartmann@musterwerk.example")
	p.See("Ihr Postfach ist noch nicht da. Sobald es da ist, wird es von selbst verbunden.")
	usable(t, p, "waiting")

	d.control(t, http.MethodPatch, "mailboxes/wim.wartmann@musterwerk.example", map[string]string{"kind": "person"})
	admin := d.signIn(t, "de", d.Admin)
	admin.Go(d.AppURL + "/settings/calendar")
	admin.See("Warten auf das Postfach (2)")
	under(admin, "Postfach noch nicht vorhanden", "Wim Wartmann")
	admin.Go(d.AppURL + "/people?q=wim")
	admin.Click("link", "Wim Wartmann")
	admin.Click("button", "Erneut versuchen")
	d.settled(admin)
	p.Go(d.AppURL + "/me")
	p.See("Ihr Kalender ist verbunden.")
}

// welcome invites somebody and accepts with the link of the mail, in a browser
// of her own. It returns with the first page after.
func (d *demonstration) welcome(t *testing.T, name, email string) *browser.Page {
	t.Helper()
	admin := d.signIn(t, "de", d.Admin)
	admin.Go(d.AppURL + "/people/new")
	usable(t, admin, "invite")
	admin.Fill("textbox", "Name", name)
	admin.Fill("textbox", "E-Mail-Adresse", email)
	admin.Click("button", "Einladung senden")
	admin.See("Die Einladung an " + email + " ist unterwegs.")

	p := d.page(t, "de")
	p.Go(d.OutboxURL)
	inTable(p, "Postausgang der Vorführung", email)
	p.Go(d.AppURL + p.Text(fmt.Sprintf(`[...document.querySelectorAll("tr")].find(r => r.innerText.includes(%q)).querySelector("a").getAttribute("href")`, email)))
	p.See("Guten Tag " + name)
	p.Go(p.Text(`[...document.querySelectorAll("a")].map(a => a.href).find(h => h.includes("/welcome/"))`))
	p.See("wählen Sie ein Passwort")
	usable(t, p, "welcome")
	p.Fill("textbox", "Neues Passwort", "ein-langes-passwort-1")
	p.Click("button", "Loslegen")
	p.Wait(`location.pathname === "/me"`)
	return p
}
