package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/wire"
)

// spring is the envelope of APIs whose clients know Spring Security OAuth.
const spring = "spring"

// queryToken is the parameter of RFC 6750 §2.3.
const queryToken = "access_token"

// unquery takes an access token out of the query, where the API reads one there,
// and puts it into the header: who checks it need not know, and who stands behind
// us does not see it. It is read for requests that alter nothing, once, and
// spelled plainly. The answer to such a request is kept by nobody.
//
// For a proxy that only asks, nothing can be taken out: it would pass it on.
func (g *Gateway) unquery(r *http.Request, c *call, asked bool) error {
	u := c.rule
	if !u.api.Query {
		return nil // whoever checks tokens refuses it
	}
	if slices.ContainsFunc(r.Header["Referer"], func(from string) bool { return strings.Contains(from, queryToken) }) {
		r.Header.Del("Referer") // the page that was left had one
	}
	rest, presented, found, odd := cutToken(r.URL.RawQuery)
	if found == 0 && !odd {
		return nil
	}
	c.queried = true
	switch {
	case odd || asked || r.Method != http.MethodGet && r.Method != http.MethodHead || u.writes():
		return refusal.TokenNotForURL
	case found > 1:
		return refusal.TokenTwice
	}
	r.URL.RawQuery = rest
	r.RequestURI = r.URL.RequestURI()
	token, err := url.QueryUnescape(presented)
	if err != nil {
		return refusal.TokenMalformed.From(err)
	}
	sent := r.Header["Authorization"]
	if len(sent) > 0 {
		// RFC 6750 §2 forbids both. Servers of Spring take the header, so that
		// clients exist which always send both; two different ones are a mistake
		// there too.
		if same, err := wire.Bearer(sent[0]); len(sent) > 1 || u.api.Envelope != spring || err != nil || same != token {
			return refusal.TokenTwice // row M09
		}
		return nil
	}
	r.Header["Authorization"] = []string{"Bearer " + token}
	return nil
}

// cutToken returns a query without its access tokens, the last of them as it is
// spelled, and how many there were. It is odd when some server could find one
// that another would not: with its name escaped, or behind a semicolon.
func cutToken(query string) (rest, token string, found int, odd bool) {
	if !strings.Contains(query, queryToken) && !strings.Contains(query, "%") {
		return query, "", 0, false
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == queryToken && !strings.Contains(value, ";") {
			token = value
			found++
			continue
		}
		for part := range strings.SplitSeq(pair, ";") {
			name, _, _ := strings.Cut(part, "=")
			if decoded, err := url.QueryUnescape(name); err == nil && decoded == queryToken {
				odd = true
			}
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&"), token, found, odd
}

// writes reports whether every way to satisfy the rule takes a scope that alters
// something.
func (u *rule) writes() bool {
	if len(u.AnyOf) == 0 {
		return false
	}
	return !slices.ContainsFunc(u.AnyOf, func(needed []string) bool {
		return !slices.ContainsFunc(needed, func(name string) bool {
			return slices.ContainsFunc(u.api.Scopes, func(s *catalogue.Scope) bool { return s.Name == name && s.Write })
		})
	})
}

// discreet keeps an answer to a request with its token in the URL from being kept,
// and the URL from being told to the next page.
func (c *call) discreet(h http.Header) {
	if c.queried {
		h["Cache-Control"] = discreetCache
		h["Referrer-Policy"] = discreetReferrer
	}
}

var (
	discreetCache    = []string{"private, no-store"}
	discreetReferrer = []string{"no-referrer"}
)
