package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// unreserved are the characters that a verifier may have (RFC 7636 section 4.1).
const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// checkChallenge accepts S256 only (RFC 9700 section 2.1.1); no method means
// plain (RFC 7636 section 4.3), and so is refused.
func checkChallenge(challenge, method string) *Refusal {
	switch {
	case challenge == "" && method == "":
		return nil
	case method != "S256":
		return refuse(InvalidRequest, "code_challenge_method must be S256")
	}
	return CheckChallenge(challenge)
}

// CheckChallenge tells whether a code challenge can be one of S256.
func CheckChallenge(challenge string) *Refusal {
	if raw, err := base64.RawURLEncoding.DecodeString(challenge); err != nil || len(raw) != sha256.Size {
		return refuse(InvalidRequest, "code_challenge is no SHA-256 in base64url")
	}
	return nil
}

// proves tells whether a verifier fits the challenge that a code is bound to. A
// verifier for a code without challenge does not: somebody took the challenge
// away (RFC 9700 section 4.8.2).
func proves(verifier, challenge string) bool {
	if challenge == "" {
		return verifier == ""
	}
	if len(verifier) < 43 || len(verifier) > 128 || strings.Trim(verifier, unreserved) != "" {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	want := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(want), []byte(challenge)) == 1
}
