package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// SHA256 is how tokens, codes and client secrets are known: they are random
// and long, so that a plain hash can not be turned back.
func SHA256(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Equal compares two secrets without telling by its time where they differ.
func Equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(SHA256(a)), []byte(SHA256(b))) == 1
}
