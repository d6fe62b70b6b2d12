package interop

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// refused is a token request that was refused, in the words of the answer.
type refused struct {
	status int
	code   string
}

func (r refused) Error() string { return fmt.Sprintf("%d %s", r.status, r.code) }

// A library is how a client gets tokens and calls an API.
type library struct {
	style string // basic, body or auto
	// token returns a token, or a refused.
	token func(at environment, scope string) (string, error)
	call  func(token, method, url, body string) (*http.Response, error)
}

// scenario is what every library is put through.
func scenario(t *testing.T, s *system, l library) {
	staging, first := s.staging(), s.firstCall()
	token := func(at environment, scope string) string {
		t.Helper()
		got, err := l.token(at, scope)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	call := func(token, method, path, body string, status int, wants ...string) {
		t.Helper()
		response, err := l.call(token, method, staging.api+path, body)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != status {
			t.Fatalf("%s %s: %v, %d, want %d: %s", method, path, err, response.StatusCode, status, answer)
		}
		for _, want := range wants {
			if !strings.Contains(response.Header.Get("WWW-Authenticate")+string(answer), want) {
				t.Errorf("%s %s: no %s in %v\n%s", method, path, want, response.Header, answer)
			}
		}
	}
	good := func(token string) {
		t.Helper()
		call(token, first.method, first.path, first.body, 200, first.answer)
	}
	invalid := func(token string) {
		t.Helper()
		call(token, first.method, first.path, first.body, 401, `error="invalid_token"`)
	}
	refusedAs := func(at environment, scope string, want refused) {
		t.Helper()
		if _, err := l.token(at, scope); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}

	one := token(staging, "")
	good(one)

	wrong := staging
	wrong.secret = "not_the_secret"
	refusedAs(wrong, "", s.refusedSecret(l.style))

	two := token(staging, "")
	if one == two {
		t.Error("the same token twice")
	}
	good(two)
	good(one) // a new token does not end an earlier one

	invalid(damaged(one))
	invalid(token(s.production(), ""))

	scopes := s.narrowing()
	if scopes == (narrowing{}) {
		return
	}
	narrow := token(staging, scopes.scope)
	good(narrow)
	call(narrow, "GET", scopes.closed, "", 403, `error="insufficient_scope"`, scopes.needs)
	refusedAs(staging, "read:nothing", refused{400, "invalid_scope"})
}

// damaged changes one character in the middle of the signature.
func damaged(token string) string {
	at := strings.LastIndexByte(token, '.') + 20
	other := "A"
	if token[at] == 'A' {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}
