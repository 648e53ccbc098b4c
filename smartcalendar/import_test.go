package smartcalendar_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"kalends/smartcalendar"
)

// uploads gives a file to the import and returns where that leads.
func (v *visitor) uploads(t *testing.T, file string) answer {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "leute.csv")
	must(t, err)
	_, err = part.Write([]byte(file))
	must(t, err)
	must(t, form.Close())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.base+"/people/import", &body)
	must(t, err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	got, err := v.client.Do(r)
	must(t, err)
	defer func() { _ = got.Body.Close() }()
	var page bytes.Buffer
	_, err = page.ReadFrom(got.Body)
	must(t, err)
	return answer{status: got.StatusCode, to: got.Header.Get("Location"), body: page.String()}
}

func TestAnImportIsLookedAtConfirmedAndCheckedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle()
		windows, err := charmap.Windows1252.NewEncoder().String("Vorname;Nachname;E-Mail;Rolle\r\nJürgen;Größe;juergen@musterwerk.example;Administratorin\r\n" +
			"Ada;Noch mal;ADA@musterwerk.example;\r\nOhne;Adresse;;\r\nKein;At;kein-at;\r\nZwei;Mal;Juergen@Musterwerk.example;Mitglied\r\nX;Y;x@musterwerk.example;König\r\nSpät;Er;spaeter@musterwerk.example;\r\n")
		must(t, err)
		a := h.browser.uploads(t, windows)
		if a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, "/import/imp_") {
			t.Fatalf("%d to %q\n%s", a.status, a.to, a.body)
		}
		says(t, h.browser.page(t, a.to), "Jürgen Größe", "Ada Admin", "kein-at")
		if n := h.count("sc_people"); n != 1 {
			t.Errorf("%d people before it was confirmed", n)
		}
		h.add(smartcalendar.NewPerson{Name: "War schneller", Email: "spaeter@musterwerk.example"})
		if got := h.browser.post(t, a.to, "invite", "1"); got.to != "/people" {
			t.Fatalf("confirm: %d to %q\n%s", got.status, got.to, got.body)
		}
		if n := h.count("sc_people"); n != 3 {
			t.Errorf("%d people", n)
		}
		if role := h.text("SELECT role FROM sc_people WHERE email = 'juergen@musterwerk.example'"); role != "administrator" {
			t.Errorf("role %q", role)
		}
		if n := h.count("sc_mails WHERE recipient = 'juergen@musterwerk.example'"); n != 1 {
			t.Errorf("%d invitations", n)
		}
		if got := h.browser.post(t, a.to); got.status != http.StatusNotFound {
			t.Errorf("confirmed twice: %d", got.status)
		}
	})
}

func TestErrFilesThatAreNoLists(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle()
		for name, file := range map[string]string{
			"empty": "", "only a header": "Name;E-Mail\n", "no addresses": "Name;Ort\nAda;Köln\n", "binary": "PK\x03\x04\x00\x00",
			"too many rows": "E-Mail\n" + strings.Repeat("a@b.example\n", 20001),
			"too large":     "E-Mail;Name\n" + strings.Repeat("a@musterwerk.example;"+strings.Repeat("x", 1000)+"\n", 2100),
		} {
			a := h.browser.uploads(t, file)
			if a.status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d to %q", name, a.status, a.to)
			}
		}
		if n := h.count("sc_imports"); n != 0 {
			t.Errorf("%d previews", n)
		}
	})
}

// Names that spreadsheets would run stay text.
func TestTheExportRunsNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle(smartcalendar.NewPerson{Name: `=HYPERLINK("http://x","y")`, Email: "fehlt@musterwerk.example"},
			smartcalendar.NewPerson{Name: "+49 221", Email: "fehlt2@musterwerk.example"},
			smartcalendar.NewPerson{Name: "  @SUM(A1)", Email: "fehlt3@musterwerk.example"})
		h.connect()
		h.finished()
		a := h.browser.get(t, "/settings/calendar/errors.csv")
		if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") || !strings.Contains(a.header.Get("Content-Disposition"), "attachment") {
			t.Fatalf("%d %v", a.status, a.header)
		}
		says(t, a.body, "'=HYPERLINK", "'+49 221", "'@SUM", "fehlt@musterwerk.example")
		for _, line := range strings.Split(a.body, "\n") {
			for _, cell := range strings.FieldsFunc(line, func(r rune) bool { return r == ';' || r == ',' }) {
				if cell = strings.TrimLeft(cell, `" `); cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
					t.Errorf("a cell that runs: %q", cell)
				}
			}
		}
	})
}
