package endpoint

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/grant"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// authorizationChecks are the checks of an authorization request whose client and
// redirect URI are proven, in their order. What comes first decides how the others
// are answered. Each fills in its part of what was asked.
var authorizationChecks = []struct {
	section string // that demands it
	check   func(*asking) error
}{
	{"RFC 6749 §4.1.1: state comes back", (*asking).state},
	{"OAuth 2.0 Form Post Response Mode §2", (*asking).responseMode},
	{"RFC 6749 §3.1: nothing is malformed or doubled", (*asking).wellFormed},
	{"OpenID Connect Core §3.1.2.6, RFC 9101", (*asking).noRequestObject},
	{"RFC 6749 §3.1.1, RFC 9700 §2.1.2", (*asking).responseType},
	{"RFC 6749 §4.1.2.1: unauthorized_client", (*asking).registered},
	{"RFC 6749 §3.3, RFC 8707 §2.1", (*asking).scope},
	{"RFC 7636 §4.3, §4.4.1; RFC 9700 §2.1.1", (*asking).challenge},
	{"OpenID Connect Core §3.1.2.1: limits", (*asking).hints},
	{"OpenID Connect Core §3.1.2.1: prompt", (*asking).prompt},
	{"OpenID Connect Core §3.1.2.1: max_age", (*asking).maxAge},
	{"OpenID Connect Core §5.5: claims", (*asking).claims},
	{"OpenID Connect Core §3.1.2.1: id_token_hint", (*asking).idTokenHint},
}

// An asking is an authorization request under examination.
type asking struct {
	endpoint *Authorization
	sent     wire.Parameters
	fault    error // why sent could not be read; then it is empty
	client   *store.Client
	asked    grant.Asked
}

func (q *asking) check() error {
	for _, c := range authorizationChecks {
		if err := c.check(q); err != nil {
			return err
		}
	}
	return nil
}

// read reads a request and proves its client and its redirect URI. What it refuses
// is shown on a page.
func (a *Authorization) read(r *http.Request) (*asking, error) {
	raw := r.URL.RawQuery
	if r.Method == http.MethodPost {
		if kind, err := wire.MediaType(first(r.Header["Content-Type"])); err != nil || kind != wire.Form {
			return nil, refusal.MediaTypeUnknown.From(err)
		}
		body, err := wire.ReadBody(r, a.Limit)
		if err != nil {
			return nil, malformed(err)
		}
		// One list, so that what stands in both is found to be there twice (row A14).
		raw += "&" + string(body)
	}
	q := &asking{endpoint: a, asked: grant.Asked{AskedAt: a.Now()}}
	q.sent, q.fault = wire.ParseQuery(raw)
	id, uri, scope := q.sent.Get("client_id"), q.sent.Get("redirect_uri"), q.sent.Get("scope")
	if q.fault != nil {
		// Something in it is wrong; where client and redirect URI are plain all the
		// same, the application is told.
		loose := loosely(raw)
		if len(loose["client_id"]) > 1 || len(loose["redirect_uri"]) > 1 {
			return nil, refusal.ParameterTwice.From(q.fault) // row B14
		}
		id, uri, scope = loose.Get("client_id"), loose.Get("redirect_uri"), oauth.ScopeOpenID
		q.sent, _ = wire.ParseQuery(echoed(loose))
	}
	var err error
	if q.client, err = a.found(r.Context(), id); err != nil {
		return nil, err
	}
	activity.Of(r.Context()).Client = q.client.ID
	q.asked.ClientID, q.asked.RedirectURI = q.client.ID, uri
	q.asked.Redirect, err = redirect(q.client, uri, scope)
	return q, err
}

// loosely reads what can be read of a malformed query.
func loosely(raw string) url.Values {
	values, _ := url.ParseQuery(raw)
	return values
}

// echoed is what of a malformed request says how it is answered.
func echoed(loose url.Values) string {
	kept := url.Values{}
	for _, name := range []string{"state", "response_mode"} {
		if v := loose[name]; len(v) == 1 && utf8.ValidString(v[0]) && !strings.Contains(v[0], "\x00") {
			kept[name] = v
		}
	}
	return kept.Encode()
}

