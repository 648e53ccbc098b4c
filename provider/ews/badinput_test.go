package ews_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	kalends "kalends"
	"kalends/explain"
	"kalends/outbound"
	"kalends/provider"
	"kalends/provider/ews"
)

var allSteps = []kalends.StepKey{
	kalends.StepAutodiscover, kalends.StepReach, kalends.StepTLS, kalends.StepSignIn,
	kalends.StepImpersonation, kalends.StepVersion, kalends.StepFreeBusy, kalends.StepRooms,
}

// wantFailed wants a check to have failed at one step with a cause that people
// can read, and no step after it to have run.
func wantFailed(t *testing.T, steps map[kalends.StepKey]kalends.Step, err error, at kalends.StepKey, want kalends.CauseKey) {
	t.Helper()
	cause := kalends.CauseOf(err)
	if cause == nil || cause.Key != want || steps[at].Status != kalends.StepFailed || steps[at].Cause == nil || steps[at].Cause.Key != want {
		t.Fatalf("%v, step %+v; want %s at %s", err, steps[at], want, at)
	}
	after := false
	for _, key := range allSteps {
		if s, told := steps[key]; !told || after && s.Status != kalends.StepSkipped {
			t.Errorf("step %s: %+v", key, s)
		}
		after = after || key == at
	}
	for _, lang := range []string{"de", "en"} {
		said := explain.Cause(lang, string(cause.Key), cause.Facts)
		if said.What == "" || said.Fix == "" || strings.Contains(said.What+said.Fix+err.Error(), password) {
			t.Errorf("said in %s: %+v", lang, said)
		}
	}
}

// endless writes until nobody reads any more.
func endless(start, more string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, start)
		for block := strings.Repeat(more, 1000); err == nil; {
			_, err = io.WriteString(w, block)
		}
	}
}

// hang never answers.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the server notices the end only then
	<-r.Context().Done()
}

func slowBody(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, `<?xml version="1.0"?><s:Envelope`)
	_ = http.NewResponseController(w).Flush()
	hang(w, r)
}

func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100000")
	_, _ = io.WriteString(w, soap("")[:100])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

const bomb = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">&b;</s:Envelope>`

func TestErrWrongServers(t *testing.T) {
	t.Parallel()
	busyPage := "https://" + mailHost + "/ews/genericerrorpage.htm?aspxerrorpath=/ews/exchange.asmx"
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		at     kalends.StepKey
		cause  kalends.CauseKey
	}{
		"a web page":               {status(http.StatusOK), kalends.StepReach, kalends.CauseNotExchange},
		"500 pages of HTML":        {text(strings.Replace(html, "Guten Tag", strings.Repeat("<p>Seite</p>\n", 500*50), 1)), kalends.StepReach, kalends.CauseNotExchange},
		"an endless page":          {endless(html, "<p>mehr</p>"), kalends.StepReach, kalends.CauseNotExchange},
		"a login page":             {status(http.StatusFound, "Location", "https://"+mailHost+"/owa/auth/logon.aspx"), kalends.StepReach, kalends.CauseNotExchange},
		"not found":                {status(http.StatusNotFound), kalends.StepReach, kalends.CauseServerNotFound},
		"forbidden":                {status(http.StatusForbidden), kalends.StepReach, kalends.CauseNotExchange},
		"sent to Exchange Online":  {status(http.StatusFound, "Location", "https://outlook.office365.com/EWS/Exchange.asmx"), kalends.StepReach, kalends.CauseExchangeOnline},
		"sent to the error page":   {status(http.StatusFound, "Location", busyPage), kalends.StepReach, kalends.CauseThrottled},
		"503 with Retry-After":     {status(http.StatusServiceUnavailable, "Retry-After", "7"), kalends.StepReach, kalends.CauseThrottled},
		"503":                      {status(http.StatusServiceUnavailable), kalends.StepReach, kalends.CauseServerUnavailable},
		"no Basic":                 {status(http.StatusUnauthorized, "WWW-Authenticate", "Negotiate, NTLM"), kalends.StepSignIn, kalends.CauseAuthenticationMethod},
		"not found behind sign-in": {signedIn(status(http.StatusNotFound)), kalends.StepSignIn, kalends.CauseServerNotFound},
		"a page behind a sign-in":  {signedIn(status(http.StatusOK)), kalends.StepSignIn, kalends.CauseNotExchange},
		"500 pages behind sign-in": {signedIn(text(strings.Replace(html, "Guten Tag", strings.Repeat("<p>Seite</p>\n", 500*50), 1))), kalends.StepSignIn, kalends.CauseNotExchange},
		"endless behind a sign-in": {signedIn(endless(`<?xml version="1.0"?><x>`, "<a>0123456789</a>")), kalends.StepSignIn, kalends.CauseAnswerTooLarge},
		"an XML bomb":              {signedIn(text(bomb)), kalends.StepSignIn, kalends.CauseAnswerUnreadable},
		"XML without an end":       {signedIn(text(strings.Repeat("<a>", 10000))), kalends.StepSignIn, kalends.CauseAnswerUnreadable},
		"no XML":                   {signedIn(text("\x00\x01\x02")), kalends.StepSignIn, kalends.CauseAnswerUnreadable},
		"nothing":                  {signedIn(text("")), kalends.StepSignIn, kalends.CauseAnswerUnreadable},
		"half an answer":           {signedIn(cutShort), kalends.StepSignIn, kalends.CauseServerUnavailable},
		"a closed connection":      {signedIn(abort), kalends.StepSignIn, kalends.CauseServerUnavailable},
		"EWS switched off":         {signedIn(status(http.StatusForbidden)), kalends.StepSignIn, kalends.CauseAPIDisabled},
		"busy":                     {signedIn(status(http.StatusServiceUnavailable, "Retry-After", "7")), kalends.StepSignIn, kalends.CauseThrottled},
		"an error page of IIS":     {signedIn(status(http.StatusInternalServerError)), kalends.StepSignIn, kalends.CauseServerUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			var mended atomic.Bool
			n.host(t, mailHost, func(w http.ResponseWriter, r *http.Request) {
				if mended.Load() {
					healthy().ServeHTTP(w, r)
					return
				}
				c.answer(w, r)
			})
			d := n.open(t)
			steps, err := check(t, d)
			wantFailed(t, steps, err, c.at, c.cause)
			mended.Store(true)
			if _, err := check(t, d); err != nil {
				t.Errorf("after the server was mended: %v", err)
			}
		})
	}
}

