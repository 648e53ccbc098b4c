package main

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies reads the trusted proxies: networks or single addresses.
func (s *settings) proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range s.TrustedProxies {
		text = strings.TrimSpace(text)
		if addr, err := netip.ParseAddr(text); err == nil {
			all = append(all, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("KALENDS_TRUSTED_PROXIES: %w", err)
		}
		all = append(all, prefix)
	}
	return all, nil
}

// behind has next see the browser's address where a trusted proxy stands in
// front. Without one the header is ignored: anybody can send it.
func behind(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !within(trusted, peer.Addr()) {
			next.ServeHTTP(w, r)
			return
		}
		copied := *r
		copied.RemoteAddr = net.JoinHostPort(forwardedFor(trusted, r.Header, peer.Addr()).String(), "0")
		next.ServeHTTP(w, &copied)
	})
}

// forwardedFor gives the last address that no trusted proxy has: each proxy
// adds the one it was asked from at the end, and what stands before is hearsay.
func forwardedFor(trusted []netip.Prefix, header http.Header, peer netip.Addr) netip.Addr {
	named := strings.Split(strings.Join(header.Values("X-Forwarded-For"), ","), ",")
	found := peer.Unmap()
	for _, text := range slices.Backward(named) {
		addr, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			return found
		}
		if found = addr.Unmap().WithZone(""); !within(trusted, found) {
			return found
		}
	}
	return found
}

func within(networks []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}
