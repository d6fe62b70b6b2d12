package audit

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

// CheckpointType is the typ of a checkpoint, which no token has (RFC 8725 §3.11).
const CheckpointType = "grantway-checkpoint+jwt"

// Header is the JOSE header of a checkpoint.
func Header(algorithm, kid string) []byte {
	return fmt.Appendf(nil, `{"kid":%q,"alg":%q,"typ":%q}`, kid, algorithm, CheckpointType)
}

var (
	// ErrCheckpoint: it is no checkpoint at all.
	ErrCheckpoint = errors.New("not a checkpoint")

	// ErrSignature: none of the keys has signed it.
	ErrSignature = errors.New("not signed by a key of the environment")
)

// A Checkpoint says what an environment's chain was at a time.
type Checkpoint struct {
	Issuer      string // of the environment, at the time
	Environment string
	From        int64 // the first change of its run
	Seq         int64 // the last change that it covers; it covers all before
	Hash        [sha256.Size]byte
	At          time.Time
}

type checkpointClaims struct {
	Issuer      string `json:"iss"`
	Environment string `json:"env"`
	From        int64  `json:"from"`
	Seq         int64  `json:"seq"`
	Hash        string `json:"hash"` // base64url
	At          int64  `json:"at"`   // microseconds since 1970
}

// sign makes the checkpoint's compact form.
func (c *Checkpoint) sign(ctx context.Context, signer *jose.Signer) (string, error) {
	claims, err := json.Marshal(checkpointClaims{
		Issuer: c.Issuer, Environment: c.Environment, From: c.From, Seq: c.Seq,
		Hash: base64.RawURLEncoding.EncodeToString(c.Hash[:]), At: c.At.UnixMicro(),
	})
	if err != nil {
		return "", err
	}
	return signer.Sign(ctx, claims)
}

// Read reads a checkpoint that one of the keys has signed. Errors: ErrCheckpoint,
// ErrSignature.
func Read(text string, keys []jose.PublicKey) (Checkpoint, error) {
	said, err := peek(text)
	if err != nil {
		return Checkpoint{}, err
	}
	parsed, err := jose.Parse(text)
	if err != nil {
		return Checkpoint{}, ErrCheckpoint
	}
	for _, key := range keys {
		if key.KeyID != parsed.KeyID() {
			continue
		}
		if _, err := parsed.Verify(key); err == nil {
			return said, nil
		}
	}
	return said, ErrSignature
}

// peek reads a checkpoint whose signature nobody has checked.
func peek(text string) (Checkpoint, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return Checkpoint{}, ErrCheckpoint
	}
	var header struct {
		Type string `json:"typ"`
	}
	var claims checkpointClaims
	if !part(parts[0], &header) || header.Type != CheckpointType || !part(parts[1], &claims) {
		return Checkpoint{}, ErrCheckpoint
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(claims.Hash)
	if err != nil || len(sum) != sha256.Size || claims.Seq < claims.From {
		return Checkpoint{}, ErrCheckpoint
	}
	return Checkpoint{
		Issuer: claims.Issuer, Environment: claims.Environment, From: claims.From, Seq: claims.Seq,
		Hash: [sha256.Size]byte(sum), At: time.UnixMicro(claims.At).UTC(),
	}, nil
}

func part(text string, into any) bool {
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && wire.DecodeOpenJSON(decoded, into) == nil
}

// says reports whether a checkpoint says what a seal does.
func (c *Checkpoint) says(s *store.Seal, environment string) bool {
	return c.Environment == environment && c.From == s.From && c.Seq == s.Through && c.Hash == s.Hash &&
		c.At.UnixMicro() == s.At.UnixMicro()
}
