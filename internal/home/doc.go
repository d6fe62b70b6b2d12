// Package home is who of the deployment's own people is at a page of the console
// or the portal, and what they may do there.
//
// Those two are clients of home's OpenID provider like any other (OpenID Connect
// Core §3.1): a Door sends people there to sign in, takes their code, and knows
// them again by a cookie that it sealed. That they are still signed in is asked of
// home's store at every request, so that ending a session ends it here too.
//
// How people sign in is package login's, what partners are is package partner's,
// and what the pages look like their own. Only what both show is here: the words for
// what fails, the charts of what happened, and what a secret did.
package home
