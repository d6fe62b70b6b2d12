package refusal

import (
	"net/http"

	"github.com/grantway/grantway/oauth"
)

// Reasons to refuse a token request before its client is looked at (RFC 6749 §3.2).
var (
	MethodNotPost = row(&Reason{
		ID: "method-not-post", Code: oauth.InvalidRequest, Status: http.StatusMethodNotAllowed,
		Text:  "the token endpoint answers POST only",
		Cause: "The request used another method, often GET with the parameters in the URL, where logs and proxies keep them.",
		Cure:  "Send the parameters in the body of a POST request.",
	})
	MediaTypeUnknown = row(&Reason{
		ID: "media-type-unknown", Code: oauth.InvalidRequest,
		Text:  "the Content-Type of the request is not one that this endpoint reads",
		Cause: "The header is neither application/x-www-form-urlencoded nor, where this environment reads it, application/json. Quotes around the value, copied from a page, have this effect too.",
		Cure:  "Send Content-Type: application/x-www-form-urlencoded with a form-encoded body; most HTTP libraries do so when they are given a map of parameters.",
	})
	CharsetNotUTF8 = row(&Reason{
		ID: "charset-not-utf8", Code: oauth.InvalidRequest,
		Text:  "the Content-Type of the request names a charset other than utf-8",
		Cause: "Parameters are UTF-8 (RFC 6749 appendix B); the header says otherwise.",
		Cure:  "Leave the charset out, or say utf-8.",
	})
	JSONAsForm = row(&Reason{
		ID: "json-as-form", Code: oauth.InvalidRequest,
		Text:  "the body is JSON but Content-Type says form",
		Cause: "Some HTTP libraries (axios before 1.0 among them) send an object as JSON and leave the Content-Type that was set by hand.",
		Cure:  "Encode the body as a form (URLSearchParams in JavaScript) or, where this environment reads JSON, say Content-Type: application/json.",
	})
	JSONNotServed = row(&Reason{
		ID: "json-not-served", Code: oauth.InvalidRequest,
		Text:  "this environment reads form-encoded token requests only",
		Cause: "The body was sent as application/json, which this environment does not read.",
		Cure:  "Send the same parameters as application/x-www-form-urlencoded.",
	})
	BodyMalformed = row(&Reason{
		ID: "body-malformed", Code: oauth.InvalidRequest,
		Text:  "the request body is malformed",
		Cause: "The body is not a well-formed form or JSON object: broken percent-encoding, bytes that are not UTF-8, members that are not strings, or something after the end.",
		Cure:  "Let your HTTP library encode the body instead of joining strings.",
	})
	ParameterTwice = row(&Reason{
		ID: "parameter-twice", Code: oauth.InvalidRequest,
		Text:  "a parameter is present more than once",
		Cause: "RFC 6749 §3.2 forbids repeated parameters: two readers could each take another one for the truth.",
		Cure:  "Send every parameter once.",
	})
	ParameterLimit = row(&Reason{
		ID: "parameter-limit", Code: oauth.InvalidRequest,
		Text:  "the request has too many parameters, or one that is too long",
		Cause: "A request may have 100 parameters of 4 KiB each; those that carry a JWT may have 16 KiB.",
		Cure:  "Send only the parameters that the request needs.",
	})
	BodyTooLarge = row(&Reason{
		ID: "body-too-large", Code: oauth.InvalidRequest, Status: http.StatusRequestEntityTooLarge,
		Text:  "the request body is too large",
		Cause: "The body is larger than this endpoint reads.",
		Cure:  "Send only what the request needs.",
	})
	SecretInURL = row(&Reason{
		ID: "secret-in-url", Code: oauth.InvalidRequest,
		Text:  "credentials must be sent in the body or the Authorization header and never in the URL",
		Cause: "URLs are kept in logs, histories and proxies; a secret in one counts as exposed, and the publisher sees that it was.",
		Cure:  "Move the parameter into the body of the POST request, and rotate the secret.",
	})
	GrantMissing = row(&Reason{
		ID: "grant-missing", Code: oauth.InvalidRequest,
		Text:  "Missing required parameter: grant_type",
		Cause: "The request has no grant_type in its body, or an empty one. Parameters in the URL are not read.",
		Cure:  "Send grant_type=client_credentials in the body.",
	})
	GrantUnknown = row(&Reason{
		ID: "grant-unknown", Code: oauth.UnsupportedGrantType,
		Text:  "this grant_type is not served here",
		Cause: "The grant types of this environment are listed in its metadata as grant_types_supported.",
		Cure:  "Use one of them; for a program that acts for itself that is client_credentials.",
	})
	GrantNotAllowed = row(&Reason{
		ID: "grant-not-allowed", Code: oauth.UnauthorizedClient,
		Text:  "this client is not registered for this grant_type",
		Cause: "The publisher has not switched this grant on for the client.",
		Cure:  "Ask the publisher, naming the client and what it is for.",
	})
)

