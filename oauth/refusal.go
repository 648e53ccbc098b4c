package oauth

// Code names why a request is refused, in the words of RFC 6749 sections
// 4.1.2.1 and 5.2.
type Code string

// The codes of refusals.
const (
	InvalidRequest          Code = "invalid_request"
	InvalidClient           Code = "invalid_client"
	InvalidGrant            Code = "invalid_grant"
	InvalidScope            Code = "invalid_scope"
	UnsupportedGrantType    Code = "unsupported_grant_type"
	UnsupportedResponseType Code = "unsupported_response_type"
	AccessDenied            Code = "access_denied"
	ServerError             Code = "server_error"
)

// KeyUnknownOrUsed is what Cronofy's FAQ calls a code that is used or unknown.
const KeyUnknownOrUsed = "errors.unknown_or_used"

// Refusal is a request refused by the rules. It is no failure: what happened in
// the transaction is to be committed.
type Refusal struct {
	Code        Code
	Description string
	Key         string // "errors.…", or ""
	// NoRedirect is set when the client or its redirect URI is unknown: the
	// browser gets an error page and is never sent anywhere (RFC 6749 4.1.2.1).
	NoRedirect bool
	// Reuse is set when a code was used twice; it belongs into the log.
	Reuse bool
}

// Error implements error, so that a refusal can be carried as one.
func (r *Refusal) Error() string { return "oauth: " + string(r.Code) + ": " + r.Description }

// TokenStatus is the HTTP status of the refusal at the token endpoint.
func (r *Refusal) TokenStatus() int {
	if r.Code == InvalidClient {
		return 401
	}
	return 400
}

// RevokeStatus is the HTTP status at the revocation endpoint, where Cronofy's
// clients expect 400 for a wrong client too.
func (r *Refusal) RevokeStatus() int { return 400 }

func refuse(code Code, description string) *Refusal {
	return &Refusal{Code: code, Description: description}
}

// BadClient refuses client credentials.
func BadClient() *Refusal { return refuse(InvalidClient, "unknown client or wrong secret") }
