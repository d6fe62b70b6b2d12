package refusal

import (
	"net/http"

	"github.com/grantway/grantway/oauth"
)

// Reasons to refuse an authorization request on a page: as long as client and
// redirect URI are not proven, nothing is sent back to anybody (RFC 6749 §4.1.2.1).
var (
	AuthorizationMethod = row(&Reason{
		ID: "authorization-method", Code: oauth.InvalidRequest, Status: http.StatusMethodNotAllowed,
		Text:  "the authorization endpoint answers GET and POST only",
		Cause: "The request used another method. Browsers are sent here; scripts cannot ask this address.",
		Cure:  "Send the person's browser to this address instead of calling it.",
	})
	ApplicationUnknown = row(&Reason{
		ID: "application-unknown", Code: oauth.InvalidRequest,
		Text:  "no application with this client_id may be used here",
		Cause: "The client_id is missing, is another environment's, or the application was switched off.",
		Cure:  "Compare the client_id and the environment with what you were given.",
	})
	RedirectUnknown = row(&Reason{
		ID: "redirect-unknown", Code: oauth.InvalidRequest,
		Text:  "the redirect_uri is not one that is registered for this application",
		Cause: "Redirect URIs are compared character by character: port, path, a slash at the end and the query count.",
		Cure:  "Send exactly one of the registered ones, or register this one.",
	})
	RedirectMissing = row(&Reason{
		ID: "redirect-missing", Code: oauth.InvalidRequest,
		Text:  "Missing required parameter: redirect_uri",
		Cause: "It may be left out only where exactly one is registered, and never together with the scope openid (OpenID Connect Core §3.1.2.1).",
		Cure:  "Send the redirect_uri to which the answer is to go.",
	})
	CookieTwice = row(&Reason{
		ID: "cookie-twice", Code: oauth.InvalidRequest,
		Text:  "the browser sent one of our cookies twice",
		Cause: "Another page of the same site may have set a cookie of the same name.",
		Cure:  "Delete the cookies of this site and begin again in the application.",
	})
	RequestEnded = row(&Reason{
		ID: "request-ended", Code: oauth.InvalidRequest,
		Text:  "this sign-in was finished already, or took longer than 15 minutes",
		Cause: "Every request of an application is answered once. Going back in the browser shows pages of a request that is over.",
		Cure:  "Return to the application and begin again there.",
	})
)

