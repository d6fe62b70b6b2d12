// Package proxy is the safe backend of somebody else's application: a front-end
// or hosted program on one side, an API on the other, the token in between. It
// lets allow-listed routes through, puts the token on them and never gives one
// to the browser.
//
// It guards nothing: what protects an API is package gateway's. It fetches
// tokens through the public package client, as any program of a partner could.
// People sign in by OpenID Connect Core §3.1; sessions are those of the pattern
// "backend for frontend" in OAuth 2.0 for Browser-Based Applications §6.1.
package proxy
