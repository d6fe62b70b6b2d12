package web

import "time"

// Account shows a person everything about their account, and lets them take each
// thing back.
type Account struct {
	Name          string // user name
	FullName      string
	Email         string // empty: unknown
	EmailVerified bool
	Mails         bool // a verifying mail can be sent

	Portal  string // URL where the person helps themselves; empty: nowhere
	Console string // URL where an operator works; empty: the person is none

	Password     time.Time // since when; zero: there is none
	TOTP         *Factor   // nil: none
	Passkeys     []Factor
	NoPasskeys   bool // the site can have none
	Codes        int  // recovery codes that are left
	Identities   []Identity
	Elsewhere    []Elsewhere // where the person can be linked to
	Sessions     []Session
	Devices      []Device
	Applications []Application
	Servers      []Server
}

// A Factor is something to sign in with.
type Factor struct {
	ID      string
	Name    string
	AddedAt time.Time
	UsedAt  time.Time // zero: never
}

// An Identity is the person at another provider.
type Identity struct {
	ID       string
	Provider string
}

// Elsewhere is a provider that no identity of the person is at.
type Elsewhere struct {
	ID       string // its name, as FieldID sends it
	Provider string
	URL      string // where the form leads in the end
}

// A Session is a browser that is signed in.
type Session struct {
	ID        string
	Agent     string // "Firefox on Linux"; empty: unknown
	StartedAt time.Time
	SeenAt    time.Time
	Here      bool // it is the one that reads this page
}

// A Device is a browser that is not asked for the second factor.
type Device struct {
	ID     string
	Name   string // empty: unknown
	EndsAt time.Time
}

// An Application is what acts for the person.
type Application struct {
	ID       string // client id
	Name     string
	Owner    string
	Verified bool
	Homepage string // URL; empty: none, or nobody has checked whose it is
	Rights   []Right
	Away     bool // also while the person is away
	GivenAt  time.Time
	UsedAt   time.Time // zero: never
}

// A Server reads what is the person's without asking them: an elevated API token.
type Server struct {
	Name   string
	Rights []Right
	UsedAt time.Time // zero: never for this person
	EndsAt time.Time
}

// ChangePassword asks for the old and a new password.
type ChangePassword struct {
	Name  string // of the account, so that password managers know whose it is
	First bool   // the account has none yet
	Least int    // characters
}

// Erase asks whether to delete the account.
type Erase struct {
	Name         string
	Password     bool // it is asked for
	Applications int  // that lose access
}

func (Account) screen() string        { return "account" }
func (ChangePassword) screen() string { return "change" }
func (Erase) screen() string          { return "erase" }
