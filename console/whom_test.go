package console_test

import (
	"strings"
	"testing"

	"kalends/hub/connect"
)

const (
	german  = "de"
	english = "en"
)

// reads opens a page of a connect in a language and compares its sentences.
func reads(t *testing.T, lang, path string, state func(*connect.Connect), want ...string) string {
	t.Helper()
	h := newHub()
	state(&h.connect)
	v := visit(t, h)
	v.get("/enterprise_connect/i/good")
	v.get("/enterprise_connect/connect?lang=" + lang)
	_, body := v.get(path)
	for _, words := range want {
		if !strings.Contains(body, words) {
			t.Errorf("%s, %s: no %q in\n%s", path, lang, words, body)
		}
	}
	return body
}

// Whoever is asked to connect reads for which company, before and after she
// entered her service account.
func TestPagesSayForWhom(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{
		german: "Musterwerk (musterwerk.example, 41 Personen)", english: "Musterwerk (musterwerk.example, 41 people)",
	} {
		reads(t, lang, "/enterprise_connect/connect", func(*connect.Connect) {}, want)
		reads(t, lang, "/enterprise_connect/connect/check", passed, want)
	}
}

func TestErrTheServiceAccountIsOfAnotherCompany(t *testing.T) {
	t.Parallel()
	reads(t, german, "/enterprise_connect/connect/check", ofAnother, "Fremdwerk (fremdwerk.example, alt.example, 41 Personen)",
		"Das Service-Konto gehört zu musterwerk.example. Smart Calendar fragt aber nach Personen von fremdwerk.example, alt.example.")
	reads(t, english, "/enterprise_connect/connect/check", ofAnother,
		"The service account belongs to musterwerk.example, but Smart Calendar asks for people of fremdwerk.example, alt.example.")
	if body := reads(t, english, "/enterprise_connect/connect/check", passed); strings.Contains(body, "another company") {
		t.Error("warned of her own company")
	}
}

func TestErrAnApplicationDoesNotSayForWhom(t *testing.T) {
	t.Parallel()
	reads(t, german, "/enterprise_connect/connect", forNobody, "Smart Calendar sagt nicht, für welches Unternehmen")
	reads(t, english, "/enterprise_connect/connect", forNobody, "Smart Calendar does not say which company")
	many := func(c *connect.Connect) {
		c.Domains = []string{"a.example", "b.example", "c.example", "d.example", "e.example"}
	}
	reads(t, german, "/enterprise_connect/connect", many, "a.example, b.example, c.example und 2 weitere Domänen, 41 Personen")
}
