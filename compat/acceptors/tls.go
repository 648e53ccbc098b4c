package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"

	"kalends/outbound"
)

// oldTLS tries what old servers speak: refused by itself, taken where the
// administrator said so.
func oldTLS(ctx context.Context, b *bench) error {
	ca, err := b.certificate("server", "-addext", "subjectAltName=DNS:"+host)
	if err != nil {
		return err
	}
	nameless, err := b.certificate("nameless", "-sha1")
	if err != nil {
		return err
	}
	b.legacy(ctx, "TLS 1.0", ca, "-tls1", "-cipher", "ALL:@SECLEVEL=0")
	b.legacy(ctx, "TLS 1.1", ca, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
	b.legacy(ctx, "TLS 1.2 with RSA key exchange", ca, "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")
	b.pinned(ctx, nameless)
	return nil
}

func (b *bench) legacy(ctx context.Context, name, ca string, mode ...string) {
	s, err := b.openssl(ctx, "server", mode...)
	if err != nil {
		b.say(name, err)
		return
	}
	err = s.get(ctx, outbound.Options{Roots: []byte(ca)})
	b.say(name+" is refused by itself", wantError(err))
	b.say(name+" where it is allowed", s.get(ctx, outbound.Options{Roots: []byte(ca), LegacyTLS: true}))
}

// pinned: a certificate without names, signed with SHA-1, that nothing verifies.
func (b *bench) pinned(ctx context.Context, certificate string) {
	s, err := b.openssl(ctx, "nameless", "-tls1_2")
	if err != nil {
		b.say("a pinned certificate", err)
		return
	}
	block, _ := pem.Decode([]byte(certificate))
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		b.say("a pinned certificate", err)
		return
	}
	pin, err := outbound.ParseFingerprint(outbound.Fingerprint(parsed))
	if err == nil {
		err = s.get(ctx, outbound.Options{Pin: &pin})
	}
	b.say("a pinned certificate", err)
	b.say("without names a certificate is refused by itself", wantError(s.get(ctx, outbound.Options{Roots: []byte(certificate)})))
	pin[0] ^= 1
	var other *outbound.PinError
	if err := s.get(ctx, outbound.Options{Pin: &pin}); !errors.As(err, &other) {
		b.say("another certificate than the pinned one is refused", fmt.Errorf("got %w", err))
		return
	}
	b.say("another certificate than the pinned one is refused", nil)
}

func wantError(err error) error {
	if err == nil {
		return errors.New("was taken")
	}
	return nil
}

func (b *bench) openssl(ctx context.Context, certificate string, mode ...string) (server, error) {
	s := server{address: freeAddress()}
	args := append([]string{
		"s_server", "-accept", s.address, "-www", "-quiet", "-cert", b.path(certificate + ".pem"), "-key", b.path(certificate + ".key"),
	}, mode...)
	if err := b.background(exec.CommandContext(ctx, "openssl", args...)); err != nil {
		return s, err
	}
	return s, waitFor(ctx, s.address)
}

func (s server) get(ctx context.Context, o outbound.Options) error {
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return err
	}
	client := s.way().Client(o)
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+":"+port+"/", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
