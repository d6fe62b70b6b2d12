// Package client is the partner's side: it asks for tokens, keeps them, renews them
// early and once for all callers, and repeats a call once after a 401. It holds
// nothing yet. It works against any OAuth server and exposes types of the
// standard library and of package oauth only. Checking tokens is package
// resource's.
package client
