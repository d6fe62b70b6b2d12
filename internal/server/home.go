package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/grantway/grantway/client"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/secret"
)

// An identity is how the parts of this server prove to home who they are: by a
// secret of this process, which no other one needs to know, since each process
// answers its own parts.
type identity struct {
	secret   secret.Secret
	verifier string
}

func newIdentity(random io.Reader) (identity, error) {
	made, err := secret.New("home", random)
	if err != nil {
		return identity{}, err
	}
	verifier, err := secret.FromGenerated(made)
	return identity{made, verifier.Encoded()}, err
}

// door lets people of home in at a part of this server.
func (s *Server) door(e *environment, part, clientID string, at *url.URL, twoFactors bool) *home.Door {
	return &home.Door{
		Part: part, URL: at, ClientID: clientID, Secret: client.Static(s.identity.secret.Reveal()),
		Issuer: e.issuer(), Transport: inside{s}, Hints: e.signIn.hints,
		Accounts: e.resources.store.Accounts(), Sessions: e.resources.store.Sessions(), Idle: e.Login.Idle,
		TwoFactors: twoFactors, End: e.signIn.journey.People.Sessions.End, Seal: s.options.Seal, Now: s.options.Now,
	}
}

// inside carries the requests of this server's own parts to itself, past the
// network.
type inside struct{ s *Server }

// RoundTrip implements http.RoundTripper.
func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r.Clone(context.WithoutCancel(r.Context()))
	sent.Host, sent.RequestURI, sent.RemoteAddr = r.URL.Host, r.URL.RequestURI(), "127.0.0.1:0"
	if sent.Body == nil {
		sent.Body = http.NoBody
	}
	got := written{header: http.Header{}}
	i.s.Handler().ServeHTTP(&got, sent)
	return &http.Response{
		StatusCode: max(got.status, http.StatusOK), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: got.header, Body: io.NopCloser(&got.body), ContentLength: int64(got.body.Len()), Request: r,
	}, nil
}

// written is what a handler wrote.
type written struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *written) Header() http.Header { return a.header }

func (a *written) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *written) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
