package account

import (
	"slices"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// The classes that a sign-in is told by (acr, OpenID Connect Core §2).
const (
	ACROne = "urn:grantway:acr:1" // one factor
	ACRTwo = "urn:grantway:acr:2" // two factors of different kinds
)

// A Method is a way to prove who one is.
type Method string

// The methods. A password and an upstream provider say what a person knows; the
// others what a person has. A link in an e-mail is none of them: it lets a person
// set a password, and sign in with that.
const (
	Password Method = "password"
	Provider Method = "provider" // signed in at an upstream OpenID provider
	Passkey  Method = "passkey"
	TOTP     Method = "totp"
	Recovery Method = "recovery"
)

// fresh is how recent a sign-in must be for a sensitive change.
const fresh = 5 * time.Minute

// A Proof is something that a person has proven, and when.
type Proof struct {
	Method   Method    `json:"method"`
	At       time.Time `json:"at"`
	Verified bool      `json:"verified,omitempty"` // a passkey that itself checked who holds it (user verification): two factors
	Hardware bool      `json:"hardware,omitempty"` // a passkey that cannot leave its device
}

// kinds returns what the proof shows: that the person knows something, has
// something. Two factors are two different ones.
func (p *Proof) kinds() (knows, has bool) {
	switch p.Method {
	case Password, Provider:
		return true, false
	case Passkey:
		return p.Verified, true
	case TOTP, Recovery:
		return false, true
	}
	return false, false
}

// Means says with what an account could prove who its person is.
type Means struct {
	Password, Provider, Passkey, TOTP, Recovery bool

	Alone bool // one of the passkeys checks who holds it, and is two factors
}

// MeansOf tells an account's means by its factors and identities.
func MeansOf(factors []store.Factor, identities []store.Identity) Means {
	m := Means{Provider: len(identities) > 0}
	for _, f := range factors {
		switch f.Kind {
		case store.FactorPassword:
			m.Password = true
		case store.FactorPasskey:
			m.Passkey = true
			m.Alone = m.Alone || verifies(f)
		case store.FactorTOTP:
			m.TOTP = true
		case store.FactorRecovery:
			m.Recovery = true
		}
	}
	return m
}

// second reports whether the person can prove two different factors. A recovery
// code alone makes none of them: it stands in for something lost.
func (m Means) second() bool {
	return m.Alone || (m.Password || m.Provider) && (m.TOTP || m.Passkey)
}

// first reports whether the person can begin to sign in.
func (m Means) first() bool { return m.Password || m.Provider || m.Passkey }

// A Wish says what is asked of a sign-in. The zero value asks for what the
// environment does.
type Wish struct {
	Two       bool      // two factors are wanted, where the person has them
	Must      bool      // two factors, or nothing (an essential acr)
	Since     time.Time // what was proven before does not count (max_age, prompt=login)
	Sensitive bool      // for a change of the person's own factors and the like

	// Impossible: an acr is essential that we never reach.
	Impossible bool
}

// WishOf reads an authorization request (OpenID Connect Core §3.1.2.1, §5.5.1.1):
// acr_values or the values of an essential acr, the best first; max_age in seconds,
// nil without; again is prompt=login, by which what was proven before askedAt does
// not count. What was proven since then is recent enough for any max_age: the person
// has time for a second factor and for reading what is asked.
func WishOf(acr []string, essential bool, maxAge *int64, again bool, askedAt, now time.Time) Wish {
	var w Wish
	one, two := slices.Index(acr, ACROne), slices.Index(acr, ACRTwo)
	w.Two = two >= 0 && (one < 0 || two < one)
	if essential && len(acr) > 0 {
		w.Must = two >= 0 && one < 0
		w.Impossible = one < 0 && two < 0
	}
	if maxAge != nil {
		// An age beyond what a duration holds is as good as none.
		if age := time.Duration(*maxAge) * time.Second; *maxAge >= 0 && *maxAge < 1<<32 {
			w.Since = now.Add(-age)
		}
		if *maxAge <= 0 {
			again = true // OpenID Connect Core §3.1.2.1: as prompt=login
		}
	}
	if again || w.Since.After(askedAt) {
		w.Since = askedAt
	}
	return w
}

// From is since when a proof counts; the zero time where any does.
func (w Wish) From(now time.Time) time.Time {
	if recent := now.Add(-fresh); w.Sensitive && w.Since.Before(recent) {
		return recent
	}
	return w.Since
}

// A Standing is all that a sign-in is judged by.
type Standing struct {
	Means      Means
	Proven     []Proof // in the session and since, of this one person
	Remembered bool    // the browser is one that the person asked to be remembered in
	Required   bool    // the environment wants two factors of everybody
	Now        time.Time
}

// A Verdict is what [Judge] says.
type Verdict struct {
	Enough bool

	// Next is what the person can prove next, any of it; empty when it is enough,
	// when something must be set up, and when it cannot be reached.
	Next []Method

	// SetUp is what the person may set up, any of it, and must to go on: they have
	// proven all that they have. A password is set up by [Passwords.First].
	SetUp []Method

	// Impossible: what is asked for cannot be reached.
	Impossible bool

	ACR     string    // how strong it is so far; empty: nothing counts
	Methods []string  // the same as RFC 8176 names it (amr)
	At      time.Time // of the oldest proof that counts: when the person proved it all (auth_time)
}

// Judge decides whether what a person has proven is enough for what is asked. It
// is the only place that does (rule 5, row P07): signing in, carrying on with a
// session, a request for more, and changes of the person's own factors all ask
// here, so no way around a second factor leads past it.
//
// Where two factors are needed only two of different kinds do: what the person
// knows and what the person has. A remembered browser stands in for the second
// where it is the environment or the person who asks for it, never where the
// application or a sensitive change does.
func Judge(s Standing, w Wish) Verdict {
	since := w.From(s.Now)
	var counted []Proof
	knows, has := false, false
	for _, p := range s.Proven {
		k, h := p.kinds()
		if p.At.Before(since) || p.At.After(s.Now.Add(leeway)) || !k && !h {
			continue
		}
		counted = append(counted, p)
		knows, has = knows || k, has || h
	}
	began := slices.ContainsFunc(counted, func(p Proof) bool { return first(p.Method) })

	v := Verdict{Methods: methods(counted, knows && has), Impossible: w.Impossible}
	for _, p := range counted {
		if v.At.IsZero() || p.At.Before(v.At) {
			v.At = p.At
		}
	}
	switch {
	case began && knows && has:
		v.ACR = ACRTwo
	case began:
		v.ACR = ACROne
	}

	two := s.Required || s.Means.second() || w.Must
	if s.Remembered && !w.Must && !w.Two && !w.Sensitive {
		two = false
	}
	switch {
	case w.Impossible:
	case began && (!two || knows && has):
		v.Enough = true
	case !began:
		v.Next = pick(s.Means, Passkey, Password, Provider)
	case !s.Means.second() && knows:
		v.SetUp = []Method{Passkey, TOTP}
	case !s.Means.second():
		v.SetUp = []Method{Passkey, Password}
	case !has:
		v.Next = pick(s.Means, Passkey, TOTP, Recovery)
	default: // a passkey that did not check who holds it
		v.Next = pick(s.Means, Password, Provider)
		if s.Means.Alone {
			v.Next = append(v.Next, Passkey)
		}
	}
	return v
}

// leeway is how far the clock of another node may be ahead.
const leeway = time.Minute

// first reports whether a sign-in can begin with the method. A code of six digits
// or a slip of paper alone is nobody's.
func first(m Method) bool { return m == Password || m == Provider || m == Passkey }

// pick returns those of the methods that the person has.
func pick(m Means, from ...Method) []Method {
	has := map[Method]bool{Password: m.Password, Provider: m.Provider, Passkey: m.Passkey, TOTP: m.TOTP, Recovery: m.Recovery}
	return slices.DeleteFunc(from, func(m Method) bool { return !has[m] })
}

// The names of RFC 8176 §2, and "fed" for what an upstream provider vouches for,
// which has none there.
const (
	amrPassword = "pwd"
	amrCode     = "otp"
	amrHardware = "hwk"
	amrSoftware = "swk"
	amrPresence = "user"
	amrTwo      = "mfa"
	amrProvider = "fed"
)

// methods names what was proven, without repetition.
func methods(proven []Proof, two bool) []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, p := range proven {
		switch p.Method {
		case Password:
			add(amrPassword)
		case Provider:
			add(amrProvider)
		case TOTP, Recovery:
			add(amrCode)
		case Passkey:
			if p.Hardware {
				add(amrHardware)
			} else {
				add(amrSoftware)
			}
			add(amrPresence)
		}
	}
	if two {
		add(amrTwo)
	}
	return names
}

// ProvenIn returns what was proven in a session: all of it when the session says
// the person proved it.
func ProvenIn(s store.Session) []Proof {
	var proven []Proof
	known := slices.Contains(s.Methods, amrPassword) || slices.Contains(s.Methods, amrProvider)
	two := slices.Contains(s.Methods, amrTwo)
	for _, name := range s.Methods {
		p := Proof{At: s.AuthenticatedAt}
		switch name {
		case amrPassword:
			p.Method = Password
		case amrProvider:
			p.Method = Provider
		case amrCode:
			p.Method = TOTP
		case amrHardware, amrSoftware:
			p.Method, p.Hardware = Passkey, name == amrHardware
			// Without anything known, two factors can only have come of the passkey.
			p.Verified = two && !known
		default:
			continue
		}
		proven = append(proven, p)
	}
	return proven
}
