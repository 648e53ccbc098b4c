package ews_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	kalends "kalends"
	"kalends/outbound"
	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

func TestSignsInAsTheServerOffers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options ewsfake.Options
		method  string
	}{
		"everything":               {ewsfake.Options{}, "NTLM"},
		"NTLM":                     {ewsfake.Options{Authenticate: []string{"NTLM"}}, "NTLM"},
		"Negotiate":                {ewsfake.Options{Authenticate: []string{"Negotiate"}}, "Negotiate (NTLM)"},
		"Basic":                    {ewsfake.Options{Authenticate: []string{`Basic realm="mail"`}}, "Basic"},
		"protected":                {ewsfake.Options{Authenticate: []string{"NTLM"}, ExtendedProtection: "require"}, "NTLM"},
		"each request signs in":    {ewsfake.Options{Authenticate: []string{"NTLM"}, SignInEachTime: true}, "NTLM"},
		"2007, which has no limit": {ewsfake.Options{Version: "Exchange2007_SP1"}, "NTLM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := musterwerkWith(t, c.options)
			steps, err := check(t, m.open(t))
			if err != nil || steps[kalends.StepSignIn].Facts["method"] != c.method {
				t.Fatalf("signed in by %q, %v; want %q", steps[kalends.StepSignIn].Facts["method"], err, c.method)
			}
			m.findEverybody(t, checked(t, m.open(t)))
		})
	}
}

// findEverybody looks many people up at once, by what a check kept.
func (c company) findEverybody(t *testing.T, kept kalends.Credentials) {
	t.Helper()
	d := c.openKept(t, kept)
	var group sync.WaitGroup
	for _, person := range c.healthyPeople() {
		group.Go(func() {
			if _, err := d.Find(t.Context(), person.Email); err != nil {
				t.Errorf("%s: %v", person.Email, err)
			}
		})
	}
	group.Wait()
}

// A connection belongs to whom it was signed in as: other credentials must never
// be served on it.
func TestErrAWrongPasswordRidesOnNoConnection(t *testing.T) {
	t.Parallel()
	m := musterwerkWith(t, ewsfake.Options{Authenticate: []string{"NTLM"}})
	kept := checked(t, m.open(t))
	m.findEverybody(t, kept)
	right, wrong := m.openKept(t, kept), kept.Clone()
	wrong["password"] = "not-the-password"
	stranger := m.openKept(t, wrong)
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() {
			if _, err := right.Find(t.Context(), m.block.TestEmail); err != nil {
				t.Errorf("the right password: %v", err)
			}
		})
		group.Go(func() {
			if _, err := stranger.Find(t.Context(), m.block.TestEmail); kalends.KindOf(err) != kalends.KindUnauthorized {
				t.Errorf("the wrong password: %v", err)
			}
		})
	}
	group.Wait()
}

// A method that the administrator of the server switches off later is replaced
// without a word.
func TestAMethodThatIsSwitchedOffIsReplaced(t *testing.T) {
	t.Parallel()
	m := musterwerk(t)
	d := m.openKept(t, checked(t, m.open(t)))
	for _, offer := range []string{`["Basic realm=\"mail\""]`, `["NTLM"]`, `["Negotiate"]`, `["NTLM", "Basic realm=\"mail\""]`} {
		m.settings(t, `{"authenticate": `+offer+`}`)
		d.Close() // the sockets that are signed in
		if _, err := d.Find(t.Context(), m.block.TestEmail); err != nil {
			t.Errorf("%s is offered: %v", offer, err)
		}
	}
}

func (c company) settings(t *testing.T, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, c.server.Ready().SandboxURL+"/_sandbox/systems/exchange", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusBadRequest {
		t.Fatalf("settings %s: %s", body, response.Status)
	}
}

func TestErrKerberosAlone(t *testing.T) {
	t.Parallel()
	m := musterwerk(t)
	m.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: "kerberos_only"})
	steps, err := check(t, m.open(t))
	wantFailed(t, steps, err, kalends.StepSignIn, kalends.CauseAuthenticationMethod)
	if offered := kalends.CauseOf(err).Facts["offered"]; offered != "Negotiate" {
		t.Errorf("offered %q", offered)
	}
}

// Behind a proxy that ends TLS with a certificate of its own, Extended Protection
// refuses every binding: Basic does if the server has it, NTLM without a binding
// if not; one that is required stays required.
func TestProxiesThatEndTLS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		offers []string
		level  string
		method string
	}{
		"Basic too":         {[]string{"NTLM", `Basic realm="mail"`}, "allow", "Basic"},
		"NTLM alone":        {[]string{"NTLM"}, "allow", "NTLM without channel binding"},
		"NTLM and required": {[]string{"NTLM"}, "require", ""},
		"not protected":     {[]string{"NTLM"}, "off", "NTLM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := musterwerkWith(t, ewsfake.Options{Authenticate: c.offers, ExtendedProtection: c.level})
			m.behindAProxy(t)
			steps, err := check(t, m.open(t))
			if c.method == "" {
				wantFailed(t, steps, err, kalends.StepSignIn, kalends.CauseCredentialsExpired)
				return
			}
			if err != nil || steps[kalends.StepSignIn].Facts["method"] != c.method {
				t.Fatalf("signed in by %q, %v; want %q", steps[kalends.StepSignIn].Facts["method"], err, c.method)
			}
			kept := checked(t, m.open(t))
			m.findEverybody(t, kept)
			m.settings(t, `{"authenticate": ["Basic realm=\"mail\""]}`) // later only that is offered
			m.findEverybody(t, kept)
		})
	}
}

// behindAProxy puts something before the server that decrypts and encrypts again.
func (c *company) behindAProxy(t *testing.T) {
	t.Helper()
	authority := newAuthority(t)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", authority.issue(t, mailHost, time.Now().AddDate(0, 6, 0)))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(c.block.EWSURL)
	if err != nil {
		t.Fatal(err)
	}
	resolve := c.server.Resolve()
	behind := resolve[u.Host]
	resolve[u.Host] = listener.Addr().String()
	c.way = outbound.New(outbound.Config{Resolve: resolve, Roots: authority.pem, PrivateNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	var group sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); group.Wait() })
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { pass(conn, behind) })
		}
	})
}

// pass copies both ways until one side ends.
func pass(front net.Conn, address string) {
	defer func() { _ = front.Close() }()
	back, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the proxy's own network
	if err != nil {
		return
	}
	defer func() { _ = back.Close() }()
	go func() {
		_, _ = io.Copy(back, front)
		_ = back.Close()
	}()
	_, _ = io.Copy(front, back)
}
