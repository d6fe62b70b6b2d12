package login

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/web"
)

// A progress is what a person has proven since the session began, or before there is
// one, and what ceremonies are under way. It travels in a cookie, sealed and bound to
// the browser, so that half a sign-in needs no row in the store.
type progress struct {
	AccountID string          `json:"account,omitempty"`
	Proven    []account.Proof `json:"proven,omitempty"`
	Passkey   []byte          `json:"passkey,omitempty"` // state of the ceremony
	TOTP      string          `json:"totp,omitempty"`    // state of the app that is set up
	Return    string          `json:"return,omitempty"`  // the page that asked for a recent sign-in, one of ours
	Within    string          `json:"within,omitempty"`  // handle of the request that it stood in
	Done      web.Done        `json:"done,omitempty"`    // to be said by the next page
	EndsAt    time.Time       `json:"ends_at"`
}

// progressFor is how long a person may take between two proofs. Pages that are shown
// meanwhile do not make it longer.
const progressFor = 15 * time.Minute

func (v *visit) progressContext() []byte {
	return []byte("progress of a sign-in\x00" + v.j.Environment + "\x00" + v.browser)
}

// readProgress returns what the cookie holds; nothing, where it is another
// browser's, too old or no progress at all.
func (v *visit) readProgress() (progress, error) {
	sent, err := v.cookie(progressCookie)
	if err != nil || sent == "" {
		return progress{}, err
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(sent)
	if err != nil {
		return progress{}, nil
	}
	text, err := v.j.Seal.Open(sealed, v.progressContext())
	if err != nil {
		return progress{}, nil
	}
	var p progress
	if json.Unmarshal(text, &p) != nil || !v.j.Now().Before(p.EndsAt) {
		return progress{}, nil
	}
	return p, nil
}

// keep puts the progress into the cookie.
func (v *visit) keep() error {
	if len(v.progress.Proven) == 0 {
		v.progress.EndsAt = v.j.Now().Add(progressFor)
	}
	text, err := json.Marshal(&v.progress)
	if err != nil {
		return err
	}
	v.setCookie(progressCookie, base64.RawURLEncoding.EncodeToString(v.j.Seal.Close(text, v.progressContext())), v.progress.EndsAt)
	return nil
}

// proved adds a proof of a person. What another person proved here before does not
// count for them.
func (v *visit) proved(accountID string, proof account.Proof) {
	if v.progress.AccountID != accountID {
		v.progress = progress{AccountID: accountID}
	}
	// The newest proof of a kind stands for all of it, unless it is the weaker one.
	v.progress.Proven = slices.DeleteFunc(v.progress.Proven, func(p account.Proof) bool {
		return p.Method == proof.Method && (proof.Verified || !p.Verified)
	})
	v.progress.Proven = append(v.progress.Proven, proof)
	v.progress.Passkey, v.progress.EndsAt = nil, v.j.Now().Add(progressFor)
}

// who is who has proven something here, in the session and since. A sign-in that was
// begun for somebody else than who is signed in is about them.
func (v *visit) who() (account.Signed, bool) {
	switch {
	case v.progress.AccountID == "" && v.session == nil:
		return account.Signed{}, false
	case v.progress.AccountID == "":
		return account.SignedIn(*v.session), true
	}
	who := account.Signed{AccountID: v.progress.AccountID, Proven: v.progress.Proven}
	if v.session != nil && v.session.AccountID == who.AccountID {
		who.SessionID = v.session.ID
		who.Proven = append(account.ProvenIn(*v.session), who.Proven...)
	}
	return who, true
}
