package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/oauth"
)

// exampleServer is issuer and API in one.
func exampleServer() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret != "right" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
			return
		}
		fmt.Fprint(w, `{"access_token":"t1","token_type":"Bearer","expires_in":3600,"scope":"read"}`)
	})
	mux.HandleFunc("GET /notes", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "notes for %q", r.Header.Get("Authorization"))
	})
	return httptest.NewServer(mux)
}

// A backend calls an API. It makes one client when it starts, and uses it
// everywhere.
func Example() {
	server := exampleServer()
	defer server.Close()
	c, err := client.New(client.Config{
		TokenURL: server.URL + "/token", // or Issuer, where there is metadata
		ClientID: "notes-sync",
		Secret:   client.Static("right"), // from the environment, in earnest
		Target:   client.Target{Scopes: []string{"read"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := c.HTTP().Get(server.URL + "/notes")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	fmt.Printf("%s\n", body)
	// Output: notes for "Bearer t1"
}

// Errors say whether to stop or to wait.
func ExampleClient_Token() {
	server := exampleServer()
	defer server.Close()
	c, err := client.New(client.Config{TokenURL: server.URL + "/token", ClientID: "notes-sync", Secret: client.Static("wrong")})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Token(context.Background())
	if busy, ok := errors.AsType[*client.BusyError](err); ok {
		time.Sleep(time.Until(busy.RetryAt))
	}
	if refused, ok := errors.AsType[*client.RefusedError](err); ok {
		fmt.Println(refused.Cure())
	}
	fmt.Println(errors.Is(err, oauth.InvalidClient))
	// Output:
	// check client id, secret, how the client authenticates, and the environment that they belong to
	// true
}

// A program that runs again and again, from cron for example, keeps its token in a
// file, and reads the secret anew whenever one is needed.
func ExampleNewFiles() {
	server := exampleServer()
	defer server.Close()
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	c, err := client.New(client.Config{
		TokenURL: server.URL + "/token", ClientID: "notes-sync",
		Secret: func(context.Context) (client.Secret, error) {
			return "right", nil // os.ReadFile("/run/secrets/notes-sync"), for example
		},
		Cache: client.NewFiles(filepath.Join(folder, "tokens")),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := c.Token(context.Background())
	fmt.Println(token.Access, err)
	// Output: [redacted] <nil>
}

// A person signs in with their browser.
func ExampleClient_SignIn() {
	c, err := client.New(client.Config{
		TokenURL: "https://auth.example/token", AuthorizationURL: "https://auth.example/authorize",
		ClientID: "desk", Grant: oauth.GrantAuthorizationCode,
		Target: client.Target{Scopes: []string{oauth.ScopeOpenID, oauth.ScopeOfflineAccess}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	in, err := c.SignIn(context.Background(), "http://127.0.0.1:8400/back", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	u, _ := url.Parse(in.URL) // send the person there; they come back with parameters for Exchange
	fmt.Println(u.Host, u.Query().Get("code_challenge_method"))
	_, err = c.Exchange(context.Background(), in, url.Values{"state": {"somebody else's"}, "code": {"x"}})
	fmt.Println(errors.Is(err, client.ErrState))
	// Output:
	// auth.example S256
	// true
}