func TestErrSlowServers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		at     kalends.StepKey
		cause  kalends.CauseKey
	}{
		"no header":                  {hang, kalends.StepReach, kalends.CauseServerNotFound},
		"no header after a sign-in":  {signedIn(hang), kalends.StepSignIn, kalends.CauseServerUnavailable},
		"refusal without an end":     {signedIn(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden); slowBody(w, r) }), kalends.StepSignIn, kalends.CauseAPIDisabled},
		"body stalls after sign-in":  {signedIn(slowBody), kalends.StepSignIn, kalends.CauseServerUnavailable},
		"web page that never ceases": {slowBody, kalends.StepReach, kalends.CauseNotExchange},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			n.host(t, mailHost, c.answer)
			d := n.open(t)
			ews.Hurry(d, time.Second)
			steps, err := check(t, d)
			wantFailed(t, steps, err, c.at, c.cause)
		})
	}
}

// Where nothing is any more, the address is said that does not lead there.
func TestErrNotFoundWhileConnected(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.host(t, mailHost, status(http.StatusNotFound))
	_, err := n.open(t).Find(t.Context(), "anna@"+domain)
	cause := kalends.CauseOf(err)
	if cause == nil || cause.Key != kalends.CauseServerNotFound || cause.Facts["url"] != ewsURL || cause.Facts["host"] != mailHost || kalends.KindOf(err).Temporary() {
		t.Fatalf("%v, %+v", err, cause)
	}
	for _, lang := range []string{"de", "en"} {
		if said := explain.Cause(lang, string(cause.Key), cause.Facts); !strings.Contains(said.What, ewsURL) || said.Fix == "" {
			t.Errorf("said in %s: %+v", lang, said)
		}
	}
}

// What does not answer looks the same, whatever it is.
func TestErrPortsLookTheSame(t *testing.T) {
	t.Parallel()
	reset := func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }
	silence := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	talk := func(greeting string) func(net.Conn) {
		return func(conn net.Conn) { _, _ = io.WriteString(conn, greeting); silence(conn) }
	}
	services := map[string]func(net.Conn){
		"closed": nil, "closes at once": func(net.Conn) {}, "resets": reset, "silent": silence,
		"SSH": talk("SSH-2.0-OpenSSH_9.2\r\n"), "SMTP": talk("220 mx ESMTP\r\n"), "HTTP": talk("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"closes after the hello": func(conn net.Conn) { _, _ = conn.Read(make([]byte, 100)) },
	}
	looks := map[string]string{}
	for name, service := range services {
		n := newInternet(t)
		if service != nil {
			n.listen(t, mailHost+":443", service)
		}
		d := n.open(t)
		ews.Hurry(d, time.Second)
		steps, err := check(t, d)
		wantFailed(t, steps, err, kalends.StepReach, kalends.CauseServerNotFound)
		step := steps[kalends.StepReach]
		step.Milliseconds = 0
		look, _ := json.Marshal(step)
		looks[string(look)] = name
	}
	if len(looks) != 1 {
		t.Errorf("services can be told apart: %v", looks)
	}
}

