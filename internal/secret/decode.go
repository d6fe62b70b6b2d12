package secret

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Bounds on salts and hashes of every algorithm, in bytes.
const (
	leastSalt, mostSalt = 8, 64
	leastSum, mostSum   = 16, 64
)

// decodeSized reads n bytes in hexadecimal or in base64 of either alphabet,
// padded or not. The two cannot be mistaken: their lengths differ.
func decodeSized(text string, n int) ([]byte, error) {
	if len(text) == hex.EncodedLen(n) {
		if b, err := hex.DecodeString(text); err == nil {
			return b, nil
		}
	} else if b, err := decode64(text); err == nil && len(b) == n {
		return b, nil
	}
	return nil, fmt.Errorf("%w: %d bytes in hexadecimal or base64 are expected", ErrForm, n)
}

// decode64 reads base64 of the standard, the URL and the PHC-like alphabet with
// "." for "+", padded or not.
func decode64(text string) ([]byte, error) {
	// The decoder of the standard library skips line breaks.
	if strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("%w: a line break in base64", ErrForm)
	}
	text = strings.NewReplacer("-", "+", ".", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	b, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil {
		// Without the cause, which would quote from the text.
		return nil, fmt.Errorf("%w: base64 is expected", ErrForm)
	}
	return b, nil
}

func encode64(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// decodeSaltAndSum reads the last two fields of a PHC string.
func decodeSaltAndSum(saltText, sumText string) (salt, sum []byte, err error) {
	if salt, err = decode64(saltText); err != nil {
		return nil, nil, err
	}
	if sum, err = decode64(sumText); err != nil {
		return nil, nil, err
	}
	return salt, sum, saltAndSumWithin(salt, sum)
}

func saltAndSumWithin(salt, sum []byte) error {
	if err := within("the salt's length in bytes", len(salt), leastSalt, mostSalt); err != nil {
		return err
	}
	return within("the hash's length in bytes", len(sum), leastSum, mostSum)
}

// decodeNumbers reads "m=19456,t=2,p=1" for the names m, t, p: all of them, in
// this order, and nothing else.
func decodeNumbers(text string, names ...string) ([]int, error) {
	fields := strings.Split(text, ",")
	if len(fields) != len(names) {
		return nil, fmt.Errorf("%w: the parameters %s are expected", ErrForm, strings.Join(names, ", "))
	}
	numbers := make([]int, len(names))
	for i, name := range names {
		value, ok := strings.CutPrefix(fields[i], name+"=")
		if !ok {
			return nil, fmt.Errorf("%w: the parameters %s are expected", ErrForm, strings.Join(names, ", "))
		}
		n, err := decodeNumber(value)
		if err != nil {
			return nil, err
		}
		numbers[i] = n
	}
	return numbers, nil
}

// decodeNumber reads a decimal number as it is written canonically: digits
// only, none of them a leading zero.
func decodeNumber(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, fmt.Errorf("%w: a decimal number is expected", ErrForm)
	}
	return int(n), nil
}

// within returns an error naming the limit unless least <= n <= most.
func within(what string, n, least, most int) error {
	switch {
	case n < least:
		return fmt.Errorf("%w: %s is %d and must be at least %d", ErrLimit, what, n, least)
	case n > most:
		return fmt.Errorf("%w: %s is %d and must be at most %d", ErrLimit, what, n, most)
	default:
		return nil
	}
}
