package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
	"github.com/grantway/grantway/resource"
)

// UserInfo is the UserInfo endpoint (OpenID Connect Core §5.3): it tells the bearer
// of a token what the person let it know.
type UserInfo struct {
	Tokens interface {
		Authenticate(*http.Request) (*resource.Token, error)
		Check(ctx context.Context, token string) (*resource.Token, error)
	}
	Accounts interface {
		Find(ctx context.Context, id string) (store.Account, error)
	}
	Clients interface {
		Find(ctx context.Context, id string) (*store.Client, error)
	}
	Realm string // for challenges
	Limit int64  // of a body, in bytes
}

// ServeHTTP answers GET and POST. The token comes in the header, or in the body of
// a POST request, and in one of them only (RFC 6750 §2, row M09).
func (u *UserInfo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	switch r.Method {
	case http.MethodGet, http.MethodPost:
	case http.MethodOptions:
		// What a browser asks before it sends an Authorization header. Whether the
		// page may read the answer is decided with the answer.
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Allow-Headers", "Authorization")
		h.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		h.Set("Allow", "GET, POST, OPTIONS")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := u.serve(w, r)
	if err != nil {
		u.refuse(w, r, err)
		return
	}
	activity.Of(r.Context()).Event = "userinfo.told"
	noStore(h)
	h["Content-Type"] = jsonValue
	send(w, body)
}

func (u *UserInfo) serve(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	t, err := u.presented(r)
	if err != nil {
		// Nothing of a token that is not good is believed, so nobody knows whose page may
		// read this. Any may: it says why, as a page must know to ask for another token,
		// and nothing that the metadata does not.
		w.Header().Set("Access-Control-Allow-Origin", "*")
		return nil, err
	}
	if client, err := u.Clients.Find(r.Context(), t.ClientID); err == nil {
		activity.Of(r.Context()).Client = client.ID
		allowOrigin(w, r, client)
	}
	if token.ID(t.ID).Grant() == "" || !slices.Contains(t.Scope, oauth.ScopeOpenID) {
		return nil, refusal.NotAPerson // rows M08, M10
	}
	account, err := u.Accounts.Find(r.Context(), t.Subject)
	if errors.Is(err, store.ErrNotFound) || err == nil && account.Disabled() {
		return nil, refusal.TokenRevoked // row M10
	}
	if err != nil {
		return nil, err
	}
	subject, err := json.Marshal(account.ID)
	if err != nil {
		return nil, err
	}
	told := append([]byte(`{"sub":`), subject...)
	return append(append(told, token.Profile(&account, t.Scope, nil)...), '}'), nil
}

// presented finds the token and checks it.
func (u *UserInfo) presented(r *http.Request) (*resource.Token, error) {
	kind, err := wire.MediaType(first(r.Header["Content-Type"]))
	if r.Method != http.MethodPost || err != nil || kind != wire.Form || r.ContentLength == 0 {
		return u.Tokens.Authenticate(r)
	}
	raw, err := wire.ReadBody(r, u.Limit)
	if err != nil {
		return nil, malformed(err)
	}
	body, err := wire.ParseForm(raw)
	if err != nil {
		return nil, malformed(err)
	}
	text := body.Get("access_token")
	if text == "" {
		return u.Tokens.Authenticate(r)
	}
	if len(r.Header["Authorization"]) > 0 || r.URL.RawQuery != "" && wireHas(r.URL.RawQuery, "access_token") {
		return nil, refusal.TokenTwice // row M09, also when both are equal
	}
	return u.Tokens.Check(r.Context(), text)
}

// wireHas reports whether a query names a parameter, or cannot be read.
func wireHas(query, name string) bool {
	sent, err := wire.ParseQuery(query)
	return err != nil || sent.Has(name)
}

// refuse writes a refusal as RFC 6750 §3 wants it.
func (u *UserInfo) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refused := refusal.Of(waiting(err))
	activity.Of(r.Context()).Refusal = refused
	shown := refused.Public()
	h := w.Header()
	noStore(h)
	challenge := `Bearer realm="` + u.Realm + `"`
	if shown != refusal.TokenMissing && shown != refusal.TokenScheme { // §3.1: who sent no bearer token learns no error
		challenge += `, error="` + string(shown.Code) + `", error_description="` + refused.Describe() + `"`
	}
	if shown.Code == oauth.InsufficientScope {
		challenge += `, scope="` + oauth.ScopeOpenID + `"`
	}
	if status := shown.HTTPStatus(); status < http.StatusInternalServerError {
		h.Set("WWW-Authenticate", challenge)
	}
	if refused.Retryable() {
		h.Set("Retry-After", retryAfter(err))
	}
	body, err := json.Marshal(oauth.ErrorResponse{Code: shown.Code, Description: refused.Describe()})
	if err != nil {
		body = nil
	}
	h["Content-Type"] = jsonValue
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(shown.HTTPStatus())
	w.Write(body) // a client that has gone is no concern of ours
}
