package mail_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"kalends/mail"
	"kalends/mail/mailtest"
)

func server(s *mailtest.Server) mail.Server {
	return mail.Server{
		Host: s.Host, Port: s.Port, TLS: s.TLS, From: "Smart Calendar <kalends@musterwerk.example>", Timeout: 5 * time.Second,
	}
}

func letter(t *testing.T) mail.Message {
	t.Helper()
	m, err := mail.Compose(mail.Letter{
		Lang: "de", To: "jürgen@musterwerk.example", ToName: "Jürgen Größe", Subject: "Ihre Einladung für Übermorgen",
		Greeting: "Guten Tag Jürgen <b>Größe</b>,", Paragraphs: []string{"Schöne Grüße.", ".", "Zeile mit = und €"},
		Button: mail.Button{Label: "Annehmen", URL: "https://kalends.musterwerk.example/welcome/AbC?x=1&y=2"}, Sign: "Musterwerk",
	})
	if err != nil {
		t.Fatal(err)
	}
	m.To = "juergen@musterwerk.example"
	return m
}

func TestMailTravelsEncryptedWithAPassword(t *testing.T) {
	t.Parallel()
	for name, implicit := range map[string]bool{"starttls": false, "implicit": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.Start(t, mailtest.Options{Implicit: implicit, User: "kalends", Password: "geheim"})
			way := server(s)
			way.Implicit, way.User, way.Password = implicit, "kalends", "geheim"
			if err := way.Send(t.Context(), letter(t)); err != nil {
				t.Fatal(err)
			}
			got := s.Received()
			if len(got) != 1 || !got[0].TLS || got[0].User != "kalends" || got[0].To[0] != "juergen@musterwerk.example" || got[0].From != "kalends@musterwerk.example" {
				t.Fatalf("received %+v", got)
			}
		})
	}
}

// A name is written by people: quotes in it neither stop the mail nor lead it
// anywhere else.
func TestNamesWithQuotesArrive(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`Anna "Anni" Beispiel`, `Anna \`, `Anna" <other@elsewhere.example>`, `a, b <other@elsewhere.example>`} {
		s := mailtest.Start(t, mailtest.Options{})
		m := letter(t)
		m.ToName = name
		if err := server(s).Send(t.Context(), m); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := s.Received()[0]
		read, err := netmail.ReadMessage(strings.NewReader(got.Data))
		if err != nil {
			t.Fatal(err)
		}
		to, err := read.Header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Name != name || len(got.To) != 1 || got.To[0] != m.To {
			t.Errorf("%s: %v to %v, %v", name, to, got.To, err)
		}
	}
}

func TestMailIsTextAndHTMLWithUmlauts(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{})
	if err := server(s).Send(t.Context(), letter(t)); err != nil {
		t.Fatal(err)
	}
	msg, err := netmail.ReadMessage(strings.NewReader(s.Received()[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil || subject != "Ihre Einladung für Übermorgen" {
		t.Errorf("subject %q, %v", subject, err)
	}
	to, err := msg.Header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Name != "Jürgen Größe" {
		t.Errorf("to %v, %v", to, err)
	}
	if msg.Header.Get("Auto-Submitted") != "auto-generated" || msg.Header.Get("Content-Language") != "de" || msg.Header.Get("Message-Id") == "" || msg.Header.Get("Date") == "" {
		t.Errorf("header %v", msg.Header)
	}
	parts := partsOf(t, msg)
	if text := parts["text/plain"]; !strings.Contains(text, "Schöne Grüße.\n\n.\n\nZeile mit = und €") || !strings.Contains(text, "x=1&y=2") {
		t.Errorf("text %q", text)
	}
	if page := parts["text/html"]; !strings.Contains(page, "Jürgen &lt;b&gt;Größe&lt;/b&gt;") || !strings.Contains(page, `href="https://kalends.musterwerk.example/welcome/AbC?x=1&amp;y=2"`) {
		t.Errorf("html %q", page)
	}
}

func partsOf(t *testing.T, msg *netmail.Message) map[string]string {
	t.Helper()
	kind, parameters, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %q, %v", kind, err)
	}
	parts, reader := map[string]string{}, multipart.NewReader(msg.Body, parameters["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		parts[kind] = string(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")))
	}
}

