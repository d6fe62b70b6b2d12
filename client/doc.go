// Package client is the partner's side: it asks for tokens, keeps them, renews
// them early and once for all callers, and repeats a call once after a 401 that
// says the token is bad. It works against any OAuth server.
//
//	c, err := client.New(client.Config{
//		Issuer:   "https://auth.example/staging",
//		ClientID: "0oa1example",
//		Secret:   client.Static(os.Getenv("CLIENT_SECRET")),
//		Target:   client.Target{Scopes: []string{"read"}},
//	})
//	...
//	answer, err := c.HTTP().Get("https://api.example/notes")
//
// A token is asked for by the first call, never in a rhythm of its own, so there
// is nothing to close. When a fifth of its life is left (at most five minutes, and
// by chance up to half as much again), a call still gets the token, and a renewal
// begins behind it. While the token endpoint is down, the token is served as long
// as it lives; attempts are spaced out, and as the server's Retry-After says.
// However many callers there are, one request is under way for one token, each
// caller waits as long as its own context allows, and none of them ends the
// request for the others.
//
// It follows RFC 6749 (tokens), RFC 6750 (their use), RFC 7636 (PKCE), RFC 8414
// (metadata), RFC 8707 (resource indicators) and RFC 9207 (the issuer's name in
// an answer). It exposes types of the standard library and of package oauth only
// and needs nothing else; package client/xoauth2 is for libraries that want an
// x/oauth2.TokenSource. Checking tokens is package resource's. It draws no
// pages and opens no browser: SignIn says where to send the person.
package client
