package server

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/examples"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// BenchmarkTokenRequest is a warm client-credentials request, all but the
// network: limits, log line, metrics, authentication, signature. Given again, it
// is the same without the signature.
func BenchmarkTokenRequest(b *testing.B) {
	b.Run("issued", func(b *testing.B) { tokenRequest(b, 0) })
	b.Run("given again", func(b *testing.B) { tokenRequest(b, 10*time.Minute) })
}

func tokenRequest(b *testing.B, reuse time.Duration) {
	const body = "grant_type=client_credentials&client_id=BENCH&client_secret="
	made, err := secret.New("staging", rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	h := benchServer(b, made, reuse).Handler()
	request := func() *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/staging/auth/oauth2/token", strings.NewReader(body+made.Reveal()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := request(); w.Code != http.StatusOK {
		b.Fatalf("%d %s", w.Code, w.Body)
	}
	b.ReportAllocs()
	for b.Loop() {
		request()
	}
}

// benchServer runs the fitness example with one client whose secret is ours.
func benchServer(b *testing.B, made secret.Secret, reuse time.Duration) *Server {
	b.Helper()
	example, _ := examples.Find("fitness")
	parsed, err := catalogue.Parse("grantway.yaml", example.Config, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, api := range parsed.Environments[0].APIs {
		api.Token.Reuse = reuse
	}
	folder := b.TempDir()
	sealing := filepath.Join(folder, "sealing.key")
	if err := keys.CreateSealFile(sealing); err != nil {
		b.Fatal(err)
	}
	seal, err := keys.ReadSeal("file:"+sealing, nil)
	if err != nil {
		b.Fatal(err)
	}
	s, err := New(b.Context(), Options{
		Catalogue: parsed.ForDev("http://127.0.0.1:8080", folder), Seal: seal, Mark: store.MarkDev, AnyHost: true,
		Now: time.Now, Random: rand.Reader, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	verifier, err := secret.FromGenerated(made)
	if err != nil {
		b.Fatal(err)
	}
	staging := s.current.Load().environments[0]
	client := store.Client{
		ID: "BENCH", Name: "bench", Type: "machine", Grants: []string{"client_credentials"},
		Allotted: map[string][]string{}, CreatedAt: time.Now(),
		Secrets: []store.Secret{{ID: "bench1", ClientID: "BENCH", Verifier: verifier.Encoded(), CreatedAt: time.Now()}},
	}
	for _, api := range staging.APIs {
		client.Allotted[api.Name] = []string{api.Scopes[0].Name}
	}
	if err := staging.resources.store.Clients().Create(b.Context(), client, s.by()); err != nil {
		b.Fatal(err)
	}
	return s
}
