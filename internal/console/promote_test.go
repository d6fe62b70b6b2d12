package console

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/grantway/grantway/internal/partner"
	"github.com/grantway/grantway/internal/store"
)

// TestBesideReadsToTheEnd: however two lists are cut into pages, each client is in
// one pair, with the one of the same id beside it.
func TestBesideReadsToTheEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) []store.Client {
			var all []store.Client
			for i := range 20 {
				if rapid.Bool().Draw(t, fmt.Sprint(name, i)) {
					all = append(all, store.Client{ID: fmt.Sprintf("c%02d", i)})
				}
			}
			return all
		}
		page := func(all []store.Client, after string, limit int) ([]store.Client, bool) {
			from := slices.IndexFunc(all, func(c store.Client) bool { return c.ID > after })
			if from < 0 {
				return nil, false
			}
			return all[from:min(from+limit, len(all))], from+limit < len(all)
		}
		a, b := draw("a"), draw("b")
		limit, after, more := rapid.IntRange(1, 5).Draw(t, "limit"), "", true
		var gotA, gotB []store.Client
		for more {
			left, moreLeft := page(a, after, limit)
			right, moreRight := page(b, after, limit)
			some := beside(left, right, moreLeft, moreRight)
			if more = moreLeft || moreRight; more && len(some) == 0 {
				t.Fatal("it stands still")
			}
			for _, p := range some {
				if p.id <= after || p.a != nil && p.b != nil && p.a.ID != p.b.ID {
					t.Fatalf("%+v after %s", p, after)
				}
				if after = p.id; p.a != nil {
					gotA = append(gotA, *p.a)
				}
				if p.b != nil {
					gotB = append(gotB, *p.b)
				}
			}
		}
		same := func(x, y []store.Client) bool {
			return slices.EqualFunc(x, y, func(c, d store.Client) bool { return c.ID == d.ID })
		}
		if !same(gotA, a) || !same(gotB, b) {
			t.Fatalf("%d of %d, %d of %d", len(gotA), len(a), len(gotB), len(b))
		}
	})
}

// TestPromotable: only where promoting would add something.
func TestPromotable(t *testing.T) {
	client := func(change func(*store.Client)) *store.Client {
		c := &store.Client{ID: "a", Name: "A", Type: store.TypeMachine, Grants: []string{"client_credentials"}, Allotted: map[string][]string{"notes": {"read"}}}
		if change != nil {
			change(c)
		}
		return c
	}
	more := func(c *store.Client) { c.Allotted = map[string][]string{"notes": {"read", "write"}} }
	for name, row := range map[string]struct {
		a, b *store.Client
		want bool
	}{
		"not there":        {client(nil), nil, true},
		"only there":       {nil, client(nil), false},
		"a scope more":     {client(more), client(nil), true},
		"a scope less":     {client(nil), client(more), false},
		"another name":     {client(func(c *store.Client) { c.Name = "B" }), client(nil), false},
		"another partner":  {client(func(c *store.Client) { more(c); c.Partner = "p" }), client(nil), false},
		"declared":         {client(func(c *store.Client) { more(c); c.Declared = true }), client(nil), false},
		"declared there":   {client(more), client(func(c *store.Client) { c.Declared = true }), false},
		"other ways to be": {client(func(c *store.Client) { c.AuthMethods = []string{"client_secret_post"} }), client(nil), false},
	} {
		p := pair{id: "a", a: row.a, b: row.b}
		all := p.differences()
		if got := p.promotable(all); got != row.want || len(all) == 0 {
			t.Errorf("%s: %v with %v", name, got, all)
		}
	}
	same := pair{id: "a", a: client(nil), b: client(nil)}
	if all := same.differences(); len(all) > 0 {
		t.Error(all)
	}
}

// TestSides: of lists, each side says what the other has not.
func TestSides(t *testing.T) {
	d := partner.Difference{Client: "a", Member: "allotted.notes", A: "read write", B: "admin read"}
	c := &store.Client{}
	for _, row := range []struct {
		got, want string
	}{
		{side(c, d, d.A, d.B).Text, "write"},
		{side(c, d, d.B, d.A).Text, "admin"},
		{side(c, d, "read", d.A).Text, "nothing more"},
		{side(nil, partner.Difference{}, "", "A").Text, "not there"},
		{side(c, partner.Difference{}, "A", "").Text, "there"},
		{side(c, partner.Difference{Member: "name"}, "A", "B").Text, "A"},
		{member("allotted.notes"), "scopes of notes"},
		{member("grants_end.x"), "end of x"},
	} {
		if row.got != row.want {
			t.Errorf("%q, not %q", row.got, row.want)
		}
	}
}
