package main

import (
	"net/http"
	"testing"

	"github.com/spf13/cobra"

	"github.com/grantway/grantway/internal/admin"
)

// TestWhereToOfALaterServer: a server that answers in a way that this version does not
// know says less of where to go, and the client's secret is shown all the same.
func TestWhereToOfALaterServer(t *testing.T) {
	list := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"environments":[{"name":"staging","issuer":"https://auth.example","dialect":"later"}]}`))
	})
	command := &cobra.Command{}
	command.SetContext(t.Context())
	s := &session{Command: command, to: &administrator{base: "http://localhost", http: client(within{list})}, env: "staging"}
	if said := s.whereTo(&admin.Client{ID: "c"}); len(said) != 1 || said[0] != [2]string{"issuer", "https://auth.example"} {
		t.Errorf("it says %q", said)
	}
}
