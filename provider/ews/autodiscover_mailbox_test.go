package ews_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	kalends "kalends"
	"kalends/provider"
)

const (
	mail2   = "mail2." + domain
	ews2URL = "https://" + mail2 + "/EWS/Exchange.asmx"
	distant = "werk2@" + domain // lives on the second server, as everybody called so
)

var far = regexp.MustCompile(`>werk\d@musterwerk\.example<`)

// branches is a company with two servers, each of which holds its own mailboxes.
type branches struct {
	*internet
	mu     sync.Mutex
	spoken []string // "operation version" as the second server was asked
	asked  int      // searches for the distant mailbox
}

// refusalOf is how a server that does not hold a mailbox says so.
type refusalOf func(w http.ResponseWriter, r *http.Request, op string)

func byCode(code string) refusalOf {
	return func(w http.ResponseWriter, _ *http.Request, op string) {
		status, body := refusal(op, code)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, soap(body))
	}
}

func byRedirect(w http.ResponseWriter, r *http.Request, _ string) {
	status(http.StatusFound, "Location", ews2URL)(w, r)
}

// newBranches starts both servers; where is what Autodiscover says of the distant mailbox.
func newBranches(t *testing.T, refuse refusalOf, where http.HandlerFunc) *branches {
	t.Helper()
	b := &branches{internet: newInternet(t)}
	first, second := healthy(), healthy()
	for _, s := range []script{first, second} {
		s["FindItem"] = func(string) (int, string) {
			return success("FindItem", `<m:RootFolder TotalItemsInView="0" IncludesLastItemInRange="true"><t:Items/></m:RootFolder>`)
		}
		s["ResolveNames"] = func(string) (int, string) { return refusal("ResolveNames", "ErrorNameResolutionNoResults") }
	}
	b.host(t, mailHost, func(w http.ResponseWriter, r *http.Request) {
		body := reread(r)
		switch {
		case r.URL.Path == pox:
			b.autodiscover(body, where)(w, r)
		case far.MatchString(body) && operation.MatchString(body):
			signedIn(func(w http.ResponseWriter, r *http.Request) { refuse(w, r, operation.FindStringSubmatch(body)[1]) })(w, r)
		default:
			first.ServeHTTP(w, r)
		}
	})
	b.host(t, mail2, func(w http.ResponseWriter, r *http.Request) {
		body := reread(r)
		if op := operation.FindStringSubmatch(body); op != nil && r.Header.Get("Authorization") != "" {
			b.note(op[1], body)
		}
		second.ServeHTTP(w, r)
	})
	return b
}

func reread(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return string(body)
}

func (b *branches) autodiscover(body string, where http.HandlerFunc) http.HandlerFunc {
	return signedIn(func(w http.ResponseWriter, r *http.Request) {
		if !far.MatchString(body) {
			autodiscover(settings(ewsURL))(w, r)
			return
		}
		b.mu.Lock()
		b.asked++
		b.mu.Unlock()
		where(w, r)
	})
}

func (b *branches) note(op, body string) {
	_, rest, _ := strings.Cut(body, `RequestServerVersion Version="`)
	version, _, _ := strings.Cut(rest, `"`)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spoken = append(b.spoken, op+" "+version)
}

func (b *branches) searches() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked
}

func window() kalends.Window {
	return kalends.Window{Start: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2027, 2, 8, 0, 0, 0, 0, time.UTC)}
}

// A mailbox of another server is found there, once for all, in the version of
// that server; everybody else stays where they are.
func TestAMailboxOnAnotherServer(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]refusalOf{
		"another site":      byCode("ErrorCrossSiteRequest"),
		"not passed on":     byCode("ErrorProxyRequestNotAllowed"),
		"a newer server":    byCode("ErrorWrongServerVersion"),
		"nobody passes on":  byCode("ErrorNoRespondingCASInDestinationSite"),
		"sent on over HTTP": byRedirect,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBranches(t, refuse, autodiscover(settings(ews2URL)))
			d := b.open(t)
			mailbox, err := d.Find(t.Context(), distant)
			if err != nil || mailbox.Server != ews2URL || mailbox.Calendar == nil {
				t.Fatalf("%+v, %v", mailbox, err)
			}
			for range 2 {
				page, err := d.Changes(t.Context(), provider.ChangesRequest{Mailbox: distant, Calendar: mailbox.Calendar.ID, Window: window()})
				if err != nil || !page.Full {
					t.Errorf("%+v, %v", page, err)
				}
			}
			if want := []string{"GetFolder Exchange2007_SP1", "FindItem Exchange2013_SP1", "FindItem Exchange2013_SP1"}; !slices.Equal(b.spoken, want) {
				t.Errorf("the second server was asked %v, want %v", b.spoken, want)
			}
			if n := b.searches(); n != 1 {
				t.Errorf("searched %d times", n)
			}
			if near, err := d.Find(t.Context(), "test@"+domain); err != nil || near.Server != ewsURL {
				t.Errorf("the test mailbox: %+v, %v", near, err)
			}
		})
	}
}

// After a restart the calendar is known, and the server is not.
func TestAMailboxOnAnotherServerAfterARestart(t *testing.T) {
	t.Parallel()
	b := newBranches(t, byCode("ErrorCrossSiteRequest"), autodiscover(settings(ews2URL)))
	d := b.open(t, "version", "Exchange2013_SP1")
	if _, err := d.Changes(t.Context(), provider.ChangesRequest{Mailbox: distant, Calendar: "AAMk", Window: window()}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"FindItem Exchange2007_SP1"}; !slices.Equal(b.spoken, want) {
		t.Errorf("the second server was asked %v, want %v", b.spoken, want)
	}
}

