package endpoint

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/token"
	"github.com/grantway/grantway/oauth"
)

// A mint makes tokens until it is told to fail.
type mint struct {
	made int
	err  error
}

func (m *mint) Again(token.Authorization) (answer oauth.TokenResponse, ok bool) { return answer, false }

func (m *mint) Issue(context.Context, token.Authorization) (oauth.TokenResponse, error) {
	if m.err == nil {
		m.made++
	}
	return oauth.TokenResponse{}, m.err
}

func (m *mint) Void(context.Context, token.Authorization) error { return nil }

func budgeted(name string, tokens int) *catalogue.API {
	api := &catalogue.API{Name: name}
	if tokens > 0 {
		api.Token.Budget = catalogue.Rate{Requests: tokens, Per: time.Hour}
	}
	return api
}

// TestBudgets: what a row asks for is made as often as it says, and refused the
// next time.
func TestBudgets(t *testing.T) {
	now := time.Unix(0, 0)
	three, one, none := budgeted("three", 3), budgeted("one", 1), budgeted("none", 0)
	for _, row := range []struct {
		what string
		a    token.Authorization
		made int // of ten
	}{
		{"n", token.Authorization{ClientID: "c", APIs: []*catalogue.API{three}}, 3},
		{"the tighter of two", token.Authorization{ClientID: "c", APIs: []*catalogue.API{three, one}}, 1},
		{"one of two", token.Authorization{ClientID: "c", APIs: []*catalogue.API{none, one}}, 1},
		{"none", token.Authorization{ClientID: "c", APIs: []*catalogue.API{none}}, 10},
		{"a person's", token.Authorization{ClientID: "c", APIs: []*catalogue.API{one}, Person: &token.Person{}}, 10},
	} {
		m := &mint{}
		e := &Token{Issuer: m, Budgets: NewBudgets([]*catalogue.API{three, one, none}, func() time.Time { return now })}
		for range 10 {
			if _, err := e.issue(t.Context(), http.Header{}, row.a); err != nil && !errors.Is(err, refusal.TooManyTokens) {
				t.Fatal(err)
			}
		}
		if m.made != row.made {
			t.Errorf("%s: %d were made, want %d", row.what, m.made, row.made)
		}
	}
	if NewBudgets([]*catalogue.API{none}, nil) != nil {
		t.Error("there are budgets where no API has one")
	}
}

// TestBudgetIsGivenBack: a token that could not be made costs nothing.
func TestBudgetIsGivenBack(t *testing.T) {
	one := budgeted("one", 1)
	m := &mint{err: store.ErrUnavailable}
	e := &Token{Issuer: m, Budgets: NewBudgets([]*catalogue.API{one}, time.Now)}
	a := token.Authorization{ClientID: "c", APIs: []*catalogue.API{one}}
	for range 3 {
		if _, err := e.issue(t.Context(), http.Header{}, a); !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	m.err = nil
	said := http.Header{}
	if _, err := e.issue(t.Context(), said, a); err != nil || said.Get("RateLimit") != `"tokens of one";r=0;t=3600` {
		t.Error(err, said)
	}
}
