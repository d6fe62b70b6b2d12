package secret

import (
	"errors"
	"fmt"
	"io"
)

// apiTokenMark ends the tag in an API token, where a secret has generatedMark.
const apiTokenMark = 'A'

// APITokenPattern is the regular expression (RE2) of every API token that
// [NewAPIToken] makes, for scanners that look for leaked ones.
const APITokenPattern = `\bgw[0-9a-z]{1,16}A[0-9A-Za-z]{49}\b`

// NewAPIToken makes an API token for the environment env. It is built as [New]
// builds a secret, with "A" in the place of "S", so that the one is never taken
// for the other. It is stored as its [HashOf]: it holds 256 random bits. It fails
// as New does.
func NewAPIToken(env string, rand io.Reader) (Secret, error) {
	tag := Tag(env)
	if tag == "" {
		return Secret{}, errors.New("an environment's name needs at least one ASCII letter or digit to make API tokens for it")
	}
	random, err := randomCharacters(rand, randomLength)
	if err != nil {
		return Secret{}, fmt.Errorf("make an API token: %w", err)
	}
	body := generatedPrefix + tag + string(apiTokenMark) + random
	return Of(body + checksum(body)), nil
}
