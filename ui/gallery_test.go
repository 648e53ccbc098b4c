package ui_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"kalends/ui"
)

// The gallery shows every component in one of each state, for the browser test,
// the screenshots and whoever builds a page.

var galleryNow = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func galleryKit(t testing.TB) *ui.Kit {
	t.Helper()
	kit, err := ui.NewKit(ui.Config{Name: "Kalends", Cookies: "gallery", Texts: ui.KitTexts(), Clock: func() time.Time { return galleryNow }})
	if err != nil {
		t.Fatal(err)
	}
	return kit
}

func galleryServer(t testing.TB) *httptest.Server {
	t.Helper()
	kit := galleryKit(t)
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		v := kit.View(w, r)
		v.Render(http.StatusOK, galleryParts(v))
	})
	pages.HandleFunc("GET /table", func(w http.ResponseWriter, r *http.Request) {
		v := kit.View(w, r)
		v.Render(http.StatusOK, galleryTable(v))
	})
	pages.HandleFunc("GET /gate", func(w http.ResponseWriter, r *http.Request) {
		v := kit.View(w, r)
		v.Render(http.StatusOK, galleryGate(v))
	})
	pages.HandleFunc("POST /flash", func(w http.ResponseWriter, r *http.Request) {
		v := kit.View(w, r)
		v.Flash(ui.StateOK, "ui.progress.errors", "count", 3)
		v.Redirect("/")
	})
	mux := http.NewServeMux()
	mux.Handle("/assets/", kit.Assets())
	mux.Handle("/", kit.Handler(pages))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func galleryPage(current string) ui.Page {
	return ui.Page{
		Title: "Unternehmenskalender",
		Nav: []ui.NavItem{
			{Href: "/people", Label: "Personen", Icon: ui.IconUsers, Current: current == "people"},
			{Href: "/rooms", Label: "Räume", Icon: ui.IconDoor},
			{Href: "/", Label: "Unternehmenskalender", Icon: ui.IconCalendar, Current: current == "calendar", Count: 6},
			{Href: "/help", Label: "Hilfe", Icon: ui.IconHelp},
		},
		User: &ui.User{Name: "Anna Beispiel", Email: "admin@musterwerk.example", SignOut: "/sign-out"},
	}
}

func galleryParts(v *ui.View) g.Node {
	page := galleryPage("calendar")
	page.Crumbs = []ui.Crumb{{Href: "/", Label: "Einstellungen"}}
	return v.App(page,
		ui.Heading("Unternehmenskalender", ui.Badge(ui.StateOK, "verbunden · Exchange · musterwerk.example"), ui.Menu("Weitere Aktionen", ui.LinkButton(ui.Danger, "/end", "Verbindung trennen"))),
		ui.Lead("Verbinden Sie den Kalender Ihres Unternehmens einmal. Alle Mitarbeiter und Räume werden danach automatisch verbunden – niemand muss etwas tun."),
		ui.Stats(ui.Stat{Value: "412", Of: "418", Label: "Verbundene Benutzer", Href: "/people"}, ui.Stat{Value: "6", Label: "Synchronisierungsfehler", State: ui.StateError, Href: "#errors"}, ui.Stat{Value: "12", Label: "Räume"}, ui.Stat{Value: "2 min", Label: "Alter der Daten (Median)"}),
		ui.Actions(ui.Button(ui.Primary, "Authentifizierung starten"), ui.Button(ui.Normal, "Erneut synchronisieren", ui.Icon(ui.IconRefresh)), ui.LinkButton(ui.Quiet, "/help", "Was wird gelesen und gespeichert?"), ui.Button(ui.Danger, "Verbindung trennen")),
		ui.Notice(ui.StateWarning, "Das Passwort des Service-Kontos läuft in 23 Tagen ab.", ui.Actions(ui.LinkButton(ui.Normal, "/renew", "Passwort erneuern"))),
		ui.Notice(ui.StateError, "Die Verbindung wurde auf der Seite des Hubs widerrufen."),
		ui.Notice(ui.StateOK, "Alle Personen sind verbunden."), ui.Notice(ui.StateInfo, "Es wird nichts geschrieben."),
		ui.Card(v.Progress(ui.Bar{Label: "7.412 von 10.000 verbunden", Done: 7412, Total: 10000, Left: 3 * time.Minute, Errors: 12})),
		ui.Section("Ablauf", nil, ui.Plan(ui.Pair{Name: "Anmelden", Value: g.Text("als Administrator oder mit einem Service-Konto")}, ui.Pair{Name: "Prüfen", Value: g.Text("wir zeigen vorher, wer verbunden wird; es wird nichts geschrieben")}, ui.Pair{Name: "Verbinden", Value: g.Text("dauert bei 1.000 Personen etwa eine halbe Minute")})),
		gallerySteps(v), galleryMatch(v), galleryForm(v), galleryRest(v))
}

