package outbound

import (
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// ErrPrivateNetwork is in the chain of errors for an address that this
// installation may not reach. Nothing was sent.
var ErrPrivateNetwork = errors.New("address of a network that may not be reached")

// ErrTooLarge is what reading a body beyond Options.MaxBody ends with.
var ErrTooLarge = errors.New("answer too large")

// ErrBadRoots is given for PEM text without a usable certificate.
var ErrBadRoots = errors.New("no certificate in the PEM text")

// Config says where the way leads. The zero value reaches the public internet only.
type Config struct {
	// PrivateNetworks may be reached although they are not public. Addresses of
	// cloud metadata services are reached only if one is named alone (/32, /128).
	PrivateNetworks []netip.Prefix
	// Resolve overrides names: "host" or "host:port" -> "addr:port" (or "addr"),
	// "_service._tcp.domain" -> "host:port" for LookupSRV and "_mx.domain" ->
	// "host" for LookupMX. What it leads to is checked like everything else.
	Resolve map[string]string
	// Roots are PEM certificates trusted besides the system's.
	Roots []byte
	// UserAgent is sent with requests that name none.
	UserAgent string
	// Proxy is used for everything if set; the environment's never is.
	Proxy *url.URL
}

// Way makes HTTP clients that keep to a Config. It is safe for concurrent use.
type Way struct {
	config   Config
	resolve  map[string]string
	resolver *net.Resolver
	roots    *x509.CertPool
}

// New makes a Way.
func New(config Config) *Way {
	w := &Way{config: config, resolve: map[string]string{}, resolver: net.DefaultResolver}
	for name, target := range config.Resolve {
		w.resolve[normalizeName(name)] = target
	}
	w.roots = systemRoots()
	w.roots.AppendCertsFromPEM(config.Roots)
	return w
}

// CheckRoots tells whether PEM text holds at least one certificate; ErrBadRoots if not.
func CheckRoots(pem []byte) error {
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return ErrBadRoots
	}
	return nil
}

// rootsWith gives the trusted certificates with more PEM text added.
func (w *Way) rootsWith(pem []byte) *x509.CertPool {
	if len(pem) == 0 {
		return w.roots
	}
	roots := w.roots.Clone()
	roots.AppendCertsFromPEM(pem)
	return roots
}

func systemRoots() *x509.CertPool {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return x509.NewCertPool()
	}
	return roots
}

func normalizeName(name string) string {
	return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(name)), ".")
}
