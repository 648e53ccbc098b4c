package ntlm_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/binary"
	"testing"

	ntlmssp "github.com/Azure/go-ntlmssp"

	"kalends/provider/ews/ntlm"
)

// pair is one of MS-NLMP 2.2.2.1.
func pair(id uint16, value string) []byte {
	head := binary.LittleEndian.AppendUint16(nil, id)
	return append(binary.LittleEndian.AppendUint16(head, uint16(len(value))), value...)
}

// challenge is a message of MS-NLMP 2.2.1.2 with these pairs.
func challenge(pairs []byte) []byte {
	m := append([]byte("NTLMSSP\x00"), 2, 0, 0, 0)
	m = append(m, 0, 0, 0, 0, 48, 0, 0, 0)               // no target name
	m = binary.LittleEndian.AppendUint32(m, 0x02)        // OEM, so that a flag is seen to be added
	m = append(m, "\x01\x02\x03\x04\x05\x06\x07\x08"...) // the challenge
	m = append(m, make([]byte, 8)...)
	m = binary.LittleEndian.AppendUint16(m, uint16(len(pairs)))
	m = binary.LittleEndian.AppendUint16(m, uint16(len(pairs)))
	m = binary.LittleEndian.AppendUint32(m, 48)
	return append(m, pairs...)
}

func TestBindingIsAddedOnceAndLosesNoPair(t *testing.T) {
	t.Parallel()
	before := append(pair(1, "M\x00A\x00"), pair(7, "12345678")...)
	for name, given := range map[string][]byte{
		"end":            append(bytes.Clone(before), pair(0, "")...),
		"no end":         before,
		"binding before": append(append(pair(10, "0123456789abcdef"), before...), pair(0, "")...),
	} {
		bound, err := ntlm.Bind(challenge(given), []byte("tls-server-end-point:x"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		kept, err := ntlm.PairsOf(bound)
		if err != nil || !bytes.Equal(kept, before) {
			t.Errorf("%s: pairs kept: %x, %v; want %x", name, kept, err, before)
		}
		if n := bytes.Count(bound[48+len(given):], []byte{10, 0, 16, 0}); n != 1 {
			t.Errorf("%s: %d bindings", name, n)
		}
		if binary.LittleEndian.Uint32(bound[20:])&0x00800000 == 0 {
			t.Errorf("%s: the flag for pairs is not set", name)
		}
	}
}

func TestAChallengeThatEndsTooEarlyIsRefused(t *testing.T) {
	t.Parallel()
	whole := challenge(append(pair(1, "MA"), pair(0, "")...))
	for _, cut := range []int{0, 47, len(whole) - 1} {
		if _, err := ntlm.Bind(whole[:cut], nil); err == nil {
			t.Errorf("%d of %d bytes were taken", cut, len(whole))
		}
	}
	if _, err := ntlm.Bind(challenge(pair(1, string(make([]byte, 65520)))), nil); err == nil {
		t.Error("pairs that leave no room were taken")
	}
}

// RFC 5929 section 4.1: MD5 and SHA-1 count as SHA-256, others as themselves.
func TestTheEndPointIsHashedAsTheCertificateIsSigned(t *testing.T) {
	t.Parallel()
	raw := []byte("certificate")
	s256, s384, s512 := sha256.Sum256(raw), sha512.Sum384(raw), sha512.Sum512(raw)
	for algorithm, want := range map[x509.SignatureAlgorithm][]byte{
		x509.MD5WithRSA: s256[:], x509.SHA1WithRSA: s256[:], x509.SHA256WithRSA: s256[:], x509.PureEd25519: s256[:],
		x509.SHA384WithRSAPSS: s384[:], x509.ECDSAWithSHA512: s512[:],
	} {
		got := ntlm.EndPoint(&x509.Certificate{Raw: raw, SignatureAlgorithm: algorithm})
		if !bytes.Equal(got, append([]byte("tls-server-end-point:"), want...)) {
			t.Errorf("%s: %x", algorithm, got)
		}
	}
}

func FuzzBind(f *testing.F) {
	f.Add(challenge(append(pair(2, "MUSTERWERK"), pair(0, "")...)))
	f.Add(challenge(nil))
	f.Add([]byte("NTLMSSP\x00"))
	f.Fuzz(func(t *testing.T, message []byte) {
		bound, err := ntlm.Bind(message, []byte("tls-server-end-point:x"))
		if err != nil {
			return
		}
		before, _ := ntlm.PairsOf(message)
		after, err := ntlm.PairsOf(bound)
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("pairs %x became %x, %v", before, after, err)
		}
		_, _ = ntlmssp.NewAuthenticateMessage(bound, `MUSTERWERK\svc`, "secret", nil)
	})
}
