package ntlm

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // NTLM is made of it
	"crypto/rc4" //nolint:gosec // idem
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/binary"
	"strings"
	"time"

	"golang.org/x/crypto/md4" //nolint:staticcheck,gosec // idem
)

// Protection is Extended Protection for Authentication.
type Protection string

// The values of IIS.
const (
	Off     Protection = "off"
	Allow   Protection = "allow"   // a binding must be right if it is there
	Require Protection = "require" // a binding must be there and right
)

// Acceptor is a server that verifies passwords.
type Acceptor struct {
	Domain   string // NetBIOS name
	Computer string // NetBIOS name
	DNS      string // of the domain
	// Password gives the password of a user, "" for nobody. The domain is as
	// the client wrote it; a user principal name comes without one.
	Password   func(domain, user string) string
	Protection Protection
	Binding    []byte // of this channel: ChannelBinding
}

// Challenge answers a NEGOTIATE_MESSAGE: MS-NLMP 2.2.1.2.
func (a Acceptor) Challenge(negotiate []byte, nonce [8]byte, now time.Time) ([]byte, error) {
	if Kind(negotiate) != 1 || len(negotiate) < 16 {
		return nil, ErrMessage
	}
	asked := binary.LittleEndian.Uint32(negotiate[12:])
	flags := asked&(flagExtended|flag128|flag56|flagKeyExchange|flagAlwaysSign|flagVersion) |
		flagUnicode | flagNTLM | flagTarget | flagDomain | flagTargetInfo
	target, info := encode(a.Domain), a.info(now)
	const header = 56
	m := append([]byte(signature), 2, 0, 0, 0)
	m = appendField(m, len(target), header)
	m = binary.LittleEndian.AppendUint32(m, flags)
	m = append(m, nonce[:]...)
	m = append(m, make([]byte, 8)...)
	m = appendField(m, len(info), header+len(target))
	m = append(m, 6, 3, 0x80, 0x25, 0, 0, 0, 15) // Windows 8.1's version
	return append(append(m, target...), info...), nil
}

func appendField(m []byte, length, offset int) []byte {
	m = binary.LittleEndian.AppendUint16(m, uint16(length))
	m = binary.LittleEndian.AppendUint16(m, uint16(length))
	return binary.LittleEndian.AppendUint32(m, uint32(offset))
}

// info is the TargetInfo; with a timestamp in it the client must send a MIC.
func (a Acceptor) info(now time.Time) []byte {
	ticks := binary.LittleEndian.AppendUint64(nil, uint64(now.Unix()+11644473600)*10000000)
	return bytes.Join([][]byte{
		pair(avDomain, encode(a.Domain)), pair(avComputer, encode(a.Computer)), pair(avDNSDomain, encode(a.DNS)),
		pair(avDNSComputer, encode(strings.ToLower(a.Computer)+"."+a.DNS)), pair(avTimestamp, ticks), pair(avEnd, nil),
	}, nil)
}

// Verify checks an AUTHENTICATE_MESSAGE against the two messages before it. It
// gives domain and user as the client wrote them.
func (a Acceptor) Verify(negotiate, challenge, raw []byte) (domain, user string, err error) {
	m, err := readAuthenticate(raw)
	if err != nil {
		return "", "", err
	}
	password := a.Password(m.domain, m.user)
	if password == "" || len(challenge) < 32 {
		return "", "", ErrPassword
	}
	hash := sum(ntHash(password), encode(strings.ToUpper(m.user)+m.domain))
	proof := sum(hash, challenge[24:32], m.response[16:])
	if subtle.ConstantTimeCompare(proof, m.response[:16]) != 1 {
		return "", "", ErrPassword
	}
	if err := m.checkMIC(sum(hash, proof), negotiate, challenge); err != nil {
		return "", "", err
	}
	return m.domain, m.user, a.checkBinding(m.pairs[avChannelBindings])
}

func ntHash(password string) []byte {
	h := md4.New()
	_, _ = h.Write(encode(password))
	return h.Sum(nil)
}

func sum(key []byte, parts ...[]byte) []byte {
	h := hmac.New(md5.New, key)
	for _, part := range parts {
		_, _ = h.Write(part)
	}
	return h.Sum(nil)
}

const micAt = 72

// checkMIC verifies the code over all three messages, where the client says
// that it sent one: MS-NLMP 3.2.5.1.2.
func (m authenticate) checkMIC(base, negotiate, challenge []byte) error {
	if flags := m.pairs[avFlags]; len(flags) != 4 || binary.LittleEndian.Uint32(flags)&avFlagMIC == 0 {
		return nil
	}
	if len(m.raw) < micAt+16 {
		return ErrMIC
	}
	key := base
	if m.flags&flagKeyExchange != 0 && len(m.key) == 16 {
		cipher, err := rc4.NewCipher(base) //nolint:gosec // as above
		if err != nil {
			return ErrMIC
		}
		key = make([]byte, 16)
		cipher.XORKeyStream(key, m.key)
	}
	empty := bytes.Clone(m.raw)
	clear(empty[micAt : micAt+16])
	if subtle.ConstantTimeCompare(sum(key, negotiate, challenge, empty), m.raw[micAt:micAt+16]) != 1 {
		return ErrMIC
	}
	return nil
}

func (a Acceptor) checkBinding(sent []byte) error {
	absent := len(sent) == 0 || bytes.Equal(sent, make([]byte, 16))
	switch {
	case a.Protection == Off || a.Protection == "":
	case absent && a.Protection == Require, !absent && !bytes.Equal(sent, a.Binding):
		return ErrBinding
	}
	return nil
}

// ChannelBinding is the MD5 of the gss_channel_bindings of a TLS channel whose
// server showed a certificate (DER): tls-server-end-point, RFC 5929 section 4.
func ChannelBinding(certificate []byte) []byte {
	application := append([]byte("tls-server-end-point:"), certificateHash(certificate)...)
	raw := append(make([]byte, 16), binary.LittleEndian.AppendUint32(nil, uint32(len(application)))...)
	digest := md5.Sum(append(raw, application...)) //nolint:gosec // as above
	return digest[:]
}

// certificateHash uses the hash of the certificate's own signature, but SHA-256
// for MD5 and SHA-1.
func certificateHash(certificate []byte) []byte {
	parsed, err := x509.ParseCertificate(certificate)
	if err == nil {
		switch parsed.SignatureAlgorithm {
		case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
			digest := sha512.Sum384(certificate)
			return digest[:]
		case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
			digest := sha512.Sum512(certificate)
			return digest[:]
		}
	}
	digest := sha256.Sum256(certificate)
	return digest[:]
}
