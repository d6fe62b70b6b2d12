package admin

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPages(t *testing.T) {
	f := open(t)
	want := []string{"nightly-sync"}
	for i := range 5 {
		id := fmt.Sprintf("m%d", i)
		f.does(t, 201, "POST", clientsOfStaging, `{"id":"`+id+`","scopes":["all"]}`)
		want = append(want, id)
	}
	slices.Sort(want)
	for _, limit := range []int{1, 2, 5, 6, 7, MaxPage} {
		var got []string
		path := fmt.Sprintf("%s?limit=%d", clientsOfStaging, limit)
		for at := path; at != ""; {
			page := decoded[ClientPage](t, f.does(t, 200, "GET", at, ""))
			if len(page.Clients) > limit {
				t.Fatalf("a page of %d", len(page.Clients))
			}
			for _, c := range page.Clients {
				got = append(got, c.ID)
			}
			if at = ""; page.Next != "" {
				at = path + "&after=" + page.Next
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d: %s", limit, diff)
		}
	}
}

// T11: a cursor that was forged, changed, made for another list or by another
// process, or that is too old, is refused.
func TestT11Cursors(t *testing.T) {
	f := open(t)
	for _, environment := range []string{"staging", "production"} {
		f.does(t, 201, "POST", Prefix+"/environments/"+environment+"/clients", wanted)
	}
	next := decoded[ClientPage](t, f.does(t, 200, "GET", clientsOfStaging+"?limit=1", "")).Next
	path := clientsOfStaging + "?after="
	f.does(t, 200, "GET", path+next, "")

	sealed, err := base64.RawURLEncoding.DecodeString(next)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		changed := slices.Clone(sealed)
		changed[i] ^= 1
		f.does(t, 400, "GET", path+base64.RawURLEncoding.EncodeToString(changed), "")
		if i > 0 { // none at all is the first page
			f.does(t, 400, "GET", path+base64.RawURLEncoding.EncodeToString(sealed[:i]), "")
		}
	}
	f.does(t, 400, "GET", Prefix+"/environments/production/clients?after="+next, "")
	f.does(t, 400, "GET", path+next+"%3D", "")

	f.now = today.Add(cursorLife - time.Second)
	f.does(t, 200, "GET", path+next, "")
	f.now = today.Add(cursorLife)
	f.does(t, 400, "GET", path+next, "")

	f.now = today
	f.restart(t)
	f.does(t, 400, "GET", path+next, "")
}

func FuzzCursor(f *testing.F) {
	c, err := newCursors(zeros{}, func() time.Time { return today })
	if err != nil {
		f.Fatal(err)
	}
	f.Add("staging", "nightly-sync", "AAAA")
	f.Fuzz(func(t *testing.T, list, last, forged string) {
		sealed := c.after(list, last)
		if got, ok := c.open(list, sealed); !ok || got != last {
			t.Errorf("%q came back as %q, %v", last, got, ok)
		}
		if forged != sealed {
			if got, ok := c.open(list, forged); ok {
				t.Errorf("forged: %q", got)
			}
		}
		if _, ok := c.open(list+"x", sealed); ok {
			t.Error("good for another list")
		}
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
