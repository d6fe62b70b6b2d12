package resource_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/grantway/grantway/oauth"
	"github.com/grantway/grantway/resource"
)

// An issuer and an audience are enough: where the keys are, the issuer's metadata
// says. They are fetched with the first call, or by Start.
func ExampleNew() {
	checker, err := resource.New(resource.Config{
		Issuer:   "https://auth.example/staging",
		Audience: []string{"https://api.example/notes"},
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /notes", checker.Require("read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := resource.FromContext(r.Context())
		fmt.Fprintf(w, "notes of %s\n", token.ClientID)
	})))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/notes", nil))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer realm="api"
}

// Claims that an issuer adds to the usual ones are read from the token.
func ExampleToken_Claims() {
	m := good(resource.RFC9068)
	m.claims["tenant"] = "school-7"
	c, err := resource.New(config(resource.RFC9068))
	if err != nil {
		panic(err)
	}
	token, err := c.Check(context.Background(), m.token())
	if err != nil {
		panic(err)
	}
	var claims struct {
		Tenant string `json:"tenant"`
	}
	fmt.Println(token.Claims(&claims), claims.Tenant)
	// Output: <nil> school-7
}

// An API with an envelope of its own writes it itself; the headers are set.
func ExampleConfig_refuse() {
	c := config(resource.RFC9068)
	c.Refuse = func(w http.ResponseWriter, _ *http.Request, refused resource.Refusal) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(refused.Status)
		json.NewEncoder(w).Encode(map[string]any{"status": refused.Status, "problem": refused.Description})
	}
	checker, err := resource.New(c)
	if err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	checker.Require()(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Print(w.Body)
	// Output: {"problem":"this API needs an access token","status":401}
}

// A gRPC server checks in an interceptor: the metadata of a call has the header
// under "authorization", and what was refused becomes one of gRPC's codes.
func ExampleChecker_CheckHeader() {
	checker, err := resource.New(config(resource.RFC9068))
	if err != nil {
		panic(err)
	}
	// With grpc: func(ctx context.Context, req any, _ *grpc.UnaryServerInfo,
	// handler grpc.UnaryHandler) (any, error), and metadata.FromIncomingContext.
	interceptor := func(ctx context.Context, metadata map[string][]string, handler func(context.Context) string) string {
		token, err := checker.CheckHeader(ctx, metadata["authorization"])
		switch {
		case errors.Is(err, oauth.TemporarilyUnavailable):
			return "Unavailable"
		case err != nil:
			return "Unauthenticated"
		case !token.Has("read"):
			return "PermissionDenied"
		}
		return handler(resource.NewContext(ctx, token))
	}
	notes := func(ctx context.Context) string {
		token, _ := resource.FromContext(ctx)
		return "notes of " + token.ClientID
	}
	call := map[string][]string{"authorization": {"Bearer " + good(resource.RFC9068).token()}}
	fmt.Println(interceptor(context.Background(), call, notes))
	fmt.Println(interceptor(context.Background(), nil, notes))
	// Output:
	// notes of client1
	// Unauthenticated
}
