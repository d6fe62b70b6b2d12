package web

import "time"

// SignIn asks for a user name and a password, on one page, so that password
// managers fill in both.
type SignIn struct {
	Application string     // that sent the person here; empty: they came for their account
	Name        string     // typed before, or the login_hint
	Fixed       bool       // the name is known and only confirmed (prompt=login, max_age)
	Providers   []Provider // to sign in at instead, in order
	Passkey     string     // options of navigator.credentials.get as JSON; empty: no passkeys here
	State       string     // of that ceremony, to come back as FieldState; empty: kept elsewhere
	Forgotten   bool       // a new password can be mailed
}

// A Provider is a place to sign in at instead of here.
type Provider struct {
	Title string // on the button
	URL   string // path that starts it, with its query
}

// SecondFactor asks for the second proof, by what the person has.
type SecondFactor struct {
	Name     string        // who is signing in
	TOTP     bool          // they have an authenticator
	Codes    bool          // they have recovery codes
	Passkey  string        // options of navigator.credentials.get as JSON; empty: none
	State    string        // of that ceremony, to come back as FieldState; empty: kept elsewhere
	Remember time.Duration // offered for this browser; zero: not offered (a step-up asks again anyway)
}

// Recovery asks for one of the recovery codes, in place of the authenticator.
type Recovery struct {
	Name string
}

// SetUpTOTP shows a new authenticator secret and asks for a first code.
type SetUpTOTP struct {
	Picture   []byte // of the otpauth URL, as a QR code
	MediaType string // image/png or image/svg+xml
	URI       string // the same, as a link for who reads this on the telephone; empty: none
	Secret    string // the same in base32, for typing; the page sets it in groups of four
	State     string // to come back as FieldState; empty: kept elsewhere
	Required  bool   // nobody gets in without a second factor
	Passkey   bool   // which may be a passkey: the page links to that one
}

// RecoveryCodes shows new recovery codes, the only time.
type RecoveryCodes struct {
	Codes []string
	Next  string // path where the journey goes on; empty: PathAccount
}

// SetUpPasskey makes a passkey. Without JavaScript it says that it needs it.
type SetUpPasskey struct {
	Options  string // of navigator.credentials.create as JSON
	Label    string // suggested name: "Firefox on Linux"
	State    string // to come back as FieldState; empty: kept elsewhere
	Required bool   // nobody gets in without a second factor
}

// Forgotten asks whose password was forgotten.
type Forgotten struct {
	Name string // typed before
}

// Sent says that a mail is on its way if there is such an account. It says the
// same whether or not there is.
type Sent struct {
	For time.Duration // how long its link is good
}

// Reset asks for a new password, from a link in a mail.
type Reset struct {
	Link  string // handle
	Name  string // of the account, so that password managers know whose it is
	Least int    // characters
}

// Verify asks to confirm an e-mail address, from a link in a mail. The address is
// verified by the button and not by the link, which mail scanners follow too.
type Verify struct {
	Link  string // handle
	Email string
}

// Verified says that an e-mail address is verified.
type Verified struct {
	Email string
}

func (SignIn) screen() string        { return "signin" }
func (SecondFactor) screen() string  { return "second" }
func (Recovery) screen() string      { return "recovery" }
func (SetUpTOTP) screen() string     { return "totp" }
func (RecoveryCodes) screen() string { return "codes" }
func (SetUpPasskey) screen() string  { return "passkey" }
func (Forgotten) screen() string     { return "forgotten" }
func (Sent) screen() string          { return "sent" }
func (Reset) screen() string         { return "reset" }
func (Verify) screen() string        { return "verify" }
func (Verified) screen() string      { return "verified" }
