package client

import (
	"context"
	"fmt"
	"log/slog"
)

// A Secret is text that must not be seen: client secrets, tokens, verifiers. fmt,
// log/slog and encoding/json write [redacted] for it; Reveal is the text. As all
// types, it cannot hide what fmt finds in an unexported field of another struct.
type Secret string

const redacted = "[redacted]"

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// String returns [redacted], or nothing where there is nothing to hide.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format writes String whatever the verb is.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText returns String, so that JSON holds no secret either.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Static is the source of a secret that does not change while the program runs.
func Static(secret string) func(context.Context) (Secret, error) {
	return func(context.Context) (Secret, error) { return Secret(secret), nil }
}

// Format writes the client's id and nothing of what it holds, whatever the verb is.
func (c *Client) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "client %q", c.family.config.ClientID)
}
