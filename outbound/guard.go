package outbound

import "net/netip"

// Addresses of metadata services that hand out credentials of the machine.
var metadata = prefixes(
	"169.254.169.254/32", "169.254.170.2/32", "169.254.169.253/32", // AWS, Azure, Google, OpenStack
	"168.63.129.16/32",   // Azure
	"100.100.100.200/32", // Alibaba
	"192.0.0.192/32",     // Oracle
	"fd00:ec2::254/128", "fd20:ce::254/128",
)

// Addresses that the internet does not route: IANA IPv4 and IPv6 Special-Purpose
// Address Registries.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var (
	globalIPv6 = netip.MustParsePrefix("2000::/3")
	nat64      = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052: the last four bytes are an IPv4 address
)

// mayReach tells whether a connection to the address is allowed.
func (w *Way) mayReach(addr netip.Addr) bool {
	addr = plain(addr)
	if contains(metadata, addr) {
		return w.namedAlone(addr)
	}
	return contains(w.config.PrivateNetworks, addr) || public(addr)
}

func (w *Way) namedAlone(addr netip.Addr) bool {
	for _, prefix := range w.config.PrivateNetworks {
		if prefix.IsSingleIP() && prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// plain removes the wrappings in which an IPv4 address can hide.
func plain(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return addr
}

func public(addr netip.Addr) bool {
	if !addr.IsValid() || contains(special, addr) {
		return false
	}
	return addr.Is4() || globalIPv6.Contains(addr)
}

func contains(list []netip.Prefix, addr netip.Addr) bool {
	for _, prefix := range list {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}
