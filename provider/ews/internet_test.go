package ews_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	kalends "kalends"
	"kalends/outbound"
	"kalends/provider"
	"kalends/provider/ews"
)

const (
	domain   = "musterwerk.example"
	mailHost = "mail." + domain
	ewsURL   = "https://" + mailHost + "/EWS/Exchange.asmx"
	password = "correct-horse-7391"
)

// authority issues the certificates of test servers.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: time.Now().AddDate(-1, 0, 0),
		NotAfter: time.Now().AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) issue(t testing.TB, name string, ends time.Time) *tls.Config {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().AddDate(0, -6, 0), NotAfter: ends, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// internet is what a driver of a test can reach: names that lead to servers of
// this test, and nothing else.
type internet struct {
	ca       *authority
	resolve  map[string]string
	networks []netip.Prefix

	mu      sync.Mutex
	asked   map[string]int // requests by host
	signIns map[string]int // those with credentials
}

func newInternet(t testing.TB) *internet {
	t.Helper()
	n := &internet{
		ca: newAuthority(t), asked: map[string]int{}, signIns: map[string]int{},
		networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		resolve:  map[string]string{"_mx." + domain: "mx." + domain, "_autodiscover._tcp." + domain: ""}, // no such entry
	}
	nobody := closedPort(t)
	for _, name := range []string{domain, "autodiscover." + domain, mailHost} {
		n.resolve[name] = nobody
	}
	return n
}

func closedPort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// listen gives a name and port to somebody who talks as he likes.
func (n *internet) listen(t testing.TB, address string, talk func(net.Conn)) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.resolve[address] = listener.Addr().String()
	var group sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); group.Wait() })
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { defer func() { _ = conn.Close() }(); talk(conn) })
		}
	})
}

// serve runs a server at a name; without a certificate it is plain, at port 80.
func (n *internet) serve(t testing.TB, name string, certificate *tls.Config, handler http.HandlerFunc) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := ":80"
	if certificate != nil {
		port = ":443"
		n.resolve[name+port] = listener.Addr().String()
		listener = tls.NewListener(listener, certificate)
	}
	n.resolve[name+port] = listener.Addr().String()
	server := &http.Server{Handler: n.counted(name, handler), ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
}

// host runs a TLS server that everybody trusts.
func (n *internet) host(t testing.TB, name string, handler http.HandlerFunc) {
	t.Helper()
	n.serve(t, name, n.ca.issue(t, name, time.Now().AddDate(0, 6, 0)), handler)
}

func (n *internet) counted(name string, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		n.asked[name]++
		if secretIn(r) {
			n.signIns[name]++
		}
		n.mu.Unlock()
		handler(w, r)
	}
}

// secretIn tells whether a request says more than that somebody would sign in by
// NTLM (MS-NLMP 2.2.1.1: type 1 follows the signature).
func secretIn(r *http.Request) bool {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return token != "" && !strings.HasPrefix(token, "TlRMTVNTUAABAAAA")
}

func (n *internet) counts(name string) (asked, signIns int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[name], n.signIns[name]
}

func (n *internet) allSignIns() (sum int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, count := range n.signIns {
		sum += count
	}
	return sum
}

// values are what an administrator enters; changes are name, value pairs.
func values(changes ...string) kalends.Credentials {
	c := kalends.Credentials{"username": `MUSTERWERK\svc`, "password": password, "test_email": "test@" + domain, "url": ewsURL}
	for i := 0; i+1 < len(changes); i += 2 {
		c[changes[i]] = changes[i+1]
	}
	return c
}

// open makes a driver that trusts the authority and waits two seconds at most.
func (n *internet) open(t testing.TB, changes ...string) provider.Driver {
	t.Helper()
	return n.openWith(t, n.ca.pem, values(changes...))
}

func (n *internet) openWith(t testing.TB, roots []byte, c kalends.Credentials) provider.Driver {
	t.Helper()
	way := outbound.New(outbound.Config{Resolve: n.resolve, Roots: roots, PrivateNetworks: n.networks})
	d, err := ews.System().Open(c, way)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// tryOpen opens a driver that may refuse its values.
func (n *internet) tryOpen(changes ...string) (provider.Driver, error) {
	return ews.System().Open(values(changes...), outbound.New(outbound.Config{Resolve: n.resolve, PrivateNetworks: n.networks}))
}

// Answers of servers.

const (
	html  = "<!DOCTYPE html>\n<html><head><title>Willkommen</title></head><body>Guten Tag</body></html>"
	basic = `Basic realm="mail"`
)

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, html)
	}
}

// signedIn asks for Basic like Exchange before it answers; with a wrong password it refuses.
func signedIn(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, given, _ := r.BasicAuth(); given != password {
			w.Header().Set("X-FEServer", "MAIL")
			status(http.StatusUnauthorized, "WWW-Authenticate", basic)(w, r)
			return
		}
		handler(w, r)
	}
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = io.WriteString(w, body)
	}
}

