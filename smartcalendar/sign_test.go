package smartcalendar_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"kalends/mail"
	"kalends/mail/mailtest"
	"kalends/smartcalendar"
)

func (v *visitor) tries(t *testing.T, email, word string) int {
	t.Helper()
	return v.post(t, "/sign-in", "email", email, "password", word).status
}

func TestGuessingAPasswordIsSlowedDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle()
		guesser := newVisitor(t, h.appServer.URL)
		for i := range 5 {
			if got := guesser.tries(t, []string{"ada@musterwerk.example", " ADA@Musterwerk.example"}[i%2], "falsch"); got != http.StatusUnprocessableEntity {
				t.Errorf("try %d: %d", i, got)
			}
		}
		for range 2 {
			if got := guesser.tries(t, "ada@musterwerk.example", password); got != http.StatusTooManyRequests {
				t.Errorf("the right password during the wait: %d", got)
			}
		}
		h.later(31 * time.Second)
		if got := guesser.tries(t, "ada@musterwerk.example", "falsch"); got != http.StatusUnprocessableEntity {
			t.Errorf("after the wait: %d", got)
		}
		h.later(31 * time.Second)
		if got := guesser.tries(t, "ada@musterwerk.example", password); got != http.StatusTooManyRequests {
			t.Errorf("the second wait is no longer: %d", got)
		}
		h.later(16 * time.Minute)
		guesser.signIn(t, "ada@musterwerk.example")
		if got := guesser.tries(t, "ada@musterwerk.example", "falsch"); got != http.StatusUnprocessableEntity {
			t.Errorf("the count does not start anew: %d", got)
		}
	})
}

// One password tried at many addresses: the network address waits.
func TestSprayingPasswordsIsSlowedDown(t *testing.T) {
	t.Parallel()
	h := newTown(t).settle()
	guesser, last := newVisitor(t, h.appServer.URL), 0
	for i := range 31 {
		last = guesser.tries(t, fmt.Sprintf("p%d@musterwerk.example", i), "Sommer2026!")
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("try 31: %d", last)
	}
}

// A whole company may sit behind one network address.
func TestManyPeopleSignInFromOnePlace(t *testing.T) {
	t.Parallel()
	h := newTown(t).settle()
	for range 40 {
		newVisitor(t, h.appServer.URL).signIn(t, "ada@musterwerk.example")
	}
}

// letterTo gives the last mail to somebody and the link in it.
func (h *town) letterTo(to string) (body, link string) {
	h.t.Helper()
	h.until("the mail to "+to+" is sent", func() bool {
		return h.count("sc_mails WHERE recipient = $1", to) > 0 && h.count("sc_mails WHERE recipient = $1 AND sent_at IS NULL", to) == 0
	})
	id := h.text("SELECT id FROM sc_mails WHERE recipient = $1 ORDER BY created_at DESC LIMIT 1", to)
	body = h.browser.get(h.t, "/outbox/"+id).body
	link = regexp.MustCompile(regexp.QuoteMeta(h.appServer.URL) + `(/(?:welcome|password)/[A-Z2-7]+)`).FindString(body)
	return body, strings.TrimPrefix(link, h.appServer.URL)
}

func TestAForgottenPasswordIsSetAnewOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle(h.known("Mia")...)
		mia, stranger := newVisitor(t, h.appServer.URL), newVisitor(t, h.appServer.URL)
		mia.signIn(t, "mia@musterwerk.example")
		known := stranger.post(t, "/password", "email", "MIA@musterwerk.example")
		unknown := stranger.post(t, "/password", "email", "niemand@musterwerk.example")
		if known.status != unknown.status || len(known.body) != len(unknown.body) {
			t.Error("the page tells who has an account")
		}
		_, link := h.letterTo("mia@musterwerk.example")
		if a := stranger.post(t, link, "password", "zu kurz"); a.status != http.StatusUnprocessableEntity {
			t.Errorf("a short password: %d", a.status)
		}
		if a := stranger.post(t, strings.Replace(link, "/password/", "/welcome/", 1), "password", "ein ganz neues passwort"); a.status != http.StatusGone {
			t.Errorf("a reset link as an invitation: %d", a.status)
		}
		if a := stranger.post(t, link, "password", "ein ganz neues passwort"); a.status != http.StatusSeeOther || a.to != "/" {
			t.Fatalf("a new password: %d to %q", a.status, a.to)
		}
		if a := stranger.get(t, "/me"); a.status != http.StatusOK {
			t.Errorf("not signed in after it: %d", a.status)
		}
		if a := mia.get(t, "/me"); a.status != http.StatusSeeOther {
			t.Errorf("an older session lives on: %d", a.status)
		}
		if a := stranger.get(t, link); a.status != http.StatusGone {
			t.Errorf("the link works twice: %d", a.status)
		}
		if got := mia.tries(t, "mia@musterwerk.example", password); got != http.StatusUnprocessableEntity {
			t.Errorf("the old password: %d", got)
		}
	})
}

