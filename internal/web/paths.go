package web

// Paths of the pages of people, below the issuer. Templates link and post to
// them; package login answers there. Every form is a POST and carries the hidden
// fields FieldToken and, within an authorization request, FieldRequest; links
// carry the latter in their query.
const (
	PathLogin    = "/login"          // SignIn; POST: name, password
	PathOther    = "/login/other"    // GET: SignIn for another account, whoever is signed in
	PathSecond   = "/login/second"   // SecondFactor; POST: code, remember
	PathRecovery = "/login/recovery" // Recovery; POST: code
	PathPasskey  = "/login/passkey"  // POST: credential, as first or as second factor
	PathConsent  = "/consent"        // Consent; POST: decision, scope (repeated), remember
	PathReset    = "/reset"          // Forgotten; POST: name. Answers Sent
	PathPassword = "/reset/password" // Reset, with link in the query; POST: link, password, again
	PathVerify   = "/verify"         // Verify, with link in the query; POST: link. Answers Verified
	PathLogout   = "/logout"         // SignOut; POST: nothing more. Answers SignedOut
	PathMails    = "/mails"          // Mails, in development on loopback only

	PathAccount     = "/account"             // Account
	PathChange      = "/account/password"    // ChangePassword; POST: current, password, again
	PathEmail       = "/account/email"       // POST: nothing more; sends the mail that verifies the address
	PathTOTP        = "/account/totp"        // SetUpTOTP; POST: code
	PathAddPasskey  = "/account/passkey"     // SetUpPasskey; POST: credential, label
	PathCodes       = "/account/recovery"    // POST: nothing more; answers RecoveryCodes
	PathFactor      = "/account/factor"      // POST: id; removes a factor
	PathSession     = "/account/session"     // POST: id, or others=1; ends sessions
	PathDevice      = "/account/device"      // POST: id; forgets a remembered browser
	PathApplication = "/account/application" // POST: id; takes back what an application may do
	PathIdentity    = "/account/identity"    // POST: id; unlinks an upstream provider
	PathLink        = "/account/link"        // POST: id; goes to an upstream provider, to link it
	PathExport      = "/account/export"      // POST: nothing more; answers a file
	PathErase       = "/account/delete"      // Erase; POST: password, sure=1
)

// Names of the fields of forms.
const (
	FieldToken      = "form"       // Pages.Check reads it
	FieldRequest    = "request"    // the handle of the authorization request
	FieldName       = "name"       // a user name or an e-mail address
	FieldPassword   = "password"   // the password, or the new one
	FieldAgain      = "again"      // the new password once more
	FieldCurrent    = "current"    // the password that is to be changed
	FieldCode       = "code"       // of an authenticator, or a recovery code
	FieldRemember   = "remember"   // "1": this browser, or this consent
	FieldCredential = "credential" // a passkey's answer (WebAuthn §5.1), JSON
	FieldState      = "state"      // what a page carried for its ceremony, sealed
	FieldLabel      = "label"      // what a person calls a passkey
	FieldScope      = "scope"      // one for each right that was left ticked
	FieldDecision   = "decision"   // Allow or Deny
	FieldLink       = "link"       // the handle that was mailed
	FieldID         = "id"         // of what is to be removed
	FieldOthers     = "others"     // "1": every session but this one
	FieldSure       = "sure"       // "1"
	FieldAccount    = "account"    // whom the page was shown to, by id
)

// Values of FieldDecision.
const (
	Allow = "allow"
	Deny  = "deny"
)
