package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	kalends "kalends"
	"kalends/outbound"
	"kalends/provider"
	"kalends/provider/ews"
)

const (
	host     = "mail.musterwerk.example"
	account  = `MUSTERWERK\svc-kalends`
	password = "password-of-the-acceptor"
	atOnce   = 60
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	cases := map[string]func(context.Context, *bench) error{"apache-gssapi": apache, "gss-ntlmssp": channelBinding, "openssl": oldTLS}
	run := cases[os.Args[len(os.Args)-1]]
	if run == nil {
		fmt.Fprintln(os.Stderr, "acceptors: apache-gssapi, gss-ntlmssp or openssl")
		os.Exit(2)
	}
	if err := start(ctx, os.Args[len(os.Args)-1], run); err != nil {
		fmt.Fprintln(os.Stderr, "acceptors:", err)
		os.Exit(1)
	}
}

// bench is the place where one acceptor is tried.
type bench struct {
	name   string
	folder string
	failed bool
}

func start(ctx context.Context, name string, run func(context.Context, *bench) error) error {
	folder, err := os.MkdirTemp("", "kalends-acceptors-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // the acceptor runs as another user
		return err
	}
	b := &bench{name: name, folder: folder}
	if err := run(ctx, b); err != nil {
		return err
	}
	if b.failed {
		return fmt.Errorf("%s: not every case is ok", name)
	}
	return nil
}

// say prints the outcome of a case.
func (b *bench) say(what string, err error) {
	if err != nil {
		b.failed = true
		fmt.Printf("FAIL %s %s: %v\n", b.name, what, err)
		return
	}
	fmt.Printf("ok %s %s\n", b.name, what)
}

// server is an acceptor that listens.
type server struct {
	address string
	ca      string // PEM
}

func (s server) credentials(secret string) kalends.Credentials {
	_, port, _ := net.SplitHostPort(s.address)
	u := url.URL{Scheme: "https", Host: host + ":" + port, Path: "/EWS/Exchange.asmx"}
	return kalends.Credentials{"username": account, "password": secret, "test_email": os.Getenv("EMAIL"), "url": u.String(), "ca": s.ca}
}

func (s server) way() *outbound.Way {
	return outbound.New(outbound.Config{
		Resolve: map[string]string{host: s.address}, PrivateNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
}

// check runs the driver's check and gives what it keeps, and the method used.
func (s server) check(ctx context.Context, secret string) (kalends.Credentials, string, error) {
	d, err := ews.System().Open(s.credentials(secret), s.way())
	if err != nil {
		return nil, "", err
	}
	defer d.Close()
	method := ""
	result, err := d.Check(ctx, provider.CheckRequest{Sample: os.Getenv("EMAIL")}, func(step kalends.Step) {
		if step.Key == kalends.StepSignIn && step.Status == kalends.StepOK {
			method = step.Facts["method"]
		}
	})
	return result.Credentials, method, err
}

// wantMethod is the case that a check signs in by this method.
func (s server) wantMethod(ctx context.Context, want string) error {
	_, method, err := s.check(ctx, password)
	if err == nil && method != want {
		err = fmt.Errorf("signed in by %q, want %q", method, want)
	}
	return err
}

// manyAtOnce is the case that many requests at once all succeed by a method,
// while as many with a wrong password all are refused.
func (s server) manyAtOnce(ctx context.Context, method string) error {
	kept, _, err := s.check(ctx, password)
	if err != nil {
		return err
	}
	kept["auth"] = method
	wrong := kept.Clone()
	wrong["password"] = "another-password"
	right, err := ews.System().Open(kept, s.way())
	if err != nil {
		return err
	}
	defer right.Close()
	stranger, err := ews.System().Open(wrong, s.way())
	if err != nil {
		return err
	}
	defer stranger.Close()
	return together(atOnce, func() error { return served(ctx, right) }, func() error { return refused(ctx, stranger) })
}

func served(ctx context.Context, d provider.Driver) error {
	_, err := d.Calendars(ctx, os.Getenv("EMAIL"))
	return err
}

func refused(ctx context.Context, d provider.Driver) error {
	_, err := d.Calendars(ctx, os.Getenv("EMAIL"))
	if kalends.KindOf(err) != kalends.KindUnauthorized {
		return fmt.Errorf("a wrong password: %w", err)
	}
	return nil
}

// together runs each function n times at once and gives the first error.
func together(n int, functions ...func() error) error {
	var group sync.WaitGroup
	errs := make(chan error, n*len(functions))
	for range n {
		for _, f := range functions {
			group.Go(func() { errs <- f() })
		}
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
