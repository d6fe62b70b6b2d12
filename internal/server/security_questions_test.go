package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/oauth"
	"github.com/grantway/grantway/resource"
)

// TestQuestions is rows M03, M05 and M06: guessing tokens costs, a revocation is
// acted on when it is answered, and one that could not be written is never said
// to be one.
func TestQuestions(t *testing.T) {
	t.Parallel()
	credentials := strings.TrimPrefix(strings.TrimSuffix(good, "&scope=read:moves"), "grant_type=client_credentials&")
	t.Run("M03 guessing", func(t *testing.T) {
		t.Parallel()
		s := start(t, setup{example: "fitness"})
		at := s.environment("staging").Issuer.Path + "/oauth2/introspect"
		ask := func(token string) answer {
			return s.send(t, s.request("POST "+at+" HTTP/1.1", credentials+"&token="+token, formType))
		}
		token := s.token(t, good)
		for i := range missesPerMinute {
			if got := ask("guess-" + strconv.Itoa(i)); got.code != 200 || got.body != `{"active":false}` {
				t.Fatalf("guess %d: %s", i+1, got)
			}
		}
		got := ask("guess-beyond")
		if wait, err := strconv.Atoi(got.header.Get("Retry-After")); got.code != 429 || got.member("error") != "too_many_requests" || err != nil || wait < 1 {
			t.Errorf("M03: guess %d: %s", missesPerMinute+1, got)
		}
		if got := ask(token); got.code != 200 || !strings.Contains(got.body, `"active":true`) {
			t.Errorf("M03: a good token meanwhile: %s", got)
		}
	})
	t.Run("M05 acted on when answered", func(t *testing.T) {
		t.Parallel()
		s := start(t, setup{example: "fitness"})
		e := s.environment("staging")
		acted := make(chan struct{})
		seen := e.revocation.Seen
		e.revocation.Seen = func(ctx context.Context) error {
			time.Sleep(50 * time.Millisecond) // an answer that does not wait is here first
			close(acted)
			return seen(ctx)
		}
		got := s.send(t, s.request("POST "+e.Issuer.Path+"/oauth2/revoke HTTP/1.1", credentials+"&token="+s.token(t, good), formType))
		select {
		case <-acted:
		default:
			t.Error("M05: the answer came before this node acts on the revocation")
		}
		if got.code != 200 {
			t.Errorf("M05: %s", got)
		}
	})
	for _, format := range []catalogue.Format{catalogue.JWT, catalogue.Opaque} {
		t.Run("M06 a store that fails, "+string(format), func(t *testing.T) {
			t.Parallel()
			s := start(t, setup{example: "fitness", change: func(c *catalogue.Catalogue) {
				for _, e := range c.Environments {
					e.APIs[0].Token.Format = format
				}
			}})
			token := s.token(t, good)
			if err := s.environment("staging").resources.store.Close(); err != nil {
				t.Fatal(err)
			}
			got := s.send(t, s.request("POST "+s.environment("staging").Issuer.Path+"/oauth2/revoke HTTP/1.1", credentials+"&token="+token, formType))
			if got.code != 503 || got.member("error") != "temporarily_unavailable" || got.header.Get("Retry-After") == "" {
				t.Errorf("M06: %s", got)
			}
		})
	}
}

// TestFeedBeforeItsFirstWord is row S16: a verifier that knows nothing of what is
// revoked, and never did, lets nothing pass.
func TestFeedBeforeItsFirstWord(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "fitness"})
	token := s.token(t, good)
	deaf := s.listen(t, func(c *resource.FeedConfig) {
		c.URL, c.KeysURL = "http://127.0.0.1:1/revocations", "http://127.0.0.1:1/keys"
	})
	if _, err := deaf.api.Check(t.Context(), token); !errors.Is(err, oauth.TemporarilyUnavailable) {
		t.Errorf("S16: a good token: %v", err)
	}
	if deaf.open() {
		t.Error("S16: it says that it knows what is revoked")
	}
}

// TestWebSocketAsTheAPISeesIt is rows S04 and S18 for requests that change their
// protocol, which go another way through the gateway.
func TestWebSocketAsTheAPISeesIt(t *testing.T) {
	t.Parallel()
	behind := &upstream{}
	s := start(t, setup{example: "fitness", api: behind, change: openPath("/open")})
	upgrade := []string{"Upgrade: websocket", "Connection: Upgrade, Grantway-Scope", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"}
	forged := []string{"Grantway_Client: forged", "grantway-client: forged", "Grantway-Anything: forged", "X-Forwarded-For: 203.0.113.7", "X_Forwarded_Host: forged", "Cookie: forged"}
	for _, line := range []string{"GET /staging/api/open HTTP/1.1", "GET /staging/api/moves HTTP/1.1"} {
		headers := append(slices.Clone(upgrade), forged...)
		if strings.Contains(line, "moves") {
			headers = append(headers, "Authorization: Bearer "+s.token(t, good))
		}
		got := s.send(t, s.request(line, "", headers...))
		seen := behind.take()
		if len(seen) != 1 {
			t.Fatalf("%s: %s", line, got)
		}
		h := seen[0].Header
		if all := fmt.Sprint(h); strings.Contains(all, "forged") || strings.Contains(all, "203.0.113.7") || h["Authorization"] != nil {
			t.Errorf("S04, S18: %s: the API saw %v", line, h)
		}
		if client := h.Get("Grantway-Client"); strings.Contains(line, "moves") && (client != "YOUR_CLIENT_ID" || h.Get("Grantway-Scope") != "read:moves") {
			t.Errorf("S04: %s: the API saw the client %q, the scope %q", line, client, h.Get("Grantway-Scope"))
		}
	}
}
