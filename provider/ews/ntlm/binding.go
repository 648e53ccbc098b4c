package ntlm

import (
	"crypto"
	"crypto/md5" //nolint:gosec // MS-NLMP 2.2.2.1 hashes the channel binding with MD5
	"crypto/x509"
	"encoding/binary"
	"errors"
	"math"
)

// The challenge message, MS-NLMP 2.2.1.2, and its pairs, 2.2.2.1.
const (
	offsetFlags      = 20
	offsetTargetInfo = 40
	challengeHeader  = 48
	flagTargetInfo   = 0x00800000
	pairEnd          = 0
	pairBinding      = 0x000A
	pairHeader       = 4
)

var (
	errTruncated = errors.New("challenge message ends too early")
	errTooLong   = errors.New("challenge message with too many pairs")
)

// endPoint is the channel binding of a server's certificate, RFC 5929 section
// 4.1: its hash by the hash function of its signature, MD5 and SHA-1 replaced by
// SHA-256.
func endPoint(certificate *x509.Certificate) []byte {
	h := signatureHash(certificate.SignatureAlgorithm).New()
	h.Write(certificate.Raw)
	return h.Sum([]byte("tls-server-end-point:"))
}

func signatureHash(algorithm x509.SignatureAlgorithm) crypto.Hash {
	switch algorithm {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		return crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		return crypto.SHA512
	}
	return crypto.SHA256
}

// bindingHash is MD5 over gss_channel_bindings_struct (RFC 2744 section 3.11)
// without addresses, the application data being the end point.
func bindingHash(endPoint []byte) []byte {
	h := md5.New() //nolint:gosec // see above
	h.Write(make([]byte, 16))
	h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(endPoint)))) //nolint:gosec // some 80 bytes
	h.Write(endPoint)
	return h.Sum(nil)
}

// bind gives the challenge with our channel binding among its pairs, from where
// they are copied into the answer.
func bind(challenge, endPoint []byte) ([]byte, error) {
	pairs, err := pairsOf(challenge)
	if err != nil {
		return nil, err
	}
	pairs = binary.LittleEndian.AppendUint16(pairs, pairBinding)
	pairs = binary.LittleEndian.AppendUint16(pairs, md5.Size)
	pairs = append(pairs, bindingHash(endPoint)...)
	pairs = append(pairs, make([]byte, pairHeader)...) // pairEnd
	if len(pairs) > math.MaxUint16 {
		return nil, errTooLong
	}
	return withPairs(challenge, pairs), nil
}

// pairsOf gives the pairs of a challenge without the end and without a binding.
func pairsOf(challenge []byte) ([]byte, error) {
	if len(challenge) < challengeHeader {
		return nil, errTruncated
	}
	length := int(binary.LittleEndian.Uint16(challenge[offsetTargetInfo:]))
	start := int64(binary.LittleEndian.Uint32(challenge[offsetTargetInfo+4:]))
	if length == 0 {
		return nil, nil
	}
	if start+int64(length) > int64(len(challenge)) {
		return nil, errTruncated
	}
	return keepPairs(challenge[start : start+int64(length)])
}

func keepPairs(info []byte) ([]byte, error) {
	var kept []byte
	for len(info) >= pairHeader {
		id, size := binary.LittleEndian.Uint16(info), pairHeader+int(binary.LittleEndian.Uint16(info[2:]))
		if id == pairEnd {
			return kept, nil
		}
		if size > len(info) {
			return nil, errTruncated
		}
		if id != pairBinding {
			kept = append(kept, info[:size]...)
		}
		info = info[size:]
	}
	return kept, nil
}

// withPairs gives a copy of the challenge whose pairs stand at its end.
func withPairs(challenge, pairs []byte) []byte {
	m := append([]byte(nil), challenge...)
	flags := binary.LittleEndian.Uint32(m[offsetFlags:]) | flagTargetInfo
	binary.LittleEndian.PutUint32(m[offsetFlags:], flags)
	binary.LittleEndian.PutUint16(m[offsetTargetInfo:], uint16(len(pairs)))   //nolint:gosec // bind checks
	binary.LittleEndian.PutUint16(m[offsetTargetInfo+2:], uint16(len(pairs))) //nolint:gosec // idem
	binary.LittleEndian.PutUint32(m[offsetTargetInfo+4:], uint32(len(m)))     //nolint:gosec // a header of at most 64 KiB
	return append(m, pairs...)
}