func TestAResetLinkIsShortLived(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle(h.known("Mia")...)
		h.browser.post(t, "/password", "email", "mia@musterwerk.example")
		_, link := h.letterTo("mia@musterwerk.example")
		h.later(61 * time.Minute)
		if a := newVisitor(t, h.appServer.URL).post(t, link, "password", "ein ganz neues passwort"); a.status != http.StatusGone {
			t.Errorf("after an hour: %d", a.status)
		}
	})
}

func TestAnInvitationMakesAMemberAndConnectsHer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.lives()
		h.known("Neu")
		if a := h.browser.post(t, "/people/new", "name", "Neu Ling", "email", "neu@musterwerk.example", "role", "member"); a.status != http.StatusSeeOther {
			t.Fatalf("invite: %d\n%s", a.status, a.body)
		}
		body, first := h.letterTo("neu@musterwerk.example")
		says(t, body, "Neu Ling", "Musterwerk", "Ada Admin")
		neu := newVisitor(t, h.appServer.URL)
		if a := neu.post(t, first, "password", password); a.status != http.StatusSeeOther {
			t.Fatalf("accept: %d", a.status)
		}
		h.becomes("neu@musterwerk.example", "connected")
		if a := h.browser.post(t, "/people/"+h.personID("neu@musterwerk.example")+"/invite"); a.status != http.StatusNotFound {
			t.Errorf("inviting who is in: %d", a.status)
		}
		if a := h.browser.post(t, "/people/new", "name", "Doppelt", "email", "NEU@musterwerk.example", "role", "member"); a.status != http.StatusUnprocessableEntity {
			t.Errorf("a second one with the address: %d", a.status)
		}
	})
}

func TestASessionIsNewAtSignInAndEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle()
		v := newVisitor(t, h.appServer.URL)
		v.get(t, "/sign-in?lang=en")
		before := v.cookie(h)
		v.signIn(t, "ada@musterwerk.example")
		after := v.cookie(h)
		if after == "" || after == before {
			t.Error("the session is not renewed at sign-in")
		}
		if n := h.count("sc_sessions WHERE hash = $1", after); n != 0 {
			t.Error("cookies are stored in the clear")
		}
		v.post(t, "/sign-out")
		if a := v.send(t, http.MethodGet, "/me", nil, "Cookie", smartcalendar.CookieName+"="+after); a.status != http.StatusSeeOther {
			t.Errorf("a session lives on after the sign-out: %d", a.status)
		}
		v.signIn(t, "ada@musterwerk.example")
		h.exec("UPDATE sc_sessions SET expires_at = 1")
		if a := v.get(t, "/me"); a.status != http.StatusSeeOther {
			t.Errorf("an expired session: %d", a.status)
		}
	})
}

func (v *visitor) cookie(h *town) string {
	r, err := http.NewRequest(http.MethodGet, h.appServer.URL, nil)
	must(h.t, err)
	for _, c := range v.client.Jar.Cookies(r.URL) {
		if c.Name == smartcalendar.CookieName {
			return c.Value
		}
	}
	return ""
}

// A mail commits with its fact, goes over real SMTP, and is tried again.
func TestAMailIsRepeatedUntilTheServerTakesIt(t *testing.T) {
	t.Parallel()
	refusals := make(chan string, 1)
	refusals <- "451 4.7.1 try again later"
	s := mailtest.Start(t, mailtest.Options{Recipient: func(string) string {
		select {
		case refusal := <-refusals:
			return refusal
		default:
			return ""
		}
	}})
	h := newTown(t, func(h *town) {
		h.mail = &mail.Server{Host: s.Host, Port: s.Port, TLS: s.TLS, From: "Smart Calendar <kalends@musterwerk.example>"}
	}).settle()
	h.browser.post(t, "/people/new", "name", "Jürgen", "email", "juergen@musterwerk.example", "role", "member")
	_, link := h.letterTo("juergen@musterwerk.example")
	if got := s.Received(); len(got) != 1 || !got[0].TLS || link == "" {
		t.Errorf("received %+v", got)
	}
	if n := strings.Count(s.Commands(), "RCPT"); n != 2 {
		t.Errorf("tried %d times", n)
	}
	says(t, h.browser.page(t, "/outbox"), "juergen@musterwerk.example")
}

// What fails takes its mail back with it.
func TestAMailCommitsWithItsFact(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, h *town) {
		h.settle()
		h.exec("ALTER TABLE sc_mails RENAME TO sc_mails_away")
		if a := h.browser.post(t, "/people/new", "name", "Mia", "email", "mia@musterwerk.example", "role", "member"); a.status != http.StatusInternalServerError {
			t.Errorf("%d", a.status)
		}
		h.exec("ALTER TABLE sc_mails_away RENAME TO sc_mails")
		if n := h.count("sc_people") + h.count("sc_tickets") + h.count("sc_mails"); n != 1 {
			t.Errorf("%d rows are left of a failed invitation", n-1)
		}
	})
}
