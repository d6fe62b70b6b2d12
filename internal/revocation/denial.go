package revocation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

// DenialType is the typ of a denial. It is neither a token's nor a feed's
// message's, so that none of them can pass as another (RFC 8725 §3.11).
const DenialType = "grantway-denial+jwt"

// DenialHeader is the JOSE header of denials.
func DenialHeader(algorithm, kid string) []byte {
	return fmt.Appendf(nil, `{"kid":%q,"alg":%q,"typ":%q}`, kid, algorithm, DenialType)
}

// A Denial ends tokens while the store does not answer.
type Denial struct {
	Kind   string    `json:"kind"` // as a store.Revocation has it
	ID     string    `json:"id"`
	At     time.Time `json:"at"`     // when it was said, in whole seconds
	Before time.Time `json:"before"` // tokens issued up to here are ended
	Forget time.Time `json:"forget"` // no token it is about lives longer
	Actor  string    `json:"actor"`  // who said it
	Trace  string    `json:"trace"`
}

// Kinds are what a denial can be about.
var Kinds = []string{
	store.RevokedToken, store.RevokedGrant, store.RevokedSecret, store.RevokedClient, store.RevokedAccount, store.RevokedKey,
}

// Longest is how long after it was said a denial may go on ending tokens that
// are issued then.
const Longest = 24 * time.Hour

// LongestID is how long the id in a denial may be, in bytes.
const LongestID = 255

// Why a denial was not accepted.
var (
	ErrForged       = errors.New("it is no denial of this environment")
	ErrOver         = errors.New("nothing it was about lives any longer")
	ErrKind         = fmt.Errorf("a denial is about one of %s", strings.Join(Kinds, ", "))
	ErrID           = errors.New("an id has 1 to 255 bytes, none of them a control character")
	ErrTimes        = errors.New("its times make no sense")
	ErrTooMany      = errors.New("more denials wait for the store than can be handed out")
	ErrNotDurable   = errors.New("it is in force until this server stops, but could not be written down")
	ErrUnsigned     = errors.New("it is in force here, but could not be signed for other nodes")
	errTooLong      = fmt.Errorf("%w: it is too long", ErrForged)
	maxDenial       = 4 << 10
	clockDifference = time.Minute // between nodes
)

// claims are what a denial says when it is signed. Times are Unix seconds.
type claims struct {
	Issuer   string `json:"iss"`
	IssuedAt int64  `json:"iat"`
	Kind     string `json:"kind"`
	ID       string `json:"id"`
	Before   int64  `json:"before"`
	Forget   int64  `json:"forget"`
	Actor    string `json:"actor"`
	Trace    string `json:"trace,omitempty"`
}

// whole is the denial as it can be said in whole seconds. It ends nothing less.
func (d Denial) whole() Denial {
	d.At, d.Before, d.Forget = d.At.Truncate(time.Second), d.Before.Truncate(time.Second), time.Unix(ceil(d.Forget), 0).UTC()
	return d
}

func (d *Denial) revocation() store.Revocation {
	return store.Revocation{Kind: d.Kind, ID: d.ID, IssuedBefore: d.Before, ForgetAt: d.Forget}
}

// check says what is wrong with a denial.
func (d *Denial) check(now time.Time) error {
	switch {
	case !slices.Contains(Kinds, d.Kind):
		return ErrKind
	case d.ID == "" || len(d.ID) > LongestID || strings.ContainsFunc(d.ID, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\uFFFD' }):
		return ErrID
	case d.Actor == "" || d.At.After(now.Add(clockDifference)) || d.Before.After(d.At.Add(Longest)) || d.Forget.Before(d.Before):
		return ErrTimes
	case !d.Forget.After(now):
		return ErrOver
	}
	return nil
}

// sign says the denial for an issuer, in a form that its other nodes believe.
func (d *Denial) sign(ctx context.Context, issuer string, signer *jose.Signer) (string, error) {
	body, err := json.Marshal(claims{
		Issuer: issuer, IssuedAt: d.At.Unix(), Kind: d.Kind, ID: d.ID, Before: d.Before.Unix(), Forget: d.Forget.Unix(), Actor: d.Actor, Trace: d.Trace,
	})
	if err != nil {
		return "", err
	}
	return signer.Sign(ctx, body)
}

// readDenial reads a denial that was signed for the issuer with one of the keys.
// Nothing that it claims is looked at before the signature (RFC 8725 §3.3).
func readDenial(text, issuer string, keys []jose.PublicKey) (Denial, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxDenial {
		return Denial{}, errTooLong
	}
	parsed, err := jose.Parse(text)
	if err != nil {
		return Denial{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	if parsed.Type() != DenialType {
		return Denial{}, fmt.Errorf("%w: its typ is another one", ErrForged)
	}
	i := slices.IndexFunc(keys, func(k jose.PublicKey) bool { return k.KeyID == parsed.KeyID() })
	if i < 0 {
		return Denial{}, fmt.Errorf("%w: its key is none of the environment's feed, or no more", ErrForged)
	}
	body, err := parsed.Verify(keys[i])
	if err != nil {
		return Denial{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	if _, err := jose.ParseClaims(body); err != nil { // no name twice
		return Denial{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	var c claims
	if err := json.Unmarshal(body, &c); err != nil {
		return Denial{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	if c.Issuer != issuer {
		return Denial{}, fmt.Errorf("%w: it was signed for another issuer", ErrForged)
	}
	second := func(s int64) time.Time { return time.Unix(s, 0).UTC() }
	return Denial{
		Kind: c.Kind, ID: c.ID, At: second(c.IssuedAt), Before: second(c.Before), Forget: second(c.Forget), Actor: c.Actor, Trace: c.Trace,
	}, nil
}
