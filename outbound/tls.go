package outbound

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
)

// PinError is in the chain of errors for a server that shows another certificate
// than the pinned one. Nothing was sent.
type PinError struct {
	Certificate *x509.Certificate // the one that was shown
}

// Error implements error.
func (e *PinError) Error() string {
	return "the server shows the certificate " + Fingerprint(e.Certificate) + ", not the pinned one"
}

// Fingerprint is the SHA-256 hash of a certificate as tools for certificates
// write it: upper-case bytes with colons.
func Fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// ParseFingerprint reads a SHA-256 fingerprint with or without colons or spaces, in
// any case.
func ParseFingerprint(text string) ([sha256.Size]byte, error) {
	var sum [sha256.Size]byte
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(": \t\r\n", r) {
			return -1
		}
		return r
	}, text)
	bytes, err := hex.DecodeString(text)
	if err != nil || len(bytes) != len(sum) {
		return sum, fmt.Errorf("no SHA-256 fingerprint: %d bytes", len(bytes))
	}
	return [sha256.Size]byte(bytes), nil
}

func (w *Way) tlsConfig(o Options) *tls.Config {
	config := &tls.Config{RootCAs: w.rootsWith(o.Roots), MinVersion: tls.VersionTLS12}
	if o.LegacyTLS {
		config.MinVersion = tls.VersionTLS10
		config.CipherSuites = everySuite()
	}
	if o.Pin != nil {
		config.InsecureSkipVerify = true //nolint:gosec // the pin takes the place of the chain
		config.VerifyConnection = pinned(*o.Pin)
	}
	return config
}

// everySuite names those too that Go leaves out by itself: RSA key exchange and 3DES.
func everySuite() []uint16 {
	var ids []uint16
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, suite.ID)
	}
	return ids
}

// pinned accepts exactly one certificate, in every handshake, resumed ones too.
func pinned(pin [sha256.Size]byte) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		leaf := state.PeerCertificates[0]
		sum := sha256.Sum256(leaf.Raw)
		if subtle.ConstantTimeCompare(sum[:], pin[:]) != 1 {
			return &PinError{Certificate: leaf}
		}
		return nil
	}
}