// script is an Exchange that answers each operation as told, behind a sign-in.
type script map[string]func(request string) (status int, body string)

var operation = regexp.MustCompile(`<s:Body><m:(\w+)`)

func (s script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	signedIn(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		name := operation.FindStringSubmatch(string(body))
		if name == nil || s[name[1]] == nil {
			status(http.StatusBadRequest)(w, r)
			return
		}
		code, answer := s[name[1]](string(body))
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, soap(answer))
	})(w, r)
}

func soap(body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>` +
		`<h:ServerVersionInfo MajorVersion="15" MinorVersion="0" MajorBuildNumber="1497" MinorBuildNumber="48" xmlns:h="http://schemas.microsoft.com/exchange/services/2006/types"/>` +
		`</s:Header><s:Body xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
		body + `</s:Body></s:Envelope>`
}

// success is one response message of an operation.
func success(op, inner string) (int, string) {
	return http.StatusOK, fmt.Sprintf(`<m:%[1]sResponse><m:ResponseMessages><m:%[1]sResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>%[2]s</m:%[1]sResponseMessage></m:ResponseMessages></m:%[1]sResponse>`, op, inner)
}

// refusal is a response message with an error; values are name, value pairs.
func refusal(op, code string, pairs ...string) (int, string) {
	xml := ""
	for i := 0; i+1 < len(pairs); i += 2 {
		xml += `<t:Value Name="` + pairs[i] + `">` + pairs[i+1] + `</t:Value>`
	}
	return http.StatusOK, fmt.Sprintf(`<m:%[1]sResponse><m:ResponseMessages><m:%[1]sResponseMessage ResponseClass="Error"><m:MessageText>no</m:MessageText><m:ResponseCode>%[2]s</m:ResponseCode><m:MessageXml>%[3]s</m:MessageXml></m:%[1]sResponseMessage></m:ResponseMessages></m:%[1]sResponse>`, op, code, xml)
}

func folder() (int, string) {
	return success("GetFolder", `<m:Folders><t:CalendarFolder><t:FolderId Id="AAMk" ChangeKey="A"/><t:DisplayName>Kalender</t:DisplayName></t:CalendarFolder></m:Folders>`)
}

// healthy is an Exchange on which a check passes.
func healthy() script {
	return script{
		"GetFolder": func(string) (int, string) { return folder() },
		"GetUserAvailabilityRequest": func(request string) (int, string) {
			one := `<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>FreeBusyMerged</t:FreeBusyViewType></m:FreeBusyView></m:FreeBusyResponse>`
			return http.StatusOK, `<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>` + strings.Repeat(one, strings.Count(request, "<t:MailboxData>")) + `</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>`
		},
		"GetRoomLists": func(string) (int, string) {
			return http.StatusOK, `<m:GetRoomListsResponse ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:RoomLists/></m:GetRoomListsResponse>`
		},
	}
}

// autodiscover answers with an account element.
func autodiscover(account string) http.HandlerFunc {
	return text(`<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><Account>` + account + `</Account></Response></Autodiscover>`)
}

func settings(url string) string {
	return `<Action>settings</Action><Protocol><Type>EXPR</Type><EwsUrl>` + url + `</EwsUrl></Protocol>`
}

// check runs a check and gives its steps as they ended.
func check(t *testing.T, d provider.Driver) (map[kalends.StepKey]kalends.Step, error) {
	t.Helper()
	steps := map[kalends.StepKey]kalends.Step{}
	_, err := d.Check(t.Context(), provider.CheckRequest{}, func(s kalends.Step) { steps[s.Key] = s })
	return steps, err
}

// checked runs a check that must pass and gives the credentials to keep.
func checked(t *testing.T, d provider.Driver) kalends.Credentials {
	t.Helper()
	result, err := d.Check(t.Context(), provider.CheckRequest{}, func(kalends.Step) {})
	if err != nil {
		t.Fatal(err)
	}
	return result.Credentials
}

// unless answers requests that hold a text otherwise.
func (s script) unless(text string, otherwise http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), text) {
			signedIn(otherwise)(w, r)
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		s.ServeHTTP(w, r)
	}
}

// as2007 answers like a server of 2007.
func as2007(s script) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		inner := httptest.NewRecorder()
		s.ServeHTTP(inner, r)
		for name, value := range inner.Header() {
			w.Header()[name] = value
		}
		w.WriteHeader(inner.Code)
		_, _ = io.WriteString(w, strings.Replace(inner.Body.String(), `MajorVersion="15" MinorVersion="0"`, `MajorVersion="8" MinorVersion="3"`, 1))
	}
}
