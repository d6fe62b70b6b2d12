package refusal

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/grantway/grantway/oauth"
)

// TestTable holds every row to the rules of its columns.
func TestTable(t *testing.T) {
	id := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, r := range All() {
		if !id.MatchString(r.ID) || seen[r.ID] {
			t.Errorf("%q is not an id, or stands twice", r.ID)
		}
		seen[r.ID] = true
		if Find(r.ID) != r {
			t.Errorf("%s: Find finds another", r.ID)
		}
		// RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E.
		for _, c := range []byte(r.Text) {
			if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
				t.Errorf("%s: character %q in the text", r.ID, c)
			}
		}
		if r.Text == "" || strings.HasSuffix(r.Text, ".") || strings.Count(r.Text, "{") != strings.Count(r.Text, NamesMark) {
			t.Errorf("%s: text %q", r.ID, r.Text)
		}
		for name, sentence := range map[string]string{"cause": r.Cause, "cure": r.Cure} {
			if !strings.HasSuffix(sentence, ".") || strings.TrimSpace(sentence) != sentence || strings.ContainsAny(sentence, "\n\t") {
				t.Errorf("%s: the %s is no sentence: %q", r.ID, name, sentence)
			}
		}
		if r.Code == "" || r.HTTPStatus() < 400 || r.HTTPStatus() > 599 {
			t.Errorf("%s: %q, %d", r.ID, r.Code, r.HTTPStatus())
		}
		if r.Status != 0 && r.Status == r.Code.Status() {
			t.Errorf("%s repeats the status of its code", r.ID)
		}
		if s := r.Shown; s != nil && (s.Code != r.Code || s.HTTPStatus() != r.HTTPStatus() || s.Shown != nil) {
			t.Errorf("%s is shown as %s, which differs in more than words", r.ID, s.ID)
		}
		if !errors.Is(r, r.Code) || r.Error() == "" {
			t.Errorf("%s does not hold its code", r.ID)
		}
	}
	if len(seen) < 40 || Find("nothing") != nil || Find("") != nil {
		t.Errorf("%d rows", len(seen))
	}
}

// TestRowsShownAlike is row E04: nobody learns which of them it was.
func TestRowsShownAlike(t *testing.T) {
	for _, r := range []*Reason{ClientUnknown, SecretWrong, SecretOfAnotherEnvironment, SecretMissing} {
		if got := r.From(io.EOF); got.Public() != CredentialsWrong || got.Describe() != CredentialsWrong.Text ||
			got.URI("https://i.example") != "https://i.example/errors/credentials-wrong" {
			t.Errorf("%s is shown as %q, %s", r.ID, got.Describe(), got.URI(""))
		}
		if !strings.HasPrefix(r.From(io.EOF).Error(), r.Text) {
			t.Errorf("our log does not learn %s", r.ID)
		}
	}
}

func TestChain(t *testing.T) {
	cause := fmt.Errorf("read: %w", io.EOF)
	err := fmt.Errorf("outside: %w", SecretWrong.From(cause))
	for _, target := range []error{SecretWrong, oauth.InvalidClient, cause, io.EOF} {
		if !errors.Is(err, target) {
			t.Errorf("%v is not in the chain", target)
		}
	}
	for _, other := range []error{ClientUnknown, CredentialsWrong, oauth.InvalidGrant} {
		if errors.Is(err, other) {
			t.Errorf("%v is in the chain", other)
		}
	}
	got := Of(err)
	if got.Reason != SecretWrong || got.Cause() != cause || got.Error() != SecretWrong.Text+": read: EOF" || strings.Contains(got.Describe(), "EOF") {
		t.Errorf("%v, %v", got, got.Describe())
	}
	if plain := Of(fmt.Errorf("x: %w", ScopeMalformed)); plain.Reason != ScopeMalformed || plain.Cause() != nil || plain.Error() != ScopeMalformed.Text {
		t.Errorf("a bare reason: %v", plain)
	}
}

// TestOfForeign: what is no refusal is a fault of ours, and the client learns
// nothing of it.
func TestOfForeign(t *testing.T) {
	secretive := errors.New("pq: password authentication failed for user admin")
	got := Of(secretive)
	if got.Reason != Ours || got.HTTPStatus() != 500 || !errors.Is(got, secretive) || strings.Contains(got.Describe(), "admin") {
		t.Errorf("%v: %s", got, got.Describe())
	}
	// A code alone is no row of the table either.
	if got := Of(oauth.InvalidGrant); got.Reason != Ours {
		t.Errorf("%v", got)
	}
}

func TestNaming(t *testing.T) {
	before, after, _ := strings.Cut(ScopeUnknown.Text, NamesMark)
	long := strings.Repeat("n", 99)
	for _, row := range []struct {
		name  string
		names []string
		want  string
	}{
		{"none", nil, "none"},
		{"one", []string{"a"}, "a"},
		{"several", []string{"a", "b"}, "a b"},
		{"at the limit", []string{strings.Repeat("n", maxNames)}, strings.Repeat("n", maxNames)},
		{"six of a hundred", []string{long, long, long, long, long, long}, strings.Join([]string{long, long, long, long, long, long}, " ")},
		{"one more", []string{long, long, long, long, long, long, "n"}, strings.Join([]string{long, long, long, long, long, long}, " ") + " ..."},
		{"one that is too long", []string{strings.Repeat("n", maxNames+1)}, "..."},
		{"the mark itself", []string{NamesMark}, NamesMark},
	} {
		got := ScopeUnknown.Naming(row.names...)
		if want := before + row.want + after; got.Describe() != want || got.Error() != want {
			t.Errorf("%s: %q, want %q", row.name, got.Describe(), want)
		}
	}
	if got := CredentialsWrong.Naming("a").Describe(); got != CredentialsWrong.Text {
		t.Errorf("a text without names: %q", got)
	}
}

func TestRetryable(t *testing.T) {
	for r, want := range map[*Reason]bool{
		Unavailable: true, TooManyFailures: true, RateLimited: true, Ours: false, CredentialsWrong: false, UpstreamUnreachable: false, UpstreamTimeout: false,
	} {
		if r.Retryable() != want || r.From(io.EOF).Retryable() != want {
			t.Errorf("%s", r.ID)
		}
	}
}
