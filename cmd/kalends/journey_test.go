package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kalends/sandbox"
)

// TestJourneys is one story in one house, once in each language: an administrator
// connects, looks at what went wrong, people come, and the connection ends and
// comes back.
func TestJourneys(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	for _, lang := range []string{"de", "en"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			d := startDemonstration(t, "--unknown-ca")
			d.lang = lang
			tellStory(t, d)
		})
	}
}

func tellStory(t *testing.T, d *demonstration) {
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
		{"a newcomer with another address is proposed", newcomerIsProposed},
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
	p, w := d.signIn(t, d.lang, d.Admin), words(d.lang)
	p.Go(d.AppURL + "/settings/calendar")
	p.See(w.none)
	usable(t, p, "not connected")
	p.Click("button", w.start)
	p.Has("heading", w.asks)
	p.See(w.mayConnect)
	p.See(w.mayNotRead)
	usable(t, p, "who asks")
	p.Click("button", "Microsoft Exchange")
	p.Has("heading", w.form)
	usable(t, p, "form")
	p.Back()
	p.Has("heading", w.asks)
	p.Click("button", "Microsoft Exchange")
	p.Has("heading", w.form)
	p.Click("button", w.cancel)
	p.See(w.declined)
	p.See(w.none)
	p.Back()
	p.See(w.cancelled) // and not that all is connected
}

// connectsTheCompany is journey 4a with everything that goes wrong on the way.
func connectsTheCompany(t *testing.T, d *demonstration) {
	d.permit(t, d.Recruiter.Email, false) // a second one beside the planted one
	p, w := d.signIn(t, d.lang, d.Admin), words(d.lang)
	p.Go(d.AppURL + "/settings/calendar")
	p.Click("button", w.start)
	p.Click("button", "Microsoft Exchange")
	d.upload(p, w)
	d.enter(p, w, "not the password")
	p.See(w.refused)
	usable(t, p, "wrong password")
	d.withoutAutodiscover(t, p, w)
	d.seePreview(t, p, w)
	p.Click("radio", w.connectAlias)
	p.Click("radio", w.askFirst)
	d.watchesTheRun(t, p, w)
	p.See(w.users)
	p.See(w.companyConnected)
	p.See(w.everybody)
	usable(t, p, "connected")
	if complaints := p.Errors(); len(complaints) > 0 {
		t.Errorf("the pages complain: %q", complaints)
	}
}

// enter fills in the form and has it checked.
func (d *demonstration) enter(p page, w vocabulary, password string) {
	p.Fill("textbox", w.service, d.exchange.ServiceAccount)
	p.Fill("textbox", w.servicePassword, password)
	p.Fill("textbox", w.testEmail, d.exchange.TestEmail)
	p.Click("button", w.check)
}

// upload opens what few need, and chooses the file there.
func (d *demonstration) upload(p page, w vocabulary) {
	p.Click("DisclosureTriangle", w.authority)
	d.choose(p, w)
}

// choose takes the file with the authority's certificate.
func (d *demonstration) choose(p page, w vocabulary) {
	p.Wait(fmt.Sprintf(`(() => {
		const label = [...document.querySelectorAll("label")].find(l => l.textContent.includes(%q) && l.checkVisibility());
		if (!label) return false;
		const data = new DataTransfer();
		data.items.add(new File([%q], "ca.pem"));
		label.control.files = data.files;
		return label.control.files.length === 1 })()`, w.authorityFile, d.authority))
}

