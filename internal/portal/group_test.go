package portal

import (
	"slices"
	"testing"

	"github.com/grantway/grantway/internal/refusal"
)

func TestEveryShownReasonIsInOneGroup(t *testing.T) {
	e := pages()
	e.once.Do(e.build)
	var ids []string
	for _, g := range e.groups {
		for _, shown := range g.Entries {
			ids = append(ids, shown.ID)
		}
	}
	slices.Sort(ids)
	if twice := slices.Compact(slices.Clone(ids)); len(twice) != len(ids) || len(ids) != len(shown()) {
		t.Errorf("%d entries, %d of them different, want %d", len(ids), len(twice), len(shown()))
	}
}

func TestGroupOf(t *testing.T) {
	for r, want := range map[*refusal.Reason]*group{
		refusal.GrantMissing:        &tokenRequest,
		refusal.GrantNotAllowed:     &tokenRequest,
		refusal.SecretInURL:         &tokenRequest,
		refusal.CredentialsWrong:    &clientAuthentication,
		refusal.TwoMethods:          &clientAuthentication,
		refusal.TooManyFailures:     &clientAuthentication,
		refusal.ScopeUnknown:        &askedFor,
		refusal.AudienceMixed:       &askedFor,
		refusal.TokenInURL:          &callingAPI,
		refusal.ScopeInsufficient:   &callingAPI,
		refusal.MethodClosed:        &callingAPI,
		refusal.UpstreamUnreachable: &callingAPI,
		refusal.RedirectUnknown:     &signingIn,
		refusal.SignInTooWeak:       &signingIn,
		refusal.PageFailed:          &signingIn,
		refusal.CodeMissing:         &tokenRequest,
		refusal.APITokenRequired:    &callingAPI,
		refusal.TokenNotForURL:      &callingAPI,
		refusal.PathUnknown:         &serverAndHTTP,
		refusal.HostUnknown:         &serverAndHTTP,
		refusal.Unavailable:         &serverAndHTTP,
	} {
		if got := groupOf(r); got != want {
			t.Errorf("%s is under %q, want %q", r.ID, got.Title, want.Title)
		}
	}
}
