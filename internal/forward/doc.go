// Package forward carries a request on and its answer back, for whoever decided
// that it may pass: what headers and paths become on the way, which connections
// are used, how bodies and interim answers go through (RFC 9110 §7).
//
// It decides nothing and knows no token: packages gateway and proxy do. What one
// spelling of a path is, package wire says.
package forward
