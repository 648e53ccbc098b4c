package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	kalends "kalends"
	"kalends/hub/connect"
)

// leadsOutside is a check that met a server of somebody else.
func leadsOutside(c *connect.Connect) {
	c.Check = connect.CheckFailed
	c.Cause = kalends.NewCause(kalends.CauseServerNotConfirmed, "host", "mail.hoster.example", "domain", "musterwerk.example")
	c.Steps = []kalends.Step{{Key: kalends.StepAutodiscover, Status: kalends.StepFailed, Cause: c.Cause, Attempts: []kalends.Attempt{
		{What: "https://musterwerk.example/autodiscover/autodiscover.xml", Method: "pox", Result: "not_autodiscover", Status: 200},
		{What: "https://autodiscover.musterwerk.example/autodiscover/autodiscover.svc", Method: "soap", Result: "no_answer"},
		{What: "http://autodiscover.musterwerk.example/autodiscover/autodiscover.xml", Method: "redirect", Result: "redirect", Target: "https://x.musterwerk.example/<b>", Status: 302},
		{What: "_autodiscover._tcp.musterwerk.example", Method: "srv", Result: "unconfirmed", Target: "mail.hoster.example"},
	}}}
}

func TestAttemptsAreShownAsLines(t *testing.T) {
	t.Parallel()
	v := exchangeAt(t, leadsOutside)
	_, page := v.get("/enterprise_connect/connect/check")
	for _, line := range []string{
		`<code>https://musterwerk.example/autodiscover/autodiscover.xml</code><span class="muted">Autodiscover (XML) · answers, but not as Autodiscover · HTTP 200</span>`,
		`<code>https://autodiscover.musterwerk.example/autodiscover/autodiscover.svc</code><span class="muted">Autodiscover (SOAP) · does not answer</span>`,
		`<span class="muted">Redirect, without sign-in · leads on to https://x.musterwerk.example/&lt;b&gt; · HTTP 302</span>`,
		`<code>_autodiscover._tcp.musterwerk.example</code><span class="muted">DNS entry (SRV) · leads to mail.hoster.example, outside the domain: not followed</span>`,
		"Autodiscover leads to mail.hoster.example, which does not belong to musterwerk.example.",
		"See 4 attempts", "Trust this server",
	} {
		if !strings.Contains(page, line) {
			t.Errorf("the page lacks %s", line)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

var trustForm = regexp.MustCompile(`(?s)<form[^>]*action="/enterprise_connect/connect/form".*?</form>`)

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// The button sends what was entered once more, without the password, with the
// host added to those that were confirmed before.
func TestTrustingAServerAddsIt(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.connect.Provider, h.connect.Form = kalends.Exchange, exchangeForm()
	h.connect.Values = map[string]string{"username": "svc", "test_email": "a@musterwerk.example", "trusted_hosts": "autodiscover.hoster.example"}
	leadsOutside(&h.connect)
	h.onCheck = running
	v := visit(t, h)
	v.get("/enterprise_connect/i/good")
	_, page := v.get("/enterprise_connect/connect/check")
	var pairs []string
	for _, field := range hiddenField.FindAllStringSubmatch(trustForm.FindString(page), -1) {
		pairs = append(pairs, field[1], field[2])
	}
	answer, _ := v.post("/enterprise_connect/connect/form", pairs...)
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("got %d with %v", answer.StatusCode, pairs)
	}
	if h.entered["trusted_hosts"] != "autodiscover.hoster.example mail.hoster.example" || h.entered["username"] != "svc" || h.entered["password"] != "" {
		t.Errorf("entered %v", h.entered)
	}
}

// What was confirmed travels with the form when something else is changed.
func TestConfirmedServersTravelWithTheForm(t *testing.T) {
	t.Parallel()
	h := newHub()
	h.connect.Provider, h.connect.Form = kalends.Exchange, exchangeForm()
	h.connect.Values = map[string]string{"trusted_hosts": "mail.hoster.example"}
	v := visit(t, h)
	v.get("/enterprise_connect/i/good")
	_, page := v.get("/enterprise_connect/connect/form")
	if !strings.Contains(page, `<input type="hidden" name="trusted_hosts" value="mail.hoster.example"`) || strings.Contains(page, url.QueryEscape("form.exchange.trusted_hosts")) {
		t.Errorf("the form reads\n%s", page)
	}
}
