package xoauth2_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/client/xoauth2"
	"github.com/grantway/grantway/oauth"
	"golang.org/x/oauth2"
)

func issuer(t testing.TB, answer http.HandlerFunc) string {
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

func made(t testing.TB, c client.Config) *client.Client {
	t.Helper()
	got, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestTokenSource: all who ask have one token, and with it what x/oauth2 says of one.
func TestTokenSource(t *testing.T) {
	var asked atomic.Int64
	at := issuer(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"access_token":"t%d","token_type":"bearer","expires_in":3600,"refresh_token":"r1"}`, asked.Add(1))
	})
	source := xoauth2.TokenSource(t.Context(), made(t, client.Config{TokenURL: at, ClientID: "c", Secret: client.Static("s3cret")}))
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			got, err := source.Token()
			if err != nil || got.AccessToken != "t1" || got.Type() != "Bearer" || !got.Valid() || got.RefreshToken != "" {
				t.Errorf("got %+v, %v", got, err)
				return
			}
			if left := time.Until(got.Expiry); left > time.Hour || left < 59*time.Minute {
				t.Errorf("%v left", left)
			}
		})
	}
	wg.Wait()
	if asked.Load() != 1 {
		t.Errorf("%d requests", asked.Load())
	}
}

// TestIDToken: a library that reads the ID token finds it where x/oauth2 has it.
func TestIDToken(t *testing.T) {
	at := issuer(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"access_token":"t1","expires_in":60,"id_token":"i1"}`)
	})
	c := made(t, client.Config{TokenURL: at, AuthorizationURL: at, ClientID: "c", Grant: oauth.GrantAuthorizationCode})
	in, err := c.SignIn(t.Context(), "http://127.0.0.1/back", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exchange(t.Context(), in, url.Values{"state": {in.State.Reveal()}, "code": {"k"}}); err != nil {
		t.Fatal(err)
	}
	got, err := xoauth2.TokenSource(t.Context(), c).Token()
	if err != nil || got.Extra("id_token") != "i1" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestErrors: they are the client's, and the context is heeded.
func TestErrors(t *testing.T) {
	over := make(chan struct{})
	at := issuer(t, func(w http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret == "slow" {
			<-over
		}
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client"}`)
	})
	t.Cleanup(func() { close(over) }) // before the server waits for its answers
	wrong := made(t, client.Config{TokenURL: at, ClientID: "c", Secret: client.Static("wrong")})
	if _, err := xoauth2.TokenSource(t.Context(), wrong).Token(); !errors.Is(err, oauth.InvalidClient) {
		t.Errorf("got %v", err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	slow := made(t, client.Config{TokenURL: at, ClientID: "c", Secret: client.Static("slow")})
	if _, err := xoauth2.TokenSource(ctx, slow).Token(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// Libraries that were made for golang.org/x/oauth2 take the source as it is.
func ExampleTokenSource() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"access_token":"t1","token_type":"Bearer","expires_in":3600}`)
	}))
	defer server.Close()
	c, err := client.New(client.Config{TokenURL: server.URL, ClientID: "notes-sync", Secret: client.Static("right")})
	if err != nil {
		fmt.Println(err)
		return
	}
	var source oauth2.TokenSource = xoauth2.TokenSource(context.Background(), c)
	token, err := source.Token()
	fmt.Println(token.AccessToken, token.Type(), err)
	// Output: t1 Bearer <nil>
}