// Reasons to refuse an authorization request that go back to the application
// (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
var (
	QueryMalformed = row(&Reason{
		ID: "query-malformed", Code: oauth.InvalidRequest,
		Text:  "the authorization request is malformed",
		Cause: "Broken percent-encoding, bytes that are not UTF-8 or a zero byte are in the query.",
		Cure:  "Let your HTTP library build the URL instead of joining strings.",
	})
	ResponseTypeMissing = row(&Reason{
		ID: "response-type-missing", Code: oauth.InvalidRequest,
		Text:  "Missing required parameter: response_type",
		Cause: "The request does not say what is to be sent back.",
		Cure:  "Send response_type=code.",
	})
	ResponseTypeUnknown = row(&Reason{
		ID: "response-type-unknown", Code: oauth.UnsupportedResponseType,
		Text:  "the only response_type here is code",
		Cause: "Tokens are not sent through the browser: they would stay in its history (RFC 9700 §2.1.2).",
		Cure:  "Use the authorization code flow with PKCE.",
	})
	CodeNotAllowed = row(&Reason{
		ID: "code-not-allowed", Code: oauth.UnauthorizedClient,
		Text:  "this application is not registered for the authorization code flow",
		Cause: "The publisher has not switched it on for the application, or only for a time that is over.",
		Cure:  "Ask the publisher, naming the application and what it is for.",
	})
	ResponseModeUnknown = row(&Reason{
		ID: "response-mode-unknown", Code: oauth.InvalidRequest,
		Text:  "response_mode is neither query nor form_post",
		Cause: "Other modes would put the code where scripts and histories find it.",
		Cure:  "Leave response_mode out, or send query or form_post.",
	})
	ChallengeMissing = row(&Reason{
		ID: "challenge-missing", Code: oauth.InvalidRequest,
		Text:  "Missing required parameter: code_challenge",
		Cause: "Without PKCE (RFC 7636) whoever gets hold of a code can use it.",
		Cure:  "Switch PKCE with S256 on in your OAuth library.",
	})
	ChallengeMalformed = row(&Reason{
		ID: "challenge-malformed", Code: oauth.InvalidRequest,
		Text:  "code_challenge must be 43 characters with code_challenge_method=S256",
		Cause: "The method is plain or missing, which means plain, or the challenge is not the base64url SHA-256 of a verifier.",
		Cure:  "Send code_challenge_method=S256 and the base64url of the verifier's SHA-256, without padding.",
	})
	StateTooLong = row(&Reason{
		ID: "state-too-long", Code: oauth.InvalidRequest,
		Text:  "state is longer than 2048 bytes",
		Cause: "The state comes back in a URL, and URLs have a limit.",
		Cure:  "Keep what you need on your side, and send a short handle of it as state.",
	})
	StateLineEnd = row(&Reason{
		ID: "state-line-end", Code: oauth.InvalidRequest,
		Text:  "state has a line end, which a form does not carry as it is",
		Cause: "The answer is posted by a form, and browsers make CR LF of every line end in one.",
		Cure:  "Send a state without line ends, such as a random handle in base64url, or use response_mode=query.",
	})
	HintTooLong = row(&Reason{
		ID: "hint-too-long", Code: oauth.InvalidRequest,
		Text:  "nonce, login_hint, acr_values or ui_locales is too long",
		Cause: "A nonce has 512 bytes at most and a login_hint 256; there may be 20 acr_values, of 1024 bytes together, and 10 ui_locales.",
		Cure:  "Send less.",
	})
	PromptMalformed = row(&Reason{
		ID: "prompt-malformed", Code: oauth.InvalidRequest,
		Text:  "prompt must be none alone, or any of login, consent and select_account",
		Cause: "The value is unknown, or none stands beside another one.",
		Cure:  "Send one that OpenID Connect Core §3.1.2.1 names.",
	})
	MaxAgeMalformed = row(&Reason{
		ID: "max-age-malformed", Code: oauth.InvalidRequest,
		Text:  "max_age must be a whole number of seconds, 0 or more",
		Cause: "The value is negative, has a fraction, is too large or is no number.",
		Cure:  "Send whole seconds.",
	})
	ClaimsMalformed = row(&Reason{
		ID: "claims-malformed", Code: oauth.InvalidRequest,
		Text:  "the claims parameter is malformed or longer than 8192 bytes",
		Cause: "It must be a JSON object with the members userinfo and id_token, nested 16 deep at most (OpenID Connect Core §5.5).",
		Cure:  "Ask for scopes instead, or correct the JSON.",
	})
	HintForged = row(&Reason{
		ID: "hint-forged", Code: oauth.InvalidRequest,
		Text:  "id_token_hint is not an ID token of this issuer for this application",
		Cause: "It was issued elsewhere or to another application, or its signature does not verify.",
		Cure:  "Send an ID token that this issuer gave to this application, also an expired one, or leave the hint out.",
	})
	RequestObject = row(&Reason{
		ID: "request-object", Code: oauth.RequestNotSupported,
		Text:  "the request parameter is not supported",
		Cause: "Request objects (RFC 9101) are not read here.",
		Cure:  "Send the parameters themselves.",
	})
	RequestReference = row(&Reason{
		ID: "request-reference", Code: oauth.RequestURINotSupported,
		Text:  "the request_uri parameter is not supported",
		Cause: "This server fetches no request object from elsewhere (RFC 9101).",
		Cure:  "Send the parameters themselves.",
	})
	RegistrationSent = row(&Reason{
		ID: "registration-sent", Code: oauth.RegistrationNotSupported,
		Text:  "the registration parameter is not supported",
		Cause: "Applications are registered beforehand.",
		Cure:  "Leave the parameter out.",
	})
	AccessDenied = row(&Reason{
		ID: "access-denied", Code: oauth.AccessDenied,
		Text:  "User denied access",
		Cause: "The person chose not to allow the application what it asked for.",
		Cure:  "Explain what the application needs, and let people try again when they want to.",
	})
	RightsMissing = row(&Reason{
		ID: "rights-missing", Code: oauth.AccessDenied,
		Text:  "the person has none of the rights that were asked for",
		Cause: "Every scope that was asked for needs a role which the person does not have here.",
		Cure:  "Ask for less, or let the person ask the institution for the role.",
	})
	LoginRequired = row(&Reason{
		ID: "login-required", Code: oauth.LoginRequired,
		Text:  "the person is not signed in, and prompt=none shows no page",
		Cause: "There is no session in this browser, it is too old for max_age, or it is another person's than the one hinted at.",
		Cure:  "Send the same request without prompt=none.",
	})
	ConsentRequired = row(&Reason{
		ID: "consent-required", Code: oauth.ConsentRequired,
		Text:  "the person has not allowed this yet, and prompt=none shows no page",
		Cause: "The application asks for something that the person has not allowed it before.",
		Cure:  "Send the same request without prompt=none.",
	})
	InteractionRequired = row(&Reason{
		ID: "interaction-required", Code: oauth.InteractionRequired,
		Text:  "the person has to do something first, and prompt=none shows no page",
		Cause: "A page is needed between the request and its answer.",
		Cure:  "Send the same request without prompt=none.",
	})
	SignInTooWeak = row(&Reason{
		ID: "sign-in-too-weak", Code: oauth.UnmetRequirements,
		Text:  "the person could not sign in as strongly as the application needs",
		Cause: "The application asked for an authentication context as essential, and the person has no factor that gives it.",
		Cure:  "Let the person set up a second factor, or ask for the context as voluntary.",
	})
)

