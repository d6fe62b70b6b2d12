package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"rsc.io/qr"

	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
)

// What every authenticator app understands (RFC 6238 §1.2, §4.1).
const (
	codeDigits = 6
	codeStep   = 30 * time.Second
	codeSecret = 20 // bytes, RFC 4226 §4
	codeDrift  = 1  // steps to either side, RFC 6238 §5.2
)

// OneTimeCodes sets up authenticator apps and checks their codes (RFC 6238).
type OneTimeCodes struct {
	Factors  store.Factors
	Strength *Strength
	Attempts *Attempts
	Seal     *keys.Seal // one that outlives the sealing key: see keys.Derivation.Seal
	Issuer   string     // as the app names it beside the account
	Random   io.Reader
	Now      func() time.Time
}

// A Setup is an authenticator app to be set up. All of it is for the person's eyes
// alone, but State, which is sealed: keep it, or let the form carry it.
type Setup struct {
	Secret string // in base32, in groups of four, to type
	URI    string // otpauth://, for a link on a telephone
	Code   []byte // the URI as a QR code, in SVG
	State  string
}

// Begin makes a secret for somebody who is signed in and may add it. Error:
// ErrStepUp.
func (c *OneTimeCodes) Begin(ctx context.Context, who Signed, name string) (Setup, error) {
	if err := c.Strength.sensitive(ctx, who, true); err != nil {
		return Setup{}, err
	}
	key := make([]byte, codeSecret)
	if _, err := io.ReadFull(c.Random, key); err != nil {
		return Setup{}, err
	}
	state := binary.BigEndian.AppendUint64(nil, uint64(c.Now().Unix()))
	sealed := c.Seal.Close(append(state, key...), setupContext(who))
	return c.setup(key, name, base64.RawURLEncoding.EncodeToString(sealed))
}

// Resume is what Begin returned with this state, for a page that is shown again.
// Errors: ErrStepUp, ErrExpired.
func (c *OneTimeCodes) Resume(ctx context.Context, who Signed, state, name string) (Setup, error) {
	if err := c.Strength.sensitive(ctx, who, true); err != nil {
		return Setup{}, err
	}
	key, err := c.begun(who, state)
	if err != nil {
		return Setup{}, err
	}
	return c.setup(key, name, state)
}

func (c *OneTimeCodes) setup(key []byte, name, state string) (Setup, error) {
	text := base32.StdEncoding.EncodeToString(key)
	uri := url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + c.Issuer + ":" + name,
		// A space as %20: not every app reads a +.
		RawQuery: "secret=" + text + "&issuer=" + url.PathEscape(c.Issuer) + "&algorithm=SHA1&digits=6&period=30",
	}
	picture, err := drawQR(uri.String())
	if err != nil {
		return Setup{}, err
	}
	return Setup{Secret: grouped(text, " "), URI: uri.String(), Code: picture, State: state}, nil
}

func setupContext(who Signed) []byte { return []byte("totp setup " + who.AccountID) }

// begun returns the secret of a setup that is not over.
func (c *OneTimeCodes) begun(who Signed, state string) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil {
		return nil, ErrExpired
	}
	opened, err := c.Seal.Open(sealed, setupContext(who))
	if err != nil || len(opened) != 8+codeSecret {
		return nil, ErrExpired
	}
	begun := time.Unix(int64(binary.BigEndian.Uint64(opened)), 0)
	if c.Now().Sub(begun) > setupLife {
		return nil, ErrExpired
	}
	return opened[8:], nil
}

// setupLife is how long a person has to set an app up.
const setupLife = 15 * time.Minute

// Confirm adds the app whose first code is right. Errors: ErrStepUp, ErrExpired,
// ErrWrong, ErrTooMany.
func (c *OneTimeCodes) Confirm(ctx context.Context, who Signed, state, code, name string, from netip.Addr, by store.By) (Proof, error) {
	if err := c.Strength.sensitive(ctx, who, true); err != nil {
		return Proof{}, err
	}
	key, err := c.begun(who, state)
	if err != nil {
		return Proof{}, err
	}
	right, err := c.Attempts.reserve("code "+who.AccountID, from, "")
	if err != nil {
		return Proof{}, err
	}
	step, ok := c.match(key, code, 0)
	if !ok {
		return Proof{}, ErrWrong
	}
	right()
	f, err := newFactor(c.Random, c.Now(), who.AccountID, store.FactorTOTP, short(name), "")
	if err != nil {
		return Proof{}, err
	}
	// Bound to the factor: a secret moved to another row opens nothing.
	f.Data = base64.RawURLEncoding.EncodeToString(c.Seal.Close(key, sealedFor(f)))
	f.Counter = step
	if err := c.Factors.Add(ctx, f, by); err != nil {
		return Proof{}, err
	}
	return Proof{Method: TOTP, At: c.Now()}, nil
}

func sealedFor(f store.Factor) []byte { return []byte("totp " + f.ID + " " + f.AccountID) }

// Check checks a code of a person. Each is good once, and for a step of half a
// minute to either side (row P06). Errors: ErrWrong, ErrTooMany.
func (c *OneTimeCodes) Check(ctx context.Context, accountID, code string, from netip.Addr) (Proof, error) {
	right, err := c.Attempts.reserve("code "+accountID, from, "")
	if err != nil {
		return Proof{}, err
	}
	factors, err := c.Factors.Of(ctx, accountID)
	if err != nil {
		right()
		return Proof{}, err
	}
	for _, f := range factors {
		if f.Kind != store.FactorTOTP {
			continue
		}
		sealed, err := base64.RawURLEncoding.Strict().DecodeString(f.Data)
		if err != nil {
			return Proof{}, fmt.Errorf("read factor %s: %w", f.ID, err)
		}
		key, err := c.Seal.Open(sealed, sealedFor(f))
		if err != nil {
			continue // sealed under a key that was lost, or altered: no code is right
		}
		step, ok := c.match(key, code, f.Counter)
		if !ok {
			continue
		}
		if err := c.Factors.Use(ctx, f.ID, step, c.Now()); err != nil {
			if errors.Is(err, store.ErrSpent) {
				err = ErrWrong
			}
			return Proof{}, err
		}
		right()
		return Proof{Method: TOTP, At: c.Now()}, nil
	}
	return Proof{}, ErrWrong
}

// match returns the step after the given one whose code this is.
func (c *OneTimeCodes) match(key []byte, code string, after int64) (int64, bool) {
	code = strings.ReplaceAll(strings.TrimSpace(code), " ", "")
	now := c.Now().Unix() / int64(codeStep/time.Second)
	for step := now - codeDrift; step <= now+codeDrift; step++ {
		if step > after && subtle.ConstantTimeCompare([]byte(totp(key, step)), []byte(code)) == 1 {
			return step, true
		}
	}
	return 0, false
}

// totp returns the code of a step (RFC 6238 §4, RFC 4226 §5.3).
func totp(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", codeDigits, number%1_000_000)
}

// drawQR draws a text as a QR code in SVG, with the margin of four that readers
// want, black on white whatever the page's colours.
func drawQR(text string) ([]byte, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("draw a QR code: %w", err)
	}
	var b strings.Builder
	size := code.Size + 8
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="`, size, size, size, size)
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+4, y+4)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return []byte(b.String()), nil
}

// grouped puts a separator after every four characters.
func grouped(text, separator string) string {
	var parts []string
	for len(text) > 4 {
		parts, text = append(parts, text[:4]), text[4:]
	}
	return strings.Join(append(parts, text), separator)
}
