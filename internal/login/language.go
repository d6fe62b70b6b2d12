package login

import (
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/store"
)

// speak chooses the language of the page: what the application asked for
// (ui_locales, OpenID Connect Core §3.1.2.1), else what the account says of whoever
// is known here, else what the browser prefers.
func (v *visit) speak() {
	var a store.Account
	if who, known := v.who(); known {
		// An account that cannot be read is for the page to find out, which says it in
		// the browser's language.
		a, _ = v.j.Accounts.Find(v.r.Context(), who.AccountID)
	}
	v.speakTo(a)
}

// speakTo chooses it for a person who is known by other means than by signing in.
func (v *visit) speakTo(a store.Account) {
	var wanted []string
	if v.pending != nil {
		wanted = slices.Clone(v.pending.asked.Locales)
	}
	// Some providers write nl_NL (OpenID Connect Core §5.1).
	wanted = append(wanted, strings.ReplaceAll(a.Profile.Locale, "_", "-"))
	v.language = v.j.Languages.Choose(v.r, wanted...)
}