func TestErrWithoutTLSNothingIsSaid(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{NoSTARTTLS: true, User: "kalends", Password: "geheim"})
	way := server(s)
	way.User, way.Password = "kalends", "geheim"
	err := way.Send(t.Context(), letter(t))
	if err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("a server without TLS: %v", err)
	}
	if said := s.Commands(); strings.Contains(said, "AUTH") || strings.Contains(said, "MAIL") {
		t.Errorf("said in the clear:\n%s", said)
	}
}

func TestErrAForeignCertificateIsNotTrusted(t *testing.T) {
	t.Parallel()
	for name, implicit := range map[string]bool{"starttls": false, "implicit": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.Start(t, mailtest.Options{Implicit: implicit})
			way := server(s)
			way.Implicit, way.TLS = implicit, nil
			if err := way.Send(t.Context(), letter(t)); err == nil || len(s.Received()) > 0 {
				t.Errorf("sent to a stranger: %v", err)
			}
		})
	}
}

func TestPlainOnlyIfChosen(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{NoSTARTTLS: true})
	way := server(s)
	way.Plain = true
	if err := way.Send(t.Context(), letter(t)); err != nil || len(s.Received()) != 1 {
		t.Errorf("a relay without TLS: %v", err)
	}
}

func TestErrRefusedForGoodIsToldFromPassingTrouble(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		good   bool
	}{
		"no such user": {"550 5.1.1 no such user", true},
		"syntax":       {"553 5.1.3 bad address", true},
		"greylisted":   {"451 4.7.1 try again later", false},
		"full":         {"452 4.2.2 mailbox full", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.Start(t, mailtest.Options{Recipient: func(string) string { return c.answer }})
			err := server(s).Send(t.Context(), letter(t))
			if err == nil || errors.Is(err, mail.ErrRefused) != c.good {
				t.Errorf("%q: %v", c.answer, err)
			}
		})
	}
}

// A wrong password is the operator's to mend: the mail must not be lost over it.
func TestErrAWrongPasswordIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{User: "kalends", Password: "geheim"})
	way := server(s)
	way.User, way.Password = "kalends", "falsch"
	err := way.Send(t.Context(), letter(t))
	if err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("wrong password: %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "falsch") {
		t.Errorf("the error holds the password: %v", err)
	}
	way.User, way.Password = "", ""
	if err := way.Send(t.Context(), letter(t)); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("no password where one is wanted: %v", err)
	}
}

func TestErrASilentServerEndsInTime(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	way := mail.Server{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, From: "a@musterwerk.example", Timeout: 50 * time.Millisecond}
	if err := way.Send(t.Context(), letter(t)); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("a silent server: %v", err)
	}
}

func TestErrNoHeaderCanBeInjected(t *testing.T) {
	t.Parallel()
	s := mailtest.Start(t, mailtest.Options{})
	evil := "x\r\nBcc: fremd@andere.example\r\n\r\nanderer Text"
	composed, err := mail.Compose(mail.Letter{Lang: "de", To: "a@musterwerk.example", ToName: evil, Subject: evil, Greeting: "Hallo"})
	if err != nil {
		t.Fatal(err)
	}
	raw := mail.Message{To: "b@musterwerk.example", ToName: evil, Subject: evil, Text: "t", Lang: "de\r\nBcc: fremd@andere.example"}
	for _, m := range []mail.Message{composed, raw} {
		if err := server(s).Send(t.Context(), m); err != nil {
			continue // refusing it is as good
		}
	}
	for _, got := range s.Received() {
		msg, err := netmail.ReadMessage(strings.NewReader(got.Data))
		if err != nil || msg.Header.Get("Bcc") != "" || len(got.To) != 1 {
			t.Errorf("%v: injected:\n%s", err, got.Data)
		}
	}
	for _, to := range []string{"a@musterwerk.example\r\nRCPT TO:<fremd@andere.example>", "a@musterwerk.example, fremd@andere.example", "", "kein-at"} {
		err := server(s).Send(t.Context(), mail.Message{To: to, Subject: "s", Text: "t"})
		if !errors.Is(err, mail.ErrRefused) {
			t.Errorf("to %q: %v", to, err)
		}
	}
	if strings.Contains(s.Commands(), "fremd@") {
		t.Errorf("a stranger got mail:\n%s", s.Commands())
	}
}
