package refusal

import (
	"net/http"

	"github.com/grantway/grantway/oauth"
)

// Reasons to refuse a call that comes with an API token, a server's long-lived
// credential, or that should have come with one. They say nothing of the OAuth
// token beside it.
var (
	APITokenRequired = row(&Reason{
		ID: "api-token-required", Code: oauth.AccessDenied,
		Text:  "API token required",
		Cause: "This site wants every call of a server counted: its API token is missing, or the request names a person and has none.",
		Cure:  "Send the API token that the publisher gave you, in the header that the documentation names.",
	})
	APITokenInvalid = row(&Reason{
		ID: "api-token-invalid", Code: oauth.AccessDenied,
		Text:  "API token invalid",
		Cause: "The API token is unknown here: mistyped, of another environment or API, not approved yet, revoked, past its end, or sent from an address that it is not for.",
		Cure:  "Compare its last characters, the environment and its end with what you were given. The publisher sees in the log which of these it is.",
	})
	APITokenAlone = row(&Reason{
		ID: "api-token-alone", Code: oauth.InvalidToken,
		Text:  "this API token is good only together with an access token",
		Cause: "The publisher has marked the API token so that a person must be there too.",
		Cure:  "Send the person's access token in the Authorization header as well.",
	})
	APITokenPlain = row(&Reason{
		ID: "api-token-plain", Code: oauth.AccessDenied,
		Text:  "this API token cannot act for a person",
		Cause: "The request names a person, and its API token is a plain one; or the publisher has not switched elevated tokens on for this API.",
		Cure:  "Leave the header out, or have the person allow the application access by OAuth.",
	})
	PersonDiffers = row(&Reason{
		ID: "person-differs", Code: oauth.AccessDenied,
		Text:  "the access token is another person's than the one the request names",
		Cause: "A header names one person and the access token belongs to another, or to no person at all.",
		Cure:  "Send one of the two.",
	})
	PersonProtected = row(&Reason{
		ID: "person-protected", Code: oauth.AccessDenied,
		Text:  "API tokens do not act for this person",
		Cause: "The person is an operator. What an operator may do is never lent to a program.",
		Cure:  "Name another person.",
	})
	PersonUnknown = row(&Reason{
		ID: "person-unknown", Code: oauth.InvalidRequest, Status: http.StatusNotFound,
		Text:  "there is no such user",
		Cause: "No account of this environment has the user name that the request gives, or it is disabled.",
		Cure:  "Compare the name with the one that the person signs in with, character by character.",
	})
	RightsInsufficient = row(&Reason{
		ID: "rights-insufficient", Code: oauth.InsufficientScope,
		Text:  "the API token may not do this for this person; it needs: {names}",
		Cause: "An elevated API token does what its own scopes allow and what the person has a right to, and no more. One of the two is missing.",
		Cure:  "Ask the publisher for the scope; a right that the person lacks cannot be given to a token.",
	})
	TokenNotForURL = row(&Reason{
		ID: "token-not-for-url", Code: oauth.InvalidRequest,
		Text:  "an access token in the URL is read for GET requests that alter nothing",
		Cause: "This API reads access_token from the query of such requests only, once and in its plain spelling. URLs are kept in logs, histories and proxies.",
		Cure:  "Send the token in the Authorization header.",
	})
)
