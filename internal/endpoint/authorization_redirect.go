package endpoint

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/grantway/grantway/internal/refusal"
)

// unregistered refuses a redirect URI, and lets the log say which: what of it could
// be somebody's, a name before the host, the query and the fragment, is left out.
func unregistered(sent string) error {
	const longest = 200 // bytes
	u, err := url.Parse(sent)
	if err != nil {
		return refusal.RedirectUnknown.From(errors.New("what was sent is no URI"))
	}
	text := (&url.URL{Scheme: u.Scheme, Opaque: u.Opaque, Host: u.Host, Path: u.Path, RawPath: u.RawPath, OmitHost: u.OmitHost}).String()
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	if u.RawQuery != "" || u.ForceQuery {
		text += "?…"
	}
	if u.Fragment != "" {
		text += "#…"
	}
	return refusal.RedirectUnknown.From(fmt.Errorf("it was %q", text))
}
