package endpoint

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/revocation"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
)

// A bench is a feed's endpoint behind a listener.
type bench struct {
	*httptest.Server
	endpoint *Feed
	seq      atomic.Int64 // of revocations that there are
	writes   int          // of a socket's buffer, in bytes; 0: the system's
	left     chan struct{}
}

// Authenticate is clients'.
func (b *bench) Authenticate(r *http.Request, _ wire.Parameters) (*store.Client, *store.Secret, error) {
	return &store.Client{ID: r.Header.Get("X-Client"), Type: store.TypeResource}, &store.Secret{}, nil
}

// Revoke is store.Revocations'.
func (b *bench) Revoke(context.Context, store.Revocation, store.By) error { return nil }

// Since is store.Revocations'.
func (b *bench) Since(_ context.Context, seq int64, _ time.Time) (all []store.Revocation, _ error) {
	for i := seq + 1; i <= b.seq.Load(); i++ {
		all = append(all, store.Revocation{Seq: i, Kind: "token", ID: strings.Repeat("x", 900)})
	}
	return all, nil
}

// Signer is revocation.Signers'.
func (s signs) Signer(jose.Algorithm) (*jose.Signer, error) { return s.signer, nil }

type signs struct{ signer *jose.Signer }

func feedBench(t *testing.T) *bench {
	t.Helper()
	key, err := jose.Generate(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.ES256, "k", key, revocation.FeedHeader("ES256", "k"))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{left: make(chan struct{}, 100)}
	b.endpoint = &Feed{
		Clients: b, Feed: revocation.NewFeed("https://i.example", b, signs{signer}, time.Now), Streams: &Streams{},
		Answers: &Answers{Dialect: dialect.RFC, Issuer: "https://i.example"},
	}
	if err := b.endpoint.Feed.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { b.left <- struct{}{} }()
		b.endpoint.ServeHTTP(w, r)
	}))
	b.Config.ConnState = func(c net.Conn, s http.ConnState) {
		if tcp, ok := c.(*net.TCPConn); ok && s == http.StateNew && b.writes > 0 {
			_ = tcp.SetWriteBuffer(b.writes)
		}
	}
	b.Start()
	t.Cleanup(b.Close)
	return b
}

// open opens a stream.
func (b *bench) open(t *testing.T, client string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("X-Client", client)
	response, err := b.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func (b *bench) leaves(t *testing.T, why string) {
	t.Helper()
	select {
	case <-b.left:
	case <-time.After(30 * time.Second):
		t.Errorf("the stream stays: %s", why)
	}
}

func ids(t *testing.T, from *bufio.Reader) string {
	t.Helper()
	for {
		line, err := from.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			return strings.TrimSpace(id)
		}
	}
}

func TestFeedStream(t *testing.T) {
	ignored := goleak.IgnoreCurrent()
	t.Run("all", func(t *testing.T) {
		b := feedBench(t)
		response := b.open(t, "a")
		if got := response.Header; got.Get("Content-Type") != "text/event-stream" || got.Get("Cache-Control") != "no-store" {
			t.Error(got)
		}
		lines := bufio.NewReader(response.Body)
		if got := ids(t, lines); got != "0" {
			t.Errorf("it begins at %s", got)
		}
		b.seq.Store(3)
		if err := b.endpoint.Feed.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := ids(t, lines)
		for got == "0" { // a word that says nothing new, on a slow machine
			got = ids(t, lines)
		}
		if got != "3" {
			t.Errorf("it goes on at %s", got)
		}
		response.Body.Close()
		b.leaves(t, "the reader has gone")

		response = b.open(t, "a")
		b.endpoint.Feed.Close()
		b.leaves(t, "the server stops")
		if _, err := io.ReadAll(response.Body); err != nil {
			t.Errorf("it broke off: %v", err)
		}
	})
	for deadline := time.Now().Add(20 * time.Second); goleak.Find(ignored) != nil && time.Now().Before(deadline); {
	}
	goleak.VerifyNone(t, ignored)
}

func TestFeedStreamEndsInTime(t *testing.T) {
	b := feedBench(t)
	b.endpoint.longest = 50 * time.Millisecond
	b.open(t, "a")
	b.leaves(t, "it is long")
}

// TestFeedSlowReader: who does not take what is sent is cut off, and costs the
// others nothing.
func TestFeedSlowReader(t *testing.T) {
	b := feedBench(t)
	b.endpoint.slowest, b.writes = 100*time.Millisecond, 4<<10
	b.seq.Store(20_000) // 25 MB
	if err := b.endpoint.Feed.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp", b.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, "GET / HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	b.leaves(t, "its reader does not read")
}

// TestFeedStreamsAreCounted: at the limit and one beyond, of one client and of all.
func TestFeedStreamsAreCounted(t *testing.T) {
	b := feedBench(t)
	b.endpoint.Streams = &Streams{Most: 3, MostPerClient: 2}
	var last *http.Response
	for _, row := range []struct {
		client string
		status int
	}{{"a", 200}, {"a", 200}, {"a", 429}, {"b", 200}, {"c", 429}} {
		response := b.open(t, row.client)
		if response.StatusCode != row.status {
			t.Errorf("%s: %s", row.client, response.Status)
		}
		if row.status == 200 {
			last = response
			continue
		}
		if response.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		b.leaves(t, "it was refused")
	}
	last.Body.Close()
	b.leaves(t, "the reader has gone")
	if got := b.open(t, "c"); got.StatusCode != 200 {
		t.Errorf("after one left: %s", got.Status)
	}
}
