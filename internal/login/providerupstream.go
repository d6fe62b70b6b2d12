package login

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/fetch"
	"github.com/grantway/grantway/internal/wire"
)

// An upstream is one provider, and what its metadata said.
type upstream struct {
	catalogue.Provider

	reading sync.Mutex // one asks, the others wait
	there   *discovered
	read    time.Time // when there was
	asked   time.Time // in vain, the last time
}

const (
	believed = time.Hour        // how long metadata is good
	endured  = 24 * time.Hour   // how long it is while no other can be read
	patience = 10 * time.Second // between askings that fail
	leeway   = time.Minute      // of clocks
	maxAge   = 10 * time.Minute // of an ID token that comes straight from the token endpoint
)

// asymmetric are the algorithms of ID tokens that are taken. With a symmetric one
// whoever learns our secret there could make tokens.
var asymmetric = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// metadata is what is read of OpenID Connect Discovery §3.
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	Methods       []string `json:"token_endpoint_auth_methods_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	NamesItself   bool     `json:"authorization_response_iss_parameter_supported"`
}

// discovered is a provider that can be used.
type discovered struct {
	metadata
	client   oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// discover returns what the metadata says, read again when it is an hour old. A
// provider whose metadata cannot be read any more is used as it was for a day.
func (u *upstream) discover(ctx context.Context, p *Providers) (*discovered, error) {
	u.reading.Lock()
	defer u.reading.Unlock()
	now := p.Now()
	if u.there != nil && fresh(now, u.read, believed) {
		return u.there, nil
	}
	if fresh(now, u.asked, patience) {
		if u.there == nil {
			return nil, fmt.Errorf("%w: its metadata could not be read a moment ago", ErrUpstream)
		}
		return u.there, nil
	}
	body, err := p.Fetch.Get(ctx, strings.TrimSuffix(u.Issuer, "/")+"/.well-known/openid-configuration", fetch.JSON)
	var there *discovered
	if err == nil {
		there, err = u.understand(p, body)
	}
	if err == nil {
		u.there, u.read = there, now
		return there, nil
	}
	if ctx.Err() == nil {
		u.asked = now
	}
	if u.there != nil && fresh(now, u.read, endured) {
		return u.there, nil
	}
	u.there = nil
	return nil, fmt.Errorf("%w: metadata: %w", ErrUpstream, err)
}

// fresh reports whether something happened within a while, by a clock that was
// not set back.
func fresh(now, at time.Time, within time.Duration) bool {
	return !at.IsZero() && !now.Before(at) && now.Sub(at) < within
}

func (u *upstream) understand(p *Providers, body []byte) (*discovered, error) {
	var m metadata
	if err := wire.DecodeOpenJSON(body, &m); err != nil {
		return nil, err
	}
	if m.Issuer != u.Issuer { // OpenID Connect Discovery §4.3
		return nil, fmt.Errorf("it is that of %q", m.Issuer)
	}
	for _, endpoint := range []string{m.Authorization, m.Token, m.JWKS} {
		if err := p.Fetch.Check(endpoint); err != nil {
			return nil, fmt.Errorf("an endpoint: %w", err)
		}
	}
	algorithms := slices.DeleteFunc(slices.Clone(asymmetric), func(a string) bool { return !slices.Contains(m.Algorithms, a) })
	if len(algorithms) == 0 {
		algorithms = []string{oidc.RS256} // which every provider has (OpenID Connect Core §15.1)
	}
	// Guessing the method would send the code twice.
	style := oauth2.AuthStyleInHeader
	if u.Secret.IsEmpty() || len(m.Methods) > 0 && !slices.Contains(m.Methods, "client_secret_basic") {
		style = oauth2.AuthStyleInParams
	}
	var words string
	if !u.Secret.IsEmpty() {
		words = u.Secret.Reveal()
	}
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), p.Fetch.Client(fetch.JWKS)), m.JWKS)
	return &discovered{
		metadata: m,
		client: oauth2.Config{
			ClientID: u.ClientID, ClientSecret: words, RedirectURL: p.RedirectURI(u.Name),
			Scopes:   append([]string{oidc.ScopeOpenID}, u.Scopes...),
			Endpoint: oauth2.Endpoint{AuthURL: m.Authorization, TokenURL: m.Token, AuthStyle: style},
		},
		verifier: oidc.NewVerifier(u.Issuer, keys, &oidc.Config{ClientID: u.ClientID, SupportedSigningAlgs: algorithms, Now: p.Now}),
	}, nil
}

func (d *discovered) authorizationURL(state, nonce, verifier string, also ...oauth2.AuthCodeOption) string {
	return d.client.AuthCodeURL(state, append(also, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))...)
}

// newly is how long ago a sign-in may have been where one is wanted that most people
// have to make now. Some providers know no max_age, and heed prompt.
const newly = 5 * time.Minute

// since asks a provider for a sign-in that is recent enough (OpenID Connect Core
// §3.1.2.1): a session there, however old, is no recent proof here.
func since(from, now time.Time) []oauth2.AuthCodeOption {
	if from.IsZero() {
		return nil
	}
	age := max(0, now.Sub(from)/time.Second)
	asked := []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("max_age", strconv.Itoa(int(age)))}
	if age <= newly/time.Second {
		asked = append(asked, oauth2.SetAuthURLParam("prompt", "login"))
	}
	return asked
}

// person is what an ID token or userinfo says.
type person struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Party    string `json:"azp"`
	Nonce    string `json:"nonce"`
	Username string `json:"preferred_username"`
	Name     string `json:"name"`
	Given    string `json:"given_name"`
	Family   string `json:"family_name"`
	Email    string `json:"email"`
	Locale   string `json:"locale"`
	Zone     string `json:"zoneinfo"`
	SignedIn any    `json:"auth_time"` // seconds since 1970; not every provider keeps to numbers

	access string // the access token, for userinfo
}

// redeem sends the code and returns who the ID token is about. Every fault of the
// token is ErrReturn (row V01).
func (d *discovered) redeem(ctx context.Context, p *Providers, code string, trip roundTrip) (person, error) {
	client := oidc.ClientContext(ctx, p.Fetch.Client(fetch.JSON))
	answer, err := d.client.Exchange(client, code, oauth2.VerifierOption(trip.text("verifier")))
	if err != nil {
		return person{}, upstreamError("token", err)
	}
	raw, _ := answer.Extra("id_token").(string)
	if raw == "" || len(raw) > 16<<10 {
		return person{}, fmt.Errorf("%w: no ID token", ErrReturn)
	}
	token, err := d.verifier.Verify(client, raw)
	if err != nil {
		return person{}, fmt.Errorf("%w: ID token: %w", ErrReturn, err)
	}
	var (
		payload json.RawMessage
		found   person
	)
	if err = token.Claims(&payload); err == nil {
		err = wire.DecodeOpenJSON(payload, &found)
	}
	if err != nil {
		return person{}, fmt.Errorf("%w: ID token: %w", ErrReturn, err)
	}
	if err := d.check(token, found, trip.text("nonce"), p.Now()); err != nil {
		return person{}, err
	}
	if token.AccessTokenHash != "" {
		if err := token.VerifyAccessToken(answer.AccessToken); err != nil {
			return person{}, fmt.Errorf("%w: the access token is another's", ErrReturn)
		}
	}
	found.access = answer.AccessToken
	return found, nil
}

// check is what the library leaves to its caller of OpenID Connect Core §3.1.3.7.
func (d *discovered) check(token *oidc.IDToken, found person, nonce string, now time.Time) error {
	for _, row := range []struct {
		wrong bool
		why   string
	}{
		{found.Issuer != d.Issuer || token.Issuer != d.Issuer, "another issuer"},
		{found.Subject == "" || found.Subject != token.Subject || len(found.Subject) > 255 || strings.ContainsFunc(found.Subject, notASCII), "no subject"}, // §2
		{len(token.Audience) != 1 && found.Party == "", "several audiences and no authorized party"},
		{found.Party != "" && found.Party != d.client.ClientID, "another authorized party"},
		{subtle.ConstantTimeCompare([]byte(found.Nonce), []byte(nonce)) != 1, "another nonce"},
		{token.IssuedAt.Unix() <= 0 || token.IssuedAt.After(now.Add(leeway)) || token.IssuedAt.Before(now.Add(-maxAge)), "it was not issued now"},
	} {
		if row.wrong {
			return fmt.Errorf("%w: ID token: %s", ErrReturn, row.why)
		}
	}
	return nil
}

// signedIn is when the person signed in there. Who was sent away at begun and signed
// in since then did so now, whatever the clock there says; so did whoever comes from
// a provider that does not say.
func (f *person) signedIn(begun, now time.Time) time.Time {
	seconds, said := f.SignedIn.(float64)
	if !said || seconds < 1 || seconds >= float64(begun.Add(-leeway).Unix()) {
		return now
	}
	return time.Unix(int64(seconds), 0)
}

func notASCII(r rune) bool { return r < 0x20 || r > 0x7e }

// describe asks the userinfo endpoint for what the ID token does not say. That
// answer is about the same person or it is refused (§5.3.2; row V05).
func (d *discovered) describe(ctx context.Context, p *Providers, found person) (person, error) {
	if d.UserInfo == "" || found.Name != "" && found.Email != "" {
		return found, nil
	}
	client := oidc.ClientContext(ctx, p.Fetch.Client(fetch.JSON))
	provider := (&oidc.ProviderConfig{IssuerURL: d.Issuer, UserInfoURL: d.UserInfo}).NewProvider(client)
	answer, err := provider.UserInfo(client, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: found.access}))
	if err != nil {
		return person{}, upstreamError("userinfo", err)
	}
	var (
		payload json.RawMessage
		more    person
	)
	if err = answer.Claims(&payload); err == nil {
		err = wire.DecodeOpenJSON(payload, &more)
	}
	if err != nil {
		return person{}, upstreamError("userinfo", err)
	}
	if more.Subject != found.Subject {
		return person{}, fmt.Errorf("%w: userinfo is about somebody else", ErrReturn)
	}
	for _, both := range []struct{ here, there *string }{
		{&more.Username, &found.Username},
		{&more.Name, &found.Name},
		{&more.Given, &found.Given},
		{&more.Family, &found.Family},
		{&more.Email, &found.Email},
		{&more.Locale, &found.Locale},
		{&more.Zone, &found.Zone},
	} {
		*both.here = cmp.Or(*both.here, *both.there)
	}
	return more, nil
}

// upstreamError keeps what the provider wrote out of our errors: it may hold the
// code, and is whatever it likes to say.
func upstreamError(at string, err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response != nil {
		return fmt.Errorf("%w: %s: status %d", ErrUpstream, at, refused.Response.StatusCode)
	}
	if unreached, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%w: %s: %w", ErrUpstream, at, unreached)
	}
	return fmt.Errorf("%w: %s: an answer that is none", ErrUpstream, at)
}
