package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// maxJWK is the longest single JWK that is read, in bytes. Certificate chains,
// which are ignored, make some of them long.
const maxJWK = 16 << 10

// MarshalJWK writes key as a JWK with the members kty, crv, x, y (or n, e),
// use, alg and kid, in this order and without spaces; alg and kid are left out
// when they are empty. It is public by construction: it has no way to write a
// private member. A key that AlgorithmFits refuses is refused with its error.
func MarshalJWK(key PublicKey) ([]byte, error) {
	return appendJWK(nil, key)
}

func appendJWK(dst []byte, key PublicKey) ([]byte, error) {
	if key.Algorithm != "" {
		if err := AlgorithmFits(key.Algorithm, key.Key); err != nil {
			return nil, err
		}
	}
	m, err := publicMembers(key.Key)
	if err != nil {
		return nil, err
	}
	dst = append(dst, `{"kty":"`+m.kty+`"`...)
	if m.kty == "RSA" {
		dst = append(dst, `,"n":"`+m.n+`","e":"`+m.e+`"`...)
	} else {
		dst = append(dst, `,"crv":"`+m.crv+`","x":"`+m.x+`"`...)
	}
	if m.kty == "EC" {
		dst = append(dst, `,"y":"`+m.y+`"`...)
	}
	dst = append(dst, `,"use":"sig"`...)
	if key.Algorithm != "" {
		dst = append(dst, `,"alg":"`+string(key.Algorithm)+`"`...)
	}
	if key.KeyID != "" {
		dst = append(dst, `,"kid":`...)
		if dst, err = jsontext.AppendQuote(dst, key.KeyID); err != nil {
			return nil, fmt.Errorf("%w: the kid is not valid UTF-8", ErrKey)
		}
	}
	return append(dst, '}'), nil
}

// Thumbprint is the SHA-256 thumbprint of a public key in base64url (RFC 7638),
// a name for the key that everybody computes alike. A key of a kind that is not
// supported, or weak, is ErrKey.
func Thumbprint(pub crypto.PublicKey) (string, error) {
	m, err := publicMembers(pub)
	if err != nil {
		return "", err
	}
	var canonical string // the required members in lexicographic order (RFC 7638 §3.2)
	switch m.kty {
	case "EC":
		canonical = `{"crv":"` + m.crv + `","kty":"EC","x":"` + m.x + `","y":"` + m.y + `"}`
	case "OKP":
		canonical = `{"crv":"` + m.crv + `","kty":"OKP","x":"` + m.x + `"}`
	default:
		canonical = `{"e":"` + m.e + `","kty":"RSA","n":"` + m.n + `"}`
	}
	sum := sha256.Sum256([]byte(canonical))
	return encoding.EncodeToString(sum[:]), nil
}

// members are those of a JWK that matter here, as text.
type members struct {
	kty, crv, x, y, n, e string
	use, alg, kid        string
	operations           []string // key_ops; nil if absent
}

// publicMembers describes the key itself.
func publicMembers(pub crypto.PublicKey) (members, error) {
	switch key := pub.(type) {
	case *ecdsa.PublicKey:
		if err := AlgorithmFits(ES256, pub); err != nil {
			return members{}, err
		}
		point, err := key.Bytes() // 0x04, x, y
		if err != nil {
			return members{}, fmt.Errorf("%w: %w", ErrKey, err)
		}
		x, y := point[1:1+scalarSize], point[1+scalarSize:]
		return members{kty: "EC", crv: "P-256", x: encoding.EncodeToString(x), y: encoding.EncodeToString(y)}, nil
	case ed25519.PublicKey:
		if err := AlgorithmFits(EdDSA, pub); err != nil {
			return members{}, err
		}
		return members{kty: "OKP", crv: "Ed25519", x: encoding.EncodeToString(key)}, nil
	case *rsa.PublicKey:
		if err := AlgorithmFits(RS256, pub); err != nil {
			return members{}, err
		}
		exponent := big.NewInt(int64(key.E)).Bytes()
		return members{kty: "RSA", n: encoding.EncodeToString(key.N.Bytes()), e: encoding.EncodeToString(exponent)}, nil
	default:
		return members{}, fmt.Errorf("%w: not a supported kind of key", ErrKey)
	}
}

