package activity_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/refusal"
)

// happens records facts of one moment, in seconds after now.
func (f *fixture) happens(t *testing.T, second int64, facts ...*activity.Fact) {
	t.Helper()
	f.at.Store(second)
	for _, fact := range facts {
		fact.Started = f.Now()
		f.Record(fact)
	}
	f.flush(t)
}

func TestLastHour(t *testing.T) {
	f := open(t)
	again := issued(func(f *activity.Fact) { f.Event = activity.TokenReused })
	f.happens(t, 1, issued(), issued(), again, call(f, "read"), refused(1, "acme", refusal.SecretWrong), refused(2, "stranger", refusal.SecretWrong))
	f.happens(t, 61, issued())
	h := f.LastHour()
	if len(h.Minutes) != 61 || !h.Minutes[60].At.Equal(now.Add(time.Minute)) || !h.Minutes[0].At.Equal(now.Add(-59*time.Minute)) {
		t.Fatalf("%d minutes, from %v to %v", len(h.Minutes), h.Minutes[0].At, h.Minutes[len(h.Minutes)-1].At)
	}
	if !h.Since.Equal(now) {
		t.Errorf("since %v", h.Since)
	}
	if m := h.Minutes[59]; m.Issued != 2 || m.Reused != 1 || m.Passed != 1 || len(m.Refused) != 1 || m.Refused[refusal.SecretWrong.ID] != 2 {
		t.Errorf("the minute before: %+v", m)
	}
	if m := h.Minutes[60]; m.Issued != 1 || m.Reused+m.Passed != 0 || len(m.Refused) != 0 {
		t.Errorf("this minute: %+v", m)
	}
	if len(h.Clients) != 1 || h.Clients["acme"] != 3 {
		t.Errorf("clients: %v", h.Clients)
	}
}

// TestTheHourGoesOn: what is 60 minutes old is there, what is 61 is not.
func TestTheHourGoesOn(t *testing.T) {
	f := open(t)
	f.happens(t, 0, issued(), refused(1, "acme", refusal.SecretWrong))
	total := func() (n int64) {
		h := f.LastHour()
		for _, m := range h.Minutes {
			n += m.Issued + m.Refused[refusal.SecretWrong.ID]
		}
		if len(h.Clients) > 0 != (n > 0) {
			t.Errorf("clients %v and %d in all", h.Clients, n)
		}
		return n
	}
	for minute, want := range map[int64]int64{0: 2, 1: 2, 60: 2, 61: 0, 62: 0, 600: 0} {
		f.at.Store(minute * 60)
		if got := total(); got != want {
			t.Errorf("after %d minutes: %d, not %d", minute, got, want)
		}
	}
	// What comes now leaves what is 60 minutes old as it is.
	f.happens(t, 60*60, issued())
	if got := total(); got != 3 {
		t.Errorf("with one from now: %d", got)
	}
	// In the same place of the ring, it does not add to what was there.
	f.happens(t, 61*60, issued())
	if got := total(); got != 2 {
		t.Errorf("a minute later: %d", got)
	}
	if h := f.LastHour(); !h.Since.IsZero() {
		t.Errorf("since %v", h.Since)
	}
}

// TestLongerThanTheHour: what began 61 minutes ago and ends now takes the place of no
// minute of the hour; what began 60 minutes ago is counted there.
func TestLongerThanTheHour(t *testing.T) {
	f := open(t)
	f.happens(t, 61*60, issued())
	for _, row := range []struct{ began, now, first, last int64 }{
		{0, 61*60 + 59, 0, 1}, {60, 61*60 + 59, 1, 1},
	} {
		fact := issued()
		f.at.Store(row.began)
		fact.Started = f.Now()
		f.at.Store(row.now)
		f.Record(fact)
		f.flush(t)
		if h := f.LastHour(); h.Minutes[0].Issued != row.first || h.Minutes[60].Issued != row.last {
			t.Errorf("began at %d: %d and %d", row.began, h.Minutes[0].Issued, h.Minutes[60].Issued)
		}
	}
}

// TestClientsOfAMinute: as many as there is room for are told apart, all are counted.
func TestClientsOfAMinute(t *testing.T) {
	const room = 1024
	f := open(t)
	for i := range room + 1 {
		f.happens(t, 0, issued(func(f *activity.Fact) { f.Client = fmt.Sprint("client-", i) }))
	}
	f.happens(t, 0, issued(func(f *activity.Fact) { f.Client = "client-0" }))
	h := f.LastHour()
	if len(h.Clients) != room || h.Clients["client-0"] != 2 || h.Minutes[60].Issued != room+2 {
		t.Errorf("%d clients, %d tokens", len(h.Clients), h.Minutes[60].Issued)
	}
	f.happens(t, 60, issued(func(f *activity.Fact) { f.Client = "client-1024" }))
	if h := f.LastHour(); len(h.Clients) != room+1 {
		t.Errorf("a minute later %d clients", len(h.Clients))
	}
}
