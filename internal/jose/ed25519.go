package jose

import (
	"crypto/ed25519"
	"math/big"
	"slices"
)

// The y coordinates of every encoding whose point has an order of 8 or less,
// little-endian as RFC 8032 §5.1.2 writes them and without the sign of x. With
// such a key some signatures verify for every message.
var smallOrderY = [...][32]byte{
	{},  // 0: order 4
	{1}, // 1: the neutral element
	{ // order 8
		0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
	},
	{ // order 8, the negative of the one above
		0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
	},
	nearPrime(0xec), // p-1: order 2
	nearPrime(0xed), // p, which is 0 written otherwise
	nearPrime(0xee), // p+1, which is 1 written otherwise
}

// nearPrime returns 2^255 - 256 + low, little-endian.
func nearPrime(low byte) (y [32]byte) {
	for i := range y {
		y[i] = 0xff
	}
	y[0], y[31] = low, 0x7f
	return y
}

// smallOrder expects 32 bytes.
func smallOrder(key ed25519.PublicKey) bool {
	y := [32]byte(key)
	y[31] &= 0x7f
	return slices.Contains(smallOrderY[:], y)
}

var (
	fieldPrime = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	// curveD is -121665/121666 (RFC 8032 §5.1).
	curveD = func() *big.Int {
		inverse := new(big.Int).ModInverse(big.NewInt(121666), fieldPrime)
		d := new(big.Int).Mul(big.NewInt(-121665), inverse)
		return d.Mod(d, fieldPrime)
	}()
)

// onEd25519 reports whether key, of 32 bytes, is the canonical encoding of a
// point: y below p, and x² = (y²-1)/(dy²+1) has a root (RFC 8032 §5.1.3).
func onEd25519(key ed25519.PublicKey) bool {
	encoded := [32]byte(key)
	encoded[31] &= 0x7f
	slices.Reverse(encoded[:])
	y := new(big.Int).SetBytes(encoded[:])
	if y.Cmp(fieldPrime) >= 0 {
		return false
	}
	one := big.NewInt(1)
	square := new(big.Int).Mul(y, y)
	denominator := new(big.Int).Mul(curveD, square)
	denominator.Add(denominator, one)
	numerator := square.Sub(square, one)
	// u/v is a square exactly when u·v is; -1/d is none, so v is never 0.
	product := numerator.Mul(numerator, denominator)
	return big.Jacobi(product.Mod(product, fieldPrime), fieldPrime) >= 0
}
