package outbound

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// OwnDomain gives the part of a host name that one owner registered, by the
// Public Suffix List: "musterwerk.co.uk" of "mail.musterwerk.co.uk". It is "" for
// IP addresses, for names of one label, and for what is itself a suffix under
// which everybody registers, such as "co.uk".
func OwnDomain(host string) string {
	host = normalizeName(host)
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ""
	}
	own, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return ""
	}
	return own
}
