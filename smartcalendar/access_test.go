package smartcalendar_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"kalends/smartcalendar"
)

// listedRoute is a line of routes.go, so that a new route is tried too.
type listedRoute struct{ method, path, who string }

func listedRoutes(t *testing.T) []listedRoute {
	t.Helper()
	source, err := os.ReadFile("routes.go")
	must(t, err)
	text := strings.ReplaceAll(string(source), `" + RedirectPath`, smartcalendar.RedirectPath+`"`)
	var list []listedRoute
	for _, found := range regexp.MustCompile(`\{"(GET|POST) ([^"]+)", (open|member|administrator), `).FindAllStringSubmatch(text, -1) {
		list = append(list, listedRoute{found[1], strings.ReplaceAll(found[2], "{$}", ""), found[3]})
	}
	if len(list) < 40 || len(list) != strings.Count(text, ", (*page).") {
		t.Fatalf("read %d of %d routes", len(list), strings.Count(text, ", (*page)."))
	}
	return list
}

func filled(path string) string {
	for from, to := range map[string]string{"{id}": "x", "{act}": "exclude", "{token}": "x", "{topic}": "exchange"} {
		path = strings.ReplaceAll(path, from, to)
	}
	return path
}

func (v *visitor) ask(t *testing.T, r listedRoute, header ...string) answer {
	t.Helper()
	return v.send(t, r.method, filled(r.path), nil, header...)
}

func TestEveryRouteRefusesWhoMayNot(t *testing.T) {
	t.Parallel()
	h := newTown(t)
	h.settle(h.known("Mia")...)
	mia := newVisitor(t, h.appServer.URL)
	for _, r := range listedRoutes(t) {
		if r.path == "/sign-out" {
			continue
		}
		stranger := newVisitor(t, h.appServer.URL).ask(t, r)
		toSignIn := stranger.status == http.StatusSeeOther && strings.HasPrefix(stranger.to, "/sign-in")
		if toSignIn != (r.who != "open") {
			t.Errorf("a stranger at %s %s: %d to %q", r.method, r.path, stranger.status, stranger.to)
		}
		mia.signIn(t, "mia@musterwerk.example")
		if got := mia.ask(t, r); (got.status == http.StatusForbidden) != (r.who == "administrator") || got.status >= 500 {
			t.Errorf("a member at %s %s: %d", r.method, r.path, got.status)
		}
		if got := h.browser.ask(t, r); got.status == http.StatusForbidden || got.status >= 500 {
			t.Errorf("an administrator at %s %s: %d", r.method, r.path, got.status)
		}
	}
}

func TestErrFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	h := newTown(t).settle()
	for _, r := range listedRoutes(t) {
		if r.method != http.MethodPost {
			continue
		}
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://andere.example"}} {
			if got := h.browser.ask(t, r, header...); got.status != http.StatusForbidden {
				t.Errorf("%s with %v: %d", r.path, header, got.status)
			}
		}
	}
	if got := h.browser.get(t, "/me"); got.status != http.StatusOK {
		t.Errorf("another site signed her out: %d", got.status)
	}
}

// What one company has does not exist for another.
func TestCompaniesAreKeptApart(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle(newPeople("Fehlt")...)
		h.connect()
		h.finished()
		h.browser.uploads(t, "E-Mail\nneu@musterwerk.example\n")
		other, err := h.app.CreateCompany(t.Context(), "Andere", "andere.example", []smartcalendar.Feature{smartcalendar.SmartCalendar})
		must(t, err)
		_, err = h.app.AddPeople(t.Context(), other, []smartcalendar.NewPerson{{Name: "Fremd", Email: "fremd@andere.example", Role: smartcalendar.RoleAdministrator, Password: password}})
		must(t, err)
		fremd := newVisitor(t, h.appServer.URL)
		fremd.signIn(t, "fremd@andere.example")
		person, imported := h.personID("fehlt@musterwerk.example"), h.text("SELECT id FROM sc_imports")
		link := h.text("SELECT id FROM sc_links WHERE email_key = 'fehlt@musterwerk.example'")
		before := h.fingerprint()
		for _, r := range listedRoutes(t) {
			if !strings.Contains(r.path, "{id}") || strings.HasPrefix(r.path, "/outbox") {
				continue
			}
			id := person
			if strings.HasPrefix(r.path, "/import") {
				id = imported
			}
			acts := []string{"x"}
			if strings.Contains(r.path, "{act}") {
				acts = []string{"deactivate", "reactivate", "exclude", "include", "invite"}
			}
			for _, act := range acts {
				path := strings.NewReplacer("{id}", id, "{act}", act).Replace(r.path)
				if got := fremd.send(t, r.method, path, nil); got.status != http.StatusNotFound || strings.Contains(got.body, "Fehlt") {
					t.Errorf("%s %s: %d", r.method, path, got.status)
				}
			}
		}
		for _, path := range []string{"retry", "accept"} {
			fremd.post(t, "/settings/calendar/"+path, "link", link)
		}
		for _, path := range []string{"/people", "/people?q=musterwerk", "/settings/calendar", "/settings/calendar/errors.csv", "/settings/calendar/rooms"} {
			if got := fremd.get(t, path); strings.Contains(got.body, "fehlt@") || strings.Contains(got.body, "ada@") {
				t.Errorf("%s shows the other company", path)
			}
		}
		if after := h.fingerprint(); after != before {
			t.Errorf("something of the other company changed: %s, then %s", before, after)
		}
	})
}

// fingerprint is the state of Musterwerk as far as others could touch it.
func (h *town) fingerprint() string {
	h.t.Helper()
	text := h.text("SELECT status FROM sc_calendars WHERE company_id = $1", h.company)
	for _, email := range []string{"ada@musterwerk.example", "fehlt@musterwerk.example"} {
		r := h.row(email)
		text += " " + r.Status + r.Cause + r.Token
	}
	return text + " " + strings.Repeat("r", h.count("sc_runs WHERE company_id = $1", h.company)) +
		strings.Repeat("h", h.count("sc_history WHERE company_id = $1", h.company))
}
