package smartcalendar_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	kalends "kalends"
	"kalends/internal/tools/browser"
	"kalends/provider/memory"
	"kalends/smartcalendar"
	"kalends/web"
)

// views are how every page is looked at. Without pictures to take, the two
// that differ most are enough.
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

// tour leads several browser windows through the same pages.
type tour struct {
	*town
	windows []window
	t       *testing.T
}

type window struct {
	*browser.Page
	o browser.Options
}

func newTour(t *testing.T) *tour {
	b := browser.Start(t)
	to := &tour{town: newTown(t), t: t}
	for _, o := range views() {
		to.windows = append(to.windows, window{b.Page(t, o), o})
	}
	return to
}

// see opens a page in every window and looks at it.
func (to *tour) see(name, path string) {
	to.t.Helper()
	for _, w := range to.windows {
		w.Go(to.appServer.URL + path)
		to.look(w, name)
	}
}

func (to *tour) look(w window, name string) {
	to.t.Helper()
	for _, violation := range w.Axe() {
		to.t.Errorf("%s %+v: %s", name, w.o, violation)
	}
	if wide := w.Overflows(); wide > 0 {
		to.t.Errorf("%s %+v: %d px wider than the window", name, w.o, wide)
	}
	w.Wait(`[...document.querySelectorAll(".menu")].every(m => { m.open = true; const r = m.querySelector(".menu-items").getBoundingClientRect(); m.open = false; return r.left >= 0 && r.right <= innerWidth })`)
	if folder := os.Getenv("KALENDS_SCREENSHOTS"); folder != "" {
		light := map[bool]string{true: "dark", false: "light"}[w.o.Dark]
		w.Shot(filepath.Join(folder, fmt.Sprintf("calendar-%s-%d-%s-%s.png", name, w.o.Width, light, w.o.Lang)))
	}
}

// send fills the page's form with values by field name and sends it, as somebody
// whose browser does not check fields would. "#" stands for the window's number.
func (to *tour) send(name, path string, pairs ...string) {
	to.t.Helper()
	for i, w := range to.windows {
		w.Go(to.appServer.URL + path)
		w.sendForm(strings.Split(strings.ReplaceAll(strings.Join(pairs, "\x00"), "#", fmt.Sprint(i)), "\x00")...)
		to.look(w, name)
	}
}

func (w window) sendForm(pairs ...string) {
	script := "const f = document.querySelector('main form.form'); f.noValidate = true;"
	for i := 0; i+1 < len(pairs); i += 2 {
		script += fmt.Sprintf("f.querySelector('[name=%s]').value = %q;", pairs[i], pairs[i+1])
	}
	w.Wait(`!document.body.dataset.old && (document.body.dataset.old = "1")`)
	w.Wait("(() => {" + script + "f.requestSubmit(); return true})()")
	w.Wait(`document.body && !document.body.dataset.old && document.readyState === "complete"`)
}

func (to *tour) signIn(email string) {
	to.t.Helper()
	for _, w := range to.windows {
		w.Cookie(to.appServer.URL, smartcalendar.CookieName, "none", "/") // forgets who was signed in before
		w.Go(to.appServer.URL + "/sign-in")
		w.sendForm("email", email, "password", password)
		w.Wait(`location.pathname !== "/sign-in"`)
	}
}

// mailed gives the path of the newest link of a kind that was mailed.
func (h *town) mailed(kind string) string {
	h.t.Helper()
	at := ""
	h.until("a mail with "+kind, func() bool {
		for _, id := range regexp.MustCompile(`/outbox/[^"]+`).FindAllString(h.browser.page(h.t, "/outbox"), -1) {
			if at = regexp.MustCompile(kind + `[\w-]+`).FindString(h.browser.page(h.t, id)); at != "" {
				return true
			}
		}
		return false
	})
	return at
}

func (h *town) person(email string) string {
	return "/people/" + h.text("SELECT id FROM sc_people WHERE email_key = $1", email)
}

