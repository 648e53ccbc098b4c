package ews_test

import (
	"net/http"
	"strings"
	"testing"

	kalends "kalends"
)

const pox = "/autodiscover/autodiscover.xml"

// Whatever leads out of the mail domain gets neither requests nor credentials;
// the host is named for the administrator to confirm.
func TestErrAutodiscoverToForeignHosts(t *testing.T) {
	t.Parallel()
	const foreign = "mail.evil.example"
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		asks   string // which host is to be confirmed
	}{
		"redirect":                 {status(http.StatusFound, "Location", "https://"+foreign+pox), foreign},
		"redirect after a sign-in": {signedIn(status(http.StatusTemporaryRedirect, "Location", "https://"+foreign+pox)), foreign},
		"redirectUrl":              {signedIn(autodiscover(`<Action>redirectUrl</Action><RedirectUrl>https://` + foreign + pox + `</RedirectUrl>`)), foreign},
		"redirectAddr":             {signedIn(autodiscover(`<Action>redirectAddr</Action><RedirectAddr>test@evil.example</RedirectAddr>`)), "evil.example"},
		"EWS URL":                  {signedIn(autodiscover(settings("https://" + foreign + "/EWS/Exchange.asmx"))), foreign},
		"a name that only ends so": {signedIn(autodiscover(settings("https://evil" + domain + "/EWS/Exchange.asmx"))), "evil" + domain},
		"plain http":               {status(http.StatusFound, "Location", "http://autodiscover."+domain+pox), ""},
		"plain http EWS URL":       {signedIn(autodiscover(settings("http://" + mailHost + "/EWS/Exchange.asmx"))), ""},
		"user in the URL":          {status(http.StatusFound, "Location", "https://x:y@"+mailHost+pox), ""},
		"another service's port":   {status(http.StatusFound, "Location", "https://"+mailHost+":25"+pox), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			n.host(t, "autodiscover."+domain, c.answer)
			for _, host := range []string{foreign, "autodiscover.evil.example", "evil.example", "evil" + domain} {
				n.host(t, host, signedIn(autodiscover(settings(ewsURL))))
			}
			n.host(t, mailHost, healthy().ServeHTTP)
			steps, err := check(t, n.open(t, "url", ""))
			want := kalends.CauseServerNotFound
			if c.asks != "" {
				want = kalends.CauseServerNotConfirmed
			}
			wantFailed(t, steps, err, kalends.StepAutodiscover, want)
			if host := kalends.CauseOf(err).Facts["host"]; host != c.asks {
				t.Errorf("%q is to be confirmed, want %q", host, c.asks)
			}
			if len(steps[kalends.StepAutodiscover].Attempts) < 3 {
				t.Errorf("attempts %+v", steps[kalends.StepAutodiscover].Attempts)
			}
			for _, host := range []string{foreign, "autodiscover.evil.example", "evil.example", "evil" + domain, mailHost} {
				if asked, _ := n.counts(host); asked != 0 {
					t.Errorf("%s was asked %d times", host, asked)
				}
			}
		})
	}
}

func TestErrExchangeOnline(t *testing.T) {
	t.Parallel()
	const online = "https://outlook.office365.com/EWS/Exchange.asmx"
	t.Run("URL entered", func(t *testing.T) {
		t.Parallel()
		steps, err := check(t, newInternet(t).open(t, "url", online))
		wantFailed(t, steps, err, kalends.StepReach, kalends.CauseExchangeOnline)
	})
	t.Run("mail goes there", func(t *testing.T) {
		t.Parallel()
		n := newInternet(t)
		n.resolve["_mx."+domain] = "musterwerk-example.mail.protection.outlook.com."
		steps, err := check(t, n.open(t, "url", ""))
		wantFailed(t, steps, err, kalends.StepAutodiscover, kalends.CauseExchangeOnline)
	})
	for name, answer := range map[string]http.HandlerFunc{
		"redirect":     status(http.StatusFound, "Location", "https://autodiscover-s.outlook.com"+pox),
		"redirectUrl":  signedIn(autodiscover(`<Action>redirectUrl</Action><RedirectUrl>https://autodiscover-s.outlook.com` + pox + `</RedirectUrl>`)),
		"redirectAddr": signedIn(autodiscover(`<Action>redirectAddr</Action><RedirectAddr>test@musterwerk.mail.onmicrosoft.com</RedirectAddr>`)),
		"EWS URL":      signedIn(autodiscover(settings(online))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			n.host(t, domain, answer)
			n.host(t, "autodiscover."+domain, signedIn(autodiscover(settings(ewsURL))))
			steps, err := check(t, n.open(t, "url", ""))
			wantFailed(t, steps, err, kalends.StepAutodiscover, kalends.CauseExchangeOnline)
			if facts := kalends.CauseOf(err).Facts; facts["domain"] != domain || kalends.KindOf(err) != kalends.KindUnsupported {
				t.Errorf("%v, facts %v", err, facts)
			}
		})
	}
}

