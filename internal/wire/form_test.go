package wire

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormAccepts(t *testing.T) {
	for _, row := range []struct {
		name, body string
		want       map[string]string
	}{
		{"nothing", "", nil},
		{"usual", "grant_type=client_credentials&scope=a+b", map[string]string{"grant_type": "client_credentials", "scope": "a b"}},
		{"unescaped colons and slashes", "scope=https://x.example/a%20https://x.example/b", map[string]string{"scope": "https://x.example/a https://x.example/b"}},
		{"semicolon is data", "a=1;b=2", map[string]string{"a": "1;b=2"}},
		{"second equals sign is data", "a=b=c==", map[string]string{"a": "b=c=="}},
		{"empty pieces", "&a=1&&b=2&", map[string]string{"a": "1", "b": "2"}},
		{"value omitted", "a=&b&c=1", map[string]string{"c": "1"}},
		{"UTF-8, escaped and not", "a=%C3%A9&b=é", map[string]string{"a": "é", "b": "é"}},
		{"escaped name", "grant%5Ftype=x", map[string]string{"grant_type": "x"}},
		{"a brace later on", "a={\"b\":1}", map[string]string{"a": `{"b":1}`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			sent, err := ParseForm([]byte(row.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, asMap(sent)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFormRefuses(t *testing.T) {
	for _, row := range []struct {
		name, body string
		want       error
	}{
		{"duplicate", "scope=a&x=1&scope=a", ErrDuplicate},
		{"duplicate without values", "scope&scope=", ErrDuplicate},
		{"duplicate by escaping", "scope=a&s%63ope=b", ErrDuplicate},
		{"lone percent", "a=%", ErrMalformed},
		{"cut escape", "a=%4", ErrMalformed},
		{"not hexadecimal", "a=%4g", ErrMalformed},
		{"malformed name", "%zz=a", ErrMalformed},
		{"no name", "=a", ErrEmptyName},
		{"NUL escaped", "a=%00", ErrNUL},
		{"NUL in a name", "a\x00=b", ErrNUL},
		{"half a character", "a=%C3", ErrNotUTF8},
		{"overlong dot", "a=%C0%AE", ErrNotUTF8},
		{"name not UTF-8", "%FF=a", ErrNotUTF8},
		{"JSON", ` {"grant_type":"client_credentials"}`, ErrJSONAsForm},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := ParseForm([]byte(row.body)); !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
}

func TestFormLimits(t *testing.T) {
	many := func(n int) string {
		var body strings.Builder
		for i := range n {
			fmt.Fprintf(&body, "p%d=1&", i)
		}
		return body.String()
	}
	long := func(name string, n int) string { return name + "=" + strings.Repeat("x", n) }
	for _, row := range []struct {
		name, most, more string
		want             error
	}{
		{"count", many(MaxParameters), many(MaxParameters + 1), ErrTooMany},
		{"value", long("state", MaxValue), long("state", MaxValue+1), ErrTooLong},
		{"name", strings.Repeat("n", MaxValue), strings.Repeat("n", MaxValue+1), ErrTooLong},
		{"assertion", long("client_assertion", MaxLongValue), long("client_assertion", MaxLongValue+1), ErrTooLong},
		{"request", long("request", MaxLongValue), long("request", MaxLongValue+1), ErrTooLong},
		{"scope", long("scope", MaxLongValue), long("scope", MaxLongValue+1), ErrTooLong},
		{"counted unescaped", "state=" + strings.Repeat("%41", MaxValue), "state=" + strings.Repeat("%41", MaxValue+1), ErrTooLong},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := ParseForm([]byte(row.most)); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			if _, err := ParseForm([]byte(row.more)); !errors.Is(err, row.want) {
				t.Errorf("beyond the limit: got %v, want %v", err, row.want)
			}
		})
	}
}

func TestParameters(t *testing.T) {
	sent, err := ParseQuery("resource=&a=1&resource=x&b&resource=y&a2=")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "resource"}, sent.Names()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"x", "y"}, sent.Values("resource")); diff != "" {
		t.Error(diff)
	}
	if got := sent.Get("resource"); got != "x" {
		t.Errorf("first resource: %q", got)
	}
	if sent.Has("b") || !sent.Has("a") || sent.Values("b") != nil {
		t.Error("a parameter without a value must count as omitted")
	}
}

// A refusal never repeats what was sent, unless it is a word of the protocol.
func TestErrorsDoNotEcho(t *testing.T) {
	for body, want := range map[string]string{
		"scope=a&scope=b":         "parameter scope: sent more than once",
		"x=1&hunter2=a&hunter2=b": "parameter number 3: sent more than once",
		"client_secret=%hunter2":  "parameter client_secret: not well formed",
	} {
		_, err := ParseForm([]byte(body))
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

func TestFormAllocations(t *testing.T) {
	body := []byte(benchForm)
	if n := testing.AllocsPerRun(100, func() { _, _ = ParseForm(body) }); n > 2 {
		t.Errorf("%v allocations, want at most 2", n)
	}
}

func asMap(sent Parameters) map[string]string {
	var all map[string]string
	for _, name := range sent.Names() {
		if all == nil {
			all = map[string]string{}
		}
		all[name] = sent.Get(name)
	}
	return all
}

// Where net/url accepts a form too, it must read the same in it.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{"", benchForm, "a=1;b=2", "a=%zz", "=&=", "a=%C3%A9&&b", "resource=a&resource=b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ours, err := ParseForm(body)
		if err != nil {
			return
		}
		theirs, err := url.ParseQuery(string(body))
		if err != nil {
			return
		}
		for name, values := range theirs {
			values = slices.DeleteFunc(values, func(v string) bool { return v == "" })
			if len(values) == 0 {
				values = nil
			}
			if diff := cmp.Diff(values, ours.Values(name)); diff != "" {
				t.Errorf("%q: %s", name, diff)
			}
			if len(values) == 0 {
				delete(theirs, name)
			}
		}
		if len(ours.Names()) != len(theirs) {
			t.Errorf("names: %q, %v", ours.Names(), theirs)
		}
	})
}

const benchForm = "grant_type=client_credentials&client_id=3fK9sLqPz0vTn8yWb2Rx&client_secret=Zk4mV7tQx1pLr9sWn3bYf6hJd8gKc2eT&scope=https%3A%2F%2Fapi.example%2Froster.readonly+openid"

func BenchmarkForm(b *testing.B) {
	body := []byte(benchForm)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseForm(body); err != nil {
			b.Fatal(err)
		}
	}
}
