package token

import (
	"crypto/subtle"
	"math/big"
	"strconv"
	"strings"

	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/secret"
)

// Refresh makes and reads refresh tokens. They are derived from the grant and the
// generation, and so need not be kept, and every node gives the same successor to
// whoever repeats a request (row F02).
//
//	Vb8sX0qT4m…-3-9fK2…   grant, generation, and 256 bits that only we can make of both
//
// The zero value knows none.
type Refresh struct{ Key *keys.Derivation }

// Text is the refresh token of a generation of a grant.
func (r Refresh) Text(grantID string, generation int64) secret.Secret {
	head := grantID + "-" + strconv.FormatInt(generation, 10)
	proof := r.Key.Derive("refresh token", head)
	digits := new(big.Int).SetBytes(proof[:]).Text(62)
	return secret.Of(head + "-" + strings.Repeat("0", proofDigits-len(digits)) + digits)
}

const proofDigits = 43 // 62^43 > 2^256

// maxRefreshToken is longer than any refresh token, in bytes.
const maxRefreshToken = 256

// Read returns the grant and the generation of a refresh token that Text made. ok
// is false for any other text: each token has one spelling.
func (r Refresh) Read(text string) (grantID string, generation int64, ok bool) {
	parts := strings.Split(text, "-")
	if len(text) > maxRefreshToken || len(parts) != 3 || r.Key == nil {
		return "", 0, false
	}
	generation, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || generation < 1 || parts[0] == "" {
		return "", 0, false
	}
	made := r.Text(parts[0], generation).Reveal()
	if subtle.ConstantTimeCompare([]byte(made), []byte(text)) != 1 {
		return "", 0, false
	}
	return parts[0], generation, true
}
