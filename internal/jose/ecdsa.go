package jose

import (
	"bytes"
	"fmt"
)

const (
	scalarSize = 32             // bytes of r and of s on P-256
	rawSize    = 2 * scalarSize // an ES256 signature (RFC 7518 §3.4)
	maxDERSize = 2 + 2*(2+1+scalarSize)
)

// orderP256 is the order of the P-256 base point, big-endian.
var orderP256 = [scalarSize]byte{
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
}

// inRange reports whether 0 < scalar < n, as both halves of a signature must be.
func inRange(scalar []byte) bool {
	var zero [scalarSize]byte
	return !bytes.Equal(scalar, zero[:]) && bytes.Compare(scalar, orderP256[:]) < 0
}

// rawFromDER turns the ASN.1 form that every crypto.Signer returns for ECDSA,
// SEQUENCE { r INTEGER, s INTEGER }, into r||s. It accepts DER only: hardware
// that answers anything else is broken, and repairing it would hide that.
func rawFromDER(der []byte) (raw [rawSize]byte, err error) {
	bad := fmt.Errorf("%w: the signer did not return an ASN.1 signature for P-256", ErrSignature)
	if len(der) < 2 || len(der) > maxDERSize || der[0] != 0x30 || int(der[1]) != len(der)-2 {
		return raw, bad
	}
	rest := der[2:]
	for _, half := range [][]byte{raw[:scalarSize], raw[scalarSize:]} {
		if len(rest) < 2 || rest[0] != 0x02 || int(rest[1]) > len(rest)-2 {
			return raw, bad
		}
		var number []byte
		number, rest = rest[2:2+int(rest[1])], rest[2+int(rest[1]):]
		switch {
		case len(number) == 0, number[0] >= 0x80: // empty or negative
			return raw, bad
		case number[0] == 0 && (len(number) == 1 || number[1] < 0x80): // zero or not minimal
			return raw, bad
		case number[0] == 0:
			number = number[1:]
		}
		if len(number) > scalarSize {
			return raw, bad
		}
		copy(half[scalarSize-len(number):], number)
		if !inRange(half) {
			return raw, bad
		}
	}
	if len(rest) != 0 {
		return raw, bad
	}
	return raw, nil
}

// appendDER is the inverse of rawFromDER for a raw signature in range.
func appendDER(dst, raw []byte) []byte {
	start := len(dst)
	dst = append(dst, 0x30, 0)
	for half := range [2]struct{}{} {
		number := bytes.TrimLeft(raw[half*scalarSize:(half+1)*scalarSize], "\x00")
		if number[0] >= 0x80 {
			dst = append(dst, 0x02, byte(len(number)+1), 0)
		} else {
			dst = append(dst, 0x02, byte(len(number)))
		}
		dst = append(dst, number...)
	}
	dst[start+1] = byte(len(dst) - start - 2)
	return dst
}