// The mailbox that a check acts for may live on another server as well.
func TestTheTestMailboxOnAnotherServer(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]refusalOf{"another site": byCode("ErrorCrossSiteRequest"), "sent on over HTTP": byRedirect} {
		b := newBranches(t, refuse, autodiscover(settings(ews2URL)))
		if steps, err := check(t, b.open(t, "test_email", distant)); err != nil {
			t.Errorf("%s: %v, %+v", name, err, steps)
		}
	}
}

// Where the mailbox cannot be followed the person is told, nobody else, and it is
// not looked for again and again.
func TestErrAMailboxThatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	const foreign = "mail.hoster.example"
	for name, c := range map[string]struct {
		where  http.HandlerFunc
		target string
		reason string
	}{
		"a server outside the domain": {autodiscover(settings("https://" + foreign + "/EWS/Exchange.asmx")), foreign, "other_server"},
		"Exchange Online":             {autodiscover(`<Action>redirectAddr</Action><RedirectAddr>werk2@musterwerk.mail.onmicrosoft.com</RedirectAddr>`), "", ""},
		"the same server":             {autodiscover(settings(ewsURL)), "", "other_server"},
		"nothing":                     {status(http.StatusInternalServerError), "", "other_server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBranches(t, byCode("ErrorCrossSiteRequest"), c.where)
			b.host(t, foreign, healthy().ServeHTTP)
			d := b.open(t)
			for range 3 {
				_, err := d.Find(t.Context(), distant)
				cause := kalends.CauseOf(err)
				if cause == nil || cause.Key != kalends.CauseMailboxElsewhere || cause.Facts["target"] != c.target || cause.Facts["reason"] != c.reason || cause.Facts["email"] != distant {
					t.Fatalf("%v, %+v", err, cause)
				}
			}
			if n := b.searches(); n != 1 {
				t.Errorf("searched %d times", n)
			}
			if asked, _ := b.counts(foreign); asked != 0 {
				t.Errorf("%s was asked %d times", foreign, asked)
			}
			if _, err := d.Find(t.Context(), "test@"+domain); err != nil {
				t.Errorf("the test mailbox: %v", err)
			}
		})
	}
}

// A confirmed server outside the domain counts for mailboxes, too.
func TestAMailboxOnAConfirmedServer(t *testing.T) {
	t.Parallel()
	const foreign = "mail.hoster.example"
	b := newBranches(t, byCode("ErrorCrossSiteRequest"), autodiscover(settings("https://"+foreign+"/EWS/Exchange.asmx")))
	b.host(t, foreign, healthy().ServeHTTP)
	mailbox, err := b.open(t, "trusted_hosts", foreign).Find(t.Context(), distant)
	if err != nil || mailbox.Server != "https://"+foreign+"/EWS/Exchange.asmx" {
		t.Errorf("%+v, %v", mailbox, err)
	}
}

// A second server that refuses the password is asked once: the connection goes
// on, and the account is not locked.
func TestErrTheOtherServerRefuses(t *testing.T) {
	t.Parallel()
	b := newBranches(t, byCode("ErrorCrossSiteRequest"), autodiscover(settings("https://refusing."+domain+"/EWS/Exchange.asmx")))
	b.host(t, "refusing."+domain, status(http.StatusUnauthorized, "WWW-Authenticate", basic))
	d := b.open(t)
	for i := range 6 {
		_, err := d.Find(t.Context(), fmt.Sprintf("werk%d@%s", i/2, domain))
		if cause := kalends.CauseOf(err); kalends.KindOf(err) != kalends.KindDenied || cause == nil || cause.Key != kalends.CauseMailboxElsewhere {
			t.Errorf("%v", err)
		}
	}
	if _, sent := b.counts("refusing." + domain); sent != 1 {
		t.Errorf("the password was sent %d times", sent)
	}
}

// Where Autodiscover refuses the password it is asked once, whoever is looked for.
func TestErrTheSearchIsRefused(t *testing.T) {
	t.Parallel()
	refusing := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-FEServer", "MAIL")
		status(http.StatusUnauthorized, "WWW-Authenticate", basic)(w, r)
	}
	b := newBranches(t, byCode("ErrorCrossSiteRequest"), refusing)
	d := b.open(t)
	for i := range 6 {
		_, err := d.Find(t.Context(), fmt.Sprintf("werk%d@%s", i/2, domain))
		if cause := kalends.CauseOf(err); kalends.KindOf(err) == kalends.KindUnauthorized || cause == nil || cause.Key != kalends.CauseMailboxElsewhere {
			t.Errorf("%v", err)
		}
	}
	if n := b.searches(); n != 1 {
		t.Errorf("searched %d times", n)
	}
}

// A second server that is gone is looked for anew: the mailbox may have moved.
func TestAMailboxMovesOn(t *testing.T) {
	t.Parallel()
	var moved sync.Once
	first := "https://gone." + domain + "/EWS/Exchange.asmx"
	b := newBranches(t, byCode("ErrorCrossSiteRequest"), func(w http.ResponseWriter, r *http.Request) {
		url := ews2URL
		moved.Do(func() { url = first })
		autodiscover(settings(url))(w, r)
	})
	b.resolve["gone."+domain] = closedPort(t)
	d := b.open(t)
	if _, err := d.Find(t.Context(), distant); kalends.KindOf(err) != kalends.KindUnavailable || kalends.CauseOf(err).Key != kalends.CauseMailboxElsewhere {
		t.Errorf("while it is gone: %v", err)
	}
	if mailbox, err := d.Find(t.Context(), distant); err != nil || mailbox.Server != ews2URL {
		t.Errorf("afterwards: %+v, %v", mailbox, err)
	}
}
