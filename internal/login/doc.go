// Package login is the browser's journey of a person: signing in, consent,
// recovery, the account page and signing out.
//
// It and package endpoint do not know each other: they meet in a stored
// authorization request and two URLs. The endpoint stores the request and sends the
// browser here; what the person decided goes back through Journey.Done.
//
// Whether a sign-in is strong enough is not decided here but by account.Judge, asked
// again on every page: a page that is skipped proves nothing. What pages look like
// and whether a form is ours is package web's; what is done to people, package
// account's. It follows OpenID Connect Core §3.1.2 and RFC 6749 §4.1.1.
package login
