package smartcalendar

import (
	"crypto/rand"
	"encoding/hex"
)

// newID makes a random id: a prefix and 24 hexadecimal digits.
func newID(prefix string) string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return prefix + hex.EncodeToString(b)
}

// newToken makes a secret with 130 random bits or more, fit for a URL.
func newToken() string { return rand.Text() }
