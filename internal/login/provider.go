package login

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/fetch"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

var (
	// ErrProvider: there is no provider of that name.
	ErrProvider = errors.New("there is no provider of that name")

	// ErrReturn: what came back is not the answer to what this browser was sent
	// away with, or was used already. Nothing in it is to be trusted.
	ErrReturn = errors.New("not the answer to what this browser was sent away with")

	// ErrUpstream: the provider does not answer, or not as OpenID Connect says.
	ErrUpstream = errors.New("the provider does not answer as it should")

	// ErrDeclined: the provider sent the person back without signing them in.
	ErrDeclined = errors.New("the provider signed nobody in")

	// ErrNoAccount: nobody here is that person there. Who has an account signs in
	// and links the two (row P18).
	ErrNoAccount = errors.New("no account belongs to that person")

	// ErrTaken: that person there is another account's here.
	ErrTaken = errors.New("another account belongs to that person")

	// ErrAccountDisabled: the account may not sign in.
	ErrAccountDisabled = errors.New("the account is disabled")
)

// Providers signs people in at the OpenID providers of an environment (OpenID
// Connect Core §3.1, with PKCE). It knows a person there by issuer and subject and
// by nothing else: an e-mail address that somebody else vouches for makes nobody
// the owner of an account here. It is safe for concurrent use.
//
// What a browser is sent away with is stored under a hash, good once and for ten
// minutes. Nonce, verifier and the intent are derived from, or sealed under, the
// state together with the browser's own cookie, so that neither the store nor a
// URL that leaks is enough to finish.
type Providers struct {
	Issuer     string // of the environment
	Configured []catalogue.Provider
	Fetch      *fetch.Fetcher
	Requests   store.Requests
	Accounts   store.Accounts
	Identities store.Identities

	// Create makes the account of somebody who comes for the first time, where a
	// provider lets it. It is account.People's.
	Create func(ctx context.Context, n account.New, by store.By) (store.Account, error)

	// Link links an identity to the account of somebody who is signed in. It is
	// account.Factors'.
	Link func(ctx context.Context, who account.Signed, i store.Identity, by store.By) error

	// Browser returns the handle in the cookie that stands for the browser; where
	// there is none it makes one, and an empty Secret where w is nil.
	Browser func(w http.ResponseWriter, r *http.Request) (secret.Secret, error)

	Now    func() time.Time
	Random io.Reader

	mu    sync.Mutex
	known map[string]*upstream // by name
}

// awayFor is how long a person may take at a provider.
const awayFor = 10 * time.Minute

// An Intent is why a browser is sent to a provider.
type Intent struct {
	Request string `json:"request,omitempty"` // handle of the request to go on with
	Link    string `json:"link,omitempty"`    // the account that the person there is to be linked to, whose owner is signed in

	// Since is since when the person must have signed in there; zero: whenever.
	Since time.Time `json:"-"`
}

// An Arrival is a person who came back.
type Arrival struct {
	Intent
	Provider string
	Identity store.Identity
	Account  store.Account // whose the identity is
	At       time.Time     // when they signed in there, as far as the provider says
	Created  bool          // the account was made now
	Linked   bool          // the identity was linked now
}

// away is what is stored of a browser that was sent away.
type away struct {
	Provider string `json:"provider"`
	Issuer   string `json:"issuer"`
	Intent   []byte `json:"intent"` // sealed
}

// RedirectURI is where a provider sends people back to; each has its own, so that
// the answer of one can never pass as another's (RFC 9700 §4.4.2.2).
func (p *Providers) RedirectURI(name string) string { return p.Issuer + "/login/from/" + name }