func TestAutodiscoverFollows(t *testing.T) {
	t.Parallel()
	good := signedIn(autodiscover(settings(ewsURL)))
	for name, build := range map[string]func(*testing.T, *internet){
		"a redirect within the domain": func(t *testing.T, n *internet) {
			n.host(t, domain, status(http.StatusMovedPermanently, "Location", "https://owa."+domain+pox))
			n.host(t, "owa."+domain, good)
		},
		"a redirect over http": func(t *testing.T, n *internet) {
			n.serve(t, "autodiscover."+domain, nil, status(http.StatusFound, "Location", "https://owa."+domain+pox))
			n.host(t, "owa."+domain, good)
		},
		"redirectUrl": func(t *testing.T, n *internet) {
			n.host(t, domain, signedIn(autodiscover(`<Action>redirectUrl</Action><RedirectUrl>https://owa.`+domain+pox+`</RedirectUrl>`)))
			n.host(t, "owa."+domain, good)
		},
		"redirectAddr within the domain": func(t *testing.T, n *internet) {
			n.host(t, domain, signedIn(func(w http.ResponseWriter, r *http.Request) {
				buffer := make([]byte, 4096)
				size, _ := r.Body.Read(buffer)
				if strings.Contains(string(buffer[:size]), "real@"+domain) {
					autodiscover(settings(ewsURL))(w, r)
					return
				}
				autodiscover(`<Action>redirectAddr</Action><RedirectAddr>Real@`+domain+`</RedirectAddr>`)(w, r)
			}))
		},
		"past a web server": func(t *testing.T, n *internet) {
			n.host(t, domain, status(http.StatusOK))
			n.host(t, "autodiscover."+domain, good)
		},
		"past an error": func(t *testing.T, n *internet) {
			n.host(t, domain, text(`<Autodiscover><Response><Error><ErrorCode>500</ErrorCode></Error></Response></Autodiscover>`))
			n.host(t, "autodiscover."+domain, good)
		},
		"past an endless answer": func(t *testing.T, n *internet) {
			n.host(t, domain, endless("<x>", "<a/>"))
			n.host(t, "autodiscover."+domain, good)
		},
		"an older server's ASUrl": func(t *testing.T, n *internet) {
			n.host(t, domain, signedIn(autodiscover(`<Action>settings</Action><Protocol><Type>EXCH</Type><ASUrl>`+ewsURL+`</ASUrl></Protocol>`)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			build(t, n)
			n.host(t, mailHost, healthy().ServeHTTP)
			steps, err := check(t, n.open(t, "url", ""))
			if err != nil || steps[kalends.StepAutodiscover].Facts["url"] != ewsURL {
				t.Errorf("%v, %+v", err, steps[kalends.StepAutodiscover])
			}
		})
	}
}

// Servers that send each other round in circles are asked ten times at most.
func TestErrAutodiscoverInCircles(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"the same URL": status(http.StatusFound, "Location", "https://"+domain+pox),
		"ever new URLs": func(w http.ResponseWriter, r *http.Request) {
			status(http.StatusFound, "Location", "https://"+domain+r.URL.Path+"x")(w, r)
		},
		"the same address": signedIn(autodiscover(`<Action>redirectAddr</Action><RedirectAddr>test@` + domain + `</RedirectAddr>`)),
		"ever new addresses": signedIn(func(w http.ResponseWriter, r *http.Request) {
			autodiscover(`<Action>redirectAddr</Action><RedirectAddr>a`+r.Header.Get("Content-Length")+kalends.NewID("")+`@`+domain+`</RedirectAddr>`)(w, r)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			n.host(t, domain, answer)
			_, err := check(t, n.open(t, "url", ""))
			if cause := kalends.CauseOf(err); cause == nil || cause.Key != kalends.CauseServerNotFound {
				t.Error(err)
			}
			if asked, _ := n.counts(domain); asked > 20 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}
