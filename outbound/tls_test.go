package outbound_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kalends/outbound"
)

func TestErrPin(t *testing.T) {
	t.Parallel()
	server := servingTLS(t, nil)
	right, err := outbound.ParseFingerprint(outbound.Fingerprint(server.Certificate()))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := read(t, outbound.Options{Pin: &right}, server.URL); err != nil || body != "in" {
		t.Errorf("pinned: %q, %v", body, err)
	}
	wrong := right
	wrong[31] ^= 1
	_, err = read(t, outbound.Options{Pin: &wrong, Roots: certificate(server)}, server.URL)
	var shown *outbound.PinError
	if !errors.As(err, &shown) || !shown.Certificate.Equal(server.Certificate()) {
		t.Errorf("another certificate, though it verifies: %v", err)
	}
}

func TestErrFingerprint(t *testing.T) {
	t.Parallel()
	const plain = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
	want, err := outbound.ParseFingerprint(plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{" " + plain + "\n", strings.ToUpper(plain), "00:11:22:33 44" + plain[10:]} {
		if got, err := outbound.ParseFingerprint(text); err != nil || got != want {
			t.Errorf("%q: %x, %v", text, got, err)
		}
	}
	for _, text := range []string{"", plain[2:], plain + "00", "zz" + plain[2:], "sha1"} {
		if _, err := outbound.ParseFingerprint(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// Old servers speak TLS 1.0 or exchange keys by RSA alone: only who asks for it
// gets through.
func TestLegacyTLSIsAChoice(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]*tls.Config{
		"TLS 1.0":          {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10},
		"RSA key exchange": {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := servingTLS(t, config)
			if body, err := read(t, outbound.Options{Roots: certificate(server)}, server.URL); err == nil {
				t.Errorf("read %q without being asked to", body)
			}
			if body, err := read(t, outbound.Options{Roots: certificate(server), LegacyTLS: true}, server.URL); err != nil || body != "in" {
				t.Errorf("asked to: %q, %v", body, err)
			}
		})
	}
}

func servingTLS(t *testing.T, config *tls.Config) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("in")) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}