func TestErrCertificates(t *testing.T) {
	t.Parallel()
	for reason, serve := range map[string]func(*testing.T, *internet){
		"unknown_authority": func(t *testing.T, n *internet) {
			n.serve(t, mailHost, newAuthority(t).issue(t, mailHost, time.Now().AddDate(1, 0, 0)), healthy().ServeHTTP)
		},
		"name": func(t *testing.T, n *internet) {
			n.serve(t, mailHost, n.ca.issue(t, "www.other.example", time.Now().AddDate(1, 0, 0)), healthy().ServeHTTP)
		},
		"expired": func(t *testing.T, n *internet) {
			n.serve(t, mailHost, n.ca.issue(t, mailHost, time.Now().Add(-time.Hour)), healthy().ServeHTTP)
		},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			serve(t, n)
			steps, err := check(t, n.open(t))
			wantFailed(t, steps, err, kalends.StepTLS, kalends.CauseTLS)
			if facts := kalends.CauseOf(err).Facts; facts["reason"] != reason || facts["host"] != mailHost || facts["issuer"] == "" {
				t.Errorf("facts %v", facts)
			}
			if sent := n.allSignIns(); sent != 0 {
				t.Errorf("the password was sent %d times", sent)
			}
		})
	}
}

func TestPrivateAuthorityOfTheForm(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.host(t, mailHost, healthy().ServeHTTP)
	steps, err := check(t, n.openWith(t, nil, values()))
	wantFailed(t, steps, err, kalends.StepTLS, kalends.CauseTLS)
	if _, err := check(t, n.openWith(t, nil, values("ca", string(n.ca.pem)))); err != nil {
		t.Errorf("with the company's authority: %v", err)
	}
}

// Values that cannot work are refused before anything is sent, by their field.
func TestErrMalformedValues(t *testing.T) {
	t.Parallel()
	for field, texts := range map[string][]string{
		"ca":         {"garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "\x00"},
		"url":        {"http://" + mailHost + "/EWS", "https://", "https://user:pass@" + mailHost, "https://" + mailHost + ":22/", "ftp://x", "::"},
		"test_email": {"", "nobody", "a@b", "a b@musterwerk.example", "a@musterwerk.example\r\nX: y"},
		"username":   {"", "  "},
		"password":   {""},
	} {
		for _, text := range texts {
			_, err := ews.System().Open(values(field, text), outbound.New(outbound.Config{}))
			cause := kalends.CauseOf(err)
			if kalends.KindOf(err) != kalends.KindInvalid || cause == nil || cause.Facts["field"] != field {
				t.Errorf("%s %q: %v", field, text, err)
			}
		}
	}
}

func TestErrPrivateNetwork(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.networks = nil
	n.host(t, mailHost, healthy().ServeHTTP)
	steps, err := check(t, n.open(t))
	wantFailed(t, steps, err, kalends.StepReach, kalends.CausePrivateNetwork)
	steps, err = check(t, n.open(t, "url", ""))
	wantFailed(t, steps, err, kalends.StepAutodiscover, kalends.CausePrivateNetwork)
	if asked, _ := n.counts(mailHost); asked != 0 {
		t.Errorf("%d requests into the private network", asked)
	}
}

func TestErrNoBasicTellsWhatIsOffered(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.host(t, mailHost, status(http.StatusUnauthorized, "WWW-Authenticate", "Negotiate", "WWW-Authenticate", `NTLM, Digest realm="x", nonce="Basic", evil-words`))
	_, err := check(t, n.open(t))
	if facts := kalends.CauseOf(err).Facts; facts["offered"] != "Negotiate, NTLM, Digest" {
		t.Errorf("facts %v", facts)
	}
	if sent := n.allSignIns(); sent != 0 {
		t.Errorf("the password was sent %d times", sent)
	}
}

func TestErrImpersonationMissing(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"ErrorImpersonateUserDenied", "ErrorImpersonationDenied"} {
		exchange := healthy()
		exchange["GetFolder"] = func(string) (int, string) { return refusal("GetFolder", code) }
		n := newInternet(t)
		n.host(t, mailHost, exchange.ServeHTTP)
		steps, err := check(t, n.open(t))
		wantFailed(t, steps, err, kalends.StepImpersonation, kalends.CauseImpersonationMissing)
		if kalends.KindOf(err) != kalends.KindDenied || steps[kalends.StepSignIn].Status != kalends.StepOK {
			t.Errorf("%s: %v, %+v", code, err, steps[kalends.StepSignIn])
		}
	}
}

