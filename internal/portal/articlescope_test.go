package portal

import (
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/refusal"
)

// TestCodesLiveAsLongAsIsSaid: a reason's text is fixed, so it is compared with how
// long codes are good.
func TestCodesLiveAsLongAsIsSaid(t *testing.T) {
	d := documented(t, "mytimetable")
	for what, text := range map[string]string{
		"the page on lifetimes": body(t, get(t, d, "/demo/lifetimes")), "the page on signing in": body(t, get(t, d, "/demo/sign-in")),
		"code-refused": refusal.CodeRefused.Cause, "code-expired": refusal.CodeExpired.Text,
	} {
		if !strings.Contains(text, codeLife) {
			t.Errorf("%s does not say %s", what, codeLife)
		}
	}
}

// TestLifetimesSayHowOftenToAsk: where an API gives tokens again, or so many only.
func TestLifetimesSayHowOftenToAsk(t *testing.T) {
	again, budget := "gives you the token that you have, as long as 10 minutes of its life are left", "at most 600 tokens in 1 hour"
	for name, row := range map[string]struct {
		reuse         time.Duration
		budget        catalogue.Rate
		again, limits bool
	}{
		"neither": {},
		"reuse":   {reuse: 10 * time.Minute, again: true},
		"budget":  {budget: catalogue.Rate{Requests: 600, Per: time.Hour}, limits: true},
		"both":    {10 * time.Minute, catalogue.Rate{Requests: 600, Per: time.Hour}, true, true},
	} {
		d := documented(t, "quickstart")
		token := &d.Environments[0].APIs[0].Token
		token.Reuse, token.Budget = row.reuse, row.budget
		got := body(t, get(t, d, "/staging/lifetimes"))
		if strings.Contains(got, again) != row.again || strings.Contains(got, budget) != row.limits || strings.Contains(got, "given again does not count") != (row.again && row.limits) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
