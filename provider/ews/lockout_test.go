package ews_test

import (
	"net/http"
	"testing"

	kalends "kalends"
)

// Each refused sign-in counts at the directory: one check may cost one at most.
func TestAWrongPasswordIsSentOnce(t *testing.T) {
	t.Parallel()
	exchange := healthy().ServeHTTP
	pox := signedIn(autodiscover(settings(ewsURL)))
	for name, build := range map[string]func(t *testing.T, n *internet) (url string){
		"the URL was entered": func(t *testing.T, n *internet) string {
			n.host(t, domain, pox)
			n.host(t, mailHost, exchange)
			return ewsURL
		},
		"Autodiscover at both names": func(t *testing.T, n *internet) string {
			n.host(t, domain, pox)
			n.host(t, "autodiscover."+domain, pox)
			n.host(t, mailHost, exchange)
			return ""
		},
		"Autodiscover by redirect": func(t *testing.T, n *internet) string {
			n.serve(t, "autodiscover."+domain, nil, status(http.StatusFound, "Location", "https://"+mailHost+"/autodiscover/autodiscover.xml"))
			n.host(t, mailHost, pox)
			return ""
		},
		"Autodiscover without sign-in": func(t *testing.T, n *internet) string {
			n.host(t, "autodiscover."+domain, autodiscover(settings(ewsURL)))
			n.host(t, mailHost, exchange)
			return ""
		},
		"servers without any sign of Exchange": func(t *testing.T, n *internet) string {
			n.host(t, domain, status(http.StatusUnauthorized, "WWW-Authenticate", basic))
			n.host(t, "autodiscover."+domain, status(http.StatusUnauthorized, "WWW-Authenticate", basic))
			return ""
		},
		"answers without any scheme": func(t *testing.T, n *internet) string {
			n.host(t, domain, status(http.StatusUnauthorized))
			n.host(t, "autodiscover."+domain, status(http.StatusUnauthorized))
			return ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			d := n.open(t, "url", build(t, n), "password", "wrong-one")
			_, err := check(t, d)
			if cause := kalends.CauseOf(err); cause == nil || cause.Key != kalends.CauseCredentialsExpired || kalends.KindOf(err) != kalends.KindUnauthorized {
				t.Errorf("%v; want credentials_expired", err)
			}
			if sent := n.allSignIns(); sent != 1 {
				t.Errorf("the password was sent %d times: %v", sent, n.signIns)
			}
		})
	}
}

// A shop at the domain that asks for another password is no refusal, and never
// sees ours while there is an Exchange.
func TestAnotherServersSignInIsNoRefusal(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.host(t, domain, status(http.StatusUnauthorized, "WWW-Authenticate", `Basic realm="Shop"`))
	n.host(t, "autodiscover."+domain, signedIn(autodiscover(settings(ewsURL))))
	n.host(t, mailHost, healthy().ServeHTTP)
	steps, err := check(t, n.open(t, "url", ""))
	if err != nil || steps[kalends.StepAutodiscover].Facts["url"] != ewsURL {
		t.Errorf("%v, %+v", err, steps[kalends.StepAutodiscover])
	}
	if _, sent := n.counts(domain); sent != 0 {
		t.Errorf("the other server got the password %d times", sent)
	}
}

// A reverse proxy that hides every sign of Exchange still works.
func TestExchangeBehindAProxyIsFound(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.host(t, "autodiscover."+domain, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			status(http.StatusUnauthorized, "WWW-Authenticate", basic)(w, r)
			return
		}
		autodiscover(settings(ewsURL))(w, r)
	})
	n.host(t, mailHost, healthy().ServeHTTP)
	if _, err := check(t, n.open(t, "url", "")); err != nil {
		t.Error(err)
	}
}
