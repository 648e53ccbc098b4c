package mailtest

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Options say how the server behaves; the zero value takes everything, offers
// STARTTLS and wants no password.
type Options struct {
	Implicit   bool   // TLS from the first byte
	NoSTARTTLS bool   // only plain text
	User       string // with Password: nobody else may send
	Password   string
	// Recipient answers RCPT TO, "" for a good address: "550 5.1.1 no such user".
	Recipient func(address string) string
}

// Received is one message that the server took.
type Received struct {
	From string
	To   []string
	TLS  bool
	User string
	Data string // as it came over the wire, without the last dot
}

// Server is a running SMTP server. Its methods may be called by many goroutines.
type Server struct {
	Host string
	Port int
	TLS  *tls.Config // for clients: trusts the server

	options  Options
	config   *tls.Config
	mu       sync.Mutex
	received []Received
	commands []string
}

// Start runs a server on a port of this machine until the test ends.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Host: "127.0.0.1", options: options}
	s.Port = listener.Addr().(*net.TCPAddr).Port
	s.certificate()
	var running sync.WaitGroup
	running.Go(func() { s.accept(listener, &running) })
	t.Cleanup(func() { _ = listener.Close(); running.Wait() })
	return s
}

// certificate borrows the one that the standard library has for tests.
func (s *Server) certificate() {
	lender := httptest.NewTLSServer(nil)
	defer lender.Close()
	roots := x509.NewCertPool()
	roots.AddCert(lender.Certificate())
	s.config = &tls.Config{Certificates: lender.TLS.Certificates, MinVersion: tls.VersionTLS12}
	s.TLS = &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}
}

// Received gives what was taken so far.
func (s *Server) Received() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Received(nil), s.received...)
}

// Commands gives every line that clients sent outside of messages.
func (s *Server) Commands() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.commands, "\n")
}

func (s *Server) accept(listener net.Listener, running *sync.WaitGroup) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		running.Go(func() {
			defer func() { _ = connection.Close() }()
			c := &conversation{server: s}
			if s.options.Implicit {
				c.encrypt(connection)
			} else {
				c.use(connection)
			}
			c.run()
		})
	}
}

// conversation is one client's.
type conversation struct {
	server *Server
	net    net.Conn
	lines  *bufio.Reader
	now    Received
}

func (c *conversation) use(connection net.Conn) {
	c.net, c.lines = connection, bufio.NewReader(connection)
}

func (c *conversation) encrypt(connection net.Conn) {
	c.use(tls.Server(connection, c.server.config))
	c.now.TLS = true
}

func (c *conversation) say(line string) { _, _ = fmt.Fprint(c.net, line, "\r\n") }

func (c *conversation) read() (string, bool) {
	line, err := c.lines.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err == nil
}

func (c *conversation) run() {
	c.say("220 mail.musterwerk.example ESMTP")
	for {
		line, ok := c.read()
		if !ok || !c.command(line) {
			return
		}
	}
}

func (c *conversation) command(line string) (more bool) {
	c.server.note(line)
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		c.greet()
	case "STARTTLS":
		c.say("220 go ahead")
		c.encrypt(c.net)
	case "AUTH":
		c.authenticate(rest)
	case "MAIL":
		c.sender(rest)
	case "RCPT":
		c.recipient(rest)
	case "DATA":
		c.data()
	case "QUIT":
		c.say("221 bye")
		return false
	default:
		c.say("250 ok")
	}
	return true
}

func (s *Server) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, line)
}

func (c *conversation) greet() {
	c.say("250-mail.musterwerk.example")
	if !c.now.TLS && !c.server.options.NoSTARTTLS {
		c.say("250-STARTTLS")
	}
	if c.server.options.User != "" {
		c.say("250-AUTH PLAIN")
	}
	c.say("250 8BITMIME")
}

// authenticate takes PLAIN with the answer on the same line (RFC 4616).
func (c *conversation) authenticate(rest string) {
	_, answer, _ := strings.Cut(rest, " ")
	plain, err := base64.StdEncoding.DecodeString(answer)
	if err != nil || string(plain) != "\x00"+c.server.options.User+"\x00"+c.server.options.Password {
		c.say("535 5.7.8 authentication failed")
		return
	}
	c.now.User = c.server.options.User
	c.say("235 2.7.0 welcome")
}

func (c *conversation) sender(rest string) {
	if c.server.options.User != c.now.User {
		c.say("530 5.7.0 authentication required")
		return
	}
	c.now.From, c.now.To = address(rest), nil
	c.say("250 ok")
}

func (c *conversation) recipient(rest string) {
	to := address(rest)
	if c.server.options.Recipient != nil {
		if refusal := c.server.options.Recipient(to); refusal != "" {
			c.say(refusal)
			return
		}
	}
	c.now.To = append(c.now.To, to)
	c.say("250 ok")
}

// address reads "FROM:<a@b> …".
func address(rest string) string {
	_, rest, _ = strings.Cut(rest, "<")
	name, _, _ := strings.Cut(rest, ">")
	return name
}

func (c *conversation) data() {
	c.say("354 go ahead")
	var text strings.Builder
	for {
		line, ok := c.read()
		if !ok {
			return
		}
		if line == "." {
			break
		}
		text.WriteString(strings.TrimPrefix(line, ".") + "\n")
	}
	c.now.Data = text.String()
	c.server.mu.Lock()
	c.server.received = append(c.server.received, c.now)
	c.server.mu.Unlock()
	c.say("250 taken")
}
