package partner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

// idTokenAlgs are the signatures that a client may want of its ID tokens.
var idTokenAlgs = []string{"RS256", "ES256", "PS256", "EdDSA"}

// judgeSignIn looks at what a client is registered with that acts for people, and
// at what one has that does not.
func judgeSignIn(client *store.Client, development bool, faults *Faults) {
	in := &client.SignIn
	if in.Owner != "" {
		judgeName("owner", in.Owner, faults)
	}
	if in.Homepage != "" {
		problem, hint := wire.CheckHomepage(in.Homepage)
		judged("homepage", in.Homepage, problem, hint, faults)
	}
	if !forPeople(client.Type) {
		for _, member := range []struct {
			field string
			given bool
		}{
			{"redirect_uris", len(in.Redirects) > 0},
			{"post_logout_redirect_uris", len(in.LogoutRedirects) > 0},
			{"backchannel_logout_uri", in.LogoutNotice != ""},
			{"id_token_alg", in.IDTokenAlg != ""},
			{"legacy", in.Legacy},
		} {
			if member.given {
				faults.add(member.field, "a "+client.Type+" does not act for people", "leave it away, or register a web client")
			}
		}
		return
	}
	if len(in.Redirects) == 0 {
		faults.add("redirect_uris", "the client has nowhere to send people back to", "name the URLs at which it waits for them")
	}
	native := client.Type == store.TypeNative
	judgeURIs("redirect_uris", in.Redirects, native, faults)
	judgeURIs("post_logout_redirect_uris", in.LogoutRedirects, native, faults)
	if in.LogoutNotice != "" {
		problem, hint := wire.CheckNotice(in.LogoutNotice, development)
		judged("backchannel_logout_uri", in.LogoutNotice, problem, hint, faults)
	}
	if in.IDTokenAlg != "" && !slices.Contains(idTokenAlgs, in.IDTokenAlg) {
		faults.add("id_token_alg", quote(in.IDTokenAlg)+" is not known here", "known are "+strings.Join(idTokenAlgs, ", "))
	}
	if in.Legacy && client.Public() {
		faults.add("legacy", "without PKCE anybody could use the code of a client that keeps no secret", "leave it away: RFC 9700 §2.1.1")
	}
}

func judgeURIs(field string, uris []string, native bool, faults *Faults) {
	if len(uris) > wire.MaxRedirects {
		faults.add(field, fmt.Sprintf("are %d; %d is the limit", len(uris), wire.MaxRedirects), "remove those that are not in use")
		return
	}
	for i, uri := range uris {
		if slices.Contains(uris[:i], uri) {
			faults.add(at(field, i), quote(uri)+" stands twice", "")
			continue
		}
		judgeURI(at(field, i), uri, native, faults)
	}
}

func judgeURI(field, uri string, native bool, faults *Faults) {
	problem, hint := wire.CheckRedirect(uri, native)
	judged(field, uri, problem, hint, faults)
}

func judged(field, uri, problem, hint string, faults *Faults) {
	if problem != "" {
		faults.add(field, quote(uri)+" "+problem, hint)
	}
}

// risks are what whoever registers such a client should know.
func risks(client *store.Client) []string {
	var all []string
	if client.SignIn.Legacy {
		all = append(all, "the client may leave away PKCE and state: whoever gets hold of a code can slip it to somebody else")
	}
	if forPeople(client.Type) && client.MayUse(oauth.GrantClientCredentials) {
		text := "the client gets tokens without a person (client_credentials)"
		if end, ok := client.GrantsEnd[oauth.GrantClientCredentials]; ok {
			text += " until " + end.UTC().Format("2006-01-02 15:04 UTC")
		}
		all = append(all, text)
	}
	return all
}
