// Package browser takes people's journeys in a real browser: Chromium, driven by
// Playwright, against a running server and an application that sends people to it.
// It consists of tests; `make browser` runs them.
//
// Each journey is a script of testdata. Beside what it is about, every page that it
// meets is held to what holds for all of them: nothing is loaded from elsewhere and
// nothing is told there, the policies of the pages block nothing, nobody can frame
// them, they never scroll sideways, and axe finds nothing in them, light or dark.
//
// One journey is a library's, unmodified, in the page of an application of another
// origin: oidc-client-ts.
//
// What pages say is package web's to test, the journey's rules package login's and
// package server's. The specifications are WCAG 2.2, CSP Level 3 and WebAuthn Level 3
// as a browser understands them.
package browser
