package refusal

import (
	"net/http"

	"github.com/grantway/grantway/oauth"
)

// Reasons that lie with us, or with the request as HTTP.
var (
	Ours = row(&Reason{
		ID: "server-error", Code: oauth.ServerError,
		Text:  "the server could not answer",
		Cause: "A fault on our side. It is logged under the trace id of the answer.",
		Cure:  "Try again; if it stays, report the trace id.",
	})
	Unavailable = row(&Reason{
		ID: "unavailable", Code: oauth.TemporarilyUnavailable,
		Text:  "the server cannot answer at the moment",
		Cause: "The store does not answer, or there is more work than can be done in time. Nothing was issued and nothing was spent.",
		Cure:  "Try again after the time in Retry-After.",
	})
	URLTooLong = row(&Reason{
		ID: "url-too-long", Code: oauth.InvalidRequest, Status: http.StatusRequestURITooLong,
		Text:  "the URL of the request is too long",
		Cause: "A URL may have 8 KiB.",
		Cure:  "Send parameters in the body.",
	})
	HeadersTooLarge = row(&Reason{
		ID: "headers-too-large", Code: oauth.InvalidRequest, Status: http.StatusRequestHeaderFieldsTooLarge,
		Text:  "the headers of the request are too large or too many",
		Cause: "A request may have 100 headers and 50 cookies, one header 8 KiB, all together 16 KiB.",
		Cure:  "Send fewer headers; a token that is longer is damaged.",
	})
	EncodingUnknown = row(&Reason{
		ID: "encoding-unknown", Code: oauth.InvalidRequest, Status: http.StatusUnsupportedMediaType,
		Text:  "requests must not have a Content-Encoding",
		Cause: "A compressed body can unpack to any size; none is unpacked.",
		Cure:  "Send the body as it is.",
	})
	BodyTooSlow = row(&Reason{
		ID: "body-too-slow", Code: oauth.InvalidRequest, Status: http.StatusRequestTimeout,
		Text:  "the request body did not arrive in time",
		Cause: "Nothing of the body came for ten seconds.",
		Cure:  "Send the request again, over a connection that is fast enough.",
	})
	PathUnknown = row(&Reason{
		ID: "path-unknown", Code: oauth.InvalidRequest, Status: http.StatusNotFound,
		Text:  "there is nothing at this path",
		Cause: "The path belongs to no endpoint and no environment of this server.",
		Cure:  "Compare it with the metadata below /.well-known/.",
	})
	HostUnknown = row(&Reason{
		ID: "host-unknown", Code: oauth.InvalidRequest, Status: http.StatusNotFound,
		Text:  "nothing is published under this host name",
		Cause: "The Host header names none of the addresses that the configuration has: the request went to the server's own address, or a proxy before it puts another name there.",
		Cure:  "Use the addresses of the configuration; where a proxy is before the server, have it pass on the Host header that came.",
	})
)

