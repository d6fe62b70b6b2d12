package wire

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what a client is registered with.
const (
	MaxClientID = 128 // bytes
	MaxName     = 128 // characters
)

// accountID is the length of the ids of people: letters and digits, as they are.
const accountID = 22

// CheckClientID says what is wrong with the id that somebody chose for a client,
// and what to do; two empty texts mean that it is good. %, + and : would read
// differently in the two encodings of HTTP Basic that clients use (RFC 6749
// §2.3.1), the dots are no segment of a URL, and what looks like the id of a
// person could be one: sub is either (RFC 9700 §4.15, row E21).
func CheckClientID(id string) (problem, hint string) {
	wrong := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("%+:", r) }
	switch {
	case id == "":
		return "is empty", "choose an id"
	case len(id) > MaxClientID:
		return fmt.Sprintf("has %d bytes; %d is the limit", len(id), MaxClientID), ""
	case strings.ContainsFunc(id, wrong) || !utf8.ValidString(id):
		return "holds a character that not every client sends unchanged", "use printable ASCII without space, %, + and :"
	case id == "." || id == "..":
		return "cannot be part of a URL", "choose another id"
	case len(id) == accountID && !strings.ContainsFunc(id, func(r rune) bool { return !isLetterOrDigit(r) }):
		return "looks like the id of a person, which is 22 letters and digits", "make it longer or shorter, or put a hyphen in it"
	}
	return "", ""
}

func isLetterOrDigit(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// CheckName says what is wrong with a name that people are shown, of a client or
// of who made it. It keeps out what reads as something else than it is: text that
// runs backwards, characters that do not show, line breaks (row O09).
func CheckName(name string) (problem, hint string) {
	switch {
	case !utf8.ValidString(name):
		return "is not UTF-8", ""
	case utf8.RuneCountInString(name) > MaxName:
		return fmt.Sprintf("has %d characters; %d is the limit", utf8.RuneCountInString(name), MaxName), ""
	case strings.ContainsFunc(name, hidden):
		return "holds a character that is not seen or that turns the direction of the text", "type the name anew instead of pasting it"
	}
	return "", ""
}

// hidden reports whether a character does not show by itself: control and format
// characters (bidirectional marks and zero-width ones among them), line breaks,
// fillers and variation selectors.
func hidden(r rune) bool {
	return !unicode.IsGraphic(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || r == '\u2800'
}

// CheckHomepage says what is wrong with the address of a maker's page, which
// people may follow: it is https.
func CheckHomepage(text string) (problem, hint string) { return checkHTTPS(text) }

// CheckNotice says what is wrong with the address at which a client is told of
// logouts (OpenID Connect Back-Channel Logout §2.2). It is https, so that what is
// told reaches nobody else; in development, http on loopback is good too.
func CheckNotice(text string, development bool) (problem, hint string) {
	if development {
		return CheckRedirect(text, false)
	}
	return checkHTTPS(text)
}

func checkHTTPS(text string) (problem, hint string) {
	problem, hint = CheckRedirect(text, false)
	if problem == "" && !strings.HasPrefix(text, "https:") {
		return "is http", "write https"
	}
	return problem, hint
}