// withoutAutodiscover enters the right password while the server cannot be
// found, then an address that its certificate does not name, then the right one.
func (d *demonstration) withoutAutodiscover(t *testing.T, p page, w vocabulary) {
	t.Helper()
	p.Click("link", w.change)
	if p.Sees(w.server) {
		t.Error("the server is asked for before it could not be found")
	}
	d.broken(t, sandbox.Fault{Provider: "exchange", Target: "Autodiscover", Kind: "not_found"}, func() {
		d.enter(p, w, d.exchange.Password)
		p.See(w.notFoundByItself)
		usable(t, p, "server not found")
		address, err := url.Parse(d.exchange.EWSURL)
		d.must(t, err)
		address.Host = "127.0.0.1:" + address.Port()
		p.Fill("textbox", w.server, address.String())
		p.Click("button", w.again)
		d.explained(t, p, w, said(t, saidOfOne(d.lang), "wrong_name"))
		p.Fill("textbox", w.server, d.exchange.EWSURL)
		p.Click("button", w.again)
		p.See(w.found)
	})
}

// seePreview opens the parts of the bar, and its table: nobody is connected by it.
func (d *demonstration) seePreview(t *testing.T, p page, w vocabulary) {
	t.Helper()
	for _, text := range []string{"Exchange 2013", w.rooms, w.byAlias, w.aliasPolicy, w.connect} {
		p.See(text)
	}
	p.Click("DisclosureTriangle", w.exact+" 40")
	p.See(d.Admin.Email)
	usable(t, p, "preview")
	p.Has("link", "CSV")
	table := p.Text(`fetch([...document.links].find(l => l.textContent.includes("CSV")).href).then(r => r.text())`)
	for _, want := range []string{
		"email,group,matched_email,matched_by,cause\n", d.Admin.Email + ",exact," + d.Admin.Email + ",primary,\n",
		"max.hofer@musterwerk.example,alias,maximilian.hofer@musterwerk.example,alias,",
		"klaus.altmann@musterwerk.example,not_found,,," + saidOfPeople(d.lang)[0].heading + "\n",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the CSV file lacks %q:\n%s", want, table)
		}
	}
}

// watchesTheRun connects while a person and the rooms are held: the numbers move
// as those come in who are let go, and the page may be left.
func (d *demonstration) watchesTheRun(t *testing.T, p page, w vocabulary) {
	t.Helper()
	rooms := []string{"raum-alster", "raum-elbe", "raum-isar", "raum-spree", "raum-neckar", "raum-donau"}
	for i, room := range rooms {
		rooms[i] = room + "@musterwerk.example"
	}
	for _, email := range append(rooms, d.Admin.Email) {
		d.control(t, http.MethodPost, "faults", sandbox.Fault{Provider: "exchange", Target: email, Kind: "hold"})
	}
	p.Click("button", w.connect)
	p.See(w.back)
	p.See(w.leave)
	d.seeOwed(p, w, "> 6")
	usable(t, p, "run")
	p.Go(d.AppURL + "/people")
	p.Go(d.AppURL + "/settings/calendar")
	d.seeOwed(p, w, "> 6")
	d.control(t, http.MethodDelete, "faults?target="+url.QueryEscape(d.Admin.Email), nil)
	d.seeOwed(p, w, "=== 6")
	d.control(t, http.MethodDelete, "faults", nil)
	d.seeConnected(p, w)
}

// seeOwed waits until the progress lacks so many.
func (d *demonstration) seeOwed(p page, w vocabulary, owed string) {
	p.Wait(fmt.Sprintf(`(found => found && found[2] - found[1] %s)(document.body.innerText.match(/%s/))`, owed, w.progress))
}

// seeConnected waits until the run is over: everybody has a state.
func (d *demonstration) seeConnected(p page, w vocabulary) {
	p.Wait(fmt.Sprintf(`document.body.innerText.includes(%q)`, w.connected))
	p.Wait(`!document.querySelector("progress, [role=progressbar]")`)
}

// under waits until a heading that folds has all the texts below it.
func under(p page, heading string, texts ...string) {
	p.Wait(fmt.Sprintf(`[...document.querySelectorAll("details")].filter(d => d.querySelector("summary").textContent.includes(%q)).some(
		d => [%s].every(text => d.parentElement.textContent.includes(text)))`, heading, quoted(texts)))
}

// inTable waits until a table with a name has a row with all the texts.
func inTable(p page, table string, texts ...string) {
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
