package server

import (
	"net/http"
	"testing"
	"time"
)

// TestRevocationsOutdoClocks: the clock of the server that issued a token may be ahead
// of the one that ends it, as far as tokens are believed (rows M05, U07).
func TestRevocationsOutdoClocks(t *testing.T) {
	const ahead = 30 * time.Second
	for what, end := range map[string]func(s *site, token string){
		"the token": func(s *site, token string) { s.revoke(t, token) },
		"its secret": func(s *site, _ string) {
			e := s.environment("staging")
			client, err := e.Find(t.Context(), "YOUR_CLIENT_ID")
			if err == nil {
				_, err = e.partners.RevokeSecret(t.Context(), client.ID, client.Secrets[0].ID, s.by())
			}
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		s := start(t, setup{example: "fitness"})
		call := func(token string) int {
			return s.send(t, s.request("GET "+s.environment("staging").Base.Path+"/moves HTTP/1.1", "", "Authorization: Bearer "+token)).code
		}
		token := s.token(t, good)
		s.clock.move(-ahead)
		if status := call(token); status != http.StatusOK {
			t.Fatalf("a token of a server whose clock is ahead: %d", status)
		}
		end(s, token)
		until(t, "the refusal once "+what+" is revoked", func() bool { return call(token) == http.StatusUnauthorized })
	}
}
