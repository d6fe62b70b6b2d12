package console

import (
	"slices"
	"strconv"
	"testing"

	"github.com/grantway/grantway/internal/catalogue"
	"github.com/grantway/grantway/internal/home"
	"github.com/grantway/grantway/internal/store"
)

// TestRoutesNameAPermission: what anybody may who is an operator is the overview.
func TestRoutesNameAPermission(t *testing.T) {
	for _, r := range routes() {
		switch {
		case r.may == "" && !r.open && !r.anybody && r.path != "/":
			t.Errorf("%s wants no permission", r.path)
		case r.may != "" && !home.May([]string{home.Owner}, r.may):
			t.Errorf("%s wants %s, which nobody has", r.path, r.may)
		case r.post != nil && r.get != nil && slices.Contains([]string{"clients:read", "partners:read", "accounts:read", "keys:read", "api-tokens:read", "changes:read", "operators:read"}, r.may):
			t.Errorf("%s changes something for who may read", r.path)
		}
	}
}

func TestAddresses(t *testing.T) {
	if got, want := to("/client", "environment", "a&b", "empty", "", "id", "x/../y?"), "/client?environment=a%26b&id=x%2F..%2Fy%3F"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	for path, want := range map[string]string{"/client/new": "/clients", "/clients": "/clients", "/api-token/new": "/api-tokens", "/": "/s"} {
		if got := parent(path); got != want {
			t.Errorf("%s belongs to %s, not %s", path, got, want)
		}
	}
}

// TestCellsAreNoFormulas: what a spreadsheet would calculate is text.
func TestCellsAreNoFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a=b": "a=b", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t'=1", "\r=1": "'\r'=1", "'=1": "'=1",
		"a;=1": "a;'=1", "a;b": "a;b", "a\t+1\n@x": "a\t'+1\n'@x", `a;"=1`: `a;'"=1`, "a; =1;": "a;' =1;", "a, =1": "a, =1", ` "-1`: `' "-1`, ";": ";",
	} {
		if got := cell(text); got != want {
			t.Errorf("%q became %q, not %q", text, got, want)
		}
	}
}

func TestDetails(t *testing.T) {
	for detail, want := range map[string]string{
		"": "", "{}": "", "not JSON": "",
		`{"roles":["owner","auditor"],"type":"web"}`: "roles: owner, auditor; type: web",
		`{"name":{"from":"A","to":"B"}}`:             "name: A → B",
		`{"grants":{"from":null,"to":["a"]}}`:        "grants: none → a",
		`{"allotted":{"notes":["read"]},"x":""}`:     "allotted: notes (read)",
	} {
		if got := detailOf(detail); got != want {
			t.Errorf("%s says %q, not %q", detail, got, want)
		}
	}
}

// TestSeek goes on where it stopped, and finds each thing once.
func TestSeek(t *testing.T) {
	all := make([]string, 173)
	for i := range all {
		all[i] = strconv.Itoa(1000 + i)
	}
	read := func(after string, limit int) ([]string, bool, error) {
		i, _ := slices.BinarySearch(all, after+"\x00")
		some := all[i:]
		return some[:min(limit, len(some))], len(some) > limit, nil
	}
	even := func(s *string) bool { return (*s)[3]%2 == 0 }
	var found []string
	for after, pages := "", 1; ; pages++ {
		some, next, early, err := seek(after, read, func(s *string) string { return *s }, even)
		if err != nil || early || len(some) > perPage || pages > 2 {
			t.Fatalf("page %d: %d, %v, %v", pages, len(some), early, err)
		}
		found = append(found, some...)
		if after = next; next == "" {
			break
		}
	}
	if len(found) != 87 || !slices.IsSorted(found) || len(slices.Compact(found)) != 87 {
		t.Errorf("found %d", len(found))
	}
}

// TestMost: the greatest first, equals by name.
func TestMost(t *testing.T) {
	if got := most(map[string]int64{"a": 1, "b": 3, "c": 3}); got[0].is != "b" || got[2].is != "a" {
		t.Errorf("%v", got)
	}
}

// TestWhatAChangeLeadsTo: a request for access names a client of another
// environment, and leads to the request.
func TestWhatAChangeLeadsTo(t *testing.T) {
	e := &Environment{Environment: &catalogue.Environment{Name: "home"}}
	for want, c := range map[string]store.Change{
		"/request?id=r":                    {Kind: "access.asked", ID: "r", Client: "c"},
		"/client?environment=home&id=c":    {Kind: "secret.added", ID: "s", Client: "c"},
		"/client?environment=home&id=made": {Kind: "client.created", ID: "made"},
		"":                                 {Kind: "client.deleted", ID: "gone"},
		"/partner?id=p":                    {Kind: "partner.described", ID: "p"},
	} {
		if got := whereOf(e, &c); got != want {
			t.Errorf("%s leads to %q, not %q", c.Kind, got, want)
		}
	}
}