// Begin sends the browser to a provider. It answers unless it returns an error:
// ErrProvider, ErrUpstream or the store's.
func (p *Providers) Begin(w http.ResponseWriter, r *http.Request, name string, intent Intent) error {
	up, err := p.upstream(name)
	if err != nil {
		return err
	}
	there, err := up.discover(r.Context(), p)
	if err != nil {
		return err
	}
	browser, err := p.Browser(w, r)
	if err != nil {
		return err
	}
	state, err := secret.NewOpaque(p.Random)
	if err != nil {
		return err
	}
	trip := roundTrip{browser, state}
	text, err := json.Marshal(intent)
	if err != nil {
		return err
	}
	seal, err := trip.seal()
	if err != nil {
		return err
	}
	asked, err := json.Marshal(away{Provider: name, Issuer: up.Issuer, Intent: seal.Close(text, nil)})
	if err != nil {
		return err
	}
	now := p.Now()
	if err := p.Requests.Save(r.Context(), store.Request{
		Hash: trip.hash(), Browser: browser.Hash(), Asked: asked, CreatedAt: now, EndsAt: now.Add(awayFor),
	}); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", there.authorizationURL(state.Reveal(), trip.text("nonce"), trip.text("verifier"), since(intent.Since, now)...))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// Finish reads what a provider sent the browser back with and says who came.
// who is signed in here, the zero Signed where nobody is: a link is made only for
// the one that asked for it, and after a recent proof.
//
// The errors are those of this file, those of Link (account.ErrStepUp) and the
// store's. ErrDeclined, ErrNoAccount,
// ErrTaken, ErrAccountDisabled and ErrUpstream come with an Arrival that has its
// Intent, so that the journey can go on another way; with ErrReturn there is none.
func (p *Providers) Finish(r *http.Request, name string, who account.Signed) (Arrival, error) {
	up, err := p.upstream(name)
	if err != nil {
		return Arrival{}, err
	}
	sent, trip, arrival, err := p.take(r, up)
	if err != nil {
		return Arrival{}, err
	}
	there, err := up.discover(r.Context(), p)
	if err != nil {
		return arrival, err
	}
	// RFC 9207 §2.4: an issuer that is named is this one, and one that promised to
	// name itself does.
	if iss := sent.Get("iss"); iss != up.Issuer && (iss != "" || there.NamesItself) {
		return Arrival{}, fmt.Errorf("%w: it names another issuer", ErrReturn)
	}
	if sent.Get("error") != "" {
		return arrival, ErrDeclined
	}
	if arrival.Link != "" && arrival.Link != who.AccountID {
		return Arrival{}, fmt.Errorf("%w: somebody else is signed in now", ErrReturn)
	}
	found, err := there.redeem(r.Context(), p, sent.Get("code"), trip)
	if err != nil {
		return arrival, err
	}
	arrival.Identity = store.Identity{Issuer: up.Issuer, Subject: found.Subject}
	arrival.At = found.signedIn(arrival.At, p.Now())
	return p.resolve(r.Context(), up, arrival, who, found)
}

// take spends what the browser was sent away with. Of many answers exactly one is
// taken (row V04).
func (p *Providers) take(r *http.Request, up *upstream) (sent wire.Parameters, trip roundTrip, _ Arrival, err error) {
	refuse := func(why string) (wire.Parameters, roundTrip, Arrival, error) {
		return wire.Parameters{}, roundTrip{}, Arrival{}, fmt.Errorf("%w: %s", ErrReturn, why)
	}
	if sent, err = wire.ParseQuery(r.URL.RawQuery); err != nil {
		return refuse("its parameters are doubled or ill-formed")
	}
	if (sent.Get("code") == "") == (sent.Get("error") == "") {
		return refuse("neither a code nor an error")
	}
	if _, ok := secret.ParseOpaque(sent.Get("state")); !ok {
		return refuse("no state of ours")
	}
	browser, err := p.Browser(nil, r)
	if err != nil {
		return sent, trip, Arrival{}, err
	}
	if browser.IsEmpty() {
		return refuse("the browser has no cookie")
	}
	trip = roundTrip{browser, secret.Of(sent.Get("state"))}
	stored, err := p.Requests.Find(r.Context(), trip.hash(), p.Now())
	if errors.Is(err, store.ErrNotFound) {
		return refuse("the state is spent or over")
	}
	if err != nil {
		return sent, trip, Arrival{}, err
	}
	var kept away
	if err := json.Unmarshal(stored.Asked, &kept); err != nil {
		return sent, trip, Arrival{}, fmt.Errorf("read what a browser was sent away with: %w", err)
	}
	// Another browser, or another provider, spends nothing.
	if !secret.Hash(stored.Browser).Equal(browser.Hash()) {
		return refuse("another browser was sent away")
	}
	if kept.Provider != up.Name || kept.Issuer != up.Issuer {
		return refuse("it was sent to another provider")
	}
	err = p.Requests.Drop(r.Context(), trip.hash())
	if errors.Is(err, store.ErrSpent) {
		return refuse("the state is spent")
	}
	if err != nil {
		return sent, trip, Arrival{}, err
	}
	arrival := Arrival{Provider: up.Name, At: stored.CreatedAt} // until the provider says more
	seal, err := trip.seal()
	if err != nil {
		return sent, trip, Arrival{}, err
	}
	text, err := seal.Open(kept.Intent, nil)
	if err == nil {
		err = json.Unmarshal(text, &arrival.Intent)
	}
	if err != nil {
		return refuse("what it was sent away with does not open")
	}
	return sent, trip, arrival, nil
}

// A roundTrip is one way to a provider and back: the browser's handle, which never
// leaves it and us, and the state, which goes along.
type roundTrip struct{ browser, state secret.Secret }

// hash is what it is stored under: that of no other handle (rule 2).
func (t roundTrip) hash() [32]byte {
	return sha256.Sum256([]byte("grantway: sent to a provider\x00" + t.state.Reveal()))
}

func (t roundTrip) derive(what string) []byte {
	mac := hmac.New(sha256.New, []byte(t.browser.Reveal()))
	mac.Write([]byte("grantway: sent to a provider\x00" + what + "\x00" + t.state.Reveal()))
	return mac.Sum(nil)
}

// text is a value of 43 characters.
func (t roundTrip) text(what string) string {
	return base64.RawURLEncoding.EncodeToString(t.derive(what))
}

// seal seals the intent: it opens for this browser with this state.
func (t roundTrip) seal() (*keys.Seal, error) { return keys.SealOf(t.derive("intent")) }

// upstream returns the provider of a name.
func (p *Providers) upstream(name string) (*upstream, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if up := p.known[name]; up != nil {
		return up, nil
	}
	for _, configured := range p.Configured {
		if configured.Name != name {
			continue
		}
		if p.known == nil {
			p.known = map[string]*upstream{}
		}
		p.known[name] = &upstream{Provider: configured}
		return p.known[name], nil
	}
	return nil, ErrProvider
}

// by says who changes something here.
func (p *Providers) by(actor string) store.By {
	return store.By{Actor: actor, At: p.Now()}
}
