package secret

import (
	"cmp"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// Limits on imported hashes. The most is what one check may cost (about a second
// of one core and 64 MiB); the least is what still slows down guessing.
const (
	leastBcryptCost, mostBcryptCost             = bcrypt.MinCost, 14
	leastPBKDF2Iterations, mostPBKDF2Iterations = 1_000, 2_000_000
	leastScryptLog, mostScryptLog               = 10, 16 // of N
	mostScryptBlock                             = 8      // r; N=2^16 and r=8 take 64 MiB
	mostScryptLanes                             = 4      // p
)

// parseSlow reads a slow hash in the form it is stored in, which is also one of
// the forms it is imported in.
func parseSlow(text string) (Verifier, error) {
	switch {
	case strings.HasPrefix(text, "$argon2"):
		return slowOrError(readArgon(text))
	case strings.HasPrefix(text, "$2"):
		return slowOrError(readBcrypt(text))
	case strings.HasPrefix(text, "$pbkdf2"):
		return slowOrError(readPBKDF2(text))
	case strings.HasPrefix(text, "$scrypt$"):
		return slowOrError(readScrypt(text))
	default:
		return Verifier{}, ErrForm
	}
}

// bcryptHash is bcrypt as it is written everywhere: "$2b$10$" and 53 characters
// of salt and hash. Only the first 72 bytes of a secret count.
type bcryptHash struct{ text string }

func readBcrypt(text string) (*bcryptHash, error) {
	const (
		length   = 60
		alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	)
	// $2x$ marks hashes of an implementation that got non-ASCII wrong.
	if len(text) != length || text[:2] != "$2" || !strings.Contains("aby", text[2:3]) || text[3] != '$' || text[6] != '$' ||
		strings.Trim(text[7:], alphabet) != "" {
		return nil, fmt.Errorf("%w: bcrypt is $2a$, $2b$ or $2y$, two digits, $, and 53 characters", ErrForm)
	}
	cost, err := decodeNumber(strings.TrimPrefix(text[4:6], "0"))
	if err != nil {
		return nil, err
	}
	if err := within("the cost of bcrypt", cost, leastBcryptCost, mostBcryptCost); err != nil {
		return nil, err
	}
	return &bcryptHash{text: text}, nil
}

func (b *bcryptHash) matches(presented string) (bool, error) {
	// bcrypt repeats its key with a NUL between: "a", NUL, "a" would match "a".
	if strings.Contains(presented, "\x00") {
		return false, nil
	}
	err := bcrypt.CompareHashAndPassword([]byte(b.text), []byte(presented))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return err == nil, err
}

func (b *bcryptHash) encode() string { return b.text }
func (b *bcryptHash) name() string   { return "bcrypt" }

// pbkdf2Hash is PBKDF2 (RFC 8018 §5.2), written as a PHC string.
type pbkdf2Hash struct {
	digest     string // sha1, sha256, sha512
	iterations int
	salt, sum  []byte
}

// readPBKDF2 reads "$pbkdf2-sha256$i=310000$salt$hash"; the number also without
// its name or followed by the hash's length, and "$pbkdf2$" for SHA-1.
func readPBKDF2(text string) (*pbkdf2Hash, error) {
	fields := strings.Split(text, "$")
	if len(fields) != 5 {
		return nil, fmt.Errorf("%w: PBKDF2 is $pbkdf2-sha256$i=iterations$salt$hash", ErrForm)
	}
	digest := "sha1"
	if fields[1] != "pbkdf2" {
		digest = strings.TrimPrefix(fields[1], "pbkdf2-")
	}
	count, length, hasLength := strings.Cut(strings.TrimPrefix(fields[2], "i="), ",l=")
	iterations, err := decodeNumber(count)
	if err != nil {
		return nil, err
	}
	salt, sum, err := decodeSaltAndSum(fields[3], fields[4])
	if err != nil {
		return nil, err
	}
	if hasLength {
		if n, err := decodeNumber(length); err != nil || n != len(sum) {
			return nil, fmt.Errorf("%w: the hash of PBKDF2 has not the length that is given", ErrForm)
		}
	}
	return newPBKDF2(digest, iterations, salt, sum)
}

func newPBKDF2(digest string, iterations int, salt, sum []byte) (*pbkdf2Hash, error) {
	if digestOf(digest) == nil {
		return nil, fmt.Errorf("%w: PBKDF2 is understood with sha1, sha256 and sha512", ErrForm)
	}
	if err := within("the iterations of PBKDF2", iterations, leastPBKDF2Iterations, mostPBKDF2Iterations); err != nil {
		return nil, err
	}
	if err := saltAndSumWithin(salt, sum); err != nil {
		return nil, err
	}
	return &pbkdf2Hash{digest: digest, iterations: iterations, salt: salt, sum: sum}, nil
}

func digestOf(name string) func() hash.Hash {
	switch name {
	case "sha1":
		return sha1.New
	case "sha256":
		return sha256.New
	case "sha512":
		return sha512.New
	default:
		return nil
	}
}

func (p *pbkdf2Hash) matches(presented string) (bool, error) {
	sum, err := pbkdf2.Key(digestOf(p.digest), presented, p.salt, p.iterations, len(p.sum))
	return err == nil && subtle.ConstantTimeCompare(sum, p.sum) == 1, err
}

func (p *pbkdf2Hash) encode() string {
	return fmt.Sprintf("$pbkdf2-%s$i=%d$%s$%s", p.digest, p.iterations, encode64(p.salt), encode64(p.sum))
}

func (p *pbkdf2Hash) name() string { return "pbkdf2-" + p.digest }

// scryptHash is scrypt (RFC 7914), written as a PHC string.
type scryptHash struct {
	log, block, lanes int // of N, r, p
	salt, sum         []byte
}

// readScrypt reads "$scrypt$ln=16,r=8,p=1$salt$hash".
func readScrypt(text string) (*scryptHash, error) {
	fields := strings.Split(text, "$")
	if len(fields) != 5 {
		return nil, fmt.Errorf("%w: scrypt is $scrypt$ln=…,r=…,p=…$salt$hash", ErrForm)
	}
	numbers, err := decodeNumbers(fields[2], "ln", "r", "p")
	if err != nil {
		return nil, err
	}
	return newScrypt(numbers[0], numbers[1], numbers[2], fields[3], fields[4])
}

func newScrypt(log, block, lanes int, saltText, sumText string) (*scryptHash, error) {
	salt, sum, err := decodeSaltAndSum(saltText, sumText)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(
		within("ln of scrypt", log, leastScryptLog, mostScryptLog),
		within("r of scrypt", block, 1, mostScryptBlock),
		within("p of scrypt", lanes, 1, mostScryptLanes),
	); err != nil {
		return nil, err
	}
	return &scryptHash{log: log, block: block, lanes: lanes, salt: salt, sum: sum}, nil
}

func (s *scryptHash) matches(presented string) (bool, error) {
	sum, err := scrypt.Key([]byte(presented), s.salt, 1<<s.log, s.block, s.lanes, len(s.sum))
	return err == nil && subtle.ConstantTimeCompare(sum, s.sum) == 1, err
}

func (s *scryptHash) encode() string {
	return fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", s.log, s.block, s.lanes, encode64(s.salt), encode64(s.sum))
}

func (s *scryptHash) name() string { return "scrypt" }
