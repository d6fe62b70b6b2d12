package gateway

import (
	"bufio"
	"context"
	"crypto"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/forward"
	"github.com/grantway/grantway/resource"
)

// A fixture is a gateway in front of an upstream that remembers what reached it.
type fixture struct {
	environment *catalogue.Environment
	settings    Settings
	gateway     *httptest.Server
	answer      http.HandlerFunc // of the upstream; nil: 200 "here"
	facts       chan *activity.Fact

	mu   sync.Mutex
	seen []*http.Request
}

const (
	readToken  = "read-token"  // notes, scope read
	writeToken = "write-token" // notes, scopes read and write
	otherToken = "other-token" // the other API, scope read
	shortToken = "short-token" // notes, scope read; ends a shortLife after it is first checked
	annToken   = "ann-token"   // notes, scopes read and write, granted by Ann
	bobToken   = "bob-token"   // notes, scopes read and write, granted by Bob, who is disabled
)

// shortLife is long enough for a word and its answer on a busy machine.
const shortLife = 2 * time.Second

// start runs a gateway. Each change is applied to its settings before.
func start(t testing.TB, answer http.HandlerFunc, changes ...func(*fixture)) *fixture {
	t.Helper()
	f := &fixture{answer: answer, facts: make(chan *activity.Fact, 100)}
	upstream := httptest.NewServer(http.HandlerFunc(f.upstream))
	t.Cleanup(upstream.Close)
	f.environment = environment(t, upstream.URL)
	transport := forward.Transport(nil)
	t.Cleanup(transport.CloseIdleConnections)
	f.settings = Settings{
		Environment: f.environment, Realm: "staging", Transport: transport, BodyLimit: 1000, Now: time.Now,
	}
	for _, change := range changes {
		change(f)
	}
	f.settings.Checkers = checkers(t, f.environment, time.Now())
	g := New(f.settings)
	f.gateway = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fact := &activity.Fact{Trace: "trace-of-this"}
		defer func() { f.facts <- fact }()
		g.ServeHTTP(w, r.WithContext(activity.With(r.Context(), fact)))
	}))
	t.Cleanup(f.gateway.Close)
	return f
}

func environment(t testing.TB, upstream string) *catalogue.Environment {
	t.Helper()
	to, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	base := &url.URL{Scheme: "https", Host: "api.example"}
	read, write := &catalogue.Scope{Name: "read"}, &catalogue.Scope{Name: "write"}
	return &catalogue.Environment{
		Name: "staging", Issuer: &url.URL{Scheme: "https", Host: "auth.example"}, Base: base,
		APIs: []*catalogue.API{
			{
				Name: "notes", Audience: "https://api.example/notes", Resource: "https://api.example/notes", Upstream: to,
				Envelope: "rfc", Scopes: []*catalogue.Scope{read, write},
				Routes: []catalogue.Route{
					{Methods: []string{"GET"}, Path: "/notes", AnyOf: [][]string{{"read"}}, Access: catalogue.Bearer},
					{Methods: []string{"POST"}, Path: "/notes", AnyOf: [][]string{{"read", "write"}}, Access: catalogue.Bearer},
					{Methods: []string{"GET", "POST"}, Path: "/notes/{id}", AnyOf: [][]string{{"write"}, {"read"}}, Access: catalogue.Bearer},
					{Methods: []string{"GET"}, Path: "/notes/{id}/…", Access: catalogue.Bearer},
					{Methods: []string{"GET", "POST"}, Path: "/open", Access: catalogue.Public},
					{Methods: []string{"GET", "POST"}, Path: "/open/…", Access: catalogue.Public},
					{Methods: []string{"GET"}, Path: "/shared", Access: catalogue.Bearer},
				},
			},
			{
				Name: "other", Audience: "other", Resource: "https://api.example/other", Upstream: to, Envelope: "rfc",
				Scopes: []*catalogue.Scope{read},
				Routes: []catalogue.Route{
					{Methods: []string{"GET"}, Path: "/other", AnyOf: [][]string{{"read"}}, Access: catalogue.Bearer},
					{Methods: []string{"POST"}, Path: "/shared", Access: catalogue.Bearer},
				},
			},
		},
	}
}

