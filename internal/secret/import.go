package secret

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

const maxImport = 4096 // bytes

// form is one way in which other products write a hash: how it starts, what
// stands after it (for people), and how to read it. Read gets what follows the
// prefix.
type form struct {
	prefix, rest string
	read         func(rest string, rand io.Reader) (Verifier, error)
}

// forms in braces are those of Spring Security's DelegatingPasswordEncoder,
// whose names are case-sensitive: {SHA-256} and {sha256} are different things.
var forms = []form{
	{"sha256:", "hex or base64", importSHA256},
	{"{SHA-256}", "hex or base64, optionally with {salt} before it", importSpringDigest},
	{"{sha256}", "hex", importSpringStandard},
	{"{noop}", "the secret itself", importClear},
	{"{bcrypt}", "$2a$…", importSlow("$2")},
	{"{argon2}", "$argon2id$…", importSlow("$argon2")},
	{"{argon2@SpringSecurity_v5_8}", "$argon2id$…", importSlow("$argon2")},
	{"{pbkdf2}", "hex", importSpringPBKDF2("sha1", 185_000, 8)},
	{"{pbkdf2@SpringSecurity_v5_8}", "hex", importSpringPBKDF2("sha256", 310_000, 16)},
	{"{scrypt}", "$…$salt$hash", importSpringScrypt},
	{"{scrypt@SpringSecurity_v5_8}", "$…$salt$hash", importSpringScrypt},
	{"pbkdf2_sha256$", "iterations$salt$hash (Django)", importDjango("sha256")},
	{"pbkdf2_sha1$", "iterations$salt$hash (Django)", importDjango("sha1")},
	{"$2a$", "bcrypt, also $2b$ and $2y$", importStored("$2a$")},
	{"$2b$", "", importStored("$2b$")},
	{"$2y$", "", importStored("$2y$")},
	{"$argon2id$", "v=19$m=…,t=…,p=…$salt$hash", importStored("$argon2id$")},
	{"$argon2i$", "v=19$m=…,t=…,p=…$salt$hash", importStored("$argon2i$")},
	{"$pbkdf2-", "sha256$iterations$salt$hash, also sha1 and sha512", importStored("$pbkdf2-")},
	{"$pbkdf2$", "iterations$salt$hash (SHA-1)", importStored("$pbkdf2$")},
	{"$scrypt$", "ln=…,r=…,p=…$salt$hash", importStored("$scrypt$")},
	{wrappedPrefix, "as Grantway stores it", importStored(wrappedPrefix)},
}

// Import reads a hash that another product made, so that the secret behind it
// keeps working though nobody here knows it. The text says by its beginning
// what it is; a text that does not is refused with [ErrForm] and a list of what
// is understood, since a hash without a name and a clear secret look alike.
//
// Slow hashes are kept as they are. Fast ones, and a clear secret, go under
// argon2id with a salt read from rand, which takes tens of milliseconds and
// 19 MiB. So does "sha256:", even of a generated secret, because the text does
// not show what it is the hash of; see [Parse] for one that this package wrote.
//
// Hashes outside these limits are refused with [ErrLimit]: bcrypt with a cost
// from 4 to 14; PBKDF2 with 1,000 to 2,000,000 iterations; argon2 with up to
// 64 MiB, 10 passes and 4 lanes; scrypt with N from 2^10 to 2^16, r up to 8 and p
// up to 4; salts of 8 to 64 bytes and hashes of 16 to 64.
//
// With bcrypt only the first 72 bytes of a secret count, as wherever the hash
// comes from. No error quotes from the text.
func Import(text string, rand io.Reader) (Verifier, error) {
	if err := within("the text's length in bytes", len(text), 1, maxImport); err != nil {
		return Verifier{}, fmt.Errorf("import a hash: %w", err)
	}
	for _, f := range forms {
		if rest, ok := strings.CutPrefix(text, f.prefix); ok {
			v, err := f.read(rest, rand)
			if err != nil {
				return Verifier{}, fmt.Errorf("import a hash that starts with %s: %w", f.prefix, err)
			}
			return v, nil
		}
	}
	return Verifier{}, fmt.Errorf("import a hash: %w; understood are %s", ErrForm, understood())
}

// understood lists the forms for an error.
func understood() string {
	var list []string
	for _, f := range forms {
		if f.rest != "" {
			list = append(list, f.prefix+" ("+f.rest+")")
		}
	}
	return strings.Join(list, ", ")
}

