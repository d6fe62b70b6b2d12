package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/clientauth"
	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/wire"
	"github.com/grantway/grantway/oauth"
)

func TestDocument(t *testing.T) {
	d := &Document{Body: func() []byte { return []byte(`{"a":1}`) }, MaxAge: 5 * time.Minute}
	for _, row := range []struct {
		method string
		status int
		body   string
	}{
		{"GET", 200, `{"a":1}`}, {"HEAD", 200, ""}, {"POST", 405, ""}, {"OPTIONS", 405, ""}, {"DELETE", 405, ""},
	} {
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(row.method, "/", nil))
		h := w.Header()
		if w.Code != row.status || w.Body.String() != row.body {
			t.Errorf("%s: %d %q", row.method, w.Code, w.Body)
		}
		if row.status == 405 {
			if h.Get("Allow") != "GET, HEAD" || h.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %v", row.method, h)
			}
			continue
		}
		want := http.Header{
			"Content-Type": {"application/json"}, "Cache-Control": {"public, max-age=300"}, "Access-Control-Allow-Origin": {"*"},
			"Content-Length": {"7"}, "Accept-Ranges": {"bytes"},
		}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", row.method, diff)
		}
	}
}

// TestRetryAfter: whole seconds, rounded up, one at least.
func TestRetryAfter(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		-time.Second: "1", 0: "1", 1: "1", time.Second: "1", time.Second + 1: "2", 59*time.Second + 999*time.Millisecond: "60", time.Minute: "60",
	} {
		err := fmt.Errorf("wrapped: %w", &clientauth.RetryAfter{Err: refusal.TooManyFailures, Wait: wait})
		if got := retryAfter(err); got != want {
			t.Errorf("%v: %s, want %s", wait, got, want)
		}
	}
	if got := retryAfter(store.ErrUnavailable); got != "1" {
		t.Error(got)
	}
}

// TestSecretIn is row E03 and dialects 5.3: by any spelling of the name.
func TestSecretIn(t *testing.T) {
	for query, want := range map[string]bool{
		"client_secret=x": true, "a=b&client_secret": true, "client%5Fsecret=x": true, "code=1": true, "refresh_token=1": true,
		"password=x": true, "client_assertion=x": true, "%zz=1": true, "a=1;client_secret=x": true,
		"grant_type=client_credentials": false, "client_id=x&scope=client_secret": false, "Client_Secret=x": false, "x_code=1": false,
	} {
		if got := secretIn(query); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

// TestMalformed names the mistake.
func TestMalformed(t *testing.T) {
	for err, want := range map[error]*refusal.Reason{
		wire.ErrTooLarge: refusal.BodyTooLarge, wire.ErrJSONAsForm: refusal.JSONAsForm, wire.ErrTooMany: refusal.ParameterLimit,
		wire.ErrTooLong: refusal.ParameterLimit, wire.ErrDuplicate: refusal.ParameterTwice, wire.ErrNUL: refusal.BodyMalformed,
		wire.ErrNotUTF8: refusal.BodyMalformed, wire.ErrNotString: refusal.BodyMalformed, io.ErrUnexpectedEOF: refusal.BodyMalformed,
		os.ErrDeadlineExceeded: refusal.BodyTooSlow,
	} {
		if got := malformed(fmt.Errorf("wrapped: %w", err)); !errors.Is(got, want) || !errors.Is(got, err) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// TestRefuse: the headers of every refusal.
func TestRefuse(t *testing.T) {
	a := &Answers{Dialect: dialect.RFC, Issuer: "https://i", Realm: "staging"}
	for _, row := range []struct {
		err    error
		status int
		header http.Header // besides those of every answer
		reason *refusal.Reason
	}{
		{refusal.ScopeUnknown, 400, http.Header{}, refusal.ScopeUnknown},
		{refusal.SecretWrong, 401, http.Header{"Www-Authenticate": {`Basic realm="staging", charset="UTF-8"`}}, refusal.SecretWrong},
		{refusal.MethodNotPost, 405, http.Header{"Allow": {"POST"}}, refusal.MethodNotPost},
		{refusal.BodyTooLarge.From(io.EOF), 413, http.Header{"Connection": {"close"}}, refusal.BodyTooLarge},
		{&clientauth.RetryAfter{Err: refusal.TooManyFailures, Wait: 90 * time.Second}, 429, http.Header{"Retry-After": {"90"}}, refusal.TooManyFailures},
		{fmt.Errorf("x: %w", store.ErrUnavailable), 503, http.Header{"Retry-After": {"1"}}, refusal.Unavailable},
		{secret.ErrBusy, 503, http.Header{"Retry-After": {"1"}}, refusal.Unavailable},
		{fmt.Errorf("hash: %w", context.DeadlineExceeded), 503, http.Header{"Retry-After": {"1"}}, refusal.Unavailable},
		{fmt.Errorf("sign: %w", context.Canceled), 503, http.Header{"Retry-After": {"1"}}, refusal.Unavailable},
		{errors.New("password of the database: x"), 500, http.Header{}, refusal.Ours},
	} {
		fact := &activity.Fact{}
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		w := httptest.NewRecorder()
		a.refuse(w, r.WithContext(activity.With(r.Context(), fact)), row.err)
		row.header["Cache-Control"], row.header["Pragma"] = []string{"no-store"}, []string{"no-cache"}
		row.header["Content-Type"], row.header["Content-Length"] = []string{"application/json"}, []string{fmt.Sprint(w.Body.Len())}
		if diff := cmp.Diff(row.header, w.Header()); diff != "" || w.Code != row.status || fact.Refusal.Reason != row.reason {
			t.Errorf("%v: %d %s\n%s", row.err, w.Code, fact.Refusal.ID, diff)
		}
		var body oauth.ErrorResponse
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Code == "" || strings.Contains(w.Body.String(), "password") {
			t.Errorf("%v: %s", row.err, w.Body)
		}
	}
}

// TestResourceMetadata: RFC 9728 §2, row N08.
func TestResourceMetadata(t *testing.T) {
	issuer := &url.URL{Scheme: "https", Host: "auth.example"}
	api := &catalogue.API{Title: "Notes", Resource: "https://api.example/notes", Scopes: []*catalogue.Scope{{Name: "read"}, {Name: "write"}}}
	for _, d := range []*dialect.Dialect{dialect.RFC, dialect.Auth0} {
		var got oauth.ResourceMetadata
		if err := json.Unmarshal(ResourceMetadata(&catalogue.Environment{Issuer: issuer}, d, api), &got); err != nil {
			t.Fatal(err)
		}
		want := oauth.ResourceMetadata{
			Resource: "https://api.example/notes", AuthorizationServers: []string{"https://auth.example" + d.IssuerSuffix},
			ScopesSupported: []string{"read", "write"}, BearerMethodsSupported: []string{"header"}, ResourceName: "Notes",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", d.Name, diff)
		}
	}
}

// TestMethodsInMetadata: discovery lists the methods of package clientauth.
func TestMethodsInMetadata(t *testing.T) {
	if names := clientauth.Names(); !slices.Contains(names, oauth.AuthClientSecretBasic) || !slices.Contains(names, oauth.AuthClientSecretPost) {
		t.Error(names)
	}
}
