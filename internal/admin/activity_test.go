package admin

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/store"
)

const (
	activityOfStaging = Prefix + "/environments/staging/activity"
	refusedOfStaging  = Prefix + "/environments/staging/refusals"
)

// busy gives staging some hours of activity.
func busy(t *testing.T) *fixture {
	t.Helper()
	f := open(t)
	var tallies []store.Tally
	for hours, count := range map[int]int64{0: 1, -1: 2, -24: 4, -25: 8, -48: 16} {
		for _, client := range []string{"acme", "beta"} {
			tallies = append(tallies, store.Tally{
				Hour: today.Add(time.Duration(hours) * time.Hour), Client: client, Secret: client + "1", API: "moves", Event: "token.issued", Count: count,
			})
		}
	}
	refused := []store.RefusedRequest{
		{Trace: trace, At: today.Add(-time.Minute), Client: "acme", API: "moves", Route: "/token", Refusal: refusal.SecretWrong.ID},
		{Trace: "f" + trace[1:], At: today, Route: "/token", Refusal: "of-tomorrow"},
	}
	if err := f.activity["staging"].Add(t.Context(), tallies, refused); err != nil {
		t.Fatal(err)
	}
	return f
}

// shown are the hours before today and counts, in the order of the page.
func shown(p ActivityPage) (lines []string) {
	for _, one := range p.Activity {
		lines = append(lines, fmt.Sprintf("%v %s%s%s%s%s %d", one.At.Sub(today).Hours(), one.Client, one.Secret, one.API, one.Event, one.Refusal, one.Count))
	}
	return lines
}

func TestListActivity(t *testing.T) {
	f := busy(t)
	for query, want := range map[string][]string{
		"":                            {"-24 token.issued 8", "-1 token.issued 4", "0 token.issued 2"},
		"?client=acme&by=client":      {"-24 acmetoken.issued 4", "-1 acmetoken.issued 2", "0 acmetoken.issued 1"},
		"?since=2026-11-22T09:59:59Z": {"0 token.issued 2"},
		"?since=2026-11-22T08:00:00Z": {"-1 token.issued 4", "0 token.issued 2"},
		"?until=2026-11-22T09:00:00Z": {"-24 token.issued 8", "-1 token.issued 4"},
		"?since=2026-11-20&step=day":  {"-57 token.issued 32", "-33 token.issued 24", "-9 token.issued 6"},
		"?client=nobody":              nil,
		"?api=other":                  nil,
		"?api=moves&until=2026-11-22&by=api,secret,client": {"-24 acmeacme1movestoken.issued 4", "-24 betabeta1movestoken.issued 4"},
	} {
		got := shown(decoded[ActivityPage](t, f.does(t, 200, "GET", activityOfStaging+query, "")))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q differs (-want +got):\n%s", query, diff)
		}
	}
	if got := shown(decoded[ActivityPage](t, f.does(t, 200, "GET", Prefix+"/environments/production/activity", ""))); len(got) != 0 {
		t.Errorf("production shows %v", got)
	}
	for _, query := range []string{"?since=yesterday", "?until=0001-01-01", "?step=week", "?by=client,grant", "?limit=0", "?after=x"} {
		f.does(t, 400, "GET", activityOfStaging+query, "")
	}
}

func TestActivityPages(t *testing.T) {
	f := busy(t)
	const query = activityOfStaging + "?by=client,secret,api&since=2026-11-01"
	whole := shown(decoded[ActivityPage](t, f.does(t, 200, "GET", query, "")))
	var walked []string
	next := ""
	for range len(whole) + 1 {
		page := decoded[ActivityPage](t, f.does(t, 200, "GET", query+"&limit=3&after="+next, ""))
		walked = append(walked, shown(page)...)
		if next = page.Next; next == "" {
			break
		}
	}
	if diff := cmp.Diff(whole, walked); diff != "" || len(whole) != 10 {
		t.Errorf("pages differ from the whole of %d (-whole +pages):\n%s", len(whole), diff)
	}
}

func TestListRefused(t *testing.T) {
	f := busy(t)
	traces := func(query string) (found []string) {
		for _, r := range decoded[RefusedPage](t, f.does(t, 200, "GET", refusedOfStaging+query, "")).Refused {
			found = append(found, r.Trace[:1]+" "+r.Client)
		}
		return found
	}
	for query, want := range map[string][]string{
		"":                {"f ", "0 acme"},
		"?limit=1":        {"f "},
		"?client=acme":    {"0 acme"},
		"?client=beta":    nil,
		"?trace=" + trace: {"0 acme"},
		"?trace=0123456789ABCDEF0123456789abcdef": {"0 acme"},
		"?client=beta&trace=" + trace:             nil,
		"?trace=1" + trace[1:]:                    nil,
	} {
		if diff := cmp.Diff(want, traces(query)); diff != "" {
			t.Errorf("%q differs (-want +got):\n%s", query, diff)
		}
	}
	one := decoded[RefusedPage](t, f.does(t, 200, "GET", refusedOfStaging+"?trace="+trace, "")).Refused[0]
	if one.Reason.Cause != refusal.SecretWrong.Cause || one.Reason.Cure != refusal.SecretWrong.Cure || one.Reason.ShownAs == "" {
		t.Errorf("the reason is shown as %+v", one.Reason)
	}
	f.does(t, 400, "GET", refusedOfStaging+"?since=2026-11-22", "")
}
