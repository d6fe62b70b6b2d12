package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	oauthclient "github.com/grantway/grantway/client"
	"github.com/grantway/grantway/internal/web"
)

// A loopback is where a browser comes back to: this machine, for as long as a
// sign-in takes (RFC 8252 §7.3, §8.3).
type loopback struct {
	uri, path string
	hosts     []string // that a request may name, against names that somebody let point here
	listeners []net.Listener
	server    *http.Server
	ended     chan landed
	close     func()
}

// landed is how a sign-in ended.
type landed struct {
	token oauthclient.Token
	err   error
}

// listenLoopback listens at the redirect URI, which is http on this machine. A port
// that is not 0 takes the place of the URI's; without any it is a free one.
func listenLoopback(redirect string, port uint16) (*loopback, error) {
	u, err := url.Parse(redirect)
	if err != nil {
		return nil, fmt.Errorf("redirect_uri: %w", err)
	}
	wanted := u.Port()
	if port != 0 {
		wanted = strconv.Itoa(int(port))
	}
	// localhost is either, as the browser likes: were one left to somebody else of
	// this machine, that one could get the answer.
	hosts := map[string][]string{"127.0.0.1": {"127.0.0.1"}, "::1": {"::1"}, "localhost": {"127.0.0.1", "::1"}}[u.Hostname()]
	if hosts == nil {
		return nil, fmt.Errorf("redirect_uri: %s is not on this machine", u.Host)
	}
	l := &loopback{uri: redirect, path: u.Path, ended: make(chan landed, 1)}
	for range 20 { // a free port of one family may be taken in the other
		if l.listeners, err = listenAll(hosts, wanted); err == nil || wanted != "" {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("nobody can come back to %s: %w\nAnother port: --port", redirect, err)
	}
	_, got, err := net.SplitHostPort(l.listeners[0].Addr().String())
	if err != nil {
		return nil, err
	}
	// The text itself is altered: servers compare it character by character.
	host := strings.TrimSuffix(u.Host, ":"+u.Port())
	if u.Port() != "" || got != "80" {
		l.uri = strings.Replace(redirect, u.Host, host+":"+got, 1)
	}
	l.hosts = []string{host + ":" + got}
	if got == "80" {
		l.hosts = append(l.hosts, host)
	}
	if l.path == "" {
		l.path = "/"
	}
	l.close = sync.OnceFunc(l.shut)
	return l, nil
}

// listenAll listens on one port of all hosts; those that this machine does not have
// are left out, except for the first.
func listenAll(hosts []string, port string) (all []net.Listener, err error) {
	if port == "" {
		port = "0"
	}
	for i, host := range hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			if i > 0 && !errors.Is(err, syscall.EADDRINUSE) {
				continue
			}
			for _, other := range all {
				_ = other.Close() // nobody was answered
			}
			return nil, err
		}
		all = append(all, l)
		if _, port, err = net.SplitHostPort(l.Addr().String()); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// serve answers until close, and tells ended what came of it.
func (l *loopback) serve(h *landing) {
	h.ended = l.ended
	l.server = &http.Server{
		Handler: h, ReadTimeout: 10 * time.Second, IdleTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // a browser that closes a connection is no news
	}
	for _, listener := range l.listeners {
		go func() { _ = l.server.Serve(listener) }() // it ends when it is closed
	}
}

// shut lets the page that is under way arrive.
func (l *loopback) shut() {
	if l.server == nil {
		for _, listener := range l.listeners {
			_ = listener.Close() // nobody was answered
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if l.server.Shutdown(ctx) != nil {
		_ = l.server.Close() // what is left has waited long enough
	}
}

// A landing takes the one answer that belongs to the sign-in. Others are refused,
// and it goes on waiting: any page of the browser can send one.
type landing struct {
	path     string
	hosts    []string
	exchange func(answer map[string][]string) (oauthclient.Token, error)
	stranger func() // is told, once, of an answer that is another's
	ended    chan<- landed

	mu           sync.Mutex // held while a code is exchanged, which is done once
	done, warned bool
}

// ServeHTTP is http.Handler's.
func (h *landing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case !slices.Contains(h.hosts, r.Host):
		landPage(w, r, http.StatusMisdirectedRequest, "Not here", "This address is for a sign-in of the command line.")
	case path != h.path:
		landPage(w, r, http.StatusNotFound, "Not here", "This address is for a sign-in of the command line.")
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		landPage(w, r, http.StatusMethodNotAllowed, "Not so", "The answer of a sign-in comes by GET.")
	default:
		h.land(w, r)
	}
}

func (h *landing) land(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.done {
		landPage(w, r, http.StatusConflict, "Answered already", "The command line has its answer. You can close this window.")
		return
	}
	t, err := h.exchange(r.URL.Query())
	if errors.Is(err, oauthclient.ErrState) {
		if !h.warned {
			h.warned = true
			h.stranger()
		}
		landPage(w, r, http.StatusBadRequest, "Not this sign-in", "This answer belongs to another sign-in. Go on in the window that the command line opened, or start anew there.")
		return
	}
	h.done = true
	if err != nil {
		landPage(w, r, http.StatusOK, "Not signed in", "The command line says why. You can close this window.")
	} else {
		landPage(w, r, http.StatusOK, "Signed in", "You can close this window, and go on at the command line.")
	}
	h.ended <- landed{t, err}
}

// landPage answers with a page that holds nothing of the request and loads nothing.
func landPage(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	w.Header().Set("Connection", "close")
	web.Send(w, r, status, "text/html; charset=utf-8", []byte(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>`+title+`</title>
<main>
<h1>`+title+`</h1>
<p>`+text+`</p>
</main>
`))
}
