// Package secret makes the secrets, ids and handles that Grantway hands out,
// keeps every secret unreadable in logs and answers, and checks presented
// secrets against what was kept of them.
//
// It does not store anything (internal/store does), and does not know whom a
// secret authenticates (internal/clientauth for clients, internal/account for
// people).
//
// # Two kinds of secret, two kinds of hash
//
// A secret made by [New] holds 256 random bits. Nobody can try a noticeable
// part of 2^256 values, however cheap one try is, so a slow hash would protect
// nothing that SHA-256 does not and would cost each token request tens of
// milliseconds and 19 MiB. Such a secret is kept as its plain SHA-256 and
// compared in constant time.
//
// About any other secret (chosen by a person, or made elsewhere) nothing is
// known, so it has to be assumed guessable: "test" falls to the first few
// thousand tries. What is kept of it must make each try expensive: argon2id
// (RFC 9106) with 19 MiB and two passes. A hash imported from another product is
// kept as it is when it is a slow one (bcrypt, PBKDF2, scrypt, argon2), and is
// hashed once more under argon2id when it is a fast one, so that the store never
// holds a fast hash of a guessable secret.
//
// A [Checker] remembers, in memory and under a key of its own process, which
// slow secrets it has found correct. So only the first request with one pays
// for hashing.
package secret
