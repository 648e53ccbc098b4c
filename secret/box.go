package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// ErrSealed is returned for a value that does not open: another key, another
// place, or changed bytes.
var ErrSealed = errors.New("secret: the value does not open with this keyset at this place")

// Box seals and opens values with one keyset. It may be used by many
// goroutines at once.
type Box struct {
	aead    tink.AEAD
	hashKey []byte
}

// Open makes a Box from a keyset: its JSON text, or the path of a file that
// holds it. Errors never show any of the text.
func Open(keysetOrPath string) (*Box, error) {
	text, err := keysetText(keysetOrPath)
	if err != nil {
		return nil, err
	}
	set, err := parseKeyset(text)
	if err != nil {
		return nil, err
	}
	handle, err := set.handle()
	if err != nil {
		return nil, err
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, errors.New("secret: the keyset can not seal")
	}
	return &Box{aead: primitive, hashKey: set.HashKey}, nil
}

// Seal encrypts a value for the place it is stored at, such as
// Place("connections", id, "credentials").
func (b *Box) Seal(plain []byte, place string) (string, error) {
	sealed, err := b.aead.Encrypt(plain, []byte(place))
	if err != nil {
		return "", fmt.Errorf("secret: seal for %s: %w", place, err)
	}
	return base64.RawStdEncoding.EncodeToString(sealed), nil
}

// Open decrypts what Seal gave for the same place, or returns ErrSealed.
func (b *Box) Open(sealed, place string) ([]byte, error) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, ErrSealed
	}
	plain, err := b.aead.Decrypt(raw, []byte(place))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Place names where a sealed value is stored.
func Place(table, row, column string) string { return table + "/" + row + "/" + column }

// Hash gives a keyed hash of a value, the same for ever: it finds a value
// again without keeping it, and nobody without the keyset can try values out.
// context keeps hashes for different purposes apart.
func (b *Box) Hash(context, value string) string {
	mac := hmac.New(sha256.New, b.hashKey)
	_, _ = fmt.Fprintf(mac, "%d:%s:%s", len(context), context, value)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
