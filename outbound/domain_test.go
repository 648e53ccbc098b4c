package outbound_test

import (
	"testing"

	"kalends/outbound"
)

func TestOwnDomain(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"musterwerk.example": "musterwerk.example", "mail.musterwerk.example": "musterwerk.example",
		"Mail.Musterwerk.DE.": "musterwerk.de", "a.b.musterwerk.co.uk": "musterwerk.co.uk",
		"one.github.io": "one.github.io", "mail.one.github.io": "one.github.io",
		"co.uk": "", "de": "", "": "", ".": "", "a..de": "", "192.0.2.7": "", "2001:db8::1": "", "[2001:db8::1]": "",
	} {
		if own := outbound.OwnDomain(host); own != want {
			t.Errorf("%q belongs to %q, want %q", host, own, want)
		}
	}
}