// The back-off counts wherever it stands among the values.
func TestErrServerBusy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pairs []string
		after time.Duration
	}{
		"not first": {[]string{"Policy", "EWSMaxConcurrency", "MaxConcurrencyLimit", "10", "BackOffMilliseconds", "12345", "Other", "1"}, 12345 * time.Millisecond},
		"absent":    {[]string{"Policy", "EWSMaxConcurrency"}, time.Minute},
		"nonsense":  {[]string{"BackOffMilliseconds", "-5"}, time.Minute},
		"years":     {[]string{"BackOffMilliseconds", "99999999999999"}, 10 * time.Minute},
	} {
		exchange := script{"ResolveNames": func(string) (int, string) { return refusal("ResolveNames", "ErrorServerBusy", c.pairs...) }}
		n := newInternet(t)
		n.host(t, mailHost, exchange.ServeHTTP)
		_, err := n.open(t).Find(t.Context(), "anna@"+domain)
		if kalends.KindOf(err) != kalends.KindThrottled || kalends.RetryAfter(err) != c.after || kalends.CauseOf(err).Key != kalends.CauseThrottled {
			t.Errorf("%s: %v after %v, want %v", name, err, kalends.RetryAfter(err), c.after)
		}
	}
}

func TestErrUnavailableTellsWhen(t *testing.T) {
	t.Parallel()
	for header, least := range map[string]time.Duration{"7": 7 * time.Second, "99999": 10 * time.Minute, time.Now().Add(time.Hour).UTC().Format(http.TimeFormat): 10 * time.Minute} {
		n := newInternet(t)
		n.host(t, mailHost, status(http.StatusServiceUnavailable, "Retry-After", header))
		_, err := n.open(t).Find(t.Context(), "anna@"+domain)
		if kalends.KindOf(err) != kalends.KindThrottled || kalends.RetryAfter(err) != least {
			t.Errorf("Retry-After %s: %v after %v", header, err, kalends.RetryAfter(err))
		}
	}
}

// What one mailbox's server says concerns this mailbox, not the connection.
func TestErrOfOneMailboxOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		cause  kalends.CauseKey
	}{
		"switched off for one": {status(http.StatusForbidden), kalends.CauseNotPermitted},
		"in another site":      {status(http.StatusFound, "Location", "https://mail2."+domain+"/EWS/Exchange.asmx"), kalends.CauseMailboxElsewhere},
		"in Microsoft 365":     {status(http.StatusFound, "Location", "https://outlook.office365.com/EWS/Exchange.asmx"), kalends.CauseMailboxElsewhere},
	} {
		exchange := healthy()
		exchange["ResolveNames"] = func(string) (int, string) { return refusal("ResolveNames", "ErrorNameResolutionNoResults") }
		n := newInternet(t)
		n.host(t, mailHost, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-AnchorMailbox") == "bob@"+domain {
				signedIn(c.answer)(w, r)
				return
			}
			exchange.ServeHTTP(w, r)
		})
		d := n.open(t)
		_, err := d.Find(t.Context(), "bob@"+domain)
		if cause := kalends.CauseOf(err); cause == nil || cause.Key != c.cause || !cause.Key.OfPerson() || cause.Facts["email"] != "bob@"+domain {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := d.Find(t.Context(), "anna@"+domain); err != nil {
			t.Errorf("%s: somebody else: %v", name, err)
		}
	}
}

// A server that repeats what it got does not make us repeat the password.
func TestErrEchoSaysNoSecret(t *testing.T) {
	t.Parallel()
	exchange := healthy()
	n := newInternet(t)
	n.host(t, mailHost, func(w http.ResponseWriter, r *http.Request) {
		exchange["GetFolder"] = func(string) (int, string) {
			_, given, _ := r.BasicAuth()
			code, body := refusal("GetFolder", "ErrorAccessDenied", given, r.Header.Get("Authorization"))
			return code, strings.Replace(body, ">no<", ">no access for "+given+"<", 1)
		}
		exchange.ServeHTTP(w, r)
	})
	var steps []kalends.Step
	_, err := n.open(t).Check(t.Context(), provider.CheckRequest{}, func(s kalends.Step) { steps = append(steps, s) })
	said, _ := json.Marshal(steps)
	if !strings.Contains(kalends.DetailOf(err), "no access") {
		t.Errorf("detail %q", kalends.DetailOf(err))
	}
	if text := string(said) + err.Error() + kalends.DetailOf(err); strings.Contains(text, password) {
		t.Errorf("the password is repeated: %s", text)
	}
}
