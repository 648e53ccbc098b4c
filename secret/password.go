package secret

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2id as OWASP's Password Storage Cheat Sheet recommends it: 19 MiB, two
// passes, one lane. Memory is what it costs an attacker, and us: so only a few
// are computed at once.
const (
	passwordMemory    = 19 * 1024
	passwordTime      = 2
	passwordLanes     = 1
	passwordSalt      = 16
	passwordLength    = 32
	parallelPasswords = 4
)

// errPassword is returned for a stored hash that is none of ours.
var errPassword = errors.New("secret: the password hash can not be read")

// HashPassword gives a password's hash as a PHC string. It waits while many
// others are being computed, until ctx ends.
func (b *Box) HashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, passwordSalt)
	_, _ = rand.Read(salt) // never fails: it ends the program instead
	p := phc{passwordMemory, passwordTime, passwordLanes, salt, nil}
	var err error
	if p.key, err = b.derive(ctx, password, p, passwordLength); err != nil {
		return "", err
	}
	return p.String(), nil
}

// VerifyPassword tells whether a password fits a hash. With an empty hash, for
// somebody who does not exist or has no password yet, it takes as long and says
// no, so that nobody learns which addresses are known.
func (b *Box) VerifyPassword(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	p := phc{passwordMemory, passwordTime, passwordLanes, make([]byte, passwordSalt), make([]byte, passwordLength)}
	if known {
		var err error
		if p, err = parsePHC(hash); err != nil {
			return false, err
		}
	}
	key, err := b.derive(ctx, password, p, uint32(len(p.key))) //nolint:gosec // bounded by parsePHC
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, p.key) == 1 && known, nil
}

func (b *Box) derive(ctx context.Context, password string, p phc, length uint32) ([]byte, error) {
	select {
	case b.passwords <- struct{}{}:
		defer func() { <-b.passwords }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.lanes, length), nil
}

// phc is a hash in the form of the PHC string format.
type phc struct {
	memory, time uint32
	lanes        uint8
	salt, key    []byte
}

// String writes the hash.
func (p phc) String() string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, p.memory, p.time, p.lanes, encode(p.salt), encode(p.key))
}

func parsePHC(text string) (phc, error) {
	var p phc
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, errPassword
	}
	n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.lanes)
	if err != nil || n != 3 || p.memory > 1<<20 || p.time == 0 || p.time > 64 || p.lanes == 0 {
		return phc{}, errPassword
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(salt) < 8 || len(key) < 16 || len(key) > 128 {
		return phc{}, errPassword
	}
	p.salt, p.key = salt, key
	return p, nil
}