func gallerySteps(v *ui.View) g.Node {
	return ui.Section("Prüfung", nil, v.Steps([]ui.StepLine{
		{State: ui.StateOK, Word: "in Ordnung", Name: "Server finden", Text: "https://mail.musterwerk.example/EWS/Exchange.asmx", Took: 412 * time.Millisecond},
		{State: ui.StateWarning, Word: "mit Hinweis", Name: "Räume auflisten", Text: "Nicht möglich; Personen werden trotzdem verbunden", Took: 2 * time.Second, Body: ui.Lead("Das Service-Konto braucht dafür ein Postfach.")},
		{State: ui.StateError, Word: "fehlgeschlagen", Name: "Für ein Postfach handeln", Text: "Nicht erlaubt", Took: 90 * time.Millisecond, Open: true, Body: g.Group{
			h.P(g.Text("Das Service-Konto kann sich anmelden, darf aber nicht für das Testpostfach handeln.")),
			v.Code("Exchange 2010 und neuer: alle Postfächer", "New-ManagementRoleAssignment -Name 'Kalends' -Role ApplicationImpersonation -User 'svc-kalender@musterwerk.example'"), v.TechnicalDetails("ErrorImpersonateUserDenied"),
		}},
		{State: ui.StateRunning, Word: "läuft", Name: "Frei/Gebucht lesen", Text: "Wird gelesen …"},
		{State: ui.StateOff, Word: "ausgelassen", Name: "Schreibtest", Text: "Vor dem Verbinden wird nichts geschrieben"},
	}))
}

func galleryMatch(v *ui.View) g.Node {
	return ui.Section("Vorschau", nil, v.MatchBar("35 genau, 3 über Alias, 1 von Hand, 2 nicht gefunden", []ui.Part{
		{Label: "Genaue Übereinstimmung", Count: 35, State: ui.StateOK, Body: h.Ul(h.Class("match-list"), h.Li(g.Text("anna.beispiel@musterwerk.example")))},
		{Label: "Über einen Alias", Count: 3, State: ui.StateInfo},
		{Label: "Von Hand zugeordnet", Count: 0, State: ui.StateOff},
		{Label: "Nicht gefunden", Count: 2, State: ui.StateError},
	}))
}

func galleryForm(v *ui.View) g.Node {
	return ui.Card(ui.Form("/flash",
		v.Input(ui.Field{Name: "username", Label: "Service-Konto", Help: "DOMÄNE\\benutzer oder benutzer@domäne", Required: true, Value: "svc-kalender@musterwerk.example"}),
		v.Input(ui.Field{Name: "password", Kind: ui.FieldPassword, Label: "Passwort", Required: true, Error: "Das Passwort fehlt."}),
		v.Input(ui.Field{Name: "level", Kind: ui.FieldSelect, Label: "Umfang", Options: []ui.Option{{Value: "full", Label: "Voll"}, {Value: "free_busy", Label: "Nur Frei/Gebucht"}}}),
		v.Input(ui.Field{Name: "remind", Kind: ui.FieldCheckbox, Label: "Erinnern, bevor das Passwort abläuft", Help: "30, 14 und 3 Tage vorher"}),
		ui.Choice("aliases", "Adressen, die nicht die Hauptadresse sind", []ui.Option{{Value: "connect", Label: "Verbinden", Help: "Ein eindeutiger Alias genügt.", Chosen: true}, {Value: "ask", Label: "Einzeln bestätigen", Help: "Ein Administrator entscheidet für jede Adresse."}}),
		ui.Fold("Erweitert", true, v.Input(ui.Field{Name: "ca", Kind: ui.FieldFile, Label: "Eigene Zertifizierungsstelle", Optional: true}), v.Input(ui.Field{Name: "note", Kind: ui.FieldArea, Label: "Notiz"})),
		ui.Actions(ui.Button(ui.Primary, "Verbindung prüfen"), ui.LinkButton(ui.Quiet, "/", "Abbrechen"))))
}

