package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/admin"
	"github.com/grantway/grantway/internal/audit"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// TestAudit: what happens is sealed, and leaves: checkpoints to a file and to a
// webhook, changes to another one, signed, also when that one refuses at first.
func TestAudit(t *testing.T) {
	var mu sync.Mutex
	refused := false
	got := map[string][]audit.Batch{} // by path
	key := secret.Of("0123456789abcdef0123456789abcdef")
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		signed := r.Header.Get(secret.SignatureHeader)
		right := signed == key.Signature(begin, body) || signed == key.Signature(begin.Add(time.Hour), body) // before the clock is moved, and after
		if err != nil || r.Header.Get("Content-Type") != "application/json" || !right {
			t.Errorf("%s %q: %v", r.Header.Get("Content-Type"), signed, err)
		}
		if !refused {
			refused = true
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		var b audit.Batch
		if err := json.Unmarshal(body, &b); err != nil {
			t.Error(err)
		}
		if b.Environment == "staging" {
			got[r.URL.Path] = append(got[r.URL.Path], b)
		}
	}))
	defer hook.Close()
	to := func(path string) *catalogue.Webhook {
		u, err := url.Parse(hook.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		return &catalogue.Webhook{URL: u, Secret: key}
	}
	path := filepath.Join(t.TempDir(), "checkpoints")
	site := start(t, setup{example: "quickstart", change: func(c *catalogue.Catalogue) {
		c.Audit = catalogue.Audit{Checkpoints: path, Told: to("/checkpoints"), Webhook: to("/changes")}
	}})
	site.clock.move(time.Hour)
	r := site.environment("staging").resources
	if err := r.store.Clients().Create(t.Context(), store.Client{ID: "sealed"}, store.By{Actor: "test", At: begin}); err != nil {
		t.Fatal(err)
	}
	last, err := r.store.Changes().Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var changes, checkpoints []audit.Batch
	left := ""
	if !soon(func() bool {
		text, _ := os.ReadFile(path)
		left = string(text)
		mu.Lock()
		defer mu.Unlock()
		changes, checkpoints = got["/changes"], got["/checkpoints"]
		return len(changes) > 0 && changes[len(changes)-1].Through == last && len(checkpoints) > 0 && strings.Contains(left, checkpoints[0].Checkpoints[0])
	}, time.Minute) {
		t.Fatalf("after a minute: %d and %d batches, %d bytes, %s", len(changes), len(checkpoints), len(left), site.log.all())
	}
	seen := int64(0)
	for _, b := range changes {
		for _, c := range b.Changes {
			if c.Seq != seen+1 {
				t.Errorf("change %d comes after %d", c.Seq, seen)
			}
			seen = c.Seq
		}
	}
	// A batch is taken before it is marked as sent, so the status comes after what the
	// webhook has.
	until(t, "the status that says so", func() bool {
		var status admin.AuditStatus
		asked := httptest.NewRequest("GET", "/admin/v1/environments/staging/seals/status", nil)
		w := httptest.NewRecorder()
		site.server.Admin().ServeHTTP(w, asked)
		if err := json.Unmarshal(w.Body.Bytes(), &status); err != nil {
			t.Fatal(w.Body, err)
		}
		return status.Sealed == last && status.Waiting == 0 && status.Ledger == path && status.Webhook.Through == last && status.Checkpoints.Through > 0
	})
	if logged := site.log.all(); strings.Contains(logged, key.Reveal()) || !strings.Contains(logged, "status 500") {
		t.Error("the log tells the secret, or not that the webhook refused")
	}
}

// TestRetention: what happened is forgotten when the configuration says, and not a
// second before.
func TestRetention(t *testing.T) {
	site := start(t, setup{example: "quickstart", change: func(c *catalogue.Catalogue) {
		c.Retention = catalogue.Retention{Activity: 48 * time.Hour, Refused: 24 * time.Hour, Requests: 24 * time.Hour}
	}})
	r := site.environment("staging").resources
	hour := begin.Truncate(time.Hour)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.store.Activity().Add(t.Context(), []store.Tally{{Hour: hour, Client: "c", Event: "token.issued", Count: 1}},
		[]store.RefusedRequest{{Trace: strings.Repeat("a", 32), At: hour, Client: "c", Refusal: "x"}}))
	by := store.By{Actor: "test", At: hour}
	must(r.store.AccessRequests().Ask(t.Context(), store.AccessRequest{ID: "r", Person: "Zoë", AskedAt: hour}, store.AccessLimits{Open: 1}, by))
	must(r.store.AccessRequests().Decide(t.Context(), "r", store.Decision{Decision: store.DecisionRefused}, by))
	for _, row := range []struct {
		after                     time.Duration
		tallies, refused, persons int
	}{{24 * time.Hour, 1, 1, 1}, {24*time.Hour + time.Second, 1, 0, 0}, {49*time.Hour - time.Second, 1, 0, 0}, {49 * time.Hour, 0, 0, 0}} {
		site.clock.move(hour.Add(row.after).Sub(site.clock.Now()))
		must(r.purge(t.Context(), neverAgain))
		tallies, err := r.store.Activity().Tallies(t.Context(), store.TallyQuery{Client: "c", Limit: 9})
		must(err)
		refused, err := r.store.Activity().RefusedOf(t.Context(), "c", 9)
		must(err)
		asked, err := r.store.AccessRequests().Find(t.Context(), "r")
		must(err)
		if len(tallies) != row.tallies || len(refused) != row.refused || (asked.Person != "") != (row.persons > 0) {
			t.Errorf("after %v, %d tallies and %d refused requests are left, and of who asked: %q", row.after, len(tallies), len(refused), asked.Person)
		}
	}
}
