// Package account is people who sign in: their credentials, sessions and
// consents. It holds nothing yet; it comes with the authorization code grant.
// It will have no HTTP: pages are package login's and package portal's.
package account
