package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/jose"
)

const keysOfStaging = Prefix + "/environments/staging/keys"

// in is the key of the list in that state.
func (l KeyList) in(t *testing.T, state string) SigningKey {
	t.Helper()
	var found []SigningKey
	for _, k := range l.Keys {
		if k.State == state {
			found = append(found, k)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d keys are %s: %+v", len(found), state, l.Keys)
	}
	return found[0]
}

func TestLifeOfAKey(t *testing.T) {
	f := open(t)
	list := decoded[KeyList](t, f.does(t, 200, "GET", keysOfStaging, ""))
	active, standby := list.in(t, "active"), list.in(t, "standby")
	if !active.TokensUntil.Equal(today.Add(time.Hour)) || !standby.SignsFrom.Equal(today.Add(time.Hour)) || !standby.TokensUntil.IsZero() || active.Algorithm != "ES256" {
		t.Errorf("at first: %+v", list.Keys)
	}

	// N04: not before every verifier knows the next key.
	f.now = today.Add(time.Hour - time.Microsecond)
	w := f.does(t, 409, "POST", keysOfStaging+"/rotate", `{}`)
	if p := decoded[Problem](t, w); !strings.Contains(p.Detail, standby.ID) || !strings.Contains(p.Detail, "2026-11-22T10:00:00Z") {
		t.Errorf("too soon: %s", p.Detail)
	}
	f.now = today.Add(time.Hour)
	list = decoded[KeyList](t, f.does(t, 200, "POST", keysOfStaging+"/rotate", `{"algorithm":"ES256"}`))
	retired := list.in(t, "retired")
	if list.in(t, "active").ID != standby.ID || retired.ID != active.ID || !retired.TokensUntil.Equal(f.now.Add(time.Hour)) || !retired.GoesAt.After(f.now.Add(24*time.Hour)) {
		t.Errorf("rotated: %+v", list.Keys)
	}
	f.does(t, 409, "POST", keysOfStaging+"/rotate", `{}`)
	if p := decoded[Problem](t, f.does(t, 422, "POST", keysOfStaging+"/rotate", `{"algorithm":"RS256","emergency":true}`)); p.Errors[0].Field != "algorithm" {
		t.Errorf("an algorithm that there is not: %+v", p)
	}

	// N05: at once.
	list = decoded[KeyList](t, f.does(t, 200, "DELETE", keysOfStaging+"/"+standby.ID, ""))
	gone := list.in(t, "gone")
	if gone.ID != standby.ID || !gone.RemovedAt.Equal(f.now) || !gone.TokensUntil.IsZero() || len(list.Warnings) != 0 {
		t.Errorf("removed: %+v", list)
	}
	if signer, err := f.rings["staging"].Signer(jose.ES256); err != nil || signer.KeyID() != list.in(t, "active").ID {
		t.Errorf("%v signs, %v", signer, err)
	}
	f.does(t, 200, "DELETE", keysOfStaging+"/"+standby.ID, "")
	if p := decoded[Problem](t, f.does(t, 404, "DELETE", keysOfStaging+"/unknown", "")); !strings.Contains(p.Detail, "no such key") {
		t.Errorf("unknown: %s", p.Detail)
	}

	// Nothing private is in any answer.
	if text := f.does(t, 200, "GET", keysOfStaging, "").Body.String(); strings.Contains(text, "ealed") || strings.Contains(text, `"d"`) {
		t.Error("something private is shown")
	}
	f.rings["staging"] = nil
	f.does(t, 404, "GET", keysOfStaging, "")
}
