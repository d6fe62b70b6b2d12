package secret

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

func TestCorrectSecretIsHashedOnce(t *testing.T) {
	c, err := NewChecker(seeded(1), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	v := mustParse(t, bcryptFixture)
	steps := []struct {
		name      string
		id        string
		verifier  Verifier
		presented string
		want      bool
		hashings  uint64 // in all, afterwards
	}{
		{"first", "id", v, clear0, true, 1},
		{"again", "id", v, clear0, true, 1},
		{"wrong", "id", v, clear0 + "x", false, 2},
		{"wrong again", "id", v, clear0 + "x", false, 3},
		{"still remembered", "id", v, clear0, true, 3},
		{"another id", "id2", v, clear0, true, 4},
		{"another verifier", "id", mustParse(t, strings.Replace(bcryptFixture, "$2b$", "$2y$", 1)), clear0, true, 5},
		{"the first id's first verifier again", "id", v, clear0, true, 6},
		{"the other id", "id2", v, clear0, true, 6},
	}
	for _, step := range steps {
		ok, err := c.Check(t.Context(), step.id, step.verifier, step.presented)
		if err != nil || ok != step.want || c.Hashings() != step.hashings {
			t.Errorf("%s: %v, %v after %d hashings", step.name, ok, err, c.Hashings())
		}
	}
	c.Forget("id")
	for id, hashings := range map[string]uint64{"id2": 6} {
		if ok, err := c.Check(t.Context(), id, v, clear0); !ok || err != nil || c.Hashings() != hashings {
			t.Errorf("%s, which was not forgotten: %v, %v after %d hashings", id, ok, err, c.Hashings())
		}
	}
	if ok, err := c.Check(t.Context(), "id", v, clear0); !ok || err != nil || c.Hashings() != 7 {
		t.Errorf("after forgetting: %v, %v after %d hashings", ok, err, c.Hashings())
	}
}

func TestForgettingDuringACheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, gate := gated(t, Limits{})
		v := mustParse(t, bcryptFixture)
		result := ask(t.Context(), c, "id", v, "x")
		synctest.Wait()
		c.Forget("id")
		close(gate)
		if got := <-result; got != (outcome{true, nil}) {
			t.Errorf("the check that was under way: %+v", got)
		}
		if c.remembered.len() != 0 {
			t.Error("what was forgotten is remembered again")
		}
	})
}

func TestRememberedIsBounded(t *testing.T) {
	const limit = 10
	r := newRemembered(limit)
	for i := range 1000 {
		r.put(strconv.Itoa(i), proof{byte(i)}, 0)
		if n := r.len(); n > limit || n < min(i+1, limit/2) {
			t.Fatalf("%d of %d are remembered", n, i+1)
		}
		if _, ok := r.get("0"); !ok {
			t.Fatalf("what is in use is dropped after %d others", i)
		}
		if p, ok := r.get(strconv.Itoa(i)); !ok || p != (proof{byte(i)}) {
			t.Fatalf("the newest, %d, is not remembered", i)
		}
	}
	if _, ok := r.get("500"); ok {
		t.Error("what was not used for long is remembered")
	}
	// At n all are there; n and one more drop the older half.
	r = newRemembered(limit)
	for i := range limit {
		r.put(strconv.Itoa(i), proof{}, 0)
	}
	if n := r.len(); n != limit {
		t.Errorf("%d of %d are remembered", n, limit)
	}
	r.put("one more", proof{}, 0)
	if n := r.len(); n != limit/2+1 {
		t.Errorf("one more than %d: %d are remembered", limit, n)
	}
	// The same id takes no second place, in either half.
	for range 100 {
		r.put("one more", proof{1}, 0)
		r.put("9", proof{2}, 0)
	}
	if p, _ := r.get("9"); r.len() != limit/2+1 || p != (proof{2}) {
		t.Errorf("%d are remembered after repetitions", r.len())
	}
}

func TestProofsAreDistinct(t *testing.T) {
	one, other := newProver([]byte("key 1")), newProver([]byte("key 2"))
	base := one.prove("id", "verifier", "presented")
	if base != one.prove("id", "verifier", "presented") {
		t.Error("the same gives different proofs")
	}
	for name, p := range map[string]proof{
		"another key":      other.prove("id", "verifier", "presented"),
		"id":               one.prove("ie", "verifier", "presented"),
		"verifier":         one.prove("id", "verifies", "presented"),
		"presented":        one.prove("id", "verifier", "presentes"),
		"boundary moved":   one.prove("idv", "erifier", "presented"),
		"boundary moved 2": one.prove("id", "verifierp", "resented"),
		"all in one":       one.prove("idverifierpresented", "", ""),
	} {
		if p == base {
			t.Errorf("%s: the same proof", name)
		}
	}
}
