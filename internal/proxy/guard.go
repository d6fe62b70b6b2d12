package proxy

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/limit"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/wire"
)

// admit decides by whom a request may come at all: under our name, at a bearable
// rate, and, where a browser sends it, from a page that may.
func (p *Proxy) admit(w http.ResponseWriter, r *http.Request) error {
	// A name that leads here and is not ours belongs to somebody who wants a browser
	// to take us for them (DNS rebinding).
	if !p.named(r.Host) {
		return hostForeign
	}
	if p.address != nil {
		if ok, retry := p.address.Spend(limit.AddressKey(limit.ClientAddress(r, p.config.Listen.Trusted))); !ok {
			return slower(w, retry)
		}
	}
	if p.config.Inject {
		if r.Header["Origin"] != nil || r.Header["Sec-Fetch-Site"] != nil {
			return originForeign // a browser: programs send neither
		}
		return nil
	}
	return p.fromPage(w, r)
}

func (p *Proxy) named(host string) bool {
	if !p.config.Inject {
		return strings.EqualFold(host, p.config.Public.Host)
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	return catalogue.LoopbackName(name) || slices.Contains(p.config.Hosts, name)
}

// fromPage lets pages of ours and of listed origins through and no others (row
// R02). A browser says where a request comes from in Origin, or Sec-Fetch-Site, or
// both; what says neither and alters something must have a header that no foreign
// page can set without being asked first.
func (p *Proxy) fromPage(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	if len(p.config.Origins) > 0 {
		h.Add("Vary", "Origin")
	}
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	sent, site := r.Header["Origin"], r.Header.Get("Sec-Fetch-Site")
	switch {
	case len(sent) > 1:
		return originForeign.From(errors.New("there is more than one Origin"))
	case len(sent) == 1:
		i := slices.Index(p.origins, sent[0])
		if i < 0 {
			return originForeign
		}
		if i > 0 {
			h["Access-Control-Allow-Origin"] = sent
			h["Access-Control-Allow-Credentials"] = []string{"true"}
			h["Access-Control-Expose-Headers"] = exposed
		}
		return nil
	case site == "same-origin", site == "none" && safe, site == "" && safe:
		return nil
	case site == "" && r.Header["X-Requested-With"] != nil:
		return nil
	case p.navigates(r):
		return nil
	}
	return originForeign
}

// navigates reports whether a browser opens a page of ours, or comes back from
// signing in: links and redirects may come from anywhere, and such a request calls
// no API.
func (p *Proxy) navigates(r *http.Request) bool {
	if r.Method != http.MethodGet || r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document" {
		return false
	}
	path, err := pathOf(r)
	if err != nil {
		return false // who knows what it opens
	}
	below, routed := p.below(path)
	return !routed || p.routes.Find(below) == nil
}

// preflight answers a browser that asks whether a listed origin may call (Fetch
// §4.8).
func (p *Proxy) preflight(w http.ResponseWriter, r *http.Request, found *place) {
	h := w.Header()
	if h["Access-Control-Allow-Origin"] != nil {
		h.Set("Access-Control-Allow-Methods", strings.Join(found.methods(), ", "))
		h.Set("Access-Control-Allow-Headers", "Accept, Content-Type, Idempotency-Key, If-Match, If-Modified-Since, If-None-Match, Range, X-Requested-With")
		h.Set("Access-Control-Max-Age", "600")
	}
	h.Set("Allow", strings.Join(found.methods(), ", "))
	w.WriteHeader(http.StatusNoContent)
}

var exposed = []string{"Content-Range, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, X-Total-Count"}

// query returns the query as it goes on: without access tokens, which are not for
// URLs, and with nothing that the route does not have. What some APIs take for
// another method than the request's has to be listed by the route. Pairs are read as the
// strictest and the loosest server would; where those differ, they are refused.
func (u *rule) query(raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	if strings.Contains(raw, ";") {
		return "", queryClosed.From(errors.New("a semicolon, which some servers read as &"))
	}
	var kept []string
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		sent, _, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(sent)
		if err != nil {
			return "", queryClosed.From(err)
		}
		if strings.EqualFold(name, "access_token") {
			continue
		}
		if (!u.AnyQuery || wire.SaysMethod(sent)) && !slices.Contains(u.Query, name) {
			return "", queryClosed
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&"), nil
}

// tooLarge answers a request whose parts are too large.
func (p *Proxy) tooLarge(w http.ResponseWriter, r *http.Request, status int, what string) {
	reason := refusal.HeadersTooLarge
	if status == http.StatusRequestURITooLong {
		reason = refusal.URLTooLong
	}
	w.Header().Set("Connection", "close")
	p.refuse(w, r, reason.From(errors.New(what)))
}