// troubled hires people of whom each has another trouble.
func (h *town) troubled() []smartcalendar.NewPerson {
	h.world.AddRoom(kalends.Room{Email: "elbe@musterwerk.example", Name: "Raum Elbe", Capacity: 8, Building: "Haus A", Floor: "2. OG"})
	h.world.AddRoom(kalends.Room{Email: "isar@musterwerk.example", Name: "Raum Isar"})
	h.world.Add(memory.Person{Email: "elbe@musterwerk.example", Name: "Raum Elbe", Kind: kalends.MailboxResource},
		memory.Person{Email: "isar@musterwerk.example", Name: "Raum Isar", Kind: kalends.MailboxResource},
		memory.Person{Email: "maximilian.hofer@musterwerk.example", Aliases: []string{"max.hofer@musterwerk.example"}},
		memory.Person{Email: "lena.frischmuth@musterwerk.example", State: memory.NoMailbox},
		memory.Person{Email: "vera.vorstand@musterwerk.example", State: memory.NotPermitted},
		memory.Person{Email: "team-vertrieb@musterwerk.example", Kind: kalends.MailboxGroup})
	people := []smartcalendar.NewPerson{
		{Name: "Maximilian Hofer", Email: "max.hofer@musterwerk.example"},
		{Name: "Lena Frischmuth", Email: "lena.frischmuth@musterwerk.example"},
		{Name: "Vera Vorstand", Email: "vera.vorstand@musterwerk.example"},
		{Name: "Team Vertrieb", Email: "team-vertrieb@musterwerk.example"},
		{Name: "Klaus Altmann", Email: "klaus.altmann@musterwerk.example"},
		{Name: "Donaudampfschifffahrtsgesellschaftskapitän Wolkenstein-Hohenlohe", Email: "donaudampfschifffahrtsgesellschaft@musterwerk.example"},
		{Name: "Ada Zwei", Email: "ADA@musterwerk.example"},
	}
	for i := range 48 {
		people = append(people, h.known(fmt.Sprintf("Berta-%02d", i))...)
	}
	return people
}

func (h *town) booked() {
	monday := time.Now().UTC().Truncate(24 * time.Hour)
	monday = monday.AddDate(0, 0, -(int(monday.Weekday())+6)%7)
	for day, hour := range map[int]int{0: 9, 1: 13, 2: 8, 4: 10} {
		start := monday.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour)
		h.world.Book("berta-00@musterwerk.example", kalends.Event{Start: start, End: start.Add(90 * time.Minute)})
	}
}

func TestEveryPageCanBeUsedByEverybody(t *testing.T) {
	t.Parallel()
	needAssets(t)
	to := newTour(t)
	to.strangers()
	to.settle(to.troubled()...)
	to.booked()
	to.signIn("ada@musterwerk.example")
	to.people()
	to.beforeConnecting()
	to.running()
	to.connected()
	to.broken()
	for _, w := range to.windows {
		for _, complaint := range w.Errors() {
			if !strings.Contains(complaint, "Failed to load resource") { // pages that answer 4xx on purpose
				t.Errorf("%+v: %s", w.o, complaint)
			}
		}
	}
}

// strangers are those who are not signed in.
func (to *tour) strangers() {
	link, err := to.app.FirstLink(to.t.Context())
	must(to.t, err)
	path := strings.TrimPrefix(link, to.appServer.URL)
	to.see("setup", path)
	to.send("setup-wrong", path, "company", "Musterwerk", "name", "Ada", "email", "ada", "password", "kurz")
	to.see("setup-dead", "/setup/dead")
	to.see("sign-in", "/sign-in")
	to.send("sign-in-wrong", "/sign-in", "email", "ada#@musterwerk.example", "password", "falsch")
	to.see("forgot", "/password")
	to.send("forgot-sent", "/password", "email", "ada@musterwerk.example")
	to.see("reset-dead", "/password/dead")
	to.see("help-open", "/help")
	to.see("missing-open", "/nowhere")
	to.see("outbox-empty", "/outbox")
}

func (to *tour) people() {
	to.see("people", "/people")
	to.see("people-second", "/people?page=2")
	to.see("people-none", "/people?q=zzz")
	to.see("invite", "/people/new")
	to.send("invite-wrong", "/people/new", "name", "", "email", "ada@musterwerk.example")
	to.see("import", "/people/import")
	to.send("import-wrong", "/people/import")
	to.see("import-preview", to.imported())
	to.browser.post(to.t, "/people/new", "name", "Nina Neu", "email", "nina@musterwerk.example", "role", "member", "lang", "de")
	to.see("outbox", "/outbox")
	to.browser.post(to.t, "/password", "email", "ada@musterwerk.example")
	to.see("welcome", to.mailed("/welcome/"))
	to.see("reset", to.mailed("/password/"))
	to.see("change", to.person("berta-00@musterwerk.example")+"/change")
	to.browser.post(to.t, to.person("berta-47@musterwerk.example")+"/deactivate")
	to.see("person-inactive", to.person("berta-47@musterwerk.example"))
	to.see("help", "/help")
	to.see("help-exchange", "/help/exchange")
	to.see("help-troubleshooting", "/help/troubleshooting")
	to.see("help-data", "/help/data")
	to.see("missing", "/nowhere")
}

