package outbound

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

const dialTimeout = 10 * time.Second

// dial resolves the host of an address once, and connects to the first allowed
// address that answers.
func (w *Way) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	if w.isProxy(address) {
		return dialer.DialContext(ctx, network, address)
	}
	targets, err := w.targets(ctx, address)
	if err != nil {
		return nil, err
	}
	for _, target := range targets {
		var conn net.Conn
		if conn, err = dialer.DialContext(ctx, network, target.String()); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// targets gives the checked addresses behind "host:port"; ErrPrivateNetwork if
// there are addresses, but none may be reached.
func (w *Way) targets(ctx context.Context, address string) ([]netip.AddrPort, error) {
	host, portText, err := net.SplitHostPort(w.override(address))
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port of %s: %w", address, err)
	}
	addrs, err := w.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	var targets []netip.AddrPort
	for _, addr := range addrs {
		if w.mayReach(addr) {
			targets = append(targets, netip.AddrPortFrom(addr.Unmap(), uint16(port)))
		}
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("%s: %w", host, ErrPrivateNetwork)
	}
	return targets, nil
}

// override gives the "host:port" to use instead of the one given.
func (w *Way) override(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	name := normalizeName(host)
	target, ok := w.resolve[net.JoinHostPort(name, port)]
	if !ok {
		target, ok = w.resolve[name]
	}
	switch {
	case !ok:
		return address
	case hasPort(target):
		return target
	}
	return net.JoinHostPort(strings.Trim(target, "[]"), port)
}

func hasPort(target string) bool {
	_, _, err := net.SplitHostPort(target)
	return err == nil
}

func (w *Way) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	return w.resolver.LookupNetIP(ctx, "ip", host)
}

func (w *Way) isProxy(address string) bool {
	return w.config.Proxy != nil && address == proxyAddress(w.config.Proxy.Host, w.config.Proxy.Scheme)
}

func proxyAddress(host, scheme string) string {
	switch {
	case hasPort(host):
		return host
	case scheme == "https":
		return net.JoinHostPort(host, "443")
	}
	return net.JoinHostPort(host, "80")
}

// LookupSRV gives the targets of "_service._proto.name", the best first
// (RFC 2782: lowest priority value, then by weight).
func (w *Way) LookupSRV(ctx context.Context, service, proto, name string) ([]*net.SRV, error) {
	key := normalizeName("_" + service + "._" + proto + "." + name)
	if target, ok := w.resolve[key]; ok {
		return srvOverride(target)
	}
	_, records, err := w.resolver.LookupSRV(ctx, service, proto, name)
	return records, err
}

func srvOverride(target string) ([]*net.SRV, error) {
	host, portText, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, err
	}
	return []*net.SRV{{Target: host, Port: uint16(port)}}, nil
}

// LookupMX gives the names of a domain's mail servers, the best first.
func (w *Way) LookupMX(ctx context.Context, domain string) ([]string, error) {
	if target, ok := w.resolve["_mx."+normalizeName(domain)]; ok {
		return []string{normalizeName(target)}, nil
	}
	records, err := w.resolver.LookupMX(ctx, domain)
	names := make([]string, 0, len(records))
	for _, record := range records {
		names = append(names, normalizeName(record.Host))
	}
	return slices.Compact(names), err
}