// Reasons to refuse a client (RFC 6749 §2.3, §5.2).
var (
	ClientUnauthenticated = row(&Reason{
		ID: "client-unauthenticated", Code: oauth.InvalidClient,
		Text:  "Missing client_id",
		Cause: "The request says neither who is asking nor proves it: there is no Authorization: Basic header and no client_id in the body.",
		Cure:  "Send the client id and secret, in the Authorization header or in the body.",
	})
	CredentialsWrong = row(&Reason{
		ID: "credentials-wrong", Code: oauth.InvalidClient,
		Text:  "client authentication failed",
		Cause: "The client id or the secret is wrong. Credentials belong to one environment: those of staging are unknown in production, and the other way round. Quotes, line breaks and spaces that were copied along count too.",
		Cure:  "Compare the environment, the id and the last characters of the secret with what you were given; when in doubt, make a new secret. Asking again with the same secret does not help.",
	})
	ClientUnknown = row(&Reason{
		ID: "client-unknown", Code: oauth.InvalidClient, Shown: CredentialsWrong,
		Text:  "no client has this id in this environment",
		Cause: "The id is not registered here.",
		Cure:  "Look the id up in the environment where it was made.",
	})
	SecretWrong = row(&Reason{
		ID: "secret-wrong", Code: oauth.InvalidClient, Shown: CredentialsWrong,
		Text:  "the secret is none of this client's",
		Cause: "The secret was mistyped, revoked, or belongs to another client.",
		Cure:  "Compare its last characters with those in the list of the client's secrets.",
	})
	SecretOfAnotherEnvironment = row(&Reason{
		ID: "secret-of-another-environment", Code: oauth.InvalidClient, Shown: CredentialsWrong,
		Text:  "the credentials belong to another environment",
		Cause: "The program has the credentials of one environment and the address of another.",
		Cure:  "Change both together; they are handed out together.",
	})
	SecretMissing = row(&Reason{
		ID: "secret-missing", Code: oauth.InvalidClient, Shown: CredentialsWrong,
		Text:  "a client that must prove itself sent its id only",
		Cause: "The request names the client and holds no secret, or an empty one.",
		Cure:  "Send the secret as well; check that the variable it comes from is set.",
	})
	SecretExpired = row(&Reason{
		ID: "secret-expired", Code: oauth.InvalidClient,
		Text:  "this secret of the client has expired",
		Cause: "The secret was right and its end date has passed.",
		Cure:  "Make a new secret and put it in place of the old one.",
	})
	ClientDisabled = row(&Reason{
		ID: "client-disabled", Code: oauth.InvalidClient,
		Text:  "this client has been disabled",
		Cause: "The publisher has switched the client off; its tokens have ended too.",
		Cure:  "Ask the publisher.",
	})
	MethodNotRegistered = row(&Reason{
		ID: "method-not-registered", Code: oauth.InvalidClient,
		Text:  "this client is registered for another way of client authentication",
		Cause: "The client may prove itself only in the way it is registered for, as token_endpoint_auth_method says.",
		Cure:  "Send the secret where the registration says: in the Authorization header or in the body.",
	})
	BasicMalformed = row(&Reason{
		ID: "basic-malformed", Code: oauth.InvalidClient,
		Text:  "the Authorization header is not well-formed Basic credentials",
		Cause: "The value after Basic is not the base64 of id, colon, secret: a line break in it, a second encoding and a missing colon are the usual causes.",
		Cure:  "Let your HTTP library make the header, or send the credentials in the body.",
	})
	TwoMethods = row(&Reason{
		ID: "two-methods", Code: oauth.InvalidRequest,
		Text:  "the client authenticates in more than one way",
		Cause: "There is a secret in the Authorization header and another in the body (RFC 6749 §2.3 allows one), or the two name different clients.",
		Cure:  "Send the credentials once.",
	})
	TooManyFailures = row(&Reason{
		ID: "too-many-failures", Code: oauth.TooManyRequests,
		Text:  "too many failed attempts for this client from this address",
		Cause: "Wrong credentials were sent again and again. Nothing is looked at until the time in Retry-After has passed.",
		Cure:  "Stop, correct the credentials, then try once.",
	})
)

