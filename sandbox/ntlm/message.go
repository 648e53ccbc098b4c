package ntlm

import (
	"encoding/binary"
	"errors"
	"unicode/utf16"
)

// Errors of messages, decided by identity.
var (
	ErrMessage  = errors.New("not an NTLM message of the expected kind")
	ErrPassword = errors.New("the password, or who signs in, is wrong")
	ErrOld      = errors.New("NTLMv1 and LM are not taken")
	ErrBinding  = errors.New("the channel binding is absent or of another channel")
	ErrMIC      = errors.New("the message integrity code is wrong")
)

const signature = "NTLMSSP\x00"

// The negotiate flags that matter here: MS-NLMP 2.2.2.5.
const (
	flagUnicode     = 0x00000001
	flagTarget      = 0x00000004
	flagNTLM        = 0x00000200
	flagAlwaysSign  = 0x00008000
	flagDomain      = 0x00010000
	flagExtended    = 0x00080000
	flagTargetInfo  = 0x00800000
	flagVersion     = 0x02000000
	flag128         = 0x20000000
	flagKeyExchange = 0x40000000
	flag56          = 0x80000000
)

// The ids of AV_PAIR: MS-NLMP 2.2.2.1.
const (
	avEnd             = 0
	avComputer        = 1
	avDomain          = 2
	avDNSComputer     = 3
	avDNSDomain       = 4
	avFlags           = 6
	avTimestamp       = 7
	avChannelBindings = 10
)

const avFlagMIC = 2

// Kind tells the type of a message (1 negotiate, 2 challenge, 3 authenticate),
// or 0.
func Kind(message []byte) int {
	if len(message) < 12 || string(message[:8]) != signature {
		return 0
	}
	return int(binary.LittleEndian.Uint32(message[8:]))
}

// field gives the bytes that a length, a maximum and an offset point to.
func field(message []byte, at int) ([]byte, error) {
	if len(message) < at+8 {
		return nil, ErrMessage
	}
	length := int(binary.LittleEndian.Uint16(message[at:]))
	offset := int(binary.LittleEndian.Uint32(message[at+4:]))
	if offset < 0 || offset > len(message) || length > len(message)-offset {
		return nil, ErrMessage
	}
	return message[offset : offset+length], nil
}

func encode(text string) []byte {
	var raw []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		raw = binary.LittleEndian.AppendUint16(raw, unit)
	}
	return raw
}

func decode(raw []byte) string {
	units := make([]uint16, len(raw)/2)
	for n := range units {
		units[n] = binary.LittleEndian.Uint16(raw[2*n:])
	}
	return string(utf16.Decode(units))
}

func pair(id uint16, value []byte) []byte {
	raw := binary.LittleEndian.AppendUint16(nil, id)
	raw = binary.LittleEndian.AppendUint16(raw, uint16(len(value)))
	return append(raw, value...)
}

// pairs reads a list of AV_PAIRs up to its end.
func pairs(raw []byte) (map[uint16][]byte, error) {
	found := map[uint16][]byte{}
	for len(raw) >= 4 {
		id, length := binary.LittleEndian.Uint16(raw), int(binary.LittleEndian.Uint16(raw[2:]))
		if id == avEnd {
			return found, nil
		}
		if length > len(raw)-4 {
			return nil, ErrMessage
		}
		found[id], raw = raw[4:4+length], raw[4+length:]
	}
	return nil, ErrMessage
}

// authenticate is an AUTHENTICATE_MESSAGE, MS-NLMP 2.2.1.3.
type authenticate struct {
	raw          []byte
	response     []byte // NtChallengeResponse
	domain, user string
	key          []byte // EncryptedRandomSessionKey
	flags        uint32
	pairs        map[uint16][]byte
}

func readAuthenticate(raw []byte) (authenticate, error) {
	if Kind(raw) != 3 || len(raw) < 64 {
		return authenticate{}, ErrMessage
	}
	m := authenticate{raw: raw, flags: binary.LittleEndian.Uint32(raw[60:])}
	var domain, user []byte
	for _, part := range []struct {
		into *[]byte
		at   int
	}{{&m.response, 20}, {&domain, 28}, {&user, 36}, {&m.key, 52}} {
		value, err := field(raw, part.at)
		if err != nil {
			return m, err
		}
		*part.into = value
	}
	m.domain, m.user = decode(domain), decode(user)
	return m, m.readResponse()
}

// readResponse takes the NTLMv2 response apart: proof, then a blob of 28 bytes
// and AV_PAIRs.
func (m *authenticate) readResponse() error {
	if len(m.response) < 16+28+4 {
		return ErrOld
	}
	found, err := pairs(m.response[16+28:])
	m.pairs = found
	return err
}
