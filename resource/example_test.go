package resource_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/grantway/grantway/oauth"
	"github.com/grantway/grantway/resource"
)

// An API that checks its tokens itself asks Authenticate first and answers with
// the challenge when it refuses.
func ExampleChecker_Authenticate() {
	keys := map[string]crypto.PublicKey{"es": keyES.Public()} // those of the issuer's jwks_uri
	checker, err := resource.New(resource.Config{
		Issuer:   "https://auth.example/staging",
		Audience: []string{"https://api.example/notes"},
		Key: func(_ context.Context, id string) (crypto.PublicKey, string, error) {
			if key, ok := keys[id]; ok {
				return key, "ES256", nil
			}
			return nil, "", errors.New("unknown key")
		},
		Now: func() time.Time { return now },
	})
	if err != nil {
		panic(err)
	}
	challenge := resource.Challenge{Realm: "notes"}
	notes := func(w http.ResponseWriter, r *http.Request) {
		token, err := checker.Authenticate(r)
		if err != nil {
			w.Header().Set("WWW-Authenticate", challenge.Header(err))
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		if !token.Has("read") {
			http.Error(w, oauth.InsufficientScope.Error(), http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, "notes of %s", token.ClientID)
	}

	for _, presented := range []string{"", "Bearer nonsense", "Bearer " + good(resource.RFC9068).token()} {
		r := httptest.NewRequest(http.MethodGet, "https://api.example/notes", nil)
		if presented != "" {
			r.Header.Set("Authorization", presented)
		}
		w := httptest.NewRecorder()
		notes(w, r)
		fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// 401 Bearer realm="notes"
	// 401 Bearer realm="notes", error="invalid_token", error_description="the access token is malformed"
	// 200
}
