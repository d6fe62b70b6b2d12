package proxy

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/limit"
)

// people is what signing in needs: the issuer as it describes itself, and the key
// under which a browser keeps what it was sent away with.
type people struct {
	proxy *Proxy
	seal  *keys.Seal // of this process
	keys  http.RoundTripper

	patience time.Duration // with the issuer, after somebody has signed out

	mu    sync.Mutex
	there *issuer   // nil: not read yet
	tried time.Time // in vain, the last time
	why   error     // it was
}

// An issuer is what its metadata said.
type issuer struct {
	provider    *oidc.Provider
	AuthURL     string `json:"authorization_endpoint"`
	TokenURL    string `json:"token_endpoint"`
	UserInfo    string `json:"userinfo_endpoint"`
	EndSession  string `json:"end_session_endpoint"`
	Revocation  string `json:"revocation_endpoint"` // empty: none, or none that can be used
	NamesItself bool   `json:"authorization_response_iss_parameter_supported"`
}

func newPeople(p *Proxy) (*people, error) {
	key := make([]byte, 32)
	if _, err := io.ReadFull(p.random, key); err != nil {
		return nil, err
	}
	seal, err := keys.SealOf(key)
	if err != nil {
		return nil, err
	}
	// One fetch finds all keys that there are; forged notices could ask for many.
	return &people{
		proxy: p, seal: seal, patience: 5 * time.Second,
		keys: sparing{p.issuer, rates(catalogue.Rate{Requests: 30, Per: time.Minute}, p.now)},
	}, nil
}

// pause is between two attempts to read metadata that fail.
const pause = 5 * time.Second

// discover reads the issuer's metadata once (OpenID Connect Discovery §4).
func (o *people) discover(ctx context.Context) (*issuer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.there != nil {
		return o.there, nil
	}
	now := o.proxy.now()
	if o.why != nil && now.Sub(o.tried) < pause {
		return nil, o.why
	}
	there, err := o.read(ctx)
	if err != nil {
		o.why, o.tried = &client.BusyError{RetryAt: now.Add(pause), Err: err}, now
		return nil, o.why
	}
	o.there = there
	return there, nil
}

func (o *people) read(ctx context.Context) (*issuer, error) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), &http.Client{
		Transport:     o.keys,
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}), 10*time.Second)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, o.proxy.config.SignIn.Issuer)
	if err != nil {
		return nil, fmt.Errorf("metadata of the issuer: %w", err)
	}
	there := &issuer{provider: provider}
	if err := provider.Claims(there); err != nil {
		return nil, fmt.Errorf("metadata of the issuer: %w", err)
	}
	if _, err := o.client(there); err != nil {
		there.Revocation = "" // if it is that, people can sign in nevertheless
	}
	return there, nil
}

// client returns one for one person.
func (o *people) client(there *issuer) (*client.Client, error) {
	c := o.proxy.clientConfig(&o.proxy.config.SignIn.ProxyServer)
	c.Grant, c.AuthorizationURL, c.TokenURL, c.RevocationURL = "authorization_code", there.AuthURL, there.TokenURL, there.Revocation
	return client.New(c)
}

// A person is what an ID token says, and what of it the page may see.
type person struct {
	Subject string `json:"sub"`
	Party   string `json:"azp"`
	Nonce   string `json:"nonce"`
	Session string `json:"sid"`
	claims  map[string]any
}

const (
	leeway = time.Minute      // of clocks
	maxAge = 10 * time.Minute // of an ID token that comes straight from the token endpoint
)

