package secret

import (
	"strings"
	"testing"
)

func newBenchChecker(tb testing.TB) *Checker {
	tb.Helper()
	c, err := NewChecker(seeded(1), Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestGeneratedSecretsAllocateNothing(t *testing.T) {
	c, s := newBenchChecker(t), mustNew(t, "production")
	v, err := FromGenerated(s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, longest := t.Context(), strings.Repeat("x", MaxPresented)
	for name, do := range map[string]func(){
		"right":   func() { _, _ = c.Check(ctx, "id", v, s.Reveal()) },
		"longest": func() { _, _ = c.Check(ctx, "id", v, longest) },
		"unknown": func() { c.Dummy(ctx, s.Reveal()) },
		"handle":  func() { _, _ = ParseOpaque(opaqueFixture) },
	} {
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s: %.0f allocations", name, n)
		}
	}
}

func BenchmarkCheckGenerated(b *testing.B) {
	c, s := newBenchChecker(b), mustNew(b, "production")
	v, err := FromGenerated(s)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := c.Check(b.Context(), "id", v, s.Reveal()); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkCheckUnknown(b *testing.B) {
	c, s := newBenchChecker(b), mustNew(b, "production")
	b.ReportAllocs()
	for b.Loop() {
		c.Dummy(b.Context(), s.Reveal())
	}
}

func BenchmarkCheckRemembered(b *testing.B) {
	c, v := newBenchChecker(b), mustParse(b, bcryptFixture)
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := c.Check(b.Context(), "client-1234567890/3", v, clear0); !ok {
			b.Fatal("refused")
		}
	}
	if c.Hashings() != 1 {
		b.Fatalf("%d hashings", c.Hashings())
	}
}

// One slow hash with the parameters of chosen secrets.
func BenchmarkFromChosen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := FromChosen(Of("test"), seeded(1)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	stream := seeded(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New("production", stream); err != nil {
			b.Fatal(err)
		}
	}
}
