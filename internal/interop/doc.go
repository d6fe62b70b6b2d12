// Package interop runs client libraries that others wrote, unmodified and pinned,
// against the server as its users start it. It consists of tests; `make interop`
// runs them.
//
// Each library does its own thing: it gets a token, calls the API, and meets each
// refusal with its own error type, in each of the three systems that have client
// credentials and with each place for the secret that it offers. Where people sign
// in, it does so in each dialect: a person with a browser without JavaScript fills
// in the pages' forms, by their ids, while the library does the rest, from
// discovery to the refresh and the way out. The programs for
// Node and Python are in testdata; what they need is installed on the first run,
// from the lock files there, below the user's cache folder.
//
// What the server answers byte by byte is not tested here but in the transcripts
// of package server, and what an endpoint refuses beside that endpoint. The
// specification is what RFC 6749, RFC 6750, RFC 8414, RFC 9068 and RFC 9728 became
// in the hands of those who wrote the libraries.
package interop