func galleryRest(v *ui.View) g.Node {
	return g.Group{
		v.CopyLink("Link für die IT", "https://kalender.musterwerk.example/enterprise_connect/i/4f6a0c2e9b"),
		ui.Card(v.ConfirmByTyping(ui.Confirm{Action: "/end", Phrase: "Musterwerk", Cancel: "/", Button: "Verbindung trennen", Consequences: []string{"412 Personen und 12 Räume verlieren ihre Verbindung.", "Die gespeicherten Frei/Gebucht-Zeiten werden gelöscht."}})),
		ui.Tabs("Ansichten", ui.Tab{Href: "/", Label: "Übersicht", Current: true}, ui.Tab{Href: "/", Label: "Verlauf"}),
		ui.Facts(ui.Pair{Name: "Adresse", Value: g.Text("anna.beispiel@musterwerk.example")}, ui.Pair{Name: "Zuletzt synchronisiert", Value: v.Ago(galleryNow.Add(-3 * time.Minute))}),
		v.WeekStrip(ui.Week{Start: galleryNow, Next: "/", Prev: "/", Blocks: []ui.Block{
			{Start: galleryNow.Add(-time.Hour), End: galleryNow.Add(time.Hour)}, {Start: galleryNow.Add(26 * time.Hour), End: galleryNow.Add(27 * time.Hour), Tentative: true}, {Start: galleryNow.Add(50 * time.Hour), End: galleryNow.Add(53 * time.Hour)},
		}}),
		ui.Empty(ui.IconUsers, "Noch keine Personen", "Laden Sie Ihre Kolleginnen und Kollegen ein, oder importieren Sie eine Liste.", ui.LinkButton(ui.Primary, "/invite", "Personen einladen")),
		ui.Card(v.Skeleton(4)), galleryLists(v),
	}
}

func galleryLists(v *ui.View) g.Node {
	row := ui.GroupRow{
		Who:  ui.Person("Maximilian Freiherr von Donnersmarck-Hohenstein", "maximilian.von-donnersmarck@musterwerk.example", "/people/1"),
		What: h.P(g.Text("maximilian.von-donnersmarck@musterwerk.example ist im verbundenen Kalendersystem nicht bekannt.")),
		Do:   ui.PostButton(ui.Quiet, "/retry", "Erneut versuchen", ui.Icon(ui.IconRefresh)),
	}
	room := ui.GroupRow{Who: ui.Room("Raum Elbe", "elbe@musterwerk.example"), What: h.P(g.Text("Nicht erlaubt.")), Do: row.Do}
	return g.Group{
		ui.Groups(ui.Group{ID: "unknown", Title: "Adresse nicht in der Organisation", Count: "2", Action: ui.PostButton(ui.Quiet, "/all", "Diese Gruppe erneut versuchen"), Lead: h.P(g.Text("Berichtigen Sie die Adresse, oder wählen Sie das Postfach von Hand.")), Rows: []ui.GroupRow{row, row}},
			ui.Group{ID: "refused", Title: "Service-Konto darf nicht zugreifen", Count: "1", Rows: []ui.GroupRow{room}, More: ui.LinkButton(ui.Quiet, "/people", "7 weitere zeigen")}),
		ui.Links(ui.LinkRow{Href: "/help", Title: "Rechte des Service-Kontos", Text: "Die Befehle für Exchange 2007 bis heute"}, ui.LinkRow{Href: "/help", Title: "Fehlersuche"}),
		ui.Contents("Auf dieser Seite", ui.LinkRow{Href: "#unknown", Title: "Adresse nicht in der Organisation"}, ui.LinkRow{Href: "#refused", Title: "Service-Konto darf nicht zugreifen"}),
		ui.Numbered("Einstellungen → Unternehmenskalender → Authentifizierung starten.", "Exchange wählen; Service-Konto, Passwort und die Adresse einer Person für den Test eingeben."),
		ui.Columns(ui.Section("Person", nil, ui.Card(ui.Facts(ui.Pair{Name: "Adresse", Value: g.Text("anna@musterwerk.example")}))),
			ui.Section("Verlauf", nil, ui.Card(ui.Log(ui.LogLine{At: v.Ago(galleryNow.Add(-time.Hour)), What: "Verbunden", Who: "Anna Beispiel"}, ui.LogLine{At: v.Ago(galleryNow), What: "Gelesen"})))),
	}
}