// imported previews a file in which most lines are wrong, and gives the path.
func (to *tour) imported() string {
	file := "Vorname;Nachname;E-Mail;Rolle\nAnna;Beispiel;anna@musterwerk.example;Mitglied\nKarl;Ohne;;\nBodo;Krumm;bodo-musterwerk;\nAnna;Noch;anna@musterwerk.example;\nAda;Admin;ada@musterwerk.example;\nEva;Rolle;eva@musterwerk.example;König\n"
	w := to.windows[0]
	w.Go(to.appServer.URL + "/people/import")
	w.Wait(fmt.Sprintf(`(() => { const d = new DataTransfer(); d.items.add(new File([%q], "p.csv")); document.querySelector("[name=file]").files = d.files; return true })()`, file))
	w.sendForm()
	return strings.TrimPrefix(w.URL(), to.appServer.URL)
}

func (to *tour) beforeConnecting() {
	must(to.t, to.app.SetFeature(to.t.Context(), "Musterwerk", smartcalendar.SmartCalendar, false))
	to.see("off", "/settings/calendar")
	must(to.t, to.app.SetFeature(to.t.Context(), "Musterwerk", smartcalendar.SmartCalendar, true))
	to.see("not-connected", "/settings/calendar")
	to.browser.post(to.t, "/settings/calendar/link")
	to.see("link-for-it", "/settings/calendar")
	to.see("me-not-connected", "/me")
}

func (to *tour) running() {
	gate := to.connectsHeld()
	to.see("running", "/settings/calendar")
	to.see("me-running", "/me")
	gate.Open()
	to.finished()
	to.until("the proposal is read", func() bool { return to.row("max.hofer@musterwerk.example").Facts["mailbox"] != "" })
	to.until("the calendar is read", func() bool {
		return strings.Contains(to.browser.page(to.t, to.person("berta-00@musterwerk.example")), `class="busy"`)
	})
}

func (to *tour) connected() {
	to.see("connected", "/settings/calendar")
	to.see("connected-none-found", "/settings/calendar?q=zzz")
	to.see("people-connected", "/people")
	to.see("people-errors", "/people?status=error")
	to.see("rooms", "/settings/calendar/rooms")
	to.see("disconnect", "/settings/calendar/disconnect")
	to.send("disconnect-wrong", "/settings/calendar/disconnect", "confirm", "Falsch")
	to.see("person", to.person("berta-00@musterwerk.example"))
	to.see("person-checked", to.person("berta-00@musterwerk.example")+"?check=1")
	to.see("person-alias", to.person("max.hofer@musterwerk.example"))
	to.see("person-refused", to.person("vera.vorstand@musterwerk.example")+"?check=1")
	to.see("person-waiting", to.person("lena.frischmuth@musterwerk.example"))
	to.see("me", "/me")
}

// broken is a connection that the provider refuses, then one that is revoked.
func (to *tour) broken() {
	to.world.SetPassword("changed")
	to.until("the refusal is known", func() bool { return to.text("SELECT status FROM sc_calendars") == "degraded" })
	to.see("degraded", "/settings/calendar")
	to.revoke()
	to.see("revoked", "/settings/calendar")
	to.signIn("berta-00@musterwerk.example")
	to.see("forbidden", "/people")
}

// revoke tells what the hub tells when somebody ends the connection there.
func (h *town) revoke() {
	h.t.Helper()
	text := fmt.Sprintf(`{"notification":{"type":"connection_changed","organisation":%q,"connection_id":%q,"status":"disconnected","by":"it@musterwerk.example","cause":{"key":"revoked"}}}`,
		h.text("SELECT organisation_id FROM sc_calendars"), h.text("SELECT id FROM connections"))
	if got := post(h.appServer.URL+smartcalendar.NotifyPath, text, h.secret); got != http.StatusOK {
		h.t.Fatalf("the notification: %d", got)
	}
}
