// Package login is the browser's journey: signing in, consent, recovery, the
// account page. It holds nothing yet. It and package endpoint do not know each
// other: they meet in a stored authorization request and two URLs.
package login
