package sandbox

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Server is a running sandbox: the control API and one TLS listener a system.
type Server struct {
	config  Config
	world   *World
	desk    *Desk
	ca      *authority
	ready   Ready
	servers []*http.Server
	closing sync.Once
	caTemp  bool
}

// Ready is the line that says where everything is.
type Ready struct {
	SandboxURL   string    `json:"sandbox_url"`
	CAFile       string    `json:"ca_file"`
	Resolve      string    `json:"resolve"` // value for KALENDS_RESOLVE
	PID          int       `json:"pid"`
	Exchange     any       `json:"exchange"`
	Microsoft365 any       `json:"microsoft365"`
	Google       any       `json:"google"`
	Planted      []Planted `json:"planted"`
}

// New makes a sandbox; nothing listens before Start.
func New(config Config) (*Server, error) {
	config = config.withDefaults()
	company, err := config.company()
	if err != nil {
		return nil, err
	}
	ca, err := newAuthority(config.Now())
	if err != nil {
		return nil, err
	}
	desk := newDesk(config)
	return &Server{config: config, world: newWorld(company, config), desk: desk, ca: ca}, nil
}

// Run starts a sandbox, prints where it is, and serves until ctx ends.
func Run(ctx context.Context, config Config, stdout io.Writer) error {
	server, err := New(config)
	if err != nil {
		return err
	}
	if err := server.Start(ctx); err != nil {
		return err
	}
	defer server.Close()
	if err := server.announce(stdout); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// Start listens and returns when everything answers. Close ends it.
func (s *Server) Start(ctx context.Context) error {
	if err := s.start(ctx); err != nil {
		s.Close()
		return err
	}
	return nil
}

func (s *Server) start(ctx context.Context) error {
	if err := s.writeCA(); err != nil {
		return err
	}
	s.ready.PID = os.Getpid()
	s.ready.Planted = s.world.Planted()
	for _, system := range s.config.Systems {
		if err := s.open(ctx, system); err != nil {
			return err
		}
	}
	address, err := s.listen(ctx, s.config.Listen, s.control(), nil)
	s.ready.SandboxURL = "http://" + address
	return err
}

// open listens for one system, under TLS and in plain.
func (s *Server) open(ctx context.Context, system System) error {
	hosts := system.Hosts(s.world.Domain())
	secure, plain := system.Open(s.world, s.desk)
	certificates, err := s.ca.certificates(hosts, s.desk, system.Provider)
	if err != nil {
		return err
	}
	address, err := s.listen(ctx, "127.0.0.1:0", secure, certificates)
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(address)
	for _, host := range hosts {
		s.resolve(host+":443", address)
		s.resolve(host+":"+port, address)
	}
	if system.Names != nil {
		for name, target := range system.Names(s.world.Domain()) {
			s.resolve(name, target)
		}
	}
	s.describe(system, address)
	if plain == nil {
		return nil
	}
	address, err = s.listen(ctx, "127.0.0.1:0", plain, nil)
	for _, host := range hosts {
		s.resolve(host+":80", address)
	}
	return err
}

func (s *Server) resolve(name, address string) {
	s.ready.Resolve = strings.TrimPrefix(s.ready.Resolve+","+name+"="+address, ",")
}

func (s *Server) describe(system System, address string) {
	block := system.Block(s.world, address)
	switch system.Provider {
	case "exchange":
		s.ready.Exchange = block
	case "microsoft365":
		s.ready.Microsoft365 = block
	case "google":
		s.ready.Google = block
	}
}

func (s *Server) listen(ctx context.Context, address string, handler http.Handler, certificates *tls.Config) (string, error) {
	var l net.ListenConfig
	listener, err := l.Listen(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("listen on %s: %w", address, err)
	}
	server := &http.Server{
		Handler: handler, TLSConfig: certificates, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: log.New(io.Discard, "", 0), ConnContext: accepted(certificates),
		// Windows authentication needs HTTP/1.1, so no offer of HTTP/2.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	s.servers = append(s.servers, server)
	if certificates != nil {
		listener = tls.NewListener(listener, certificates)
	}
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), nil
}

func (s *Server) writeCA() error {
	path := s.config.CAFile
	if path == "" {
		file, err := os.CreateTemp("", "kalends-sandbox-ca-*.pem")
		if err != nil {
			return err
		}
		path, s.caTemp = file.Name(), true
		if err := file.Close(); err != nil {
			return err
		}
	}
	s.ready.CAFile = path
	if err := os.WriteFile(path, s.ca.pem, 0o644); err != nil {
		return fmt.Errorf("write the certificate authority: %w", err)
	}
	return nil
}

func (s *Server) announce(out io.Writer) error {
	if s.config.JSON {
		return json.NewEncoder(out).Encode(s.ready)
	}
	_, err := fmt.Fprintf(out, "sandbox: %s\nca_file: %s\nKALENDS_RESOLVE=%s\n", s.ready.SandboxURL, s.ready.CAFile, s.ready.Resolve)
	return err
}

// Ready says where everything is; valid after Start.
func (s *Server) Ready() Ready { return s.ready }

// World is the simulated company, for tests in the same process.
func (s *Server) World() *World { return s.world }

// Desk holds faults, the request log and the counts.
func (s *Server) Desk() *Desk { return s.desk }

// CAPEM is the certificate of the sandbox's own authority.
func (s *Server) CAPEM() []byte { return s.ca.pem }

// Resolve is KALENDS_RESOLVE as a map: "host:port" -> "addr:port".
func (s *Server) Resolve() map[string]string {
	names := map[string]string{}
	for part := range strings.SplitSeq(s.ready.Resolve, ",") {
		if name, address, ok := strings.Cut(part, "="); ok {
			names[name] = address
		}
	}
	return names
}

// Close stops listening and cuts open connections. It may be called twice.
func (s *Server) Close() error {
	var errs []error
	s.closing.Do(func() {
		s.desk.close()
		s.world.close()
		for _, server := range s.servers {
			errs = append(errs, server.Close())
		}
		if s.caTemp {
			errs = append(errs, os.Remove(s.ready.CAFile))
		}
	})
	return errors.Join(errs...)
}
