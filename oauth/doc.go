// Package oauth holds the words of OAuth 2.0: error codes, grant types, client
// authentication methods, scope sets and the shapes of the documents that cross
// the wire. Every name is the specification's own.
//
// It decides nothing and talks to nobody: asking for tokens lives in package
// client, checking them in package resource, issuing them in the server. It
// imports the standard library only, so that a program may import it freely.
//
// The specifications are RFC 6749 (the framework), RFC 6750 (bearer tokens),
// RFC 8414 (server metadata), RFC 8707 (resource indicators) and RFC 9728
// (resource metadata).
package oauth
