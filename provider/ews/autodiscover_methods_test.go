package ews_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/idna"

	kalends "kalends"
	"kalends/explain"
)

const svc = "/autodiscover/autodiscover.svc"

// services are the ways in which one host answers Autodiscover; nil = 404.
type services struct{ pox, soap, json http.HandlerFunc }

func (s services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := map[string]http.HandlerFunc{pox: s.pox, svc: s.soap}[r.URL.Path]
	if strings.HasPrefix(r.URL.Path, "/autodiscover/autodiscover.json/v1.0/") {
		answer = s.json
	}
	if answer == nil {
		answer = status(http.StatusNotFound)
	}
	answer(w, r)
}

// soapUser answers GetUserSettings with one user.
func soapUser(user string) http.HandlerFunc {
	return signedIn(text(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover">` +
		`<Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><ErrorCode>NoError</ErrorCode><ErrorMessage/><UserResponses><UserResponse>` + user +
		`</UserResponse></UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`))
}

func soapSettings(url string) http.HandlerFunc {
	return soapUser(`<ErrorCode>NoError</ErrorCode><RedirectTarget i:nil="true"/><UserSettingErrors/><UserSettings>` +
		`<UserSetting i:type="StringSetting"><Name>InternalEwsUrl</Name><Value>https://cas01.intern.` + domain + `/EWS/Exchange.asmx</Value></UserSetting>` +
		`<UserSetting i:type="StringSetting"><Name>ExternalEwsUrl</Name><Value>` + url + `</Value></UserSetting></UserSettings>`)
}

