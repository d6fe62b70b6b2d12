package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
)

// An outage is a switch in front of a server: while it is down, streams end and
// nothing is answered.
type outage struct {
	mu     sync.Mutex
	down   bool
	ctx    context.Context
	hangUp context.CancelFunc
}

func (o *outage) handler(s *Server) http.Handler {
	o.ctx, o.hangUp = context.WithCancel(context.Background())
	inner := s.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		down, until := o.down, o.ctx
		o.mu.Unlock()
		if down {
			panic(http.ErrAbortHandler)
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer context.AfterFunc(until, cancel)()
		defer cancel()
		inner.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (o *outage) set(down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down = down; down {
		o.hangUp()
	} else {
		o.ctx, o.hangUp = context.WithCancel(context.Background())
	}
}

// An apart is a gateway of its own beside a site.
type apart struct {
	*Gateway
	site      *site
	log       *logbook
	transport *http.Transport
	stop      func()
}

// feedClient is what the gateways of these tests ask as.
var feedClient = Credentials{ClientID: "gateway", Secret: secret.Of("a secret for the gateway")}

// apart runs a gateway for staging of a site, which it reaches over the network
// only, with a data folder that it may share with an earlier one.
func (s *site) apart(t testing.TB, example, data string, change func(*GatewayOptions)) *apart {
	t.Helper()
	config, api, err := system(example)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := catalogue.Parse(example+".yaml", config, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(api)
	t.Cleanup(upstream.Close)
	c := parsed.ForDev("http://"+s.address, data)
	for _, e := range c.Environments {
		e.Dialect = s.catalogue.Find(e.Name).Dialect
		for _, a := range e.APIs {
			a.Upstream, _ = url.Parse(upstream.URL)
			a.Token = s.catalogue.Find(e.Name).API(a.Name).Token
		}
	}
	made := &apart{site: s, log: &logbook{}}
	if _, err := s.environment("staging").Find(t.Context(), feedClient.ClientID); err != nil {
		s.register(t, "staging", registration{id: feedClient.ClientID, secret: feedClient.Secret.Reveal(), resource: true})
	}
	o := GatewayOptions{
		Catalogue: c, Environments: []string{"staging"}, Now: s.clock.Now, Random: rand.Reader,
		Credentials: func(string) (Credentials, error) { return feedClient, nil },
		Log:         slog.New(slog.NewJSONHandler(made.log, nil)),
	}
	if change != nil {
		change(&o)
	}
	if made.Gateway, err = NewGateway(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	made.transport = &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
	}}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- made.Serve(ctx, l, made.Handler()) }()
	made.stop = sync.OnceFunc(func() {
		made.transport.CloseIdleConnections()
		stop()
		if err := errors.Join(<-served, made.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(made.stop)
	return made
}

// call sends a request to the gateway and returns the status.
func (g *apart) call(t testing.TB, path, token string) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, g.site.environment("staging").Base.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := g.transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

func (g *apart) readyz() (int, string) {
	w := httptest.NewRecorder()
	g.Operations().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	return w.Code, w.Body.String()
}

func (g *apart) isReady() bool { status, _ := g.readyz(); return status == http.StatusOK }

// revoke ends a token as its client does (RFC 7009).
func (s *site) revoke(t testing.TB, token string) {
	t.Helper()
	got := s.send(t, s.request("POST "+s.environment("staging").Issuer.Path+"/oauth2/revoke HTTP/1.1",
		"client_id=YOUR_CLIENT_ID&client_secret=YOUR_CLIENT_SECRET&token="+token, formType))
	if got.code != http.StatusOK {
		t.Fatalf("not revoked: %s", got)
	}
}

// TestGatewaysApartHearOfRevocations is row S16 for gateways apart: from the call
// that revokes to the last accepted call at three of them, a hundred times, under
// a second, but for what the machine does meanwhile.
func TestGatewaysApartHearOfRevocations(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	var gateways []*apart
	for range 3 {
		gateways = append(gateways, s.apart(t, "fitness", t.TempDir(), nil))
	}
	for _, g := range gateways {
		until(t, "a ready gateway", g.isReady)
	}
	var all []time.Duration
	for range 100 {
		token := s.token(t, good)
		for _, g := range gateways {
			if got := g.call(t, "/moves", token); got != http.StatusOK {
				t.Fatalf("a good token: %d", got)
			}
		}
		began := time.Now()
		s.revoke(t, token)
		for _, g := range gateways {
			until(t, "the refusal", func() bool { return g.call(t, "/moves", token) == http.StatusUnauthorized })
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	t.Logf("from the revocation to the last accepted call at three gateways: median %v, maximum %v", all[50], all[99])
	if all[50] >= time.Second || all[99] >= promptly {
		t.Errorf("it took %v by the median, up to %v", all[50], all[99])
	}
}

// TestGatewayApartOutlivesItsIssuer is rows S16 and R15: without the issuer, calls
// pass until MaxStale and no longer, and a gateway that starts meanwhile lives on
// what an earlier one kept.
func TestGatewayApartOutlivesItsIssuer(t *testing.T) {
	var issuer outage
	s := start(t, setup{example: "fitness", handler: issuer.handler})
	data := t.TempDir()
	g := s.apart(t, "fitness", data, nil)
	until(t, "a ready gateway", g.isReady)
	token, ended := s.token(t, good), s.token(t, good)
	if got := g.call(t, "/moves", token); got != http.StatusOK {
		t.Fatalf("a good token: %d", got)
	}
	s.revoke(t, ended)
	until(t, "the refusal", func() bool { return g.call(t, "/moves", ended) == http.StatusUnauthorized })

	issuer.set(true)
	until(t, "the outage", func() bool { return !g.current.Load().followers[0].feed.Status().Streaming })
	s.clock.move(time.Minute)
	heard := g.current.Load().followers[0].feed.Status().Heard
	g.stop()
	again := s.apart(t, "fitness", data, nil)
	empty := s.apart(t, "fitness", t.TempDir(), nil)
	until(t, "the keys that were kept", again.isReady)
	s.clock.move(heard.Add(5 * time.Minute).Sub(s.clock.Now()))
	if got := again.call(t, "/moves", token); got != http.StatusOK {
		t.Errorf("at MaxStale: %d", got)
	}
	if got := again.call(t, "/moves", ended); got != http.StatusUnauthorized {
		t.Errorf("the ended token, after the restart: %d", got)
	}
	s.clock.move(time.Second)
	for name, g := range map[string]*apart{"past MaxStale": again, "without anything kept": empty} {
		if got := g.call(t, "/moves", token); got != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", name, got)
		}
		if status, said := g.readyz(); status != http.StatusServiceUnavailable || !strings.Contains(said, "staging: what is revoked is not known") {
			t.Errorf("%s, ready: %d %s", name, status, said)
		}
	}
	until(t, "the line that says so", func() bool {
		return strings.Contains(again.log.all(), "silent for too long") && strings.Contains(empty.log.all(), "until the issuer has said")
	})
	issuer.set(false)
	for _, g := range []*apart{again, empty} {
		until(t, "recovery", func() bool { return g.call(t, "/moves", token) == http.StatusOK })
		if got := g.call(t, "/moves", ended); got != http.StatusUnauthorized {
			t.Errorf("the ended token, afterwards: %d", got)
		}
	}
}

// TestGatewayApartKeepsKeysToItself: keys that somebody else may have written are
// not believed.
func TestGatewayApartKeepsKeysToItself(t *testing.T) {
	var issuer outage
	s := start(t, setup{example: "fitness", handler: issuer.handler})
	data := t.TempDir()
	g := s.apart(t, "fitness", data, nil)
	until(t, "a ready gateway", g.isReady)
	token := s.token(t, good)
	g.stop()
	issuer.set(true)
	path := filepath.Join(data, "keys-staging.json")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	again := s.apart(t, "fitness", data, nil)
	if got := again.call(t, "/moves", token); got != http.StatusServiceUnavailable {
		t.Errorf("with keys that others can write: %d", got)
	}
	if status, said := again.readyz(); status != http.StatusServiceUnavailable || !strings.Contains(said, "keys of the issuer") {
		t.Errorf("ready: %d %s", status, said)
	}
}

// TestGatewayApartWithWrongCredentials: it stays closed and says why.
func TestGatewayApartWithWrongCredentials(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	g := s.apart(t, "fitness", t.TempDir(), func(o *GatewayOptions) {
		o.Credentials = func(string) (Credentials, error) {
			return Credentials{ClientID: feedClient.ClientID, Secret: secret.Of("zq-not-its-secret")}, nil
		}
	})
	until(t, "the line that says so", func() bool {
		return strings.Contains(g.log.all(), `"client":"gateway"`) && strings.Contains(g.log.all(), "401 Unauthorized")
	})
	if got := g.call(t, "/moves", s.token(t, good)); got != http.StatusServiceUnavailable {
		t.Errorf("a call: %d", got)
	}
	if strings.Contains(g.log.all(), "zq-not-its-secret") {
		t.Error("the log holds the secret")
	}
}

// TestGatewayApartInEveryShape: tokens of every dialect, and handles, which it
// asks about.
func TestGatewayApartInEveryShape(t *testing.T) {
	for _, row := range []struct {
		dialect string
		format  catalogue.Format
	}{{"rfc", catalogue.JWT}, {"cognito", catalogue.JWT}, {"auth0", catalogue.JWT}, {"rfc", catalogue.Opaque}, {"auth0", catalogue.Opaque}} {
		t.Run(fmt.Sprintf("%s %s", row.dialect, row.format), func(t *testing.T) {
			s := start(t, setup{example: "fitness", change: func(c *catalogue.Catalogue) {
				for _, e := range c.Environments {
					e.Dialect = row.dialect
					for _, a := range e.APIs {
						a.Token.Format = row.format
					}
				}
			}})
			g := s.apart(t, "fitness", t.TempDir(), nil)
			until(t, "a ready gateway", g.isReady)
			e := s.environment("staging")
			form := good + "&audience=" + url.QueryEscape(e.APIs[0].Audience)
			got := s.send(t, s.request("POST "+e.Issuer.Path+e.dialect.TokenPaths[0]+" HTTP/1.1", form, formType))
			token := got.member("access_token")
			if got.code != http.StatusOK || strings.Contains(token, ".") != (row.format == catalogue.JWT) {
				t.Fatal(got)
			}
			for _, call := range []struct {
				path, token string
				status      int
			}{
				{"/moves", token, http.StatusOK},
				{"/accounts", token, http.StatusForbidden}, // another scope
				{"/moves", token + "x", http.StatusUnauthorized},
				{"/moves", "", http.StatusUnauthorized},
				{"/nowhere", token, http.StatusForbidden},
				{"/oauth2/token", "", http.StatusForbidden}, // it is a gateway and nothing else
			} {
				if got := g.call(t, call.path, call.token); got != call.status {
					t.Errorf("%s: %d, want %d", call.path, got, call.status)
				}
			}
			s.revoke(t, token)
			until(t, "the refusal", func() bool { return g.call(t, "/moves", token) == http.StatusUnauthorized })
		})
	}
}

// TestGatewayApartIsNothingElse: of an environment's endpoints it has the APIs'
// metadata only.
func TestGatewayApartIsNothingElse(t *testing.T) {
	s := start(t, setup{example: "fitness"})
	g := s.apart(t, "fitness", t.TempDir(), nil)
	e := s.environment("staging")
	for path, status := range map[string]int{
		"/.well-known/oauth-protected-resource" + e.Base.Path: http.StatusOK,
		e.Issuer.Path + "/oauth2/token":                       http.StatusNotFound,
		e.Issuer.Path + "/.well-known/jwks.json":              http.StatusNotFound,
		e.Issuer.Path + "/revocations":                        http.StatusNotFound,
		"/production" + "/v1/moves":                           http.StatusNotFound,
	} {
		r := httptest.NewRequest(http.MethodGet, "http://"+s.address+path, nil)
		w := httptest.NewRecorder()
		if g.Handler().ServeHTTP(w, r); w.Code != status {
			t.Errorf("%s: %d, want %d", path, w.Code, status)
		}
	}
	broken := *s.catalogue
	broken.Environments = broken.Environments[1:]
	if err := g.Reload(t.Context(), &broken); err == nil {
		t.Error("a configuration without the environment was taken")
	}
}
