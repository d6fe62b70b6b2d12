package partner

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grantway/grantway/internal/clientauth"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// Limits of what a client may be.
const (
	MaxID    = wire.MaxClientID // bytes
	MaxName  = wire.MaxName     // characters
	maxNamed = 100              // grants, APIs or methods that one request names
)

// forPeople reports whether a type of client sends people to sign in.
func forPeople(kind string) bool {
	return kind == store.TypeWeb || kind == store.TypeNative || kind == store.TypeBrowser
}

// Grants are the grants that a type of client may have.
func Grants(kind string) []string {
	switch kind {
	case store.TypeWeb:
		return []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken, oauth.GrantClientCredentials}
	case store.TypeNative, store.TypeBrowser:
		return []string{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}
	}
	return []string{oauth.GrantClientCredentials}
}

// judge looks at the client as it would be stored, whatever the request said and
// left away. Its id is not looked at.
func (c *Clients) judge(client *store.Client, faults *Faults) {
	switch kind := client.Type; {
	case kind == store.TypeMachine:
	case forPeople(kind):
		if c.Environment.OpenID == nil {
			faults.add("type", "nobody signs in to this environment", "write accounts: true for it in grantway.yaml, or register a machine")
		}
	case kind == store.TypeResource:
		if len(client.Grants) > 0 {
			faults.add("grants", "a resource asks for no tokens", "leave them away, or register a machine for its own calls")
		}
	default:
		known := []string{store.TypeMachine, store.TypeResource, store.TypeWeb, store.TypeNative, store.TypeBrowser}
		faults.add("type", quote(kind)+" is not a type of client", "known are "+strings.Join(known, ", "))
	}
	judgeName("name", client.Name, faults)
	oneOf(faults, "grants", client.Grants, Grants(client.Type))
	oneOf(faults, "auth_methods", client.AuthMethods, clientauth.Names())
	if client.Public() && len(client.AuthMethods) > 0 {
		faults.add("auth_methods", "a "+client.Type+" client keeps no secret to authenticate with", "leave them away")
	}
	judgeSignIn(client, c.Development, faults)
}

// judgeID looks at an id before anything has it.
func (c *Clients) judgeID(id string, faults *Faults) {
	if problem, hint := wire.CheckClientID(id); problem != "" {
		faults.add("id", problem, hint)
	} else if c.declared(id) != nil {
		faults.add("id", "is a client of grantway.yaml", "choose another id, or change the client there")
	}
}

// judgeName looks at a name that people are shown.
func judgeName(field, name string, faults *Faults) {
	if name == "" {
		faults.add(field, "is missing", "say what people call it")
	} else if problem, hint := wire.CheckName(name); problem != "" {
		faults.add(field, problem, hint)
	}
}

// normalised trims a name and writes every kind of space as one plain space.
func normalised(name string) string {
	if !utf8.ValidString(name) {
		return name // for judgeName
	}
	spaced := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, name)
	return strings.Trim(spaced, " ")
}

// oneOf reports what is none of the known words, or stands twice.
func oneOf(faults *Faults, field string, words, known []string) {
	if len(words) > maxNamed {
		faults.add(field, fmt.Sprintf("names %d; %d is the limit", len(words), maxNamed), "")
		return
	}
	for i, word := range words {
		switch {
		case !slices.Contains(known, word):
			faults.add(at(field, i), quote(word)+" is not known here", "known are "+strings.Join(known, ", "))
		case slices.Contains(words[:i], word):
			faults.add(at(field, i), quote(word)+" stands twice", "")
		}
	}
}

func at(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// quote shows a text in a message, shortened.
func quote(text string) string {
	const most = 80
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return strconv.Quote(text)
}