func galleryTable(v *ui.View) g.Node {
	page := galleryPage("people")
	page.Wide = true
	rows := [][]g.Node{}
	people := []struct {
		name, mail, word string
		state            ui.State
	}{
		{"Anna Beispiel", "anna.beispiel@musterwerk.example", "verbunden", ui.StateOK},
		{"Maximilian Freiherr von Donnersmarck-Hohenstein", "maximilian.von-donnersmarck@musterwerk.example", "Adresse nicht in der Organisation", ui.StateError},
		{"Çağla Yıldız", "cagla.yildiz@musterwerk.example", "wartet auf Postfach", ui.StateWaiting},
		{"Ole", "ole@musterwerk.example", "nicht verbunden", ui.StateOff},
	}
	for _, p := range people {
		rows = append(rows, []g.Node{ui.Person(p.name, p.mail, "/people/1"), ui.Status(p.state, p.word), v.Ago(galleryNow.Add(-49 * time.Hour)), ui.PostButton(ui.Quiet, "/check", "Jetzt prüfen")})
	}
	return v.App(page, ui.Heading("Personen", nil, ui.LinkButton(ui.Normal, "/import", "CSV importieren", ui.Icon(ui.IconUpload)), ui.LinkButton(ui.Primary, "/invite", "Person einladen", ui.Icon(ui.IconUserPlus))),
		v.Filter(ui.Filters{Search: "Name oder Adresse", Selects: []ui.Field{{Name: "status", Label: "Status", Options: []ui.Option{{Value: "", Label: "Alle Status"}, {Value: "error", Label: "Fehler"}}}}, Right: ui.LinkButton(ui.Normal, "/csv", "CSV", ui.Icon(ui.IconDownload))}),
		v.Table(ui.Table{
			Label: "Personen", Sort: "name", Rows: rows, Pages: ui.Pages{Page: 1, Per: 4, Total: 1418},
			Columns: []ui.Column{{Key: "name", Label: "Name"}, {Key: "status", Label: "Status"}, {Key: "since", Label: "Seit"}, {Label: "Aktionen", Unnamed: true}},
		}))
}

func galleryGate(v *ui.View) g.Node {
	return v.Gate(ui.Page{Title: "Anmelden"}, ui.Heading("Anmelden", nil), ui.Lead("Willkommen bei Smart Calendar."),
		ui.Form("/sign-in", v.Input(ui.Field{Name: "email", Kind: ui.FieldEmail, Label: "E-Mail-Adresse", Required: true, Autocomplete: "username"}),
			v.Input(ui.Field{Name: "password", Kind: ui.FieldPassword, Label: "Passwort", Required: true, Autocomplete: "current-password"}),
			ui.Actions(ui.Button(ui.Primary, "Anmelden"), ui.LinkButton(ui.Quiet, "/forgot", "Passwort vergessen?"))))
}