// ParseJWK reads one public key for checking signatures. Its Algorithm is the
// member alg or what its kind implies; it stays empty for an RSA key that names
// none, and the caller must then set it before the key checks anything.
//
// More than 16 KiB is ErrTooLarge. A private member of any kind of key is
// ErrPrivateMember. A key for encryption, of an unsupported kind or algorithm,
// or that AlgorithmFits refuses, is ErrKey or ErrAlgorithm. Everything that is
// not strict JSON or not in the form of RFC 7518 §6 is ErrMalformed. Members
// that it does not know, and certificates, are ignored; nothing is fetched.
func ParseJWK(data []byte) (PublicKey, error) {
	if len(data) > maxJWK {
		return PublicKey{}, fmt.Errorf("%w: the key exceeds 16 KiB", ErrTooLarge)
	}
	m, err := parseMembers(data)
	if err != nil {
		return PublicKey{}, err
	}
	return m.publicKey()
}

func parseMembers(data []byte) (members, error) {
	var m members
	err := eachMember(data, func(name []byte, value jsontext.Value) (err error) {
		switch string(name) {
		case "kty":
			return stringValue(&m.kty, value)
		case "crv":
			return stringValue(&m.crv, value)
		case "x":
			return stringValue(&m.x, value)
		case "y":
			return stringValue(&m.y, value)
		case "n":
			return stringValue(&m.n, value)
		case "e":
			return stringValue(&m.e, value)
		case "use":
			return stringValue(&m.use, value)
		case "alg":
			return stringValue(&m.alg, value)
		case "kid":
			return stringValue(&m.kid, value)
		case "key_ops":
			m.operations, err = stringsValue(value)
			return err
		case "d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv": // RFC 7518 §6.2.2, §6.3.2, §6.4
			return ErrPrivateMember
		}
		return nil
	})
	return m, err
}

// publicKey builds the key from its members.
func (m members) publicKey() (PublicKey, error) {
	if m.use != "" && m.use != "sig" || m.operations != nil && !slices.Contains(m.operations, "verify") {
		return PublicKey{}, fmt.Errorf("%w: it is not for checking signatures", ErrKey)
	}
	key := PublicKey{KeyID: m.kid, Algorithm: Algorithm(m.alg)}
	var implied Algorithm
	var err error
	switch {
	case m.kty == "EC" && m.crv == "P-256":
		implied = ES256
		key.Key, err = m.pointP256()
	case m.kty == "OKP" && m.crv == "Ed25519":
		implied = EdDSA
		key.Key, err = m.pointEd25519()
	case m.kty == "RSA":
		implied = RS256
		key.Key, err = m.numbersRSA()
	case m.kty == "":
		return PublicKey{}, fmt.Errorf("%w: the key has no kty", ErrMalformed)
	default:
		return PublicKey{}, fmt.Errorf("%w: not a supported kind of key", ErrKey)
	}
	if err != nil {
		return PublicKey{}, err
	}
	if key.Algorithm == "" && m.kty != "RSA" {
		key.Algorithm = implied
	}
	if key.Algorithm != "" {
		implied = key.Algorithm
	}
	if err := AlgorithmFits(implied, key.Key); err != nil {
		return PublicKey{}, err
	}
	return key, nil
}

func (m members) pointP256() (crypto.PublicKey, error) {
	point := []byte{0x04} // uncompressed: RFC 7518 §6.2.1 gives both coordinates in full
	for _, coordinate := range []string{m.x, m.y} {
		var err error
		before := len(point)
		if point, err = decodeSegment(point, []byte(coordinate)); err != nil {
			return nil, err
		}
		if len(point)-before != scalarSize {
			return nil, fmt.Errorf("%w: coordinates on P-256 have 32 bytes", ErrMalformed)
		}
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("%w: the point is not on P-256", ErrKey)
	}
	return key, nil
}

func (m members) pointEd25519() (crypto.PublicKey, error) {
	point, err := decodeSegment(nil, []byte(m.x))
	if err != nil {
		return nil, err
	}
	if len(point) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: Ed25519 keys have 32 bytes", ErrMalformed)
	}
	return ed25519.PublicKey(point), nil
}

func (m members) numbersRSA() (crypto.PublicKey, error) {
	var numbers [2]big.Int
	for i, text := range []string{m.n, m.e} {
		octets, err := decodeSegment(nil, []byte(text))
		if err != nil {
			return nil, err
		}
		if len(octets) == 0 || octets[0] == 0 { // RFC 7518 §2: the minimum number of octets
			return nil, fmt.Errorf("%w: n and e are numbers without leading zeros", ErrMalformed)
		}
		numbers[i].SetBytes(octets)
	}
	if numbers[1].BitLen() > 31 {
		return nil, fmt.Errorf("%w: the RSA exponent is too large", ErrKey)
	}
	return &rsa.PublicKey{N: &numbers[0], E: int(numbers[1].Int64())}, nil
}
