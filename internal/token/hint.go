package token

import (
	"errors"
	"fmt"
	"slices"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/wire"
)

// Hints reads ID tokens that come back: id_token_hint (OpenID Connect Core §3.1.2.1,
// RP-Initiated Logout §2). It is safe for concurrent use.
type Hints struct {
	Issuer string // as tokens say it
	Keys   func() []jose.PublicKey
}

// A Hint is what an ID token of ours says of who is meant. It proves nothing about
// who has brought it.
type Hint struct {
	Subject   string
	SessionID string
	ClientID  string // that it was issued to
	ACR       string // how strong the sign-in was
}

// ErrHint: the text is no ID token of this issuer, or its key is gone.
var ErrHint = errors.New("no ID token of this issuer")

// Read returns what an ID token says; that it has expired does not matter. Anything
// else than an ID token of this issuer is ErrHint (row B12).
func (h *Hints) Read(text string) (Hint, error) {
	parsed, err := jose.Parse(text)
	if err != nil {
		return Hint{}, fmt.Errorf("%w: %w", ErrHint, err)
	}
	if typ := parsed.Type(); typ != "" && typ != "JWT" {
		return Hint{}, ErrHint // a logout token, say
	}
	published := h.Keys()
	at := slices.IndexFunc(published, func(k jose.PublicKey) bool { return k.KeyID == parsed.KeyID() })
	if at < 0 {
		return Hint{}, ErrHint
	}
	body, err := parsed.Verify(published[at])
	if err != nil {
		return Hint{}, fmt.Errorf("%w: %w", ErrHint, err)
	}
	claims, err := jose.ParseClaims(body)
	if err != nil {
		return Hint{}, fmt.Errorf("%w: %w", ErrHint, err)
	}
	if claims.Issuer != h.Issuer || claims.Subject == "" || len(claims.Audience) != 1 || claims.TokenUse != "" && claims.TokenUse != "id" {
		return Hint{}, ErrHint
	}
	var also struct {
		SessionID string `json:"sid"`
		ACR       string `json:"acr"`
	}
	if err := wire.DecodeOpenJSON(body, &also); err != nil {
		return Hint{}, fmt.Errorf("%w: %w", ErrHint, err)
	}
	return Hint{Subject: claims.Subject, SessionID: also.SessionID, ClientID: claims.Audience[0], ACR: also.ACR}, nil
}
