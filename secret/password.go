package secret

import (
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

// passwords are the slots for hashing. The memory they cost belongs to the
// process, and so do they: however many rooms sign people in, no more are
// computed at once.
var passwords = make(chan struct{}, parallelPasswords)

// Passwords hashes passwords. The zero value costs what is recommended; less is
// for tests only.
type Passwords struct {
	Memory, Passes uint32 // in KiB, and how often it is gone over; 19 MiB and 2 if 0
}

// Hash gives a password's hash as a PHC string. It waits while many others are
// being computed.
func (c Passwords) Hash(password string) (string, error) {
	salt := make([]byte, passwordSalt)
	_, _ = rand.Read(salt) // never fails: it ends the program instead
	p := c.phc(salt, nil)
	p.key = p.derive(password, passwordLength)
	return p.String(), nil
}

// Verify tells whether a password fits a hash; an error means that the
// hash is none of ours. With an empty hash, for somebody who does not exist or
// has no password yet, it takes as long and says no, so that nobody learns
// which addresses are known.
func (c Passwords) Verify(hash, password string) (bool, error) {
	known := hash != ""
	p := c.phc(make([]byte, passwordSalt), make([]byte, passwordLength))
	if known {
		var err error
		if p, err = parsePHC(hash); err != nil {
			return false, err
		}
	}
	key := p.derive(password, len(p.key))
	return subtle.ConstantTimeCompare(key, p.key) == 1 && known, nil
}

func (c Passwords) phc(salt, key []byte) phc {
	p := phc{c.Memory, c.Passes, passwordLanes, salt, key}
	if p.memory == 0 {
		p.memory = passwordMemory
	}
	if p.time == 0 {
		p.time = passwordTime
	}
	return p
}

// phc is a hash in the form of the PHC string format.
type phc struct {
	memory, time uint32
	lanes        uint8
	salt, key    []byte
}

// derive computes the key of a password with the hash's parameters.
func (p phc) derive(password string, length int) []byte {
	passwords <- struct{}{}
	defer func() { <-passwords }()
	return argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.lanes, uint32(length)) //nolint:gosec // at most 128
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
