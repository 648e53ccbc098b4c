package oauth

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	kalends "kalends"
)

// AuthorizeRequest is what a browser brings to the authorization endpoint.
type AuthorizeRequest struct {
	ResponseType        string
	ClientID            string
	RedirectURI         string
	Scope               string
	DelegatedScope      string
	State               string
	CodeChallenge       string
	CodeChallengeMethod string
	ProviderName        string // preselects a provider
}

// ReadAuthorize takes the request from the query. A parameter that is there
// twice is refused (RFC 6749 section 3.1), without a redirect, and so is what is
// no text.
func ReadAuthorize(query url.Values) (AuthorizeRequest, *Refusal) {
	var r AuthorizeRequest
	for name, field := range map[string]*string{
		"response_type": &r.ResponseType, "client_id": &r.ClientID, "redirect_uri": &r.RedirectURI,
		"scope": &r.Scope, "delegated_scope": &r.DelegatedScope, "state": &r.State, "provider_name": &r.ProviderName,
		"code_challenge": &r.CodeChallenge, "code_challenge_method": &r.CodeChallengeMethod,
	} {
		if len(query[name]) > 1 {
			return r, &Refusal{Code: InvalidRequest, Description: name + " is there more than once", NoRedirect: true}
		}
		if *field = query.Get(name); !kalends.Storable(*field) {
			return r, &Refusal{Code: InvalidRequest, Description: name + " is no text", NoRedirect: true}
		}
	}
	return r, nil
}

// CheckAuthorize checks a request to connect an organisation and gives it with
// its scopes in their present names. app is the application with the client id,
// nil if there is none.
func CheckAuthorize(app *kalends.Application, r AuthorizeRequest) (AuthorizeRequest, *Refusal) {
	if app == nil || r.ClientID == "" || app.ClientID != r.ClientID {
		return r, &Refusal{Code: InvalidClient, Description: "unknown client_id", NoRedirect: true}
	}
	if r.RedirectURI == "" || !slices.Contains(app.RedirectURIs, r.RedirectURI) {
		return r, &Refusal{Code: InvalidRequest, Description: "redirect_uri is not registered", NoRedirect: true}
	}
	if r.ResponseType != "code" {
		return r, refuse(UnsupportedResponseType, "response_type must be code")
	}
	if refusal := checkChallenge(r.CodeChallenge, r.CodeChallengeMethod); refusal != nil {
		return r, refusal
	}
	scope, err := ParseServiceScope(r.Scope)
	if err != nil {
		return r, refuse(InvalidScope, err.Error())
	}
	if _, err := ParseUserScope(r.DelegatedScope); err != nil {
		return r, refuse(InvalidScope, "delegated_scope: "+err.Error())
	}
	r.Scope = scope
	return r, nil
}

// RedirectWithCode is where the browser goes with a code. An empty state is not
// echoed: Cronofy's clients send one when they have none.
func RedirectWithCode(redirectURI, code, state string) string {
	return withQuery(redirectURI, "code", code, "state", state)
}

// RedirectWithRefusal is where the browser goes with a refusal. It must not be
// used for one with NoRedirect.
func RedirectWithRefusal(redirectURI string, r *Refusal, state string) string {
	return withQuery(redirectURI, "error", string(r.Code), "error_description", r.Description, "state", state)
}

// withQuery adds parameters to what a URI has already; those without a value
// are left out.
func withQuery(uri string, pairs ...string) string {
	var added []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			added = append(added, pairs[i]+"="+url.QueryEscape(pairs[i+1]))
		}
	}
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	return uri + separator + strings.Join(added, "&")
}

// CheckRedirectURI tells whether a redirect URI may be registered: absolute,
// https (http on this machine only), no fragment, no user (RFC 9700 section 4.1).
func CheckRedirectURI(uri string) *Refusal {
	parsed, err := url.Parse(uri)
	switch {
	case err != nil, parsed.Host == "", parsed.Opaque != "":
		return refuse(InvalidRequest, "a redirect URI is an absolute URL")
	case strings.Contains(uri, "#"), parsed.User != nil, strings.Contains(uri, "*"):
		return refuse(InvalidRequest, "a redirect URI has no fragment, no user and no wildcard")
	case parsed.Scheme != "https" && (parsed.Scheme != "http" || !loopback(parsed.Hostname())):
		return refuse(InvalidRequest, "a redirect URI starts with https, or http on this machine only")
	}
	return nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