// TooManyTokens refuses a client that has had the tokens of its budget.
var TooManyTokens = row(&Reason{
	ID: "too-many-tokens", Code: oauth.TooManyRequests,
	Text:  "this client has obtained as many tokens as it may for now",
	Cause: "The API allows each client so many tokens in a time, as RateLimit-Policy says. Usually a program fetches a token for every call and throws it away, or each of many processes fetches its own.",
	Cure:  "Keep a token until shortly before expires_in has passed and use it for all calls; wait for the time in Retry-After. If the program needs more, ask the publisher.",
})

// Reasons to refuse what a client asks for (RFC 6749 §3.3, RFC 8707 §2).
var (
	ScopeMalformed = row(&Reason{
		ID: "scope-malformed", Code: oauth.InvalidScope,
		Text:  "the scope parameter is malformed, too long or has too many entries",
		Cause: "A scope is printable ASCII without quotes and backslashes, at most 256 bytes; a request may name 64 of them, separated by spaces.",
		Cure:  "Ask for the scopes that the program uses.",
	})
	ScopeUnknown = row(&Reason{
		ID: "scope-unknown", Code: oauth.InvalidScope,
		Text:  "a requested scope is not available; this client may request: {names}",
		Cause: "No API of this environment has a scope of that name. Spelling and version count.",
		Cure:  "Take the name from the list of scopes, or leave the parameter out to get all that the client was allotted.",
	})
	ScopeNotAllotted = row(&Reason{
		ID: "scope-not-allotted", Code: oauth.InvalidScope,
		Text:  "Client has not been granted scopes: {names}",
		Cause: "The scope exists and the publisher has not allotted it to this client. Scopes are never dropped from a request: a token with less than was asked for would fail later, further away.",
		Cure:  "Ask for less, or ask the publisher for the scope.",
	})
	AudienceMissing = row(&Reason{
		ID: "audience-missing", Code: oauth.InvalidTarget,
		Text:  "Missing required parameter: audience",
		Cause: "In this environment a token is for one API, and the request does not say which.",
		Cure:  "Send the audience that was handed out with the credentials: to the token endpoint, and already to /authorize where a person is asked for an API's scopes.",
	})
	AudienceUnknown = row(&Reason{
		ID: "audience-unknown", Code: oauth.InvalidTarget,
		Text:  "no API of this environment has this audience; it must match exactly, with or without a trailing slash as it was handed out",
		Cause: "The audience or resource is not one of this environment's: another environment's, or spelled differently.",
		Cure:  "Copy the audience as it was handed out for this environment.",
	})
	AudienceNotAllotted = row(&Reason{
		ID: "audience-not-allotted", Code: oauth.InvalidTarget,
		Text:  "Client is not authorized to access {names}",
		Cause: "The API exists and the publisher has not allotted it to this client.",
		Cure:  "Ask the publisher for access to the API.",
	})
	AudienceMixed = row(&Reason{
		ID: "audience-mixed", Code: oauth.InvalidTarget,
		Text:  "one token cannot serve all the APIs that the request reaches; name one of them with the resource parameter: {names}",
		Cause: "One token cannot serve APIs that want different formats or algorithms, nor two that both have a scope which the client may use at one of them alone.",
		Cure:  "Ask for one token for each API.",
	})
)

// Reasons of the introspection and the revocation endpoint (RFC 7662 §2.1,
// RFC 7009 §2.1).
var (
	TokenParameterMissing = row(&Reason{
		ID: "token-parameter-missing", Code: oauth.InvalidRequest,
		Text:  "Missing required parameter: token",
		Cause: "The question names no token, or an empty one.",
		Cure:  "Send the token as it was issued, in the body, under the name token.",
	})
	TokenOfAnotherClient = row(&Reason{
		ID: "token-of-another-client", Code: oauth.InvalidGrant,
		Text:  "the token was issued to another client",
		Cause: "A client ends its own tokens only. The token stays good.",
		Cure:  "Use the credentials that obtained the token; the publisher can end every token of a client.",
	})
	TooManyQuestions = row(&Reason{
		ID: "too-many-questions", Code: oauth.TooManyRequests,
		Text:  "too many questions about tokens that are not active",
		Cause: "The client asked again and again about tokens that are unknown, expired or not its business.",
		Cure:  "Look at exp before asking, and remember an answer for some seconds.",
	})
	NotAnAPI = row(&Reason{
		ID: "not-an-api", Code: oauth.UnauthorizedClient, Status: http.StatusForbidden,
		Text:  "this is for APIs only, and the client is none",
		Cause: "What was revoked is told to the APIs that check tokens, not to the clients that obtain them.",
		Cure:  "Use the credentials of a client of type resource; the publisher makes one for each API that checks tokens.",
	})
)