func v2(url string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("Authorization") != "" || !strings.EqualFold(r.URL.Query().Get("Protocol"), "EWS") {
			status(http.StatusBadRequest)(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = fmt.Fprintf(w, `{"Protocol":"EWS","Url":%q}`, url)
	}
}

// goodPOX finds the server in XML.
func goodPOX() http.HandlerFunc { return signedIn(autodiscover(settings(ewsURL))) }

// told are a check's attempts in short: method, result and status.
func told(step kalends.Step) string {
	var list []string
	for _, a := range step.Attempts {
		list = append(list, strings.TrimSuffix(fmt.Sprintf("%s %s %d", a.Method, a.Result, a.Status), " 0"))
	}
	return strings.Join(list, ", ")
}

// wantWords wants every attempt to say in words what was tried and what became of it.
func wantWords(t *testing.T, step kalends.Step) {
	t.Helper()
	for _, a := range step.Attempts {
		for _, lang := range []string{"de", "en"} {
			words := explain.Attempt(lang, a.Result, map[string]string{"target": a.Target})
			if a.What == "" || explain.Method(lang, a.Method) == "" || words == a.Result || strings.Contains(words, "no value") || strings.Contains(words, password) {
				t.Errorf("%s: %+v is told as %q", lang, a, words)
			}
		}
	}
}

// Each way alone leads to the server, whatever the others answer.
func TestAutodiscoverWays(t *testing.T) {
	t.Parallel()
	const owa = "owa." + domain
	for name, c := range map[string]struct {
		build func(*testing.T, *internet)
		told  string
	}{
		"XML at the domain, and nothing after it": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{pox: goodPOX(), soap: soapSettings(ewsURL), json: v2(ewsURL)}.ServeHTTP)
			n.host(t, "autodiscover."+domain, goodPOX())
		}, "pox found 200"},
		"SOAP only": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{soap: soapSettings(ewsURL)}.ServeHTTP)
		}, "pox status 404, soap found 200"},
		"version 2 only": {func(t *testing.T, n *internet) {
			n.host(t, "autodiscover."+domain, services{json: v2(ewsURL)}.ServeHTTP)
		}, "pox no_answer, pox status 404, soap status 404, json found 200"},
		"a redirect over http only": {func(t *testing.T, n *internet) {
			n.serve(t, "autodiscover."+domain, nil, status(http.StatusFound, "Location", "https://"+owa+pox))
			n.host(t, owa, services{pox: goodPOX()}.ServeHTTP)
		}, "pox no_answer, pox no_answer, redirect redirect 302, pox found 200"},
		"a redirect over http to a server without XML": {func(t *testing.T, n *internet) {
			n.serve(t, "autodiscover."+domain, nil, status(http.StatusMovedPermanently, "Location", "https://"+owa+pox))
			n.host(t, owa, services{soap: soapSettings(ewsURL)}.ServeHTTP)
		}, "pox no_answer, pox no_answer, redirect redirect 301, pox status 404, soap found 200"},
		"SRV only": {func(t *testing.T, n *internet) {
			n.resolve["_autodiscover._tcp."+domain] = owa + ":443"
			n.host(t, owa, services{pox: goodPOX()}.ServeHTTP)
		}, "pox no_answer, pox no_answer, redirect no_answer, srv redirect, pox found 200"},
		"SRV to a server that has version 2 only": {func(t *testing.T, n *internet) {
			n.resolve["_autodiscover._tcp."+domain] = owa + ":443"
			n.host(t, owa, services{json: v2(ewsURL)}.ServeHTTP)
		}, "pox no_answer, pox no_answer, redirect no_answer, srv redirect, pox status 404, soap status 404, json found 200"},
		"XML broken, SOAP well": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{pox: signedIn(status(http.StatusInternalServerError)), soap: soapSettings(ewsURL)}.ServeHTTP)
		}, "pox status 500, soap found 200"},
		"XML endless, SOAP well": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{pox: endless("<x>", "<a/>"), soap: soapSettings(ewsURL)}.ServeHTTP)
		}, "pox answer_too_large, soap found 200"},
		"XML ends early, SOAP well": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{pox: abort, soap: soapSettings(ewsURL)}.ServeHTTP)
		}, "pox no_answer, soap found 200"},
		"web pages, version 2 well": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{pox: status(http.StatusOK), soap: status(http.StatusOK), json: v2(ewsURL)}.ServeHTTP)
		}, "pox not_autodiscover 200, soap not_autodiscover 200, json found 200"},
		"web pages and an endless body, then autodiscover": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{pox: status(http.StatusOK), soap: status(http.StatusOK), json: endless("{", `"a":1,`)}.ServeHTTP)
			n.host(t, "autodiscover."+domain, goodPOX())
		}, "pox not_autodiscover 200, soap not_autodiscover 200, json answer_too_large, pox found 200"},
		"a wrong certificate at the domain": {func(t *testing.T, n *internet) {
			n.serve(t, domain, n.ca.issue(t, "shop.example", time.Now().AddDate(0, 1, 0)), goodPOX())
			n.host(t, "autodiscover."+domain, goodPOX())
		}, "pox tls, pox found 200"},
		"a wrong certificate, then SRV": {func(t *testing.T, n *internet) {
			n.serve(t, "autodiscover."+domain, n.ca.issue(t, "shop.example", time.Now().AddDate(0, 1, 0)), goodPOX())
			n.resolve["_autodiscover._tcp."+domain] = owa + ":443"
			n.host(t, owa, goodPOX())
		}, "pox no_answer, pox tls, redirect no_answer, srv redirect, pox found 200"},
		"SOAP leads to a URL": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{soap: soapUser(`<ErrorCode>RedirectUrl</ErrorCode><RedirectTarget>https://` + owa + svc + `</RedirectTarget>`)}.ServeHTTP)
			n.host(t, owa, services{soap: soapSettings(ewsURL)}.ServeHTTP)
		}, "pox status 404, soap redirect 200, soap found 200"},
		"SOAP leads to another address": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{soap: func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if strings.Contains(string(body), "<a:Mailbox>real@"+domain+"</a:Mailbox>") {
					soapSettings(ewsURL)(w, r)
					return
				}
				soapUser(`<ErrorCode>RedirectAddress</ErrorCode><RedirectTarget>real@`+domain+`</RedirectTarget>`)(w, r)
			}}.ServeHTTP)
		}, "pox status 404, soap another_address 200, soap found 200"},
		"SOAP is sent to XML": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{soap: status(http.StatusFound, "Location", "https://"+owa+pox)}.ServeHTTP)
			n.host(t, owa, services{pox: goodPOX()}.ServeHTTP)
		}, "pox status 404, soap redirect 302, pox found 200"},
		"SOAP knows nobody, autodiscover does": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{soap: soapUser(`<ErrorCode>InvalidUser</ErrorCode><ErrorMessage>x</ErrorMessage>`)}.ServeHTTP)
			n.host(t, "autodiscover."+domain, goodPOX())
		}, "pox status 404, soap error 200, json status 404, pox found 200"},
		"version 2 says what it does not know": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{json: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"ErrorCode":"ProtocolNotSupported","ErrorMessage":"x"}`)
			}}.ServeHTTP)
			n.host(t, "autodiscover."+domain, goodPOX())
		}, "pox status 404, soap status 404, json error 400, pox found 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			c.build(t, n)
			n.host(t, mailHost, healthy().ServeHTTP)
			steps, err := check(t, n.open(t, "url", ""))
			found := steps[kalends.StepAutodiscover]
			if err != nil || found.Facts["url"] != ewsURL {
				t.Errorf("%v, %+v", err, found.Facts)
			}
			if got := told(found); got != c.told {
				t.Errorf("attempts\n %s, want\n %s", got, c.told)
			}
			wantWords(t, found)
		})
	}
}

// What cannot be followed is told, and nothing is asked there.
func TestErrAutodiscoverWaysThatLeadNowhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		build func(*testing.T, *internet)
		cause kalends.CauseKey
		told  string
	}{
		"SRV with another port": {func(_ *testing.T, n *internet) {
			n.resolve["_autodiscover._tcp."+domain] = mailHost + ":8443"
		}, kalends.CauseServerNotFound, "srv other_port"},
		"SRV to Exchange Online": {func(_ *testing.T, n *internet) {
			n.resolve["_autodiscover._tcp."+domain] = "autodiscover.outlook.com:443"
		}, kalends.CauseExchangeOnline, "srv exchange_online"},
		"a redirect over http to Exchange Online": {func(t *testing.T, n *internet) {
			n.serve(t, "autodiscover."+domain, nil, status(http.StatusFound, "Location", "https://autodiscover-s.outlook.com"+pox))
		}, kalends.CauseExchangeOnline, "redirect exchange_online 302"},
		"version 2 names Exchange Online": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{json: v2("https://outlook.office365.com/EWS/Exchange.asmx")}.ServeHTTP)
		}, kalends.CauseExchangeOnline, "json exchange_online 200"},
		"SOAP leads to a tenant of Microsoft 365": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{soap: soapUser(`<ErrorCode>RedirectAddress</ErrorCode><RedirectTarget>a@musterwerk.onmicrosoft.com</RedirectTarget>`)}.ServeHTTP)
		}, kalends.CauseExchangeOnline, "soap exchange_online 200"},
		"a redirect over http to http": {func(t *testing.T, n *internet) {
			n.serve(t, "autodiscover."+domain, nil, status(http.StatusFound, "Location", "http://owa."+domain+pox))
			n.serve(t, "owa."+domain, nil, autodiscover(settings(ewsURL)))
		}, kalends.CauseServerNotFound, "redirect unsafe 302"},
		"settings over http": {func(t *testing.T, n *internet) {
			n.serve(t, "autodiscover."+domain, nil, autodiscover(settings(ewsURL)))
		}, kalends.CauseServerNotFound, "redirect not_autodiscover 200"},
		"a redirect over http to an untrusted certificate": {func(t *testing.T, n *internet) {
			n.serve(t, "autodiscover."+domain, nil, status(http.StatusFound, "Location", "https://owa."+domain+pox))
			n.serve(t, "owa."+domain, n.ca.issue(t, "shop.example", time.Now().AddDate(0, 1, 0)), goodPOX())
		}, kalends.CauseTLS, "redirect redirect 302, pox tls"},
		"SOAP is busy": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{soap: soapUser(`<ErrorCode>ServerBusy</ErrorCode>`)}.ServeHTTP)
		}, kalends.CauseThrottled, "soap error 200"},
		"settings without an address": {func(t *testing.T, n *internet) {
			n.host(t, domain, services{pox: signedIn(autodiscover(`<Action>settings</Action>`)), soap: soapUser(`<ErrorCode>NoError</ErrorCode><UserSettings/>`)}.ServeHTTP)
		}, kalends.CauseServerNotFound, "pox no_url 200, soap no_url 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			c.build(t, n)
			n.host(t, mailHost, healthy().ServeHTTP)
			steps, err := check(t, n.open(t, "url", ""))
			wantFailed(t, steps, err, kalends.StepAutodiscover, c.cause)
			if got := told(steps[kalends.StepAutodiscover]); !strings.Contains(got, c.told) {
				t.Errorf("attempts %s, want %s", got, c.told)
			}
			wantWords(t, steps[kalends.StepAutodiscover])
			asked, _ := n.counts("owa." + domain)
			if here, _ := n.counts(mailHost); here+asked != 0 && name != "a redirect over http to an untrusted certificate" {
				t.Errorf("%d requests where nothing was to be asked", here+asked)
			}
		})
	}
}

// A host outside the domain is asked once an administrator confirmed it, and that
// one only.
func TestAConfirmedServerIsFollowed(t *testing.T) {
	t.Parallel()
	const front, web = "autodiscover.hoster.example", "ews.hoster.example"
	n := newInternet(t)
	n.resolve["_autodiscover._tcp."+domain] = front + ":443"
	n.host(t, front, services{pox: signedIn(autodiscover(settings("https://" + web + "/EWS/Exchange.asmx")))}.ServeHTTP)
	n.host(t, web, healthy().ServeHTTP)
	trusted := ""
	for _, host := range []string{front, web} {
		steps, err := check(t, n.open(t, "url", "", "trusted_hosts", trusted))
		wantFailed(t, steps, err, kalends.StepAutodiscover, kalends.CauseServerNotConfirmed)
		wantWords(t, steps[kalends.StepAutodiscover])
		if got := kalends.CauseOf(err).Facts["host"]; got != host {
			t.Fatalf("%q is to be confirmed, want %q", got, host)
		}
		if asked, _ := n.counts(host); asked != 0 {
			t.Errorf("%s was asked before it was confirmed", host)
		}
		trusted += " " + host
	}
	steps, err := check(t, n.open(t, "url", "", "trusted_hosts", trusted))
	if err != nil || steps[kalends.StepAutodiscover].Facts["url"] != "https://"+web+"/EWS/Exchange.asmx" {
		t.Errorf("%v, %+v", err, steps[kalends.StepAutodiscover])
	}
}

func TestAConfirmedMailDomainIsSearched(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.host(t, domain, services{pox: signedIn(autodiscover(`<Action>redirectAddr</Action><RedirectAddr>real@konzern.example</RedirectAddr>`))}.ServeHTTP)
	n.resolve["konzern.example"] = closedPort(t)
	n.host(t, "autodiscover.konzern.example", goodPOX())
	n.host(t, mailHost, healthy().ServeHTTP)
	if _, err := check(t, n.open(t, "url", "", "trusted_hosts", "konzern.example")); err != nil {
		t.Error(err)
	}
}

// What servers make long is shown short.
func TestAttemptsStayShort(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.host(t, domain, status(http.StatusFound, "Location", "https://"+domain+"/"+strings.Repeat("x", 20000)))
	n.resolve["_autodiscover._tcp."+domain] = strings.Repeat("x.", 200) + "example:443"
	steps, err := check(t, n.open(t, "url", ""))
	wantFailed(t, steps, err, kalends.StepAutodiscover, kalends.CauseServerNotFound)
	for _, a := range steps[kalends.StepAutodiscover].Attempts {
		if len(a.What)+len(a.Target) > 700 {
			t.Errorf("%d characters: %s", len(a.What)+len(a.Target), a.Result)
		}
	}
}

// The best of several hosts outside is named: a DNS entry says more than the web
// server at the domain, a server that took the password more than both.
func TestTheBestLeadIsToBeConfirmed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		build func(*testing.T, *internet)
		host  string
	}{
		"the DNS entry": {func(t *testing.T, n *internet) {
			n.host(t, domain, status(http.StatusFound, "Location", "https://shop.example/"))
		}, "mail.hoster.example"},
		"rather than a wrong certificate": {func(t *testing.T, n *internet) {
			n.serve(t, domain, n.ca.issue(t, "shop.example", time.Now().AddDate(0, 1, 0)), goodPOX())
		}, "mail.hoster.example"},
		"the Exchange that answered": {func(t *testing.T, n *internet) {
			n.host(t, "autodiscover."+domain, services{pox: signedIn(autodiscover(settings("https://ews.hoster.example/EWS/Exchange.asmx")))}.ServeHTTP)
		}, "ews.hoster.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			n.resolve["_autodiscover._tcp."+domain] = "mail.hoster.example:443"
			c.build(t, n)
			_, err := check(t, n.open(t, "url", ""))
			if cause := kalends.CauseOf(err); cause == nil || cause.Key != kalends.CauseServerNotConfirmed || cause.Facts["host"] != c.host {
				t.Errorf("%v, %+v", err, cause)
			}
		})
	}
}

// Who owns a name decides, by the Public Suffix List.
func TestWhoOwnsAName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mail, host string
		follow     bool
	}{
		"a name with an umlaut":           {"müller.example", "mail.xn--mller-kva.example", true},
		"letters that look alike":         {"musterwerk.example", "mail.mustеrwerk.example", false}, // a Cyrillic е
		"the company's other names":       {"vertrieb.musterwerk.co.uk", "mail.musterwerk.co.uk", true},
		"a neighbour below co.uk":         {"musterwerk.co.uk", "mail.evil.co.uk", false},
		"a neighbour at a shared service": {"musterwerk.github.io", "evil.github.io", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t)
			mail, host := inDNS(t, c.mail), inDNS(t, c.host)
			n.resolve["autodiscover."+mail], n.resolve["_autodiscover._tcp."+mail], n.resolve["_mx."+mail] = closedPort(t), "", "mx."+mail
			n.host(t, mail, status(http.StatusFound, "Location", "https://"+c.host+pox))
			n.host(t, host, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == pox {
					signedIn(autodiscover(settings("https://"+host+"/EWS/Exchange.asmx")))(w, r)
					return
				}
				healthy().ServeHTTP(w, r)
			})
			_, err := check(t, n.open(t, "url", "", "test_email", "a@"+c.mail))
			if cause := kalends.CauseOf(err); !c.follow && (cause == nil || cause.Facts["host"] != host) {
				t.Errorf("%v, %+v", err, cause)
			}
			if asked, _ := n.counts(host); (err == nil) != c.follow || (asked > 0) != c.follow {
				t.Errorf("%v, asked %d times", err, asked)
			}
		})
	}
}

// inDNS writes a name as DNS has it.
func inDNS(t *testing.T, name string) string {
	t.Helper()
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		t.Fatal(err)
	}
	return ascii
}

// Nobody's domain is searched: autodiscover.co.uk is somebody else's server.
func TestErrADomainOfEverybody(t *testing.T) {
	t.Parallel()
	for _, mail := range []string{"co.uk", "127.0.0.1"} {
		n := newInternet(t)
		n.resolve["_mx."+mail], n.resolve["_autodiscover._tcp."+mail] = "mx."+mail, "mail."+domain+":443"
		for _, host := range []string{mail, "autodiscover." + mail, mailHost} {
			n.host(t, host, goodPOX())
		}
		steps, err := check(t, n.open(t, "url", "", "test_email", "a@"+mail))
		wantFailed(t, steps, err, kalends.StepAutodiscover, kalends.CauseServerNotFound)
		if sum := n.allAsked(); sum != 0 {
			t.Errorf("%s: %d requests", mail, sum)
		}
	}
}

func (n *internet) allAsked() (sum int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, count := range n.asked {
		sum += count
	}
	return sum
}

func TestErrConfirmedHostsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, hosts := range []string{"https://mail.hoster.example", "mail.hoster.example:8443", "co.uk", "mail.hoster.example/x", "*", "192.0.2.7", "a@b.example"} {
		n := newInternet(t)
		if _, err := n.tryOpen("trusted_hosts", hosts); kalends.KindOf(err) != kalends.KindInvalid || kalends.CauseOf(err).Facts["field"] != "trusted_hosts" {
			t.Errorf("%s: %v", hosts, err)
		}
	}
}

// The steps of the form are all that pages show; a host is kept with the credentials.
func TestConfirmedHostsAreKept(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.host(t, mailHost, healthy().ServeHTTP)
	result := checked(t, n.open(t, "trusted_hosts", "mail.hoster.example"))
	if !slices.Equal(strings.Fields(result["trusted_hosts"]), []string{"mail.hoster.example"}) {
		t.Errorf("kept %q", result["trusted_hosts"])
	}
}
