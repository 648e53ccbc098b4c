package ntlm_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // NTLM is made of it
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"time"
	"unicode/utf16"

	ntlmssp "github.com/Azure/go-ntlmssp"

	"kalends/sandbox/ntlm"
)

func acceptor() ntlm.Acceptor {
	return ntlm.Acceptor{Domain: "MUSTERWERK", Computer: "MAIL", DNS: "musterwerk.example", Password: func(domain, user string) string {
		if user == "User" || user == "svc@musterwerk.example" {
			return "Password"
		}
		return ""
	}}
}

func unhex(text string) []byte {
	raw, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return raw
}

func wide(text string) []byte {
	var raw []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		raw = binary.LittleEndian.AppendUint16(raw, unit)
	}
	return raw
}

// message lays out an AUTHENTICATE_MESSAGE with room for a MIC.
func message(domain, user string, response, key []byte, flags uint32) []byte {
	parts := [][]byte{nil, response, wide(domain), wide(user), nil, key}
	m, offset := append([]byte("NTLMSSP\x00"), 3, 0, 0, 0), 88
	for _, part := range parts {
		m = binary.LittleEndian.AppendUint16(m, uint16(len(part)))
		m = binary.LittleEndian.AppendUint16(m, uint16(len(part)))
		m = binary.LittleEndian.AppendUint32(m, uint32(offset))
		offset += len(part)
	}
	m = append(binary.LittleEndian.AppendUint32(m, flags), make([]byte, 24)...)
	return append(m, bytes.Join(parts, nil)...)
}

// The example of MS-NLMP section 4.2.4.
var (
	examplePairs = unhex("02000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000")
	exampleBlob  = slices.Concat(unhex("01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000"), examplePairs)
	exampleProof = unhex("68cd0ab851e51c96aabc927bebef6a1c")
)

func exampleChallenge() []byte { return append(make([]byte, 24), unhex("0123456789abcdef")...) }

func TestExampleOfTheSpecification(t *testing.T) {
	t.Parallel()
	response := slices.Concat(exampleProof, exampleBlob)
	domain, user, err := acceptor().Verify(nil, exampleChallenge(), message("Domain", "User", response, nil, 0))
	if err != nil || domain != "Domain" || user != "User" {
		t.Fatalf("%s %s %v", domain, user, err)
	}
	response[20]++
	if _, _, err := acceptor().Verify(nil, exampleChallenge(), message("Domain", "User", response, nil, 0)); !errors.Is(err, ntlm.ErrPassword) {
		t.Errorf("another blob: %v", err)
	}
}

// handshake signs in with a client that others wrote. bend changes the
// challenge before the client sees it, as channel bindings are inserted.
func handshake(a ntlm.Acceptor, user, password string, bend func([]byte) []byte) error {
	negotiate, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		return err
	}
	challenge, err := a.Challenge(negotiate, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, time.Now())
	if err != nil {
		return err
	}
	shown := challenge
	if bend != nil {
		shown = bend(bytes.Clone(challenge))
	}
	authenticate, err := ntlmssp.NewAuthenticateMessage(shown, user, password, nil)
	if err != nil {
		return err
	}
	_, _, err = a.Verify(negotiate, challenge, authenticate)
	return err
}

