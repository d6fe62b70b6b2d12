// Package fetch is outbound requests to addresses that somebody else
// supplied: one fetcher that checks the address when it dials, follows no
// redirects and reads a bounded body. It holds nothing yet: nothing fetches by
// such an address until sign-in elsewhere, client metadata and webhooks come.
package fetch
