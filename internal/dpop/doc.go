// Package dpop is proofs of possession (RFC 9449) at the token endpoint and
// at resources. It holds nothing yet: every token is a bearer token so far.
package dpop