// Reasons to refuse a call to an API (RFC 6750 §3.1).
var (
	TokenMissing = row(&Reason{
		ID: "token-missing", Code: oauth.InvalidToken,
		Text:  "this API needs an access token",
		Cause: "The request has no Authorization: Bearer header.",
		Cure:  "Fetch a token from the token endpoint and send it with every request.",
	})
	TokenScheme = row(&Reason{
		ID: "token-scheme", Code: oauth.InvalidToken,
		Text:  "the Authorization header does not begin with Bearer",
		Cause: "It holds another scheme, such as Basic, or the token alone.",
		Cure:  "Send Authorization: Bearer, one space, and the access token. Client id and secret go to the token endpoint only.",
	})
	TokenInURL = row(&Reason{
		ID: "token-in-url", Code: oauth.InvalidRequest,
		Text:  "access tokens are not read from the URL",
		Cause: "URLs are kept in logs, histories and proxies.",
		Cure:  "Send the token in the Authorization header.",
	})
	TokenTwice = row(&Reason{
		ID: "token-twice", Code: oauth.InvalidRequest,
		Text:  "the request carries more than one set of credentials",
		Cause: "There are two Authorization headers, or two tokens in two places (RFC 6750 §2).",
		Cure:  "Send one Authorization: Bearer header.",
	})
	TokenMalformed = row(&Reason{
		ID: "token-malformed", Code: oauth.InvalidToken,
		Text:  "the access token is malformed",
		Cause: "What stands after Bearer is no token: cut off, quoted, or a placeholder that was not replaced.",
		Cure:  "Send the access_token member of the token answer as it is.",
	})
	TokenOfAnotherIssuer = row(&Reason{
		ID: "token-of-another-issuer", Code: oauth.InvalidToken,
		Text:  "the access token was not issued by this environment",
		Cause: "The token is signed with a key, or says an issuer, that is not this environment's: most often a token of staging at the production API.",
		Cure:  "Fetch the token from the token endpoint of the same environment.",
	})
	IssuerEnded = row(&Reason{
		ID: "issuer-ended", Code: oauth.InvalidToken,
		Text:  "tokens of this issuer are accepted no more",
		Cause: "The token is from the issuer that the API had before. Its tokens were accepted for a time, so that clients could move, and that time is over.",
		Cure:  "Fetch tokens from the token endpoint of this environment. Credentials for it are the publisher's to give.",
	})
	TokenForged = row(&Reason{
		ID: "token-forged", Code: oauth.InvalidToken,
		Text:  "the signature of the access token is wrong",
		Cause: "The token was changed after it was signed.",
		Cure:  "Send the access_token member of the token answer as it is.",
	})
	TokenExpired = row(&Reason{
		ID: "token-expired", Code: oauth.InvalidToken,
		Text:  "The access token expired",
		Cause: "Tokens live as long as expires_in said when they were issued.",
		Cure:  "Fetch a new token and repeat the call once; better, fetch one a minute before the old one ends.",
	})
	TokenNotYetValid = row(&Reason{
		ID: "token-not-yet-valid", Code: oauth.InvalidToken,
		Text:  "the access token is not valid yet",
		Cause: "The token says that it was issued in the future: a clock is wrong by more than a minute.",
		Cure:  "Set the clocks by NTP.",
	})
	TokenForAnotherAPI = row(&Reason{
		ID: "token-for-another-api", Code: oauth.InvalidToken,
		Text:  "the access token is for another API",
		Cause: "The token names another audience, or is of another kind than an access token.",
		Cure:  "Ask for a token with this API's audience.",
	})
	TokenRevoked = row(&Reason{
		ID: "token-revoked", Code: oauth.InvalidToken,
		Text:  "the access token has been revoked",
		Cause: "The client, or the secret that obtained the token, was disabled, revoked or deleted after the token was issued.",
		Cure:  "Fetch a new token with a secret that is live; if that is refused, ask the publisher.",
	})
	TokenUnknown = row(&Reason{
		ID: "token-unknown", Code: oauth.InvalidToken,
		Text:  "the access token is unknown or expired",
		Cause: "No live token of this environment is spelled like this one.",
		Cure:  "Fetch a new token and repeat the call once.",
	})
	ScopeInsufficient = row(&Reason{
		ID: "scope-insufficient", Code: oauth.InsufficientScope,
		Text:  "the access token lacks a scope that this call needs: {names}",
		Cause: "The token is good and does not carry the right to this call. A new token with the same scopes changes nothing.",
		Cure:  "Ask for a token with the scope; if that is refused, ask the publisher for the scope.",
	})
	RouteClosed = row(&Reason{
		ID: "route-closed", Code: oauth.InsufficientScope,
		Text:  "this path is not open",
		Cause: "No rule of the publisher opens this path; what no rule opens is closed.",
		Cure:  "Compare the path with the API's documentation.",
	})
	MethodClosed = row(&Reason{
		ID: "method-closed", Code: oauth.InvalidRequest, Status: http.StatusMethodNotAllowed,
		Text:  "this method is not open at this path",
		Cause: "The path is open for the methods in the Allow header and for no other.",
		Cure:  "Use one of them.",
	})
	MethodInQuery = row(&Reason{
		ID: "method-in-query", Code: oauth.InvalidRequest,
		Text:  "the query names another method",
		Cause: "A parameter like _method or X-HTTP-Method-Override makes some servers take another method than the request's own, which is the one that the publisher's rules are about.",
		Cure:  "Send the request by the method that is meant, and leave the parameter away.",
	})
	RateLimited = row(&Reason{
		ID: "rate-limited", Code: oauth.TooManyRequests,
		Text:  "too many requests to this API",
		Cause: "The publisher allows each client a number of requests in a time; the RateLimit-Policy header says which.",
		Cure:  "Wait as long as Retry-After says, and spread requests: the RateLimit header of every answer says how many are left.",
	})
	OriginalUnclear = row(&Reason{
		ID: "original-unclear", Code: oauth.InvalidRequest,
		Text:  "the proxy in front does not say which request it asks about",
		Cause: "A question about a request needs its method and its URI once each: X-Original-Method and -URI, X-Forwarded-Method and -Uri, or the path behind the API's name. Here they are missing, doubled or mixed.",
		Cure:  "Compare the proxy's configuration with the one below deploy/.",
	})
	PathMalformed = row(&Reason{
		ID: "path-malformed", Code: oauth.InvalidRequest,
		Text:  "the path of the request has more than one meaning",
		Cause: "Dot segments, encoded slashes, doubled slashes and needless escapes are read differently by different servers; such a path could pass the guard as one and reach the API as another.",
		Cure:  "Send the path in its plain form.",
	})
	UpstreamUnreachable = row(&Reason{
		ID: "upstream-unreachable", Code: oauth.TemporarilyUnavailable, Status: http.StatusBadGateway,
		Text:  "the API behind this gateway does not answer",
		Cause: "The connection to the API failed or broke.",
		Cure:  "Try again later; if it stays, report the trace id.",
	})
	CallerLeft = row(&Reason{
		ID: "caller-left", Code: oauth.InvalidRequest, Status: 499, // for the log: nobody is there to read it
		Text:  "the caller closed the connection before the answer",
		Cause: "The program gave up waiting, was stopped, or a proxy between cut it off.",
		Cure:  "If it happens often, compare the caller's time limit with how long the API takes.",
	})
	UpstreamTimeout = row(&Reason{
		ID: "upstream-timeout", Code: oauth.TemporarilyUnavailable, Status: http.StatusGatewayTimeout,
		Text:  "the API behind this gateway did not answer in time",
		Cause: "The API took longer than 30 seconds to begin its answer.",
		Cure:  "Try again later, or ask for less at once.",
	})
)

// row enters a reason into the table.
func row(r *Reason) *Reason {
	table = append(table, r)
	return r
}

var table []*Reason