// redirect is where the answer goes (RFC 6749 §3.1.2.3).
func redirect(client *store.Client, sent, scope string) (string, error) {
	registered := client.SignIn.Redirects
	if sent == "" {
		identity := slices.Contains(strings.Fields(scope), oauth.ScopeOpenID) ||
			scope == "" && slices.Contains(client.Allotted[catalogue.OpenIDName], oauth.ScopeOpenID)
		if len(registered) != 1 || identity { // row A13
			return "", refusal.RedirectMissing
		}
		return registered[0], nil
	}
	if !wire.MatchRedirect(registered, sent, client.Type == store.TypeNative) {
		return "", unregistered(registered, sent) // rows A01 to A09, A21
	}
	return sent, nil
}

// Limits of an authorization request, in bytes or entries.
const (
	maxState     = 2 << 10
	maxNonce     = 512
	maxLoginHint = 256
	maxACR       = 20
	maxACRs      = 1 << 10
	maxLocales   = 10
	maxClaims    = 8 << 10
)

func (q *asking) state() error {
	state := q.sent.Get("state")
	if len(state) > maxState {
		return refusal.StateTooLong
	}
	q.asked.State = state // row B07
	return nil
}

func (q *asking) responseMode() error {
	switch mode := q.sent.Get("response_mode"); mode {
	case "", modeQuery:
		q.asked.ResponseMode = modeQuery
	case modeFormPost:
		q.asked.ResponseMode = modeFormPost
		// Row B07: browsers change line ends in a form (HTML §4.10.22.5).
		if strings.ContainsAny(q.asked.State, "\r\n") {
			q.asked.State = ""
			return refusal.StateLineEnd
		}
	default:
		return refusal.ResponseModeUnknown // row B04
	}
	return nil
}

func (q *asking) wellFormed() error {
	if q.fault == nil {
		return nil
	}
	refused := malformed(q.fault)
	if errors.Is(refused, refusal.BodyMalformed) {
		return refusal.QueryMalformed.From(q.fault)
	}
	return refused
}

func (q *asking) noRequestObject() error {
	switch {
	case q.sent.Has("request"):
		return refusal.RequestObject
	case q.sent.Has("request_uri"):
		return refusal.RequestReference // row H14
	case q.sent.Has("registration"):
		return refusal.RegistrationSent
	}
	return nil
}

func (q *asking) responseType() error {
	switch q.sent.Get("response_type") {
	case "code":
		return nil
	case "":
		return refusal.ResponseTypeMissing
	}
	return refusal.ResponseTypeUnknown // rows B01, B03
}

func (q *asking) registered() error { return mayHaveCode(q.client, q.endpoint) }

// mayHaveCode is asked when the request comes, and again when it is answered (row
// B02).
func mayHaveCode(client *store.Client, a *Authorization) error {
	if !client.MayUse(oauth.GrantAuthorizationCode) || client.Ended(oauth.GrantAuthorizationCode, a.Now()) {
		return refusal.CodeNotAllowed
	}
	return nil
}

func (q *asking) scope() error {
	got, err := q.endpoint.Allotment.Of(q.client, q.sent)
	if err != nil {
		return err // rows B18, B19
	}
	q.asked.Scope, q.asked.All = got.Scope, got.All
	for _, api := range got.APIs {
		q.asked.APIs = append(q.asked.APIs, api.Name)
	}
	return nil
}

