package server

import (
	"testing"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/secret"
)

// TestAccountsLeaveClientsTheirChecker: what operators do with people's passwords
// takes no room from clients that ask for tokens.
func TestAccountsLeaveClientsTheirChecker(t *testing.T) {
	t.Parallel()
	s := start(t, setup{example: "mytimetable"})
	clients, persons := s.server.secrets.Hashings(), s.server.persons.Hashings()
	people := s.environment("demo").accounts.People
	if _, err := people.Create(t.Context(), account.New{Name: "new", Password: secret.Of("gulp-tractor-nine")}, s.by()); err != nil {
		t.Fatal(err)
	}
	if s.server.secrets.Hashings() != clients || s.server.persons.Hashings() != persons+1 {
		t.Errorf("clients' checker %d, people's %d", s.server.secrets.Hashings()-clients, s.server.persons.Hashings()-persons)
	}
}
