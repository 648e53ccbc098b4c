package ews

import (
	"net/http"
	"slices"
	"strings"
)

// schemes are the authentication schemes that are called by name; a server's own
// words are not repeated.
var schemes = []string{"Basic", "Digest", "Bearer", "NTLM", "Negotiate", "Kerberos"}

// offered lists the known authentication schemes of all WWW-Authenticate values,
// several headers or one comma list (section 2). Parameters are passed over.
func offered(header http.Header) []string {
	var list []string
	for _, value := range header.Values("WWW-Authenticate") {
		for part := range strings.SplitSeq(value, ",") {
			name, rest, _ := strings.Cut(strings.TrimSpace(part), " ")
			if strings.HasPrefix(strings.TrimSpace(rest), "=") {
				continue // a parameter that is called like a scheme
			}
			if at := slices.IndexFunc(schemes, func(s string) bool { return strings.EqualFold(s, name) }); at >= 0 && !slices.Contains(list, schemes[at]) {
				list = append(list, schemes[at])
			}
		}
	}
	return list
}

// offersBasic: a 401 without any scheme comes from proxies and throttled servers
// and is taken as a refusal of the password.
func offersBasic(header http.Header) bool {
	return len(header.Values("WWW-Authenticate")) == 0 || slices.Contains(offered(header), "Basic")
}

// signs are headers that only Exchange sends (section 1).
var signs = []string{"X-SOAP-Enabled", "X-WSSecurity-Enabled", "X-WSSecurity-For", "X-OAuth-Enabled", "X-FEServer", "X-BEServer", "X-CalculatedBETarget", "X-DiagInfo", "X-OWA-Version"}

// looksLikeExchange judges a 401 by headers of Exchange, by IIS, or by Windows
// authentication, which is the same directory in any case.
func looksLikeExchange(header http.Header) bool {
	list := offered(header)
	return slices.Contains(list, "Negotiate") || slices.Contains(list, "NTLM") ||
		strings.Contains(header.Get("Server"), "Microsoft-IIS") ||
		slices.ContainsFunc(signs, func(name string) bool { return header.Get(name) != "" })
}