func (q *asking) challenge() error {
	challenge, method := q.sent.Get("code_challenge"), q.sent.Get("code_challenge_method")
	if challenge == "" {
		if method != "" || !q.client.SignIn.Legacy {
			return refusal.ChallengeMissing // row D01
		}
		return nil
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if method != "S256" || err != nil || len(decoded) != 32 {
		return refusal.ChallengeMalformed // rows D02, D06
	}
	q.asked.Challenge = challenge
	return nil
}

func (q *asking) hints() error {
	q.asked.Nonce, q.asked.LoginHint = q.sent.Get("nonce"), q.sent.Get("login_hint")
	q.asked.ACR = strings.Fields(q.sent.Get("acr_values"))
	locales := strings.Fields(q.sent.Get("ui_locales"))
	if len(q.asked.Nonce) > maxNonce || len(q.asked.LoginHint) > maxLoginHint || len(locales) > maxLocales ||
		len(q.asked.ACR) > maxACR || len(q.sent.Get("acr_values")) > maxACRs { // what is kept is bounded: anybody can ask
		return refusal.HintTooLong
	}
	// Row B29: what is no language is not passed on.
	q.asked.Locales = slices.DeleteFunc(locales, func(l string) bool { return !languageTag(l) })
	return nil
}

// languageTag reports whether a text looks like a language (RFC 5646 §2.1).
func languageTag(text string) bool {
	if len(text) < 2 || len(text) > 35 {
		return false
	}
	return !strings.ContainsFunc(text, func(c rune) bool {
		return c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}

// prompts are the values of prompt.
var prompts = []string{"none", "login", "consent", "select_account"}

func (q *asking) prompt() error {
	asked := strings.Fields(q.sent.Get("prompt"))
	for i, p := range asked {
		if !slices.Contains(prompts, p) || slices.Contains(asked[:i], p) || p == "none" && len(asked) > 1 {
			return refusal.PromptMalformed // row B09
		}
	}
	q.asked.Prompt = asked
	return nil
}

func (q *asking) maxAge() error {
	text := q.sent.Get("max_age")
	if text == "" {
		return nil
	}
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return refusal.MaxAgeMalformed.From(err) // row B11
	}
	age := int64(seconds)
	q.asked.MaxAge = &age
	return nil
}

// claimsAsked is the claims parameter as far as it is acted upon.
type claimsAsked struct {
	UserInfo map[string]*claimAsked `json:"userinfo"`
	IDToken  map[string]*claimAsked `json:"id_token"`
}

type claimAsked struct {
	Essential bool  `json:"essential"`
	Value     any   `json:"value"`
	Values    []any `json:"values"`
}

// texts are the values that a claim may have, as far as they are strings.
func (c *claimAsked) texts() []string {
	var all []string
	for _, value := range append(slices.Clone(c.Values), c.Value) {
		if s, ok := value.(string); ok && s != "" {
			all = append(all, s)
		}
	}
	return all
}

func (q *asking) claims() error {
	text := q.sent.Get("claims")
	if text == "" {
		return nil
	}
	var asked claimsAsked
	if len(text) > maxClaims {
		return refusal.ClaimsMalformed // row B30
	}
	if err := wire.DecodeOpenJSON([]byte(text), &asked); err != nil || text[0] != '{' {
		return refusal.ClaimsMalformed.From(err)
	}
	q.asked.Claims = []byte(text)
	if acr := asked.IDToken["acr"]; acr != nil && acr.Essential { // §5.5.1.1, row B13
		if wanted := acr.texts(); len(wanted) > 0 {
			q.asked.ACR, q.asked.NeedsACR = wanted, true
		}
	}
	if sub := asked.IDToken["sub"]; sub != nil { // §5.5.1
		if wanted := sub.texts(); len(wanted) == 1 {
			q.asked.Hinted = wanted[0]
		}
	}
	return nil
}

// idTokenClaims are the names of the claims that the ID token is asked to hold.
func idTokenClaims(asked []byte) []string {
	var claims claimsAsked
	if len(asked) == 0 || wire.DecodeOpenJSON(asked, &claims) != nil {
		return nil
	}
	var names []string
	for name := range claims.IDToken {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (q *asking) idTokenHint() error {
	text := q.sent.Get("id_token_hint")
	if text == "" {
		return nil
	}
	hint, err := q.endpoint.Hints.Read(text)
	if err != nil || hint.ClientID != q.client.ID {
		return refusal.HintForged.From(err) // row B12
	}
	if q.asked.Hinted != "" && q.asked.Hinted != hint.Subject {
		return refusal.LoginRequired
	}
	q.asked.Hinted = hint.Subject
	return nil
}

// again checks a stored request once more when it is answered: client and file may
// have changed while the person was on the pages (rows B02, C10).
func (a *Authorization) again(ctx context.Context, asked *grant.Asked) (*store.Client, error) {
	client, err := a.found(ctx, asked.ClientID)
	if err != nil {
		return nil, err
	}
	if !wire.MatchRedirect(client.SignIn.Redirects, asked.Redirect, client.Type == store.TypeNative) {
		return nil, unregistered(client.SignIn.Redirects, asked.Redirect)
	}
	return client, nil
}