// verify checks an ID token (OpenID Connect Core §3.1.3.7).
func (o *people) verify(ctx context.Context, there *issuer, got client.Token, nonce string) (person, error) {
	p := o.proxy
	if got.ID == "" {
		return person{}, errors.New("the issuer gave no ID token")
	}
	token, err := there.provider.Verifier(&oidc.Config{ClientID: p.config.SignIn.ID, Now: p.now}).Verify(ctx, got.ID.Reveal())
	if err != nil {
		return person{}, fmt.Errorf("ID token: %w", err)
	}
	var found person
	var all map[string]any
	if err := errors.Join(token.Claims(&found), token.Claims(&all)); err != nil {
		return person{}, fmt.Errorf("ID token: %w", err)
	}
	for _, row := range []struct {
		wrong bool
		why   string
	}{
		{found.Subject == "", "no subject"},
		{len(token.Audience) != 1 && found.Party == "", "several audiences and no authorized party"},
		{found.Party != "" && found.Party != p.config.SignIn.ID, "another authorized party"},
		{nonce == "" || subtle.ConstantTimeCompare([]byte(found.Nonce), []byte(nonce)) != 1, "another nonce"},
		{token.IssuedAt.After(p.now().Add(leeway)) || token.IssuedAt.Before(p.now().Add(-maxAge)), "it was not issued now"},
		{token.AccessTokenHash != "" && token.VerifyAccessToken(got.Access.Reveal()) != nil, "the access token is another's"},
	} {
		if row.wrong {
			return person{}, errors.New("ID token: " + row.why)
		}
	}
	found.claims = map[string]any{}
	o.pick(found.claims, all)
	return found, nil
}

// pick takes what the page may see.
func (o *people) pick(into, from map[string]any) {
	for _, name := range o.proxy.config.SignIn.Claims {
		if value, ok := from[name]; ok {
			into[name] = value
		}
	}
}

// describe asks the userinfo endpoint for what the ID token does not say (OpenID
// Connect Core §5.3). Where that does not answer, less is known.
func (o *people) describe(ctx context.Context, there *issuer, c *client.Client, found person) error {
	if there.UserInfo == "" || len(found.claims) == len(o.proxy.config.SignIn.Claims) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, there.UserInfo, http.NoBody)
	if err != nil {
		return nil
	}
	answer, err := c.HTTP().Transport.RoundTrip(r) // which follows no redirect
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	var all map[string]any
	if answer.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(answer.Body, maxIssuerAnswer)).Decode(&all) != nil {
		return nil
	}
	if all["sub"] != found.Subject {
		return errors.New("userinfo is about somebody else") // §5.3.2
	}
	o.pick(found.claims, all)
	return nil
}

// A trip is what a browser was sent away with. The browser keeps it, sealed, so
// that strangers who begin to sign in take no memory.
type trip struct {
	State    client.Secret `json:"-"`
	Verifier client.Secret `json:"-"`
	Nonce    string        `json:"n"`
	Return   string        `json:"r"`
	Until    int64         `json:"u"` // Unix seconds

	// As they are sealed, since a client.Secret hides itself.
	S string `json:"s"`
	V string `json:"v"`
}

func (o *people) close(t trip) (string, error) {
	t.S, t.V = t.State.Reveal(), t.Verifier.Reveal()
	text, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(o.seal.Close(text, nil)), nil
}

func (o *people) open(sealed string) (trip, error) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return trip{}, errors.New("the cookie of the sign-in is none of ours")
	}
	text, err := o.seal.Open(raw, nil)
	if err != nil {
		return trip{}, errors.New("the cookie of the sign-in is none of ours, or from before a restart")
	}
	var t trip
	if err := json.Unmarshal(text, &t); err != nil {
		return trip{}, err
	}
	t.State, t.Verifier = client.Secret(t.S), client.Secret(t.V)
	if o.proxy.now().Unix() >= t.Until {
		return trip{}, errors.New("it took too long")
	}
	return t, nil
}

// secretFile is a source of a secret that is read each time it is needed.
func secretFile(path string) func(context.Context) (client.Secret, error) {
	return func(context.Context) (client.Secret, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("the secret: %w", err)
		}
		return client.Secret(strings.TrimSpace(string(text))), nil
	}
}

// bounded bounds what an issuer can make us read.
type bounded struct{ http.RoundTripper }

const maxIssuerAnswer = 256 << 10 // bytes

// RoundTrip is http.RoundTripper's.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxIssuerAnswer)
	}
	return answer, err
}

// sparing asks for each address now and then only.
type sparing struct {
	http.RoundTripper
	rates *limit.Rates
}

// RoundTrip is http.RoundTripper's.
func (s sparing) RoundTrip(r *http.Request) (*http.Response, error) {
	if ok, wait := s.rates.Spend(r.URL.String()); !ok {
		return nil, fmt.Errorf("asked too often; again in %v", wait)
	}
	return s.RoundTripper.RoundTrip(r)
}
