package refusal

import "github.com/grantway/grantway/oauth"

// Reasons that pages give the log. People read the page's own words.
var (
	SignInWrong = row(&Reason{
		ID: "sign-in-wrong", Code: oauth.AccessDenied,
		Text:  "the name, password, code or passkey is not right",
		Cause: "What was typed is wrong, or there is no such account; the page says the same for both.",
		Cure:  "Try again, or set a new password with \"Forgotten\".",
	})
	TooManyAttempts = row(&Reason{
		ID: "too-many-attempts", Code: oauth.TooManyRequests,
		Text:  "too many attempts to sign in",
		Cause: "The account, the address or its network has had too many wrong attempts in a short time.",
		Cure:  "Wait as long as the page says. Nobody is locked out for good.",
	})
	PageFailed = row(&Reason{
		ID: "page-failed", Code: oauth.InvalidRequest,
		Text:  "the page cannot be shown",
		Cause: "The request that the page belongs to is over or another browser's, the form is not ours, or cookies are missing.",
		Cure:  "Begin again in the application.",
	})
)
