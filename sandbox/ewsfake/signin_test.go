package ewsfake_test

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	ntlmssp "github.com/Azure/go-ntlmssp"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
	"kalends/sandbox/ntlm"
)

// signer speaks to the server over one connection at a time.
type signer struct {
	*client
	user, password string
	bind           bool
}

func newSigner(t *testing.T, options ewsfake.Options) signer {
	c := newClient(t, startWith(t, sandbox.Config{}, options))
	transport := c.http.Transport.(*http.Transport)
	transport.MaxConnsPerHost = 1
	b := c.server.Ready().Exchange.(ewsfake.Block)
	name, _, _ := strings.Cut(b.ServiceAccount, "@")
	return signer{client: c, user: `MUSTERWERK\` + name, password: b.Password}
}

// send posts GetFolder with an Authorization header, and gives status and the
// WWW-Authenticate values.
func (s signer) send(authorization string) (int, []string) {
	s.t.Helper()
	body := soapStart + `<t:RequestServerVersion Version="Exchange2013_SP1"/><t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>` + s.me().Email +
		`</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body>` + getFolder + `</s:Body></s:Envelope>`
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "https://"+s.server.Resolve()["mail.musterwerk.example:443"]+"/EWS/Exchange.asmx", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := s.http.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, response.Header.Values("WWW-Authenticate")
}

// handshake signs in and gives the status of the last leg.
func (s signer) handshake(scheme string) int {
	s.t.Helper()
	negotiate, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		s.t.Fatal(err)
	}
	status, offers := s.send(scheme + " " + base64.StdEncoding.EncodeToString(negotiate))
	if status != 401 || len(offers) != 1 || !strings.HasPrefix(offers[0], scheme+" ") {
		return status
	}
	challenge, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(offers[0], scheme+" "))
	if err != nil {
		s.t.Fatal(err)
	}
	if s.bind {
		challenge = s.bound(challenge)
	}
	authenticate, err := ntlmssp.NewAuthenticateMessage(challenge, s.user, s.password, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	status, _ = s.send(scheme + " " + base64.StdEncoding.EncodeToString(authenticate))
	return status
}

// bound inserts the binding of the server's certificate into the challenge.
func (s signer) bound(m []byte) []byte {
	s.t.Helper()
	connection, err := (&tls.Dialer{Config: s.http.Transport.(*http.Transport).TLSClientConfig}).DialContext(s.t.Context(), "tcp", s.server.Resolve()["mail.musterwerk.example:443"])
	if err != nil {
		s.t.Fatal(err)
	}
	defer connection.Close()
	binding := ntlm.ChannelBinding(connection.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw)
	length := binary.LittleEndian.Uint16(m[40:]) + 20
	binary.LittleEndian.PutUint16(m[40:], length)
	binary.LittleEndian.PutUint16(m[42:], length)
	return append(append(append(m[:len(m)-4], 10, 0, 16, 0), binding...), 0, 0, 0, 0)
}

func TestNTLM(t *testing.T) {
	t.Parallel()
	s := newSigner(t, ewsfake.Options{})
	if status, offers := s.send(""); status != 401 || strings.Join(offers, ", ") != `Negotiate, NTLM, Basic realm="mail.musterwerk.example"` {
		t.Fatalf("nobody: %d %v", status, offers)
	}
	for _, scheme := range []string{"NTLM", "Negotiate"} {
		if status := s.handshake(scheme); status != 200 {
			t.Errorf("%s: %d", scheme, status)
		}
	}
	upn := s
	upn.user = s.server.Ready().Exchange.(ewsfake.Block).ServiceAccount
	if status := upn.handshake("NTLM"); status != 200 {
		t.Errorf("by user principal name: %d", status)
	}
	stranger := s
	stranger.user = strings.Replace(s.user, "MUSTERWERK", "ELSEWHERE", 1)
	if status := stranger.handshake("NTLM"); status != 401 {
		t.Errorf("of another domain: %d", status)
	}
	if calls := s.server.Desk().Stats()["exchange"].Operations; calls["NTLM"] != 4 || calls["GetFolder"] != 5 {
		t.Errorf("counts: %v", calls)
	}
}

// TestConnectionStaysSignedIn: this is why accounts must not share connections.
func TestConnectionStaysSignedIn(t *testing.T) {
	t.Parallel()
	s := newSigner(t, ewsfake.Options{})
	if status := s.handshake("NTLM"); status != 200 {
		t.Fatal(status)
	}
	if status, _ := s.send(""); status != 200 {
		t.Errorf("the connection forgot: %d", status)
	}
	s.http.CloseIdleConnections()
	if status, _ := s.send(""); status != 401 {
		t.Errorf("another connection: %d", status)
	}
	if status := s.handshake("NTLM"); status != 200 {
		t.Fatal(status)
	}
	wrong := s
	wrong.password = "wrong"
	if status := wrong.handshake("NTLM"); status != 401 {
		t.Errorf("a wrong password: %d", status)
	}
	if status, _ := s.send(""); status != 401 {
		t.Errorf("after a failed handshake: %d", status)
	}
}

func TestSignInEachTime(t *testing.T) {
	t.Parallel()
	s := newSigner(t, ewsfake.Options{SignInEachTime: true})
	if status := s.handshake("NTLM"); status != 200 {
		t.Fatal(status)
	}
	if status, _ := s.send(""); status != 401 {
		t.Errorf("%d", status)
	}
}

func TestWaysToSignIn(t *testing.T) {
	t.Parallel()
	s := newSigner(t, ewsfake.Options{Authenticate: []string{"NTLM"}})
	if status, _ := s.client.ask("Exchange2013_SP1", s.me().Email, getFolder); status != 401 {
		t.Errorf("Basic is off: %d", status)
	}
	if status := s.handshake("Negotiate"); status != 401 {
		t.Errorf("Negotiate is off: %d", status)
	}
	if status := s.handshake("NTLM"); status != 200 {
		t.Errorf("NTLM: %d", status)
	}
	for kind, want := range map[string]int{"no_basic": 200, "kerberos_only": 401, "expired_secret": 401} {
		s.server.Desk().AddFault(sandbox.Fault{Provider: "exchange", Kind: kind})
		s.http.CloseIdleConnections()
		if status := s.handshake("NTLM"); status != want {
			t.Errorf("%s: %d", kind, status)
		}
		s.server.Desk().ClearFaults("")
	}
}

func TestExtendedProtection(t *testing.T) {
	t.Parallel()
	for _, q := range []struct {
		options ewsfake.Options
		bind    bool
		want    int
	}{
		{ewsfake.Options{ExtendedProtection: "require"}, false, 401},
		{ewsfake.Options{ExtendedProtection: "require"}, true, 200},
		{ewsfake.Options{Version: "ExchangeSE"}, false, 200},
		{ewsfake.Options{Version: "ExchangeSE"}, true, 200},
	} {
		s := newSigner(t, q.options)
		s.bind = q.bind
		if status := s.handshake("NTLM"); status != q.want {
			t.Errorf("%+v %v: %d", q.options, q.bind, status)
		}
	}
}

// TestCurl signs in with a client that others wrote.
func TestCurl(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	s := newSigner(t, ewsfake.Options{})
	for password, want := range map[string]string{s.password: "400", "wrong": "401"} {
		out, err := exec.CommandContext(t.Context(), "curl", "--silent", "--insecure", "--ntlm", "--user", s.user+":"+password, "--output", "/dev/null", "--write-out", "%{http_code}",
			"--data", "no envelope", "https://"+s.server.Resolve()["mail.musterwerk.example:443"]+"/EWS/Exchange.asmx").CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%s %v", out, err)
		}
	}
}