// withBinding inserts channel bindings before the end of the TargetInfo, which
// stands last in the challenge.
func withBinding(binding []byte) func([]byte) []byte {
	return func(m []byte) []byte {
		length := binary.LittleEndian.Uint16(m[40:]) + 20
		binary.LittleEndian.PutUint16(m[40:], length)
		binary.LittleEndian.PutUint16(m[42:], length)
		m = append(m[:len(m)-4], 10, 0, 16, 0)
		return append(append(m, binding...), 0, 0, 0, 0)
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	for _, q := range []struct {
		user, password string
		want           error
	}{
		{`MUSTERWERK\User`, "Password", nil},
		{"svc@musterwerk.example", "Password", nil},
		{`MUSTERWERK\User`, "password", ntlm.ErrPassword},
		{`MUSTERWERK\Nobody`, "Password", ntlm.ErrPassword},
	} {
		if err := handshake(acceptor(), q.user, q.password, nil); !errors.Is(err, q.want) {
			t.Errorf("%s %s: %v", q.user, q.password, err)
		}
	}
}

func TestExtendedProtection(t *testing.T) {
	t.Parallel()
	mine, other := ntlm.ChannelBinding([]byte("mine")), ntlm.ChannelBinding([]byte("other"))
	for _, q := range []struct {
		protection ntlm.Protection
		sent       []byte
		want       error
	}{
		{ntlm.Off, nil, nil},
		{ntlm.Off, other, nil},
		{ntlm.Allow, nil, nil},
		{ntlm.Allow, mine, nil},
		{ntlm.Allow, other, ntlm.ErrBinding},
		{ntlm.Require, mine, nil},
		{ntlm.Require, nil, ntlm.ErrBinding},
		{ntlm.Require, make([]byte, 16), ntlm.ErrBinding},
		{ntlm.Require, other, ntlm.ErrBinding},
	} {
		a := acceptor()
		a.Protection, a.Binding = q.protection, mine
		var bend func([]byte) []byte
		if q.sent != nil {
			bend = withBinding(q.sent)
		}
		if err := handshake(a, `MUSTERWERK\User`, "Password", bend); !errors.Is(err, q.want) {
			t.Errorf("%s %x: %v, want %v", q.protection, q.sent, err, q.want)
		}
	}
}

// TestIntegrityCode: a client that says it sends a MIC must send the right one.
func TestIntegrityCode(t *testing.T) {
	t.Parallel()
	sum := func(key []byte, parts ...[]byte) []byte {
		h := hmac.New(md5.New, key)
		for _, part := range parts {
			h.Write(part)
		}
		return h.Sum(nil)
	}
	responseKey, negotiate := unhex("0c868a403bfd7a93a3001ef22ef02e3f"), []byte("negotiate")
	blob := slices.Concat(exampleBlob[:len(exampleBlob)-8], []byte{6, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	proof := sum(responseKey, exampleChallenge()[24:], blob)
	m := message("Domain", "User", slices.Concat(proof, blob), nil, 0)
	if _, _, err := acceptor().Verify(negotiate, exampleChallenge(), m); !errors.Is(err, ntlm.ErrMIC) {
		t.Errorf("no MIC: %v", err)
	}
	copy(m[72:], sum(sum(responseKey, proof), negotiate, exampleChallenge(), m))
	if _, _, err := acceptor().Verify(negotiate, exampleChallenge(), m); err != nil {
		t.Errorf("the right MIC: %v", err)
	}
	if _, _, err := acceptor().Verify([]byte("other"), exampleChallenge(), m); !errors.Is(err, ntlm.ErrMIC) {
		t.Errorf("another negotiation: %v", err)
	}
}

func TestErrMessages(t *testing.T) {
	t.Parallel()
	for _, q := range []struct {
		raw  []byte
		want error
	}{
		{nil, ntlm.ErrMessage},
		{[]byte("NTLMSSP\x00\x03\x00\x00\x00"), ntlm.ErrMessage},
		{message("D", "User", make([]byte, 24), nil, 0), ntlm.ErrOld},
		{message("D", "User", slices.Concat(exampleProof, exampleBlob), nil, 0)[:100], ntlm.ErrMessage},
	} {
		if _, _, err := acceptor().Verify(nil, exampleChallenge(), q.raw); !errors.Is(err, q.want) {
			t.Errorf("%x: %v", q.raw, err)
		}
	}
	if _, err := acceptor().Challenge([]byte("GET /"), [8]byte{}, time.Now()); !errors.Is(err, ntlm.ErrMessage) {
		t.Error(err)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(message("Domain", "User", slices.Concat(exampleProof, exampleBlob), nil, 0))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, user, err := acceptor().Verify(nil, exampleChallenge(), raw)
		if err == nil && user != "User" {
			t.Errorf("%q was let in", user)
		}
	})
}
