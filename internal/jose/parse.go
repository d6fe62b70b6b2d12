package jose

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxToken is the longest token that is read or made, in bytes.
const maxToken = 16 << 10

// Parsed is a token whose form is right and whose signature nobody has checked.
// It shows what is needed to choose a key. What the token claims comes out of
// Verify only. It is safe for concurrent use.
type Parsed struct {
	header    header
	input     []byte // what is signed: the first two segments as they came
	payload   []byte
	signature []byte
}

// header holds the parameters of a JOSE header that matter here.
type header struct {
	algorithm Algorithm
	keyID     string
	typ       string
	jwk       []byte // only where a proof may bring its own key
}

// Parse reads the form of a compact token (RFC 7515 §7.1) without any
// cryptography. A token of more than 16 KiB is ErrTooLarge. One that is not
// three segments of strict base64url with a strict JSON object in front, or
// whose JSON nests more than 16 deep, is ErrMalformed. A header that brings a
// key or names where to find one, or has crit or b64 or a parameter of
// encryption, is ErrHeader. An algorithm other than Algorithms is ErrAlgorithm.
func Parse(token string) (*Parsed, error) {
	return parse(token, false)
}

// ParseProof is Parse for a token that proves possession of the key in its own
// jwk header (a DPoP proof, RFC 9449 §4.2), and returns that key besides. The
// proof shows that its sender has that key and nothing else: it must never
// decide whether a sender is to be trusted. A header without a jwk is
// ErrHeader, a jwk that ParseJWK refuses is refused with its error, and one that
// the header's algorithm does not fit is ErrAlgorithm.
func ParseProof(token string) (*Parsed, PublicKey, error) {
	parsed, err := parse(token, true)
	if err != nil {
		return nil, PublicKey{}, err
	}
	if parsed.header.jwk == nil {
		return nil, PublicKey{}, fmt.Errorf("%w: the proof has no jwk", ErrHeader)
	}
	key, err := ParseJWK(parsed.header.jwk)
	if err != nil {
		return nil, PublicKey{}, err
	}
	if key.Algorithm == "" {
		key.Algorithm = parsed.header.algorithm // an RSA key that leaves it open
	}
	if key.Algorithm != parsed.header.algorithm || fits(key.Algorithm, key.Key) != nil {
		return nil, PublicKey{}, fmt.Errorf("%w: it is not the one of the proof's key", ErrAlgorithm)
	}
	return parsed, key, nil
}

func parse(token string, proof bool) (*Parsed, error) {
	if len(token) > maxToken {
		return nil, fmt.Errorf("%w: the token exceeds 16 KiB", ErrTooLarge)
	}
	first := strings.IndexByte(token, '.')
	last := strings.LastIndexByte(token, '.')
	if first < 0 || first == last || strings.IndexByte(token[first+1:last], '.') >= 0 {
		return nil, fmt.Errorf("%w: a token has three segments", ErrMalformed)
	}
	// One buffer: the token, and behind it what its segments stand for.
	buffer := make([]byte, 0, len(token)+encoding.DecodedLen(len(token))+2)
	buffer = append(buffer, token...)
	raw := buffer

	headerStart := len(buffer)
	buffer, err := decodeSegment(buffer, raw[:first])
	if err != nil {
		return nil, err
	}
	payloadStart := len(buffer)
	parsed := &Parsed{input: raw[:last:last]}
	if parsed.header, err = parseHeader(buffer[headerStart:], proof); err != nil {
		return nil, err
	}
	if buffer, err = decodeSegment(buffer, raw[first+1:last]); err != nil {
		return nil, err
	}
	signatureStart := len(buffer)
	if buffer, err = decodeSegment(buffer, raw[last+1:]); err != nil {
		return nil, err
	}
	parsed.payload = buffer[payloadStart:signatureStart:signatureStart]
	parsed.signature = buffer[signatureStart:]
	// Here and not only with the claims, so that no cryptography precedes it.
	if err := checkLimits(parsed.payload); err != nil {
		return nil, err
	}
	return parsed, nil
}

func parseHeader(data []byte, proof bool) (header, error) {
	var h header
	var algorithm string
	err := eachMember(data, func(name []byte, value jsontext.Value) error {
		switch string(name) {
		case "alg":
			return stringValue(&algorithm, value)
		case "kid":
			return stringValue(&h.keyID, value)
		case "typ":
			return stringValue(&h.typ, value)
		case "jwk":
			if !proof {
				return fmt.Errorf("%w: a token does not bring its own key", ErrHeader)
			}
			h.jwk = bytes.Clone(value)
		case "jku", "x5u", "x5c":
			return fmt.Errorf("%w: a token does not say where its key is", ErrHeader)
		case "crit", "b64": // RFC 7515 §4.1.11, RFC 7797: none is understood here
			return fmt.Errorf("%w: extensions are not supported", ErrHeader)
		case "enc", "zip": // RFC 7516
			return fmt.Errorf("%w: encryption is not supported", ErrHeader)
		}
		return nil // RFC 7515 §4: parameters not understood are ignored
	})
	if err != nil {
		return header{}, err
	}
	switch h.algorithm = Algorithm(algorithm); h.algorithm {
	case ES256, RS256, EdDSA, PS256:
		return h, nil
	default:
		return header{}, fmt.Errorf("%w: the header names none that is supported", ErrAlgorithm)
	}
}

// Algorithm is what the header says; Verify compares it with the key's own.
func (p *Parsed) Algorithm() Algorithm { return p.header.algorithm }

// KeyID is the header's kid, empty if there is none. Whoever made the token
// wrote it: it is a hint for finding a key that is already trusted.
func (p *Parsed) KeyID() string { return p.header.keyID }

// Type is the header's typ as written, empty if there is none.
func (p *Parsed) Type() string { return p.header.typ }

// UnverifiedIssuer is the iss that the token claims, for finding the keys of an
// issuer or client that is already known, and for nothing else. It is empty if
// there is none. Claims that are not a strict JSON object are ErrMalformed.
func (p *Parsed) UnverifiedIssuer() (string, error) {
	var issuer string
	err := eachMember(p.payload, func(name []byte, value jsontext.Value) error {
		if string(name) == "iss" {
			return stringValue(&issuer, value)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return issuer, nil
}