func importSHA256(rest string, rand io.Reader) (Verifier, error) {
	sum, err := decodeSized(rest, len(Hash{}))
	if err != nil {
		return Verifier{}, err
	}
	return slowOrError(newWrapped(recipeSHA256, nil, sum, rand))
}

// importSpringDigest reads MessageDigestPasswordEncoder: the salt is hashed
// after the secret, its braces with it, and "{}" is an empty salt, not none.
func importSpringDigest(rest string, rand io.Reader) (Verifier, error) {
	suffix := ""
	if strings.HasPrefix(rest, "{") {
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return Verifier{}, fmt.Errorf("%w: the salt's closing brace is missing", ErrForm)
		}
		suffix, rest = rest[:end+1], rest[end+1:]
	}
	sum, err := decodeSized(rest, len(Hash{}))
	if err != nil {
		return Verifier{}, err
	}
	return slowOrError(newWrapped(recipeSHA256, []byte(suffix), sum, rand))
}

// importSpringStandard reads StandardPasswordEncoder without a site-wide secret:
// eight bytes of salt, then the hash.
func importSpringStandard(rest string, rand io.Reader) (Verifier, error) {
	b, err := decodeSized(rest, springSalt+len(Hash{}))
	if err != nil {
		return Verifier{}, err
	}
	return slowOrError(newWrapped(recipeSpring, b[:springSalt], b[springSalt:], rand))
}

func importClear(rest string, rand io.Reader) (Verifier, error) {
	return FromChosen(Of(rest), rand)
}

// importStored reads a form that hashes are also stored in, which starts with
// the prefix that was cut off.
func importStored(prefix string) func(string, io.Reader) (Verifier, error) {
	return func(rest string, _ io.Reader) (Verifier, error) { return parse(prefix + rest) }
}

// importSlow reads what stands after a name in braces that says the same as
// the prefix.
func importSlow(prefix string) func(string, io.Reader) (Verifier, error) {
	return func(rest string, _ io.Reader) (Verifier, error) {
		if !strings.HasPrefix(rest, prefix) {
			return Verifier{}, fmt.Errorf("%w: what follows has to start with %s", ErrForm, prefix)
		}
		return parseSlow(rest)
	}
}

// importSpringPBKDF2 reads Pbkdf2PasswordEncoder with the defaults of one
// version and without a site-wide secret: the salt, then 32 bytes of hash. The
// text does not say the parameters; only the name in braces does.
func importSpringPBKDF2(digest string, iterations, salt int) func(string, io.Reader) (Verifier, error) {
	return func(rest string, _ io.Reader) (Verifier, error) {
		const sum = 32
		b, err := decodeSized(rest, salt+sum)
		if err != nil {
			return Verifier{}, err
		}
		return slowOrError(newPBKDF2(digest, iterations, b[:salt], b[salt:]))
	}
}

// importSpringScrypt reads SCryptPasswordEncoder: "$", the parameters as one
// hexadecimal number (16 bits of log N, 8 of r, 8 of p), "$", salt, "$", hash.
func importSpringScrypt(rest string, _ io.Reader) (Verifier, error) {
	fields := strings.Split(rest, "$")
	if len(fields) != 4 || fields[0] != "" {
		return Verifier{}, fmt.Errorf("%w: three fields, each after a $, are expected", ErrForm)
	}
	packed, err := strconv.ParseUint(fields[1], 16, 32)
	if err != nil {
		return Verifier{}, fmt.Errorf("%w: the parameters are one hexadecimal number", ErrForm)
	}
	return slowOrError(newScrypt(int(packed>>16), int(packed>>8&0xff), int(packed&0xff), fields[2], fields[3]))
}

// importDjango reads "iterations$salt$hash", where the salt is text.
func importDjango(digest string) func(string, io.Reader) (Verifier, error) {
	return func(rest string, _ io.Reader) (Verifier, error) {
		fields := strings.Split(rest, "$")
		if len(fields) != 3 {
			return Verifier{}, fmt.Errorf("%w: iterations, salt and hash with $ between are expected", ErrForm)
		}
		iterations, err := decodeNumber(fields[0])
		if err != nil {
			return Verifier{}, err
		}
		sum, err := decode64(fields[2])
		if err != nil {
			return Verifier{}, err
		}
		return slowOrError(newPBKDF2(digest, iterations, []byte(fields[1]), sum))
	}
}
