package ews

import (
	"net/http"
	"strings"
)

// offered lists the authentication schemes of all WWW-Authenticate values,
// several headers or one comma list (section 2). Parameters are passed over.
func offered(header http.Header) []string {
	var schemes []string
	for _, value := range header.Values("WWW-Authenticate") {
		for part := range strings.SplitSeq(value, ",") {
			scheme, rest, _ := strings.Cut(strings.TrimSpace(part), " ")
			if scheme == "" || strings.Contains(scheme, "=") || strings.HasPrefix(strings.TrimSpace(rest), "=") {
				continue
			}
			schemes = append(schemes, scheme)
		}
	}
	return schemes
}

// offersBasic: a 401 without any scheme comes from proxies and throttled servers
// and is taken as a refusal of the password.
func offersBasic(header http.Header) bool {
	schemes := offered(header)
	for _, scheme := range schemes {
		if strings.EqualFold(scheme, "Basic") {
			return true
		}
	}
	return len(schemes) == 0
}
