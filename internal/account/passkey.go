package account

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/store"
)

// mostResponse is the longest answer of a browser that is looked at, in bytes.
const mostResponse = 64 << 10

// mostPasskeys is how many passkeys a person has at most.
const mostPasskeys = 20

// ErrPasskey: the answer of the browser or the authenticator does not stand the
// checks of Web Authentication §7. What it is wrapped with says which, for the log.
var ErrPasskey = errors.New("the passkey could not be verified")

// Passkeys registers passkeys and signs people in with them (Web Authentication
// Level 3). What is begun comes with a state, to be kept for that browser and given
// back at the end: sealed, good for five minutes, once, and for the same purpose and
// binding.
type Passkeys struct {
	Accounts store.Accounts
	Factors  store.Factors
	Strength *Strength
	Seal     *keys.Seal
	Random   io.Reader
	Now      func() time.Time

	site *webauthn.WebAuthn
	used *limit.Rates // challenges that were answered
}

// Prepare says for which site passkeys are: the host of the issuer is what they are
// bound to, and its origin where they may be used. Title is what authenticators
// call it. An issuer at a bare address can have none, which is an error. Call it
// once, before anything else.
func (p *Passkeys) Prepare(issuer *url.URL, title string) error {
	site, err := webauthn.New(&webauthn.Config{
		RPID: issuer.Hostname(), RPDisplayName: title, RPOrigins: []string{issuer.Scheme + "://" + issuer.Host},
		AttestationPreference: protocol.PreferNoAttestation,
	})
	if err != nil {
		return fmt.Errorf("passkeys for %s: %w", issuer.Host, err)
	}
	p.site = site
	// One for each challenge, and none again before its state has ended.
	p.used = limit.NewRates(limit.RateConfig{Events: 1, Per: 2 * ceremony, Now: p.Now})
	return nil
}

// Possible reports whether there can be passkeys here: p is not nil and prepared.
func (p *Passkeys) Possible() bool { return p != nil && p.site != nil }

// ceremony is how long a person has to answer.
const ceremony = 5 * time.Minute

// A passkeyState is what has to be known at the end of a ceremony.
type passkeyState struct {
	Purpose string               `json:"purpose"`
	Session webauthn.SessionData `json:"session"`
	EndsAt  time.Time            `json:"ends_at"`
}

// The purposes of a ceremony. A challenge for one is not good for another.
const (
	toRegister = "register"
	toSignIn   = "sign in"
)

// BeginRegister returns the options for navigator.credentials.create as JSON, and
// the state. Binding is what the state belongs to, such as the session. Errors:
// ErrStepUp; store.ErrConflict for somebody with twenty passkeys.
func (p *Passkeys) BeginRegister(ctx context.Context, who Signed, binding string) (options, state []byte, err error) {
	if err := p.Strength.sensitive(ctx, who, true); err != nil {
		return nil, nil, err
	}
	u, err := p.user(ctx, who.AccountID)
	if err != nil {
		return nil, nil, err
	}
	if len(u.credentials) >= mostPasskeys {
		return nil, nil, fmt.Errorf("register a passkey: %w", store.ErrConflict)
	}
	challenge, err := p.challenge()
	if err != nil {
		return nil, nil, err
	}
	creation, session, err := p.site.BeginRegistration(u,
		webauthn.WithCredentialParameters(algorithms),
		webauthn.WithExclusions(webauthn.Credentials(u.credentials).CredentialDescriptors()),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred,
		}),
		func(o *protocol.PublicKeyCredentialCreationOptions) error { o.Challenge = challenge; return nil })
	if err != nil {
		return nil, nil, fmt.Errorf("register a passkey: %w", err)
	}
	return p.begun(creation.Response, session, toRegister, binding)
}

