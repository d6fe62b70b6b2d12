package secret

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
)

// What chosen secrets are hashed with, and the limits on imported hashes.
const (
	argonMemory, mostArgonMemory = 19 * 1024, 64 * 1024 // KiB
	argonPasses, mostArgonPasses = 2, 10
	argonLanes, mostArgonLanes   = 1, 4
	argonSalt, argonSum          = 16, 32 // bytes
)

// argonHash is argon2id or argon2i, version 19 (RFC 9106), written as a PHC
// string.
type argonHash struct {
	variant               string
	memory, passes, lanes int // KiB, t, p
	salt, sum             []byte
}

// newArgon hashes input with the parameters of chosen secrets and a salt read
// from rand.
func newArgon(input []byte, rand io.Reader) (*argonHash, error) {
	a := &argonHash{
		variant: "argon2id", memory: argonMemory, passes: argonPasses, lanes: argonLanes,
		salt: make([]byte, argonSalt), sum: make([]byte, argonSum),
	}
	if _, err := io.ReadFull(rand, a.salt); err != nil {
		return nil, fmt.Errorf("read randomness for a salt: %w", err)
	}
	a.sum = a.derive(input)
	return a, nil
}

// readArgon reads "$argon2id$v=19$m=19456,t=2,p=1$salt$hash".
func readArgon(text string) (*argonHash, error) {
	fields := strings.Split(text, "$")
	if len(fields) != 6 || fields[0] != "" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, fmt.Errorf("%w: argon2 is $argon2id$v=19$m=…,t=…,p=…$salt$hash", ErrForm)
	}
	a := &argonHash{variant: fields[1]}
	if a.variant != "argon2id" && a.variant != "argon2i" {
		return nil, fmt.Errorf("%w: of argon2, argon2id and argon2i are understood", ErrForm)
	}
	numbers, err := decodeNumbers(fields[3], "m", "t", "p")
	if err != nil {
		return nil, err
	}
	a.memory, a.passes, a.lanes = numbers[0], numbers[1], numbers[2]
	if a.salt, a.sum, err = decodeSaltAndSum(fields[4], fields[5]); err != nil {
		return nil, err
	}
	return a, cmp.Or(
		within("t (passes) of argon2", a.passes, 1, mostArgonPasses),
		within("p (lanes) of argon2", a.lanes, 1, mostArgonLanes),
		// RFC 9106 §3.1: at least 8 KiB for each lane.
		within("m (memory in KiB) of argon2", a.memory, 8*max(a.lanes, 1), mostArgonMemory),
	)
}

func (a *argonHash) derive(input []byte) []byte {
	key := argon2.IDKey
	if a.variant == "argon2i" {
		key = argon2.Key
	}
	// The numbers fit: readArgon holds them to their limits.
	return key(input, a.salt, uint32(a.passes), uint32(a.memory), uint8(a.lanes), uint32(len(a.sum)))
}

func (a *argonHash) matches(presented string) (bool, error) {
	return subtle.ConstantTimeCompare(a.derive([]byte(presented)), a.sum) == 1, nil
}

func (a *argonHash) encode() string {
	return fmt.Sprintf("$%s$v=%d$m=%d,t=%d,p=%d$%s$%s",
		a.variant, argon2.Version, a.memory, a.passes, a.lanes, encode64(a.salt), encode64(a.sum))
}

func (a *argonHash) name() string { return a.variant }

const (
	wrappedPrefix = "wrapped:"

	// recipeSHA256 is SHA-256 of the secret followed by a suffix.
	recipeSHA256 = "sha256"
	mostSuffix   = 128 // bytes

	// recipeSpring is SHA-256 of a salt followed by the secret, and then of its
	// own result, 1024 times in all.
	recipeSpring     = "spring-sha256"
	springSalt       = 8 // bytes
	springIterations = 1024
)

// wrappedHash is argon2id over a fast hash that was imported: the secret is not
// known, so the slow hash starts from the fast one. Only the recipe of the fast
// one is kept.
type wrappedHash struct {
	recipe string
	mixed  []byte // suffix or salt
	outer  *argonHash
}

func newWrapped(recipe string, mixed, fast []byte, rand io.Reader) (*wrappedHash, error) {
	w := &wrappedHash{recipe: recipe, mixed: mixed}
	if err := w.check(); err != nil {
		return nil, err
	}
	outer, err := newArgon(fast, rand)
	w.outer = outer
	return w, err
}

// readWrapped reads what follows "wrapped:".
func readWrapped(text string) (*wrappedHash, error) {
	fields := strings.SplitN(text, ":", 3)
	if len(fields) != 3 {
		return nil, fmt.Errorf("%w: a wrapped hash is wrapped:recipe:base64:argon2id", ErrForm)
	}
	mixed, err := decode64(fields[1])
	if err != nil {
		return nil, err
	}
	outer, err := readArgon(fields[2])
	if err != nil {
		return nil, err
	}
	w := &wrappedHash{recipe: fields[0], mixed: mixed, outer: outer}
	return w, w.check()
}

func (w *wrappedHash) check() error {
	switch w.recipe {
	case recipeSHA256:
		return within("what is mixed into a SHA-256, in bytes", len(w.mixed), 0, mostSuffix)
	case recipeSpring:
		return within("the salt's length in bytes", len(w.mixed), springSalt, springSalt)
	default:
		return fmt.Errorf("%w: of wrapped hashes, %s and %s are understood", ErrForm, recipeSHA256, recipeSpring)
	}
}

func (w *wrappedHash) matches(presented string) (bool, error) {
	var fast [sha256.Size]byte
	if w.recipe == recipeSpring {
		fast = sha256.Sum256(append(w.mixed[:len(w.mixed):len(w.mixed)], presented...))
		for range springIterations - 1 {
			fast = sha256.Sum256(fast[:])
		}
	} else {
		fast = sha256.Sum256(append([]byte(presented), w.mixed...))
	}
	return w.outer.matches(string(fast[:]))
}

func (w *wrappedHash) encode() string {
	return wrappedPrefix + w.recipe + ":" + base64.RawURLEncoding.EncodeToString(w.mixed) + ":" + w.outer.encode()
}

func (w *wrappedHash) name() string { return w.recipe + " under " + w.outer.name() }
