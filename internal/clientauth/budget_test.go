package clientauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/refusal"
)

// TestBudget is row E16: 30 failures, then nothing is looked at.
func TestBudget(t *testing.T) {
	f := fresh(t)
	for i := range 30 {
		if _, _, err := f.ask(t, "", basic("client1", fmt.Sprint("wrong", i))); !errors.Is(err, refusal.SecretWrong) {
			t.Fatalf("attempt %d: %v", i+1, err)
		}
	}
	_, _, err := f.ask(t, "", basic("client1", "right"))
	wait, ok := errors.AsType[*RetryAfter](err)
	if !errors.Is(err, refusal.TooManyFailures) || !ok || wait.Wait <= 0 || wait.Wait > time.Minute || refusal.Of(err).HTTPStatus() != http.StatusTooManyRequests {
		t.Fatalf("attempt 31: %v, %+v", err, wait)
	}
	if _, _, err := f.ask(t, "", basic("other", "x")); !errors.Is(err, refusal.ClientUnknown) {
		t.Errorf("another client from there: %v", err)
	}
	elsewhere := httptest.NewRequest(http.MethodPost, "/", nil)
	elsewhere.RemoteAddr = "192.0.2.2:1"
	if _, _, err := f.from(t, elsewhere, post("client1", "right")); err != nil {
		t.Errorf("the client from elsewhere: %v", err)
	}
	f.now = f.now.Add(wait.Wait)
	if _, _, err := f.ask(t, "", basic("client1", "right")); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

// TestBudgetOfEverySpelling: an id has many form-encoded spellings, and they
// share its budget.
func TestBudgetOfEverySpelling(t *testing.T) {
	f := fresh(t)
	const id = "client1"
	for i := range 30 {
		spelled := ""
		for bit, c := range []byte(id) {
			if i&(1<<bit) != 0 {
				spelled += fmt.Sprintf("%%%02x", c)
			} else {
				spelled += string(c)
			}
		}
		if _, _, err := f.ask(t, "", basic(spelled, fmt.Sprint("wrong", i))); errors.Is(err, refusal.TooManyFailures) {
			t.Fatalf("attempt %d: %v", i+1, err)
		}
	}
	for _, header := range []string{basic(id, "right"), basic("%63lient1", "right"), basic("%63%6Cient1", "right")} {
		if _, _, err := f.ask(t, "", header); !errors.Is(err, refusal.TooManyFailures) {
			t.Errorf("attempt 31: %v", err)
		}
	}
}

// TestSuccessCostsNothing: it neither spends nor gives back.
func TestSuccessCostsNothing(t *testing.T) {
	f := fresh(t)
	for i := range 29 {
		f.ask(t, "", basic("client1", fmt.Sprint("wrong", i)))
	}
	for range 100 {
		if _, _, err := f.ask(t, "", basic("client1", "right")); err != nil {
			t.Fatal(err)
		}
	}
	f.ask(t, "", basic("client1", "wrong"))
	if _, _, err := f.ask(t, "", basic("client1", "right")); !errors.Is(err, refusal.TooManyFailures) {
		t.Errorf("30 failures with successes between them: %v", err)
	}
}

// TestTwoStylesAreOneAttempt: Go's library asks by Basic, form-encoded, and then
// in the body (dialects 5.2).
func TestTwoStylesAreOneAttempt(t *testing.T) {
	f := fresh(t)
	const odd = "w%r+ng" // is spelled differently in the two
	for i := range 30 {
		wrong := fmt.Sprint(odd, i)
		if _, _, err := f.ask(t, "", basic("client1", url.QueryEscape(wrong))); !errors.Is(err, refusal.SecretWrong) {
			t.Fatalf("round %d by Basic: %v", i+1, err)
		}
		if i == 29 {
			break // the 30th is spent
		}
		if _, _, err := f.ask(t, post("client1", wrong), ""); !errors.Is(err, refusal.SecretWrong) {
			t.Fatalf("round %d in the body: %v", i+1, err)
		}
	}
	if _, _, err := f.ask(t, "", basic("client1", "right")); !errors.Is(err, refusal.TooManyFailures) {
		t.Errorf("after 30: %v", err)
	}
}

// TestNetworkOfUse: from where a secret was used is what a trusted proxy says, as
// coarse as it is kept; of what was refused nothing is said (row S06).
func TestNetworkOfUse(t *testing.T) {
	f := fresh(t)
	f.Trusted = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	for _, row := range []struct{ peer, forwarded, secret, want string }{
		{"192.0.2.1:1", "198.51.100.1, 203.0.113.9", "right", "203.0.113.0/24"},
		{"192.0.2.1:1", "2001:db8:1:2::3", "right", "2001:db8:1::/48"},
		{"192.0.2.1:1", "", "right", "192.0.2.0/24"},
		{"198.51.100.7:1", "203.0.113.9", "right", "198.51.100.0/24"},
		{"@", "", "right", ""},
		{"192.0.2.1:1", "203.0.113.9", "wrong", ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = row.peer
		if row.forwarded != "" {
			r.Header.Set("X-Forwarded-For", row.forwarded)
		}
		if _, _, err := f.from(t, r, post("client1", row.secret)); (err == nil) != (row.secret == "right") {
			t.Fatal(err)
		}
		got := ""
		if f.fact.From.IsValid() {
			got = f.fact.From.String()
		}
		if got != row.want {
			t.Errorf("%s for %s: %q, want %q", row.peer, row.forwarded, got, row.want)
		}
	}
}

// TestBudgetBehindProxy: the address is the client's where the proxy is trusted,
// and an IPv6 subscriber is one (row S23).
func TestBudgetBehindProxy(t *testing.T) {
	f := fresh(t)
	f.Trusted = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	ask := func(forwarded, secret string) error {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = "192.0.2.1:1"
		r.Header.Set("X-Forwarded-For", forwarded)
		_, _, err := f.from(t, r, post("client1", secret))
		return err
	}
	for i := range 30 {
		if err := ask(fmt.Sprintf("2001:db8::%x", i+1), fmt.Sprint("wrong", i)); !errors.Is(err, refusal.SecretWrong) {
			t.Fatal(err)
		}
	}
	if err := ask("2001:db8::ffff", "right"); !errors.Is(err, refusal.TooManyFailures) {
		t.Errorf("the same subscriber: %v", err)
	}
	if err := ask("2001:db8:0:1::1", "right"); err != nil {
		t.Errorf("another: %v", err)
	}
}