// algorithms are those whose signatures are taken.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// Register ends what BeginRegister began: response is what the browser answered, as
// JSON. Errors: ErrStepUp, ErrExpired, ErrPasskey, store.ErrConflict for a passkey
// that somebody has already.
func (p *Passkeys) Register(ctx context.Context, who Signed, binding string, state, response []byte, name string, by store.By) (Proof, error) {
	if err := p.Strength.sensitive(ctx, who, true); err != nil {
		return Proof{}, err
	}
	session, err := p.resume(state, toRegister, binding)
	if err != nil {
		return Proof{}, err
	}
	u, err := p.user(ctx, who.AccountID)
	if err != nil {
		return Proof{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(capped(response))
	if err != nil {
		return Proof{}, refused(err)
	}
	made, err := p.site.CreateCredential(u, session, parsed)
	if err != nil {
		return Proof{}, refused(err)
	}
	if err := checkKey(made.PublicKey); err != nil {
		return Proof{}, refused(err)
	}
	data, err := json.Marshal(credentialOf(made))
	if err != nil {
		return Proof{}, err
	}
	f, err := newFactor(p.Random, p.Now(), who.AccountID, store.FactorPasskey, short(name), string(data))
	if err != nil {
		return Proof{}, err
	}
	f.Handle = base64.RawURLEncoding.EncodeToString(made.ID)
	f.Counter = int64(made.Authenticator.SignCount)
	if err := p.Factors.Add(ctx, f, by); err != nil {
		return Proof{}, err
	}
	return p.proof(made.Flags, made.Flags), nil
}

// BeginSignIn returns the options for navigator.credentials.get as JSON, and the
// state. They name no passkey, so they are the same for everybody (row P01): the
// browser shows those that it has. Binding is what the state belongs to, such as
// the browser's cookie. Verified demands that the passkey checks who holds it.
func (p *Passkeys) BeginSignIn(binding string, verified bool) (options, state []byte, err error) {
	wanted := protocol.VerificationPreferred
	if verified {
		wanted = protocol.VerificationRequired
	}
	return p.beginSignIn(binding, wanted, nil)
}

// BeginSecond is BeginSignIn for somebody who has proven something else already,
// so that a key without a memory of its own can be told which passkey is meant.
func (p *Passkeys) BeginSecond(ctx context.Context, who Signed, binding string) (options, state []byte, err error) {
	if len(who.Proven) == 0 {
		return nil, nil, ErrStepUp
	}
	u, err := p.user(ctx, who.AccountID)
	if err != nil {
		return nil, nil, err
	}
	return p.beginSignIn(binding, protocol.VerificationPreferred, u)
}

func (p *Passkeys) beginSignIn(binding string, wanted protocol.UserVerificationRequirement, u *passkeyUser) (options, state []byte, err error) {
	challenge, err := p.challenge()
	if err != nil {
		return nil, nil, err
	}
	opts := []webauthn.LoginOption{webauthn.WithUserVerification(wanted), webauthn.WithChallenge(challenge)}
	var (
		assertion *protocol.CredentialAssertion
		session   *webauthn.SessionData
	)
	if u == nil {
		assertion, session, err = p.site.BeginDiscoverableLogin(opts...)
	} else {
		assertion, session, err = p.site.BeginLogin(u, opts...)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("sign in with a passkey: %w", err)
	}
	// Whose passkey it is is asked of the store in the end. Here their ids would make
	// a state that fits no cookie.
	session.AllowedCredentialIDs = nil
	return p.begun(assertion.Response, session, toSignIn, binding)
}

// SignIn ends what BeginSignIn or BeginSecond began and returns whose passkey it
// is. A counter that did not grow, as of a copied key, is ErrPasskey; a passkey that
// is unknown, or whose person is disabled, ErrWrong; further errors: ErrExpired,
// ErrPasskey.
func (p *Passkeys) SignIn(ctx context.Context, binding string, state, response []byte) (store.Account, Proof, error) {
	session, err := p.resume(state, toSignIn, binding)
	if err != nil {
		return store.Account{}, Proof{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(capped(response))
	if err != nil {
		return store.Account{}, Proof{}, refused(err)
	}
	f, err := p.Factors.FindPasskey(ctx, base64.RawURLEncoding.EncodeToString(parsed.RawID))
	if errors.Is(err, store.ErrNotFound) {
		return store.Account{}, Proof{}, ErrWrong
	}
	if err != nil {
		return store.Account{}, Proof{}, err
	}
	u, err := p.user(ctx, f.AccountID)
	if err != nil {
		return store.Account{}, Proof{}, err
	}
	var checked *webauthn.Credential
	if len(session.UserID) > 0 {
		checked, err = p.site.ValidateLogin(u, session, parsed)
	} else {
		checked, err = p.site.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
			if !bytes.Equal(handle, u.WebAuthnID()) {
				return nil, ErrPasskey
			}
			return u, nil
		}, session, parsed)
	}
	switch {
	case err != nil:
		return store.Account{}, Proof{}, refused(err)
	case checked.Authenticator.CloneWarning:
		return store.Account{}, Proof{}, refused(errors.New("the signature counter did not grow"))
	case u.account.Disabled():
		return store.Account{}, Proof{}, ErrWrong
	}
	// The store has the last word on the counter: of two answers at once one counts.
	if err := p.Factors.Use(ctx, f.ID, int64(checked.Authenticator.SignCount), p.Now()); err != nil {
		if errors.Is(err, store.ErrSpent) {
			err = refused(err)
		}
		return store.Account{}, Proof{}, err
	}
	return u.account, p.proof(webauthn.NewCredentialFlags(parsed.Response.AuthenticatorData.Flags), checked.Flags), nil
}

// proof is what an answer with these flags proves. That it checked who holds it
// counts only where it did so when it was registered too (§7.2, step 25).
func (p *Passkeys) proof(now, registered webauthn.CredentialFlags) Proof {
	return Proof{Method: Passkey, At: p.Now(), Verified: now.UserVerified && registered.UserVerified, Hardware: !registered.BackupEligible}
}

func (p *Passkeys) challenge() ([]byte, error) {
	challenge := make([]byte, 32)
	_, err := io.ReadFull(p.Random, challenge)
	return challenge, err
}

// begun seals what has to be known at the end.
func (p *Passkeys) begun(options any, session *webauthn.SessionData, purpose, binding string) ([]byte, []byte, error) {
	text, err := json.Marshal(options)
	if err != nil {
		return nil, nil, err
	}
	state, err := json.Marshal(passkeyState{Purpose: purpose, Session: *session, EndsAt: p.Now().Add(ceremony)})
	if err != nil {
		return nil, nil, err
	}
	return text, p.Seal.Close(state, []byte("passkey "+binding)), nil
}

// resume opens a state, once. The memory of those that were answered is this
// process's; binding and time bound what another node could be shown again.
func (p *Passkeys) resume(sealed []byte, purpose, binding string) (webauthn.SessionData, error) {
	text, err := p.Seal.Open(sealed, []byte("passkey "+binding))
	if err != nil {
		return webauthn.SessionData{}, ErrExpired
	}
	var state passkeyState
	if err := json.Unmarshal(text, &state); err != nil {
		return webauthn.SessionData{}, ErrExpired
	}
	if state.Purpose != purpose || !p.Now().Before(state.EndsAt) {
		return webauthn.SessionData{}, ErrExpired
	}
	if first, _ := p.used.Spend(state.Session.Challenge); !first {
		return webauthn.SessionData{}, ErrExpired
	}
	return state.Session, nil
}

// refused is ErrPasskey with the reason, of which nothing is secret.
func refused(err error) error {
	if detailed := (*protocol.Error)(nil); errors.As(err, &detailed) {
		return fmt.Errorf("%w: %s", ErrPasskey, detailed.Details)
	}
	return fmt.Errorf("%w: %w", ErrPasskey, err)
}

func capped(response []byte) []byte {
	if len(response) > mostResponse {
		return nil
	}
	return response
}

// A passkeyUser is an account with its passkeys, as the library wants it.
type passkeyUser struct {
	account     store.Account
	credentials []webauthn.Credential
}

func (p *Passkeys) user(ctx context.Context, accountID string) (*passkeyUser, error) {
	a, err := p.Accounts.Find(ctx, accountID)
	if err != nil {
		return nil, err
	}
	factors, err := p.Factors.Of(ctx, accountID)
	if err != nil {
		return nil, err
	}
	u := &passkeyUser{account: a}
	for _, f := range factors {
		if f.Kind != store.FactorPasskey {
			continue
		}
		c, err := readCredential(f)
		if err != nil {
			return nil, err
		}
		u.credentials = append(u.credentials, c)
	}
	return u, nil
}

func (u *passkeyUser) WebAuthnID() []byte                         { return []byte(u.account.ID) }
func (u *passkeyUser) WebAuthnName() string                       { return u.account.Name }
func (u *passkeyUser) WebAuthnDisplayName() string                { return u.account.Name }
func (u *passkeyUser) WebAuthnCredentials() []webauthn.Credential { return u.credentials }
