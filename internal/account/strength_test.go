package account

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/grantway/grantway/internal/store"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func proof(m Method, ago time.Duration) Proof { return Proof{Method: m, At: noon.Add(-ago)} }

func TestJudge(t *testing.T) {
	uv := Proof{Method: Passkey, At: noon, Verified: true, Hardware: true}
	pwd, otp := proof(Password, 0), proof(TOTP, 0)
	both := Means{Password: true, TOTP: true, Recovery: true}
	for _, row := range []struct {
		name string
		s    Standing
		w    Wish
		want Verdict
	}{
		{name: "nothing yet", s: Standing{Means: both}, want: Verdict{Next: []Method{Password}}},
		{name: "one factor", s: Standing{Means: Means{Password: true}, Proven: []Proof{pwd}}, want: Verdict{Enough: true, ACR: ACROne}},
		{name: "has a second", s: Standing{Means: both, Proven: []Proof{pwd}}, want: Verdict{ACR: ACROne, Next: []Method{TOTP, Recovery}}},
		{name: "two factors", s: Standing{Means: both, Proven: []Proof{pwd, otp}}, want: Verdict{Enough: true, ACR: ACRTwo}},
		{name: "recovery code", s: Standing{Means: both, Proven: []Proof{pwd, proof(Recovery, 0)}}, want: Verdict{Enough: true, ACR: ACRTwo}},
		{name: "a code alone begins nothing", s: Standing{Means: both, Proven: []Proof{otp}}, want: Verdict{Next: []Method{Password}}},
		{name: "passkey that verifies", s: Standing{Means: Means{Passkey: true, Alone: true}, Required: true, Proven: []Proof{uv}}, w: Wish{Must: true}, want: Verdict{Enough: true, ACR: ACRTwo}},
		{name: "passkey that does not", s: Standing{Means: Means{Passkey: true, Password: true}, Proven: []Proof{proof(Passkey, 0)}}, want: Verdict{ACR: ACROne, Next: []Method{Password}}},
		{name: "remembered browser", s: Standing{Means: both, Proven: []Proof{pwd}, Remembered: true}, want: Verdict{Enough: true, ACR: ACROne}},
		{name: "remembered, required", s: Standing{Means: both, Proven: []Proof{pwd}, Remembered: true, Required: true}, want: Verdict{Enough: true, ACR: ACROne}},
		{name: "remembered is no second factor for an application", s: Standing{Means: both, Proven: []Proof{pwd}, Remembered: true}, w: Wish{Must: true}, want: Verdict{ACR: ACROne, Next: []Method{TOTP, Recovery}}},
		{name: "nor where it would like one", s: Standing{Means: both, Proven: []Proof{pwd}, Remembered: true}, w: Wish{Two: true}, want: Verdict{ACR: ACROne, Next: []Method{TOTP, Recovery}}},
		{name: "nor for a sensitive change", s: Standing{Means: both, Proven: []Proof{pwd}, Remembered: true}, w: Wish{Sensitive: true}, want: Verdict{ACR: ACROne, Next: []Method{TOTP, Recovery}}},
		{name: "liked, not had", s: Standing{Means: Means{Password: true}, Proven: []Proof{pwd}}, w: Wish{Two: true}, want: Verdict{Enough: true, ACR: ACROne}},
		{name: "demanded, not had", s: Standing{Means: Means{Password: true}, Proven: []Proof{pwd}}, w: Wish{Must: true}, want: Verdict{ACR: ACROne, SetUp: []Method{Passkey, TOTP}}},
		{name: "required, not had", s: Standing{Means: Means{Password: true}, Proven: []Proof{pwd}, Required: true}, want: Verdict{ACR: ACROne, SetUp: []Method{Passkey, TOTP}}},
		{name: "required, a key alone", s: Standing{Means: Means{Passkey: true}, Proven: []Proof{proof(Passkey, 0)}, Required: true}, want: Verdict{ACR: ACROne, SetUp: []Method{Passkey, Password}}},
		{name: "a recovery code of somebody without a second factor", s: Standing{Means: Means{Password: true, Recovery: true}, Proven: []Proof{pwd}, Required: true}, want: Verdict{ACR: ACROne, SetUp: []Method{Passkey, TOTP}}},
		{name: "five minutes", s: Standing{Means: both, Proven: []Proof{proof(Password, 5*time.Minute), proof(TOTP, 5*time.Minute)}}, w: Wish{Sensitive: true}, want: Verdict{Enough: true, ACR: ACRTwo}},
		{name: "more than five", s: Standing{Means: both, Proven: []Proof{proof(Password, 5*time.Minute+1), otp}}, w: Wish{Sensitive: true}, want: Verdict{Next: []Method{Password}}},
		{name: "too old for max_age", s: Standing{Means: both, Proven: []Proof{proof(Password, time.Hour), proof(TOTP, time.Hour)}}, w: Wish{Since: noon.Add(-time.Minute)}, want: Verdict{Next: []Method{Password}}},
		{name: "from the future", s: Standing{Means: both, Proven: []Proof{proof(Password, -2*time.Minute)}}, want: Verdict{Next: []Method{Password}}},
		{name: "an essential acr we do not know", s: Standing{Means: both, Proven: []Proof{pwd, otp}}, w: Wish{Impossible: true}, want: Verdict{Impossible: true, ACR: ACRTwo}},
		{name: "provider", s: Standing{Means: Means{Provider: true}, Proven: []Proof{proof(Provider, 0)}}, want: Verdict{Enough: true, ACR: ACROne}},
		{name: "provider and password are one kind", s: Standing{Means: Means{Provider: true, Password: true, TOTP: true}, Proven: []Proof{pwd, proof(Provider, 0)}}, want: Verdict{ACR: ACROne, Next: []Method{TOTP}}},
		{name: "unknown method", s: Standing{Means: both, Proven: []Proof{proof("magic", 0)}}, want: Verdict{Next: []Method{Password}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.s.Now = noon
			got := Judge(row.s, row.w)
			got.Methods, got.At = nil, time.Time{}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVerdictNames(t *testing.T) {
	v := Judge(Standing{Means: Means{Password: true, TOTP: true}, Now: noon, Proven: []Proof{proof(Password, time.Minute), proof(TOTP, 0)}}, Wish{})
	if !slices.Equal(v.Methods, []string{"pwd", "otp", "mfa"}) || !v.At.Equal(noon.Add(-time.Minute)) {
		t.Errorf("%v at %v", v.Methods, v.At)
	}
	v = Judge(Standing{Means: Means{Passkey: true, Alone: true}, Now: noon, Proven: []Proof{{Method: Passkey, At: noon, Verified: true}}}, Wish{})
	if !slices.Equal(v.Methods, []string{"swk", "user", "mfa"}) {
		t.Error(v.Methods)
	}
}

func TestWishOf(t *testing.T) {
	age := func(n int64) *int64 { return &n }
	asked := noon.Add(-time.Second)
	for _, row := range []struct {
		name      string
		acr       []string
		essential bool
		maxAge    *int64
		again     bool
		want      Wish
	}{
		{name: "nothing"},
		{name: "one", acr: []string{ACROne}},
		{name: "two", acr: []string{ACRTwo}, want: Wish{Two: true}},
		{name: "two before one", acr: []string{ACRTwo, ACROne}, want: Wish{Two: true}},
		{name: "one before two", acr: []string{ACROne, ACRTwo}},
		{name: "two, essential", acr: []string{ACRTwo}, essential: true, want: Wish{Two: true, Must: true}},
		{name: "either, essential", acr: []string{ACRTwo, ACROne}, essential: true, want: Wish{Two: true}},
		{name: "unknown", acr: []string{"x"}},
		{name: "unknown, essential", acr: []string{"x"}, essential: true, want: Wish{Impossible: true}},
		{name: "essential without values", essential: true},
		{name: "max_age", maxAge: age(60), want: Wish{Since: noon.Add(-time.Minute)}},
		{name: "max_age 0", maxAge: age(0), want: Wish{Since: asked}}, // or a proof would be too old as soon as it is made
		{name: "max_age huge", maxAge: age(1 << 62)},
		{name: "max_age negative", maxAge: age(-1), want: Wish{Since: asked}},
		{name: "prompt=login", again: true, want: Wish{Since: asked}},
	} {
		if diff := cmp.Diff(row.want, WishOf(row.acr, row.essential, row.maxAge, row.again, asked, noon)); diff != "" {
			t.Errorf("%s: %s", row.name, diff)
		}
	}
}

// P07: whatever a person proves, in whatever order and over however many sessions,
// two factors are never found where there were not two different kinds, recent
// enough; and nobody signs in without a first factor.
func TestJudgeNeverFindsTwoFactorsInOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		means := Means{
			Password: rapid.Bool().Draw(t, "password"), Provider: rapid.Bool().Draw(t, "provider"), Passkey: rapid.Bool().Draw(t, "passkey"),
			TOTP: rapid.Bool().Draw(t, "totp"), Recovery: rapid.Bool().Draw(t, "recovery"),
		}
		means.Alone = means.Passkey && rapid.Bool().Draw(t, "alone")
		now := noon
		var proven []Proof  // as they were proven
		var session []Proof // as a session says
		for range rapid.IntRange(0, 8).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "seconds")) * time.Second)
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0: // sign in, and read the session again
				v := Judge(Standing{Means: means, Proven: append(session, proven...), Now: now}, Wish{})
				if v.Enough {
					session, proven = ProvenIn(store.Session{Methods: v.Methods, AuthenticatedAt: v.At}), nil
				}
			default:
				proven = append(proven, Proof{
					Method:   rapid.SampledFrom([]Method{Password, Provider, Passkey, TOTP, Recovery, "other"}).Draw(t, "method"),
					Verified: rapid.Bool().Draw(t, "verified"), Hardware: rapid.Bool().Draw(t, "hardware"), At: now,
				})
			}
			all := append(slices.Clone(session), proven...)
			w := Wish{Must: rapid.Bool().Draw(t, "must"), Two: rapid.Bool().Draw(t, "two"), Sensitive: rapid.Bool().Draw(t, "sensitive")}
			s := Standing{Means: means, Proven: all, Now: now, Remembered: rapid.Bool().Draw(t, "remembered"), Required: rapid.Bool().Draw(t, "required")}
			v := Judge(s, w)
			knows, has, began := false, false, false
			for _, p := range all {
				if w.Sensitive && now.Sub(p.At) > 5*time.Minute {
					continue
				}
				knows = knows || p.Method == Password || p.Method == Provider || p.Method == Passkey && p.Verified
				has = has || p.Method == Passkey || p.Method == TOTP || p.Method == Recovery
				began = began || p.Method == Password || p.Method == Provider || p.Method == Passkey
			}
			if v.ACR == ACRTwo && !(knows && has) || v.Enough && !began {
				t.Fatalf("%+v of %+v", v, all)
			}
			if v.Enough && v.ACR != ACRTwo && (w.Must || (w.Sensitive || !s.Remembered) && (s.Required || means.second())) {
				t.Fatalf("enough with one factor: %+v, %+v", s, w)
			}
			if v.Enough && (len(v.Next) > 0 || len(v.SetUp) > 0) || slices.Contains(v.Methods, amrTwo) != (knows && has) {
				t.Fatalf("contradicts itself: %+v", v)
			}
			if !v.Enough && len(v.Next) == 0 && len(v.SetUp) == 0 && means.first() {
				t.Fatalf("a dead end: %+v, %+v", s, w)
			}
		}
	})
}
