package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/fetch"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/store/sqlstore"
)

// A hearing is somebody with a webhook and a mailbox, and who tells them.
type hearing struct {
	*notices
	*delivering
	db     *sqlstore.Store
	clock  *clock
	server *httptest.Server

	mu     sync.Mutex
	status int
	bodies []string
	signed []string
	mails  []account.Message
	full   error // of the mail server
}

// Send implements account.Mailer.
func (h *hearing) Send(_ context.Context, m account.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mails = append(h.mails, m)
	return h.full
}

func openHearing(t *testing.T) *hearing {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "home.db"), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := &hearing{db: db, clock: &clock{at: begin}, status: http.StatusNoContent}
	h.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		if r.Method != http.MethodPost || r.URL.Path != "/hook" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %s", r.Method, r.URL, r.Header.Get("Content-Type"))
		}
		h.bodies, h.signed = append(h.bodies, string(body)), append(h.signed, r.Header.Get(secret.SignatureHeader))
		if h.status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(h.status)
	}))
	t.Cleanup(h.server.Close)
	at, err := url.Parse(h.server.URL + "/hook")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(h.server.Certificate())
	h.delivering = &delivering{
		compose: func(n store.Notice) (account.Message, error) {
			return account.Message{To: n.To, Subject: n.Kind, Text: n.Detail}, nil
		},
		mailer:  h,
		webhook: &catalogue.Webhook{URL: at, Secret: secret.Of("the hook's own secret")},
		client: fetch.New(fetch.Config{
			Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Roots: roots,
		}).Client(fetch.Want{}),
	}
	h.notices = openNotices(db.Notices(), h.clock.Now)
	h.log = slog.New(slog.DiscardHandler)
	h.pauses = []time.Duration{time.Millisecond, time.Millisecond}
	h.with = func() *delivering { return h.delivering }
	return h
}

func (h *hearing) queue(t *testing.T, to ...string) {
	t.Helper()
	for i, one := range to {
		n := store.Notice{
			ID: fmt.Sprint("secret.ending/staging/abc/7d/", i), Kind: "secret.ending", To: one, Detail: `{"client_id":"export"}`,
			QueuedAt: h.clock.Now(), DueAt: h.clock.Now(),
		}
		if _, err := h.db.Notices().Queue(t.Context(), []store.Notice{n}); err != nil {
			t.Fatal(err)
		}
	}
}

func (h *hearing) once(t *testing.T) {
	t.Helper()
	h.claim(t.Context())
	h.all.Wait()
}

func (h *hearing) givenUp(t *testing.T) bool {
	t.Helper()
	changes, err := h.db.Changes().Since(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(changes, func(c store.Change) bool { return c.Kind == "notice.undelivered" })
}

func TestWebhookIsSigned(t *testing.T) {
	h := openHearing(t)
	h.queue(t, h.webhook.URL.String(), "ada@acme.example")
	h.once(t)
	if len(h.bodies) != 1 || len(h.mails) != 1 || h.mails[0].To != "ada@acme.example" {
		t.Fatal(h.bodies, h.mails)
	}
	var told map[string]any
	if err := json.Unmarshal([]byte(h.bodies[0]), &told); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"id": "secret.ending/staging/abc/7d/0", "kind": "secret.ending", "at": begin.Format(time.RFC3339), "detail": map[string]any{"client_id": "export"},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	seconds := fmt.Sprint(begin.Unix())
	mac := hmac.New(sha256.New, []byte("the hook's own secret"))
	fmt.Fprintf(mac, "%s.%s", seconds, h.bodies[0])
	if want := "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil)); h.signed[0] != want {
		t.Errorf("signed %s, not %s", h.signed[0], want)
	}
	h.clock.move(24 * time.Hour)
	if h.once(t); len(h.bodies)+len(h.mails) != 2 || h.givenUp(t) {
		t.Error("told again")
	}
}

// What is not taken is tried as often as a logout is told, and given up, which is a
// change.
func TestNoticesAreTriedAgain(t *testing.T) {
	for _, status := range []int{500, 404, 301, 0} {
		h := openHearing(t)
		to := h.webhook.URL.String()
		if h.status = status; status == 0 {
			to, h.full = "ada@acme.example", errors.New("the mail server is gone")
		}
		h.queue(t, to)
		for _, step := range []struct {
			after time.Duration
			tries int
		}{{0, 3}, {noticeLease - time.Second, 3}, {time.Second, 4}, {noticeLease, 5}, {24 * time.Hour, 5}} {
			h.clock.move(step.after)
			if h.once(t); len(h.bodies)+len(h.mails) != step.tries {
				t.Fatalf("%d after %v: told %d times, not %d", status, step.after, len(h.bodies)+len(h.mails), step.tries)
			}
		}
		if !h.givenUp(t) {
			t.Errorf("%d: it is not given up", status)
		}
	}
}

// What cannot be delivered any more is over, and not an error for ever.
func TestNoticesForNobody(t *testing.T) {
	h := openHearing(t)
	h.mailer = nil
	h.queue(t, "https://before.example/hook", "ada@acme.example")
	h.once(t)
	h.delivering.webhook = nil
	h.queue(t, "x", "y", h.server.URL+"/hook")
	h.once(t)
	h.clock.move(24 * time.Hour)
	if h.once(t); len(h.bodies)+len(h.mails) != 0 || h.givenUp(t) {
		t.Error(h.bodies, h.mails)
	}
	due, err := h.db.Notices().Claim(t.Context(), h.clock.Now(), h.clock.Now(), 10)
	if err != nil || len(due) != 0 {
		t.Error("they still wait:", due, err)
	}
	h.with = func() *delivering { return nil }
	if h.ready() {
		t.Error("it is ready without a home")
	}
}

// O10: a webhook reaches no address inside, however its name is written.
func TestO10WebhookInside(t *testing.T) {
	h := openHearing(t)
	h.client = fetch.New(fetch.Config{}).Client(fetch.Want{})
	h.queue(t, h.webhook.URL.String())
	if h.once(t); len(h.bodies) != 0 {
		t.Error("told an address inside")
	}
	if strings.Contains(h.webhook.Secret.String(), "own") {
		t.Error("the secret prints itself")
	}
}