// Reasons to refuse a code (RFC 6749 §4.1.3, §5.2; RFC 7636 §4.6).
var (
	CodeMissing = row(&Reason{
		ID: "code-missing", Code: oauth.InvalidRequest,
		Text:  "Missing required parameter: code",
		Cause: "The request has no code in its body.",
		Cure:  "Send the code that came back to the redirect URI.",
	})
	CodeRefused = row(&Reason{
		ID: "code-refused", Code: oauth.InvalidGrant,
		Text:  "the authorization code is unknown, used or expired",
		Cause: "A code is good once, for 60 seconds, for the application that asked for it. One that is used twice ends what it gave.",
		Cure:  "Send the person to the authorization endpoint again. Make sure that the program exchanges each code once: a page that is loaded again does it twice.",
	})
	CodeUnknown = row(&Reason{
		ID: "code-unknown", Code: oauth.InvalidGrant, Shown: CodeRefused,
		Text:  "no grant has this code",
		Cause: "The code was never issued here, or long ago.",
		Cure:  "Compare the environment.",
	})
	CodeSpent = row(&Reason{
		ID: "code-spent", Code: oauth.InvalidGrant, Shown: CodeRefused,
		Text:  "the code was used before; the grant has been ended",
		Cause: "Two requests presented one code: a mistake in the program, or somebody else has it too (RFC 6749 §4.1.2).",
		Cure:  "Look for the second use.",
	})
	CodeExpired = row(&Reason{
		ID: "code-expired", Code: oauth.InvalidGrant, Shown: CodeRefused,
		Text:  "the code is older than 60 seconds",
		Cause: "The program waited too long, or its clock and work queue stood still.",
		Cure:  "Exchange the code at once.",
	})
	CodeOfAnotherClient = row(&Reason{
		ID: "code-of-another-client", Code: oauth.InvalidGrant, Shown: CodeRefused,
		Text:  "the code was given to another client; the grant has been ended",
		Cause: "A code can be used by the client only that asked for it.",
		Cure:  "Look how the code got there.",
	})
	RedirectMismatch = row(&Reason{
		ID: "redirect-mismatch", Code: oauth.InvalidGrant,
		Text:  "redirect_uri is not the one of the authorization request",
		Cause: "The token request must repeat the redirect_uri of the authorization request, character by character (RFC 6749 §4.1.3).",
		Cure:  "Take both from one setting, and start again: the code is spent.",
	})
	VerifierMalformed = row(&Reason{
		ID: "verifier-malformed", Code: oauth.InvalidRequest,
		Text:  "code_verifier must be 43 to 128 letters, digits, -, ., _ or ~",
		Cause: "The verifier is too short, too long or has other characters (RFC 7636 §4.1).",
		Cure:  "Let your OAuth library make it.",
	})
	VerifierWrong = row(&Reason{
		ID: "verifier-wrong", Code: oauth.InvalidGrant,
		Text:  "code_verifier does not belong to this code",
		Cause: "The authorization request had another code_challenge, or one of the two requests had none.",
		Cure:  "Keep verifier and state together, and start again: the code is spent.",
	})
	PersonGone = row(&Reason{
		ID: "person-gone", Code: oauth.InvalidGrant,
		Text:  "the person who allowed this can no longer sign in, or has taken it back",
		Cause: "The account is disabled or deleted, or the grant was ended on the account page.",
		Cure:  "Send the person to the authorization endpoint again.",
	})
	RefreshMissing = row(&Reason{
		ID: "refresh-missing", Code: oauth.InvalidRequest,
		Text:  "Missing required parameter: refresh_token",
		Cause: "The request has no refresh_token in its body.",
		Cure:  "Send the newest refresh token that you were given.",
	})
	RefreshRefused = row(&Reason{
		ID: "refresh-refused", Code: oauth.InvalidGrant,
		Text:  "the refresh token is unknown, replaced, expired or ended",
		Cause: "Every answer replaces the refresh token; the one before it is good for some seconds more, and an older one ends the grant. It ends too when the person takes the permission back, signs out or changes the password.",
		Cure:  "Always keep the newest one. Send the person to the authorization endpoint again.",
	})
	RefreshUnknown = row(&Reason{
		ID: "refresh-unknown", Code: oauth.InvalidGrant, Shown: RefreshRefused,
		Text:  "the refresh token was not made here",
		Cause: "It is another environment's, was altered, or was made under a key that is gone.",
		Cure:  "Compare the environment.",
	})
	RefreshReused = row(&Reason{
		ID: "refresh-reused", Code: oauth.InvalidGrant, Shown: RefreshRefused,
		Text:  "the refresh token was replaced or had ended; the grant has been ended",
		Cause: "An older refresh token was presented: a program that keeps the wrong one, or somebody who copied it (RFC 9700 §4.14).",
		Cure:  "Keep the newest refresh token before using it.",
	})
	RefreshExpired = row(&Reason{
		ID: "refresh-expired", Code: oauth.InvalidGrant, Shown: RefreshRefused,
		Text:  "the refresh token was not used for too long, or the grant has reached its end",
		Cause: "Refresh tokens have an idle and an absolute lifetime.",
		Cure:  "Send the person to the authorization endpoint again.",
	})
	RefreshOfAnotherClient = row(&Reason{
		ID: "refresh-of-another-client", Code: oauth.InvalidGrant, Shown: RefreshRefused,
		Text:  "the refresh token was given to another client; the grant has been ended",
		Cause: "A refresh token can be used by the client only that it was issued to.",
		Cure:  "Look how the token got there.",
	})
	ScopeBeyondGrant = row(&Reason{
		ID: "scope-beyond-grant", Code: oauth.InvalidScope,
		Text:  "a requested scope is beyond what the person allowed, which is {names}",
		Cause: "Refreshing can narrow a token and never widen it (RFC 6749 §6).",
		Cure:  "Leave the scope out, or send the person to the authorization endpoint for more.",
	})
	TargetBeyondGrant = row(&Reason{
		ID: "target-beyond-grant", Code: oauth.InvalidTarget,
		Text:  "a requested audience or resource is beyond what the person allowed",
		Cause: "Refreshing can narrow a token and never widen it (RFC 8707 §2.2).",
		Cure:  "Leave the parameter out, or send the person to the authorization endpoint for more.",
	})
	GrantEnded = row(&Reason{
		ID: "grant-ended", Code: oauth.UnauthorizedClient,
		Text:  "this grant_type was given to this client for a time that is over",
		Cause: "The publisher had switched the grant on for a test.",
		Cure:  "Ask the publisher, naming the client and what it is for.",
	})
	GrantNotForPublic = row(&Reason{
		ID: "grant-not-for-public", Code: oauth.UnauthorizedClient,
		Text:  "this grant_type is for clients that can keep a secret",
		Cause: "An application on a person's device or in the browser cannot prove that it is itself (RFC 6749 §4.4).",
		Cure:  "Let the person sign in, or ask from a server that keeps a secret.",
	})
)

// Reasons of the UserInfo endpoint (OpenID Connect Core §5.3.3).
var (
	NotAPerson = row(&Reason{
		ID: "not-a-person", Code: oauth.InsufficientScope,
		Text:  "the token is not about a person, or lacks the scope openid",
		Cause: "The UserInfo endpoint answers for tokens that somebody signed in for, with the scope openid.",
		Cure:  "Ask for the scope openid at the authorization endpoint.",
	})
)
