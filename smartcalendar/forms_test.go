package smartcalendar_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"kalends/provider/memory"
	"kalends/smartcalendar"
)

// wrongFields names the fields that a page marks as wrong, each with its sentence.
func wrongFields(t *testing.T, body string) (names []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`<(?:input|select|textarea) id="f-([\w-]+)"[^>]*aria-invalid="true"[^>]*>`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(m[0], "f-"+m[1]+"-error") || !strings.Contains(body, `id="f-`+m[1]+`-error"`) {
			t.Errorf("the field %s does not lead to its sentence: %s", m[1], m[0])
		}
		names = append(names, m[1])
	}
	if got := strings.Count(body, " autofocus"); got != 1 || !strings.Contains(body, `id="f-`+names[0]+`"`) {
		t.Errorf("%d fields ask for the focus", got)
	}
	return names
}

func TestErrFormsNameEveryWrongField(t *testing.T) {
	t.Parallel()
	h := newTown(t)
	link, err := h.app.FirstLink(t.Context())
	must(t, err)
	setup := strings.TrimPrefix(link, h.appServer.URL)
	stranger := newVisitor(t, h.appServer.URL)
	h.settle()
	for _, one := range []struct {
		who    *visitor
		path   string
		values []string
		want   string
	}{
		{stranger, setup, []string{"company", " ", "name", "", "email", "ada", "password", "kurz"}, "[company name email password]"},
		{stranger, "/sign-in", nil, "[email password]"},
		{stranger, "/sign-in", []string{"email", "ada@musterwerk.example"}, "[password]"},
		{stranger, "/password", []string{"email", "ada"}, "[email]"},
		{h.browser, "/people/new", []string{"name", "", "email", "neu", "role", "member"}, "[name email]"},
		{h.browser, "/people/new", []string{"name", "", "email", "ada@musterwerk.example", "role", "member"}, "[name email]"},
		{h.browser, h.person("ada@musterwerk.example") + "/change", []string{"name", "", "email", "neu", "role", "administrator"}, "[name email]"},
	} {
		got := one.who.post(t, one.path, one.values...)
		if got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", one.path, got.status)
			continue
		}
		if names := fmt.Sprint(wrongFields(t, got.body)); names != one.want {
			t.Errorf("%s names %s, want %s", one.path, names, one.want)
		}
	}
}

// Whoever presses the button with nothing entered has not guessed a password.
func TestAnEmptySignInIsNoTry(t *testing.T) {
	t.Parallel()
	h := newTown(t).settle()
	guest := newVisitor(t, h.appServer.URL)
	for range 9 {
		guest.tries(t, "ada@musterwerk.example", "")
	}
	guest.signIn(t, "ada@musterwerk.example")
}

func TestAGroupOfErrorsSaysTheFixOnce(t *testing.T) {
	t.Parallel()
	h := newTown(t)
	var people []smartcalendar.NewPerson
	for i := range 60 {
		people = append(people, smartcalendar.NewPerson{Name: fmt.Sprintf("Unbekannt %02d", i), Email: fmt.Sprintf("nobody%02d@musterwerk.example", i)})
	}
	h.world.Add(memory.Person{Email: "vera@musterwerk.example", Name: "Vera", State: memory.NotPermitted})
	h.settle(append(people, smartcalendar.NewPerson{Name: "Vera", Email: "vera@musterwerk.example"})...)
	h.connect()
	h.finished()
	body := h.browser.page(t, "/settings/calendar")
	for sentence, want := range map[string]int{
		"Correct the address":                       1,
		"@musterwerk.example is not known":          50,
		`aria-label="Try again: Unbekannt`:          50,
		"50 of 60 shown.":                           1,
		`href="/people?cause=account_not_found"`:    1,
		`href="/settings/calendar/errors.csv?"`:     1,
		`class="group-title">Address not`:           1,
		"nobody07@musterwerk.example</span></span>": 1,
	} {
		if got := strings.Count(body, sentence); got != want {
			t.Errorf("%q stands there %d times, want %d", sentence, got, want)
		}
	}
}

func TestTheLinkForITGoesWhenTheCalendarIsConnected(t *testing.T) {
	t.Parallel()
	h := newTown(t).settle()
	h.browser.post(t, "/settings/calendar/link")
	if body := h.browser.page(t, "/settings/calendar"); strings.Count(body, "/enterprise_connect/i/") == 0 {
		t.Fatal("the link is not shown")
	}
	h.connect()
	if body := h.browser.page(t, "/settings/calendar"); strings.Contains(body, "/enterprise_connect/i/") {
		t.Error("the link stays after somebody connected in the browser")
	}
	h.browser.post(t, "/settings/calendar/link")
	if body := h.browser.page(t, "/settings/calendar"); !strings.Contains(body, "/enterprise_connect/i/") {
		t.Error("a link for renewing the connection is not shown")
	}
}