// checkers know the opaque tokens of the fixture and no others.
func checkers(t testing.TB, e *catalogue.Environment, now time.Time) map[string]Checker {
	t.Helper()
	all := map[string]Checker{}
	good := func(audience string, scope ...string) resource.Token {
		return resource.Token{
			ID: "random.secret1", Subject: "client1", ClientID: "client1", Audience: []string{audience}, Scope: scope,
			IssuedAt: now, ExpiresAt: now.Add(time.Hour),
		}
	}
	var ends time.Time
	var shown sync.Once
	tokens := map[string]resource.Token{
		readToken: good(e.APIs[0].Audience, "read"), writeToken: good(e.APIs[0].Audience, "read", "write"), shortToken: good(e.APIs[0].Audience, "read"),
	}
	for text, person := range map[string]string{annToken: "ann-id", bobToken: "bob-id"} {
		granted := good(e.APIs[0].Audience, "read", "write")
		granted.ID, granted.Subject = "random.secret1.grant1", person
		tokens[text] = granted
	}
	if len(e.APIs) > 1 {
		tokens[otherToken] = good(e.APIs[1].Audience, "read")
	}
	for _, api := range e.APIs {
		checker, err := resource.New(resource.Config{
			Issuer: "https://auth.example", Audience: []string{api.Audience},
			Key: func(context.Context, string) (crypto.PublicKey, string, error) {
				return nil, "", errors.New("no keys here")
			},
			Opaque: func(_ context.Context, token string) (resource.Token, error) {
				if good, ok := tokens[token]; ok {
					if token == shortToken {
						shown.Do(func() { ends = time.Now().Add(shortLife) })
						good.ExpiresAt = ends
					}
					return good, nil
				}
				return resource.Token{}, resource.ErrUnknown
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		all[api.Name] = checker
	}
	return all
}

func (f *fixture) upstream(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.seen = append(f.seen, r)
	f.mu.Unlock()
	if f.answer != nil {
		f.answer(w, r)
		return
	}
	io.WriteString(w, "here")
}

// reached are the requests that reached the upstream.
func (f *fixture) reached() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}

// send sends a request as it is written and returns the answer. The text has LF
// line ends; Host is added.
func (f *fixture) send(t testing.TB, text string) *http.Response {
	t.Helper()
	connection := f.dial(t)
	head, body, _ := strings.Cut(text, "\n\n")
	first, headers, _ := strings.Cut(head, "\n")
	raw := first + "\nHost: api.example\n"
	if headers != "" {
		raw += headers + "\n"
	}
	if !strings.Contains(headers, "Connection:") {
		raw += "Connection: close\n"
	}
	raw = strings.ReplaceAll(raw+"\n", "\n", "\r\n") + body
	// Written aside: a server that answers early stops reading.
	go io.WriteString(connection, raw)
	method, _, _ := strings.Cut(first, " ")
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s: %v", first, err)
	}
	return response // its body needs no closing, which would read it to the end; the connection is closed
}

func (f *fixture) dial(t testing.TB) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", f.gateway.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	connection.SetDeadline(time.Now().Add(20 * time.Second))
	return connection
}

// get is send without a body, with a token.
func (f *fixture) get(t testing.TB, method, path, token string) *http.Response {
	t.Helper()
	text := method + " " + path + " HTTP/1.1"
	if token != "" {
		text += "\nAuthorization: Bearer " + token
	}
	return f.send(t, text)
}

func body(t testing.TB, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// trusting believes the loopback addresses.
func trusting(f *fixture) {
	f.settings.Trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// readRequest reads a request as the server does.
func readRequest(text string) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
}
