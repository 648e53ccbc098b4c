package console_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	kalends "kalends"
	"kalends/console"
	"kalends/hub/connect"
	"kalends/ui"
)

// The real hub is one.
var _ console.Hub = (*connect.Service)(nil)

func TestTextsAreCompleteAndUsed(t *testing.T) {
	t.Parallel()
	problems, err := ui.TextProblems(os.DirFS("."), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

// visitor is a browser without scripts that does not follow redirects.
type visitor struct {
	t    *testing.T
	base string
	http *http.Client
}

func visit(t *testing.T, h *hub) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{t: t, base: h.serve(t).URL, http: &http.Client{Jar: jar, CheckRedirect: stay}}
}

// exchangeAt is a visitor whose connect to Exchange has come to a state.
func exchangeAt(t *testing.T, state func(*connect.Connect)) *visitor {
	t.Helper()
	h := newHub()
	h.connect.Provider, h.connect.Form = kalends.Exchange, exchangeForm()
	state(&h.connect)
	v := visit(t, h)
	v.get("/enterprise_connect/i/good")
	return v
}

func (v *visitor) get(path string) (*http.Response, string) {
	v.t.Helper()
	return v.read(v.http.Get(v.base + path))
}

func (v *visitor) post(path string, pairs ...string) (*http.Response, string) {
	v.t.Helper()
	form := url.Values{"connect": {"0123456789abcdef"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return v.read(v.http.PostForm(v.base+path, form))
}

func (v *visitor) read(answer *http.Response, err error) (*http.Response, string) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer, string(body)
}

func TestAnUnknownClientIsNeverRedirected(t *testing.T) {
	t.Parallel()
	v := visit(t, newHub())
	answer, body := v.get("/enterprise_connect/oauth/authorize?client_id=other&redirect_uri=https://evil.example/")
	if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
		t.Errorf("got %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if !strings.Contains(body, "We do not know this request") || strings.Contains(body, `"https://evil.example`) {
		t.Errorf("the page reads:\n%s", body)
	}
}

func TestWhatElseIsWrongIsToldToTheApplication(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.redirect = "https://app.example/back?error=invalid_scope"
	answer, _ := visit(t, h).get("/enterprise_connect/oauth/authorize?client_id=known")
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != h.redirect {
		t.Errorf("got %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
}

func TestTheHandleStaysInASafeCookie(t *testing.T) {
	t.Parallel()
	answer, _ := visit(t, newHub()).get("/enterprise_connect/i/good")
	cookie := answer.Cookies()[0]
	if cookie.Name != "kalends_connect" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/enterprise_connect" {
		t.Errorf("the cookie is %v", cookie)
	}
}

func TestAUsedLinkSaysSo(t *testing.T) {
	t.Parallel()
	answer, body := visit(t, newHub()).get("/enterprise_connect/i/used")
	if answer.StatusCode != http.StatusGone || !strings.Contains(body, "no longer valid") {
		t.Errorf("got %d:\n%s", answer.StatusCode, body)
	}
}

func TestPagesWithoutAConnectSayHowToBegin(t *testing.T) {
	t.Parallel()
	v := visit(t, newHub())
	for _, path := range []string{"/connect", "/connect/form", "/connect/check", "/connect/live", "/connect/preview.csv"} {
		if answer, _ := v.get("/enterprise_connect" + path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
}

// Two tabs, two applications: the yes of the first must not count for the second.
func TestAYesCountsOnlyForItsOwnPage(t *testing.T) {
	t.Parallel()
	h := newHub()
	passed(&h.connect)
	v := visit(t, h)
	v.get("/enterprise_connect/i/good")
	for _, path := range []string{"/connect", "/connect/form", "/connect/again", "/connect/finish", "/connect/decline", "/connect/mapping"} {
		if answer, _ := v.post("/enterprise_connect"+path, "connect", "another"); answer.StatusCode != http.StatusConflict {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
	if h.finished+h.declined > 0 {
		t.Error("something happened all the same")
	}
}

func TestSecretsAreNeverSentBack(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.onCheck = notPermitted
	v := visit(t, h)
	v.get("/enterprise_connect/i/good")
	v.post("/enterprise_connect/connect", "provider", "exchange")
	v.post("/enterprise_connect/connect/form", "username", "svc", "password", "top-secret", "test_email", "a@b.example")
	if h.entered["password"] != "top-secret" {
		t.Fatal("the hub did not get the password")
	}
	h.wrong = &connect.InvalidError{Fields: []connect.FieldError{{Field: "test_email", Key: "errors.invalid"}}}
	_, again := v.post("/enterprise_connect/connect/form", "username", "svc", "password", "top-secret", "test_email", "x")
	_, form := v.get("/enterprise_connect/connect/form")
	_, check := v.get("/enterprise_connect/connect/check")
	for name, body := range map[string]string{"the form with errors": again, "the form": form, "the check": check} {
		if strings.Contains(body, "top-secret") {
			t.Errorf("%s holds the password", name)
		}
	}
	if !strings.Contains(again, "Check the spelling") {
		t.Errorf("the form does not say what is wrong:\n%s", again)
	}
}

// A browser never fills in a file: whoever corrects the password has not taken
// the certificate back.
func TestAnUploadedCertificateIsKept(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.onCheck = notPermitted
	h.connect.Provider, h.connect.Form = kalends.Exchange, exchangeForm()
	h.connect.Values = map[string]string{"username": "svc", "test_email": "a@b.example", "ca": "the certificate"}
	v := visit(t, h)
	v.get("/enterprise_connect/i/good")
	v.post("/enterprise_connect/connect/form", "username", "svc", "password", "right now", "test_email", "a@b.example", "ca", "")
	if got := h.entered["ca"]; got != "the certificate" {
		t.Errorf("without a new file the certificate is %q", got)
	}
	v.post("/enterprise_connect/connect/form", "username", "svc", "password", "right now", "test_email", "a@b.example", "ca", "another")
	if got := h.entered["ca"]; got != "another" {
		t.Errorf("with a new file the certificate is %q", got)
	}
}

// Another address would not help against an authority that is not known.
func TestAnUnknownAuthorityAsksForItsCertificate(t *testing.T) {
	t.Parallel()
	v := exchangeAt(t, distrusted)
	_, check := v.get("/enterprise_connect/connect/check")
	_, form := v.get("/enterprise_connect/connect/form")
	for name, body := range map[string]string{"the check": check, "the form": form} {
		if !strings.Contains(body, `name="ca"`) || strings.Contains(body, `name="url"`) {
			t.Errorf("%s asks for the wrong thing:\n%s", name, body)
		}
	}
}

// Where rooms cannot be listed, the form shows the field that names them.
func TestRoomsAreNamedWhereTheyCannotBeListed(t *testing.T) {
	t.Parallel()
	for cause, open := range map[kalends.CauseKey]bool{kalends.CauseRoomsUnavailable: true, kalends.CauseThrottled: false} {
		h := newHub()
		h.connect.Provider, h.connect.Form, h.connect.Check = kalends.Exchange, exchangeForm(), connect.CheckOK
		h.connect.Steps = []kalends.Step{{Key: kalends.StepRooms, Status: kalends.StepWarning, Cause: kalends.NewCause(cause)}}
		h.connect.Values = map[string]string{"username": "svc", "test_email": "a@b.example", "rooms": "one@b.example\ntwo@b.example"}
		h.onCheck = func(*connect.Connect) {}
		v := visit(t, h)
		v.get("/enterprise_connect/i/good")
		_, form := v.get("/enterprise_connect/connect/form")
		if !roomsField.MatchString(form) || openFold.MatchString(form) != open {
			t.Errorf("%s:\n%s", cause, form)
		}
		v.post("/enterprise_connect/connect/form", "username", "svc", "password", "x", "test_email", "a@b.example", "rooms", "one@b.example\r\ntwo@b.example")
		if !slices.Equal(strings.Fields(h.entered["rooms"]), []string{"one@b.example", "two@b.example"}) {
			t.Errorf("entered %q", h.entered["rooms"])
		}
	}
}

var (
	roomsField = regexp.MustCompile(`<textarea[^>]* name="rooms"[^>]*>one@b\.example\ntwo@b\.example</textarea>`)
	openFold   = regexp.MustCompile(`<details[^>]* open`)
)

// What only an administrator can decide is one button, beside the same once more.
func TestACertificateOrOldTLSIsAcceptedByAButton(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state        func(*connect.Connect)
		field, value string
	}{"a certificate": {unnamed, "pin", fingerprint}, "old TLS": {outdated, "legacy_tls", "on"}} {
		h := newHub()
		h.connect.Provider, h.connect.Form = kalends.Exchange, exchangeForm()
		h.connect.Values = map[string]string{"username": "svc", "test_email": "a@b.example", "ca": "the certificate"}
		c.state(&h.connect)
		h.onCheck = c.state
		v := visit(t, h)
		v.get("/enterprise_connect/i/good")
		_, page := v.get("/enterprise_connect/connect/check")
		if !strings.Contains(page, `name="`+c.field+`" value="`+c.value+`"`) || !strings.Contains(page, "/enterprise_connect/connect/again") {
			t.Errorf("%s: no button:\n%s", name, page)
		}
		v.post("/enterprise_connect/connect/form", "username", "svc", "test_email", "a@b.example", "ca", "the certificate", c.field, c.value)
		if h.entered[c.field] != c.value || h.entered["ca"] != "the certificate" {
			t.Errorf("%s: entered %v", name, h.entered)
		}
		if _, form := v.get("/enterprise_connect/connect/form"); strings.Contains(form, `name="url"`) || !strings.Contains(form, `name="legacy_tls"`) {
			t.Errorf("%s: the form asks for the wrong thing", name)
		}
	}
}

func TestTheCheckPageReloadsOnlyWhileSomethingRuns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state func(*connect.Connect)
		want  bool
	}{"running": {running, true}, "failed": {notPermitted, false}, "passed": {passed, false}} {
		v := exchangeAt(t, c.state)
		_, body := v.get("/enterprise_connect/connect/check")
		if got := strings.Contains(body, `http-equiv="refresh"`); got != c.want {
			t.Errorf("%s: reloads %v", name, got)
		}
		_, fragment := v.get("/enterprise_connect/connect/live")
		if got := strings.Contains(fragment, "hx-trigger"); got != c.want || strings.Contains(fragment, "<html") {
			t.Errorf("%s: the fragment polls %v", name, got)
		}
	}
}

func TestARefusedPasswordDoesNotAskForTheServer(t *testing.T) {
	t.Parallel()
	v := exchangeAt(t, refused)
	for _, path := range []string{"/check", "/form"} {
		if _, page := v.get("/enterprise_connect/connect" + path); strings.Contains(page, `name="url"`) {
			t.Errorf("%s asks for the server, which was found", path)
		}
	}
}

func TestLinesStandInTheFormsOrder(t *testing.T) {
	t.Parallel()
	v := exchangeAt(t, notPermitted)
	_, body := v.get("/enterprise_connect/connect/live")
	if strings.Index(body, "Read the directory") > strings.Index(body, "Act for a mailbox") {
		t.Error("a line that did not run stands behind one that the form has after it")
	}
}

func TestThePreviewIsATableForSpreadsheets(t *testing.T) {
	t.Parallel()
	h := newHub()
	passed(&h.connect)
	h.connect.Preview.Items = append(h.connect.Preview.Items, connect.PreviewItem{Email: "=cmd@evil.example", Status: kalends.AccountError})
	v := visit(t, h)
	v.get("/enterprise_connect/i/good")
	answer, body := v.get("/enterprise_connect/connect/preview.csv")
	if lines := strings.Count(body, "\n"); lines != 43 || !strings.Contains(body, "\n'=cmd@evil.example,") {
		t.Errorf("%d lines:\n%s", lines, body)
	}
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/csv") {
		t.Errorf("type %q", answer.Header.Get("Content-Type"))
	}
}

func TestEveryWrongSignInReadsTheSame(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, refused := range []error{
		kalends.Errorf(kalends.KindUnauthorized, "no such company"),
		&kalends.Error{Kind: kalends.KindUnauthorized, Cause: kalends.NewCause(kalends.CauseCredentialsExpired)},
	} {
		h := newHub()
		h.refused = refused
		answer, body := visit(t, h).post("/enterprise_connect", "provider", "exchange", "username", "svc", "password", "top-secret")
		if answer.StatusCode != http.StatusForbidden || strings.Contains(body, "top-secret") {
			t.Errorf("got %d", answer.StatusCode)
		}
		pages = append(pages, body)
	}
	if pages[0] != pages[1] {
		t.Error("a wrong password reads differently from an unknown company")
	}
}

func TestTooManySignInsSayUntilWhen(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.refused = &kalends.Error{Kind: kalends.KindUnauthorized, Cause: kalends.NewCause(kalends.CauseTooManyTries, "until", "2026-11-23T10:00:00Z")}
	_, body := visit(t, h).post("/enterprise_connect", "provider", "exchange")
	if !strings.Contains(body, "11:00") {
		t.Errorf("the time is missing:\n%s", body)
	}
}

func TestOpeningAnOperatorsLinkDoesNotUseIt(t *testing.T) {
	t.Parallel()
	h := newHub()
	v := visit(t, h)
	v.get("/enterprise_connect/link/good")
	if h.signedIn {
		t.Fatal("a mail scanner used the link")
	}
	answer, _ := v.post("/enterprise_connect/link/good")
	if answer.Header.Get("Location") != "/enterprise_connect" || !h.signedIn {
		t.Errorf("got %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if again, _ := v.post("/enterprise_connect/link/good"); again.StatusCode != http.StatusGone {
		t.Errorf("the second time: %d", again.StatusCode)
	}
}

func TestOnlySignedInAdministratorsSeeConnections(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.list = connections()
	v := visit(t, h)
	for _, path := range []string{"/connections/con_1", "/connections/con_1/revoke"} {
		answer, body := v.get("/enterprise_connect" + path)
		if answer.StatusCode != http.StatusSeeOther || strings.Contains(body, "musterwerk") {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
	v.post("/enterprise_connect/connections/con_1/revoke", "confirm", "musterwerk.example")
	if h.ended != "" {
		t.Error("a stranger ended a connection")
	}
}

func TestAConnectionOfSomebodyElseIsNotFound(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.list = connections()
	v := visit(t, h)
	v.post("/enterprise_connect/link/good")
	if answer, _ := v.get("/enterprise_connect/connections/con_9"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("got %d", answer.StatusCode)
	}
}

func TestErrorsOfOurOwnSayNothingInside(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.begun = fmt.Errorf("sql: secret table")
	answer, body := visit(t, h).get("/enterprise_connect/i/good")
	if answer.StatusCode != http.StatusInternalServerError || strings.Contains(body, "secret table") || !strings.Contains(body, answer.Header.Get("X-Request-Id")) {
		t.Errorf("got %d:\n%s", answer.StatusCode, body)
	}
}

func TestNoPageHasScriptsOrStylesInside(t *testing.T) {
	t.Parallel()
	for _, scene := range scenes() {
		h := newHub()
		scene.state(h)
		signedIn := h.signedIn
		v := visit(t, h)
		v.get("/enterprise_connect/i/good")
		if signedIn {
			h.signedIn = false
			v.post("/enterprise_connect/link/good")
		}
		_, body := v.get(scene.path)
		for _, inline := range []string{" style=", "<style", " onclick=", "javascript:"} {
			if strings.Contains(body, inline) {
				t.Errorf("%s has %q", scene.name, inline)
			}
		}
	}
}

func TestALongPreviewSaysWhereTheRestIs(t *testing.T) {
	t.Parallel()
	h := newHub()
	passed(&h.connect)
	h.connect.Preview.Items = nil
	for i := range 1000 {
		h.connect.Preview.Items = append(h.connect.Preview.Items, connect.PreviewItem{
			Email: fmt.Sprintf("nobody%04d@musterwerk.example", i), Status: kalends.AccountError, Cause: kalends.NewCause(kalends.CauseAccountNotFound),
		})
	}
	v := visit(t, h)
	v.get("/enterprise_connect/i/good")
	for path, want := range map[string]int{"/connect/check": 200, "/connect/check?all=exact": 200, "/connect/check?all=not_found": 1000} {
		answer, body := v.get("/enterprise_connect" + path)
		if got := strings.Count(body, `class="match-email"`); answer.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d, %d addresses, want %d", path, answer.StatusCode, got, want)
		}
		if said := strings.Contains(body, "200 of 1,000 addresses shown."); said != (want < 1000) {
			t.Errorf("%s says where the rest is: %t", path, said)
		}
		if open := strings.Contains(body, `id="match-not_found" open`); open != (want == 1000) {
			t.Errorf("%s: the list is open: %t", path, open)
		}
	}
}

// During the pause the same values only wait: other ones are what helps.
func TestWhoeverTriedTooOftenChangesTheEntriesFirst(t *testing.T) {
	t.Parallel()
	v := exchangeAt(t, tooMany)
	_, body := v.get("/enterprise_connect/connect/check")
	if !strings.Contains(body, `class="button primary" href="/enterprise_connect/connect/form"`) {
		t.Error("changing the entries is not what the page offers first")
	}
}
