package kalends

import (
	"crypto/rand"
	"encoding/hex"
)

// The prefixes of ids that callers of the API see. Behind the prefix stand only
// letters, digits, '_' and '-': clients put ids into URL paths unescaped.
const (
	PrefixAccount      = "acc_"
	PrefixResource     = "res_"
	PrefixOrganisation = "ser_"
	PrefixProfile      = "pro_"
	PrefixCalendar     = "cal_"
	PrefixConnection   = "con_"
	PrefixIntent       = "int_"
	PrefixApplication  = "app_"
)

// NewID makes a random id: the prefix and 24 hexadecimal digits.
func NewID(prefix string) string { return prefix + randomHex(12) }

// NewCalendarID makes a calendar id that shows the profile it belongs to.
func NewCalendarID(profileID string) string {
	part := profileID
	if len(part) > len(PrefixProfile) {
		part = part[len(PrefixProfile):]
	}
	return PrefixCalendar + part + "_" + randomHex(8)
}

// NewSecret makes an opaque secret of 32 ASCII characters with 160 random bits:
// codes, access tokens, refresh tokens.
func NewSecret() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := make([]byte, 32)
	mustRead(b)
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return string(b)
}

func randomHex(n int) string {
	b := make([]byte, n)
	mustRead(b)
	return hex.EncodeToString(b)
}

// mustRead never fails: crypto/rand.Read ends the program rather than return an error.
func mustRead(b []byte) { _, _ = rand.Read(b) }
