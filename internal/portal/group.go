package portal

import (
	"slices"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
)

// A group is a part of the list: reasons that one meets at the same step.
type group struct {
	ID, Title, Intro string
	Entries          []*entry

	token bool // the token endpoint answers
	api   bool // an API's guard answers
}

// The groups, in the order in which one meets them.
var (
	tokenRequest = group{
		ID: "token-request", Title: "Token request", token: true,
		Intro: "The token endpoint could not read the request as it was sent, or does not serve what it is for.",
	}
	signingIn = group{
		ID: "signing-in", Title: "Signing people in", token: true,
		Intro: "The authorization endpoint or a page of the sign-in could not go on. Either the person sees it, or it comes back to the application in the query of its redirect URI.",
	}
	clientAuthentication = group{
		ID: "client-authentication", Title: "Client authentication", token: true,
		Intro: "The token endpoint could not establish that the request comes from the client it names.",
	}
	askedFor = group{
		ID: "asked-for", Title: "What was asked for", token: true,
		Intro: "The client has proved itself; what it asked for cannot be given.",
	}
	callingAPI = group{
		ID: "calling-the-api", Title: "Calling the API", api: true,
		Intro: "The call did not get past the guard of the API, or the API gave no answer.",
	}
	serverAndHTTP = group{
		ID: "server-and-http", Title: "Server and HTTP",
		Intro: "The request broke a limit of HTTP, led nowhere, or the server could not answer.",
	}
)

// byReason are the reasons that stand elsewhere than their code says.
var byReason = map[*refusal.Reason]*group{
	refusal.TwoMethods: &clientAuthentication,

	refusal.TokenInURL:          &callingAPI,
	refusal.TokenTwice:          &callingAPI,
	refusal.MethodClosed:        &callingAPI,
	refusal.MethodInQuery:       &callingAPI,
	refusal.PathMalformed:       &callingAPI,
	refusal.UpstreamUnreachable: &callingAPI,
	refusal.UpstreamTimeout:     &callingAPI,

	refusal.URLTooLong:      &serverAndHTTP,
	refusal.HeadersTooLarge: &serverAndHTTP,
	refusal.EncodingUnknown: &serverAndHTTP,
	refusal.PathUnknown:     &serverAndHTTP,
	refusal.HostUnknown:     &serverAndHTTP,
}

var byCode = map[oauth.ErrorCode]*group{
	oauth.InvalidClient:          &clientAuthentication,
	oauth.TooManyRequests:        &clientAuthentication,
	oauth.InvalidScope:           &askedFor,
	oauth.InvalidTarget:          &askedFor,
	oauth.InvalidToken:           &callingAPI,
	oauth.InsufficientScope:      &callingAPI,
	oauth.ServerError:            &serverAndHTTP,
	oauth.TemporarilyUnavailable: &serverAndHTTP,
}

// groupOf is where a reason stands in the list.
func groupOf(r *refusal.Reason) *group {
	switch {
	case between(r, refusal.APITokenRequired, refusal.TokenNotForURL):
		return &callingAPI
	case between(r, refusal.AuthorizationMethod, refusal.SignInTooWeak), between(r, refusal.SignInWrong, refusal.PageFailed):
		return &signingIn
	}
	if g := byReason[r]; g != nil {
		return g
	}
	if g := byCode[r.Code]; g != nil {
		return g
	}
	return &tokenRequest
}

// between reports whether a reason stands from one to another of the table, which
// keeps together what belongs together.
func between(r, first, last *refusal.Reason) bool {
	all := refusal.All()
	i := slices.Index(all, r)
	return i >= slices.Index(all, first) && i <= slices.Index(all, last)
}

// grouped puts the reasons that clients are shown into groups, as entries that
// show makes of them. A group without any is left out.
func grouped(all []*refusal.Reason, show func(*refusal.Reason, *group) *entry) []group {
	var groups []group
	for _, kind := range []*group{&tokenRequest, &clientAuthentication, &askedFor, &signingIn, &callingAPI, &serverAndHTTP} {
		g := *kind
		for _, r := range all {
			if r.Shown == nil && groupOf(r) == kind {
				g.Entries = append(g.Entries, show(r, kind))
			}
		}
		if len(g.Entries) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}
