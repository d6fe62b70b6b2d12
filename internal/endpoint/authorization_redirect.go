package endpoint

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/grantway/grantway/internal/refusal"
)

// unregistered refuses a redirect URI, and lets the log say how it differs from the
// registered one that is most like it. What was sent stays out of it: a code or a
// person could be in any part.
func unregistered(registered []string, sent string) error {
	u, err := url.Parse(sent)
	if err != nil {
		return refusal.RedirectUnknown.From(errors.New("what was sent is no URI"))
	}
	best, same := "", -1
	for _, one := range registered {
		if r, err := url.Parse(one); err == nil {
			if n := alike(r, u); n > same {
				best, same = one, n
			}
		}
	}
	if same < 0 {
		return refusal.RedirectUnknown.From(errors.New("the client has registered none"))
	}
	return refusal.RedirectUnknown.From(fmt.Errorf("it differs from %q by its %s", best, redirectParts[same]))
}

// redirectParts are what a redirect URI is compared by, in this order.
var redirectParts = []string{"scheme", "host", "port", "path", "query", "user, fragment or spelling"}

// alike is how many of the parts are the same before one differs; the last one does
// where the others do not.
func alike(a, b *url.URL) int {
	pairs := [...][2]string{
		{a.Scheme, b.Scheme},
		{a.Hostname(), b.Hostname()},
		{a.Port(), b.Port()},
		{a.Opaque + a.EscapedPath(), b.Opaque + b.EscapedPath()},
		{a.RawQuery, b.RawQuery},
	}
	for i, p := range pairs {
		if p[0] != p[1] {
			return i
		}
	}
	return len(pairs)
}
