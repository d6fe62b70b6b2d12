package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// idle is how long a session of the tests may be unused.
const idle = 500 * time.Second

// session is a session of the account "p", seen at(n) and good until at(3000).
func session(n int) store.Session {
	return store.Session{
		Hash: [32]byte{4, byte(n >> 8), byte(n)}, ID: id("s", n), AccountID: "p", Methods: []string{"pwd", "otp"}, Agent: "Ünïted on <Linux>",
		CreatedAt: at(-100), AuthenticatedAt: at(-50), SeenAt: at(n), EndsAt: at(3000),
	}
}

func (w *world) session(t *testing.T, n int) store.Session {
	t.Helper()
	s, err := w.Sessions.Find(t.Context(), session(n).Hash, idle, at(1))
	must(t, err)
	return s
}

func (w *world) noSession(t *testing.T, n int) {
	t.Helper()
	_, err := w.Sessions.Find(t.Context(), session(n).Hash, time.Hour, at(-1000))
	want(t, err, store.ErrNotFound)
}

// signedIn makes the accounts "p" and "q" and the clients "c" and "d". p has the
// sessions 1 (in which grant 1 for "c" hangs) and 2 (grants 2 for "c" and 3,
// offline, for "d"), q has 3 (grant 4 for "c").
func (w *world) signedIn(t *testing.T) {
	t.Helper()
	w.person(t, "p")
	w.person(t, "q")
	must(t, w.Clients.Create(t.Context(), store.Client{ID: "c"}, by(-1)))
	must(t, w.Clients.Create(t.Context(), store.Client{ID: "d"}, by(-1)))
	for i := range 3 {
		s := session(i + 1)
		if i == 2 {
			s.AccountID = "q"
		}
		must(t, w.Sessions.Start(t.Context(), s, [32]byte{}, by(0)))
	}
	for i, row := range []struct {
		client, account string
		session         int
		offline         bool
	}{{"c", "p", 1, false}, {"c", "p", 2, false}, {"d", "p", 2, true}, {"c", "q", 3, false}} {
		g := grant(i + 1)
		g.ClientID, g.AccountID, g.SessionID, g.Offline = row.client, row.account, session(row.session).ID, row.offline
		w.started(t, g)
	}
}

// notices checks which logout notices were queued, by session and client.
func (w *world) notices(t *testing.T, wanted ...string) {
	t.Helper()
	all, err := w.LogoutNotices.Claim(t.Context(), at(100_000), at(100_000), 1000)
	must(t, err)
	var got []string
	for _, n := range all {
		got = append(got, n.SessionID+"."+n.ClientID)
	}
	slices.Sort(got)
	same(t, got, wanted)
}

func (w *world) sessions(t *testing.T, account string, now time.Time, wanted ...store.Session) {
	t.Helper()
	got, err := w.Sessions.List(t.Context(), account, now)
	must(t, err)
	same(t, got, wanted)
}

var sessionCases = map[string]func(*testing.T, *world){
	"start, find and list": func(t *testing.T, w *world) {
		w.person(t, "p")
		for i := range 3 {
			must(t, w.Sessions.Start(t.Context(), session(i), [32]byte{}, by(i)))
			w.last(t, store.Change{At: at(i), Kind: "session.started", ID: session(i).ID, Actor: "operator", Trace: by(i).Trace})
		}
		same(t, w.session(t, 1), session(1))
		for _, row := range []struct {
			idle time.Duration
			now  time.Time
			want error
		}{
			{499 * time.Second, at(500).Add(-time.Microsecond), nil},
			{499 * time.Second, at(500), store.ErrNotFound},
			{time.Hour, at(3000).Add(-time.Microsecond), nil},
			{time.Hour, at(3000), store.ErrNotFound},
			{0, at(1), store.ErrNotFound},
		} {
			if _, err := w.Sessions.FindByID(t.Context(), session(1).ID, row.idle, row.now); !is(err, row.want) {
				t.Errorf("by ID, %v: %v, want %v", row, err, row.want)
			}
			if _, err := w.Sessions.Find(t.Context(), session(1).Hash, row.idle, row.now); !is(err, row.want) {
				t.Errorf("idle %v at %v: %v", row.idle, row.now, err)
			}
		}
		w.noSession(t, 9)
		w.sessions(t, "p", at(2999), session(2), session(1), session(0))
		w.sessions(t, "p", at(3000))
		w.sessions(t, "q", at(0))
		w.sessions(t, "a\x00", at(0))
	},
	"start, each thing that is wrong": func(t *testing.T, w *world) {
		w.signedIn(t)
		must(t, w.Accounts.Create(t.Context(), account("off"), nil, by(0)))
		before := w.newSeq(t)
		for name, row := range map[string]struct {
			spoil    func(*store.Session)
			replaces [32]byte
			want     error
		}{
			"unknown account":  {func(s *store.Session) { s.AccountID = "x" }, session(2).Hash, store.ErrNotFound},
			"disabled account": {func(s *store.Session) { s.AccountID = "off" }, session(2).Hash, store.ErrNotFound},
			"hash in use":      {func(s *store.Session) { s.Hash = session(1).Hash }, session(2).Hash, store.ErrConflict},
			"P09 ID in use":    {func(s *store.Session) { s.ID = session(1).ID }, session(2).Hash, store.ErrConflict},
			"P08 its own hash": {func(s *store.Session) { s.Hash = session(2).Hash }, session(2).Hash, store.ErrConflict},
			"text":             {func(s *store.Session) { s.Agent = "\xff" }, session(2).Hash, nil},
			"method":           {func(s *store.Session) { s.Methods = []string{"a\x00"} }, session(2).Hash, nil},
			"time":             {func(s *store.Session) { s.EndsAt = time.Unix(1<<60, 0) }, session(2).Hash, nil},
		} {
			s := session(9)
			row.spoil(&s)
			err := w.Sessions.Start(t.Context(), s, row.replaces, by(1))
			if row.want == nil {
				refused(t, name, err)
			} else if !is(err, row.want) {
				t.Errorf("%s: %v, want %v", name, err, row.want)
			}
			w.noSession(t, 9)
			same(t, w.session(t, 2), session(2)) // what did not happen replaced nothing
		}
		same(t, w.newSeq(t), before)
		w.notices(t)
	},
	"P08 start in place of another, for the same person": func(t *testing.T, w *world) {
		w.signedIn(t)
		before := w.newSeq(t)
		stepped := session(9)
		stepped.ID = session(2).ID
		must(t, w.Sessions.Start(t.Context(), stepped, session(2).Hash, by(1)))
		w.last(t, store.Change{At: at(1), Kind: "session.started", ID: stepped.ID, Actor: "operator", Trace: "trace1"})
		w.noSession(t, 2)
		same(t, w.session(t, 9), stepped)
		same(t, w.grant(t, "g002").EndedAt, time.Time{})
		w.endedSince(t, before)
		w.notices(t)
		// Nor does the old one come back, or is it seen.
		must(t, w.Sessions.Seen(t.Context(), session(2).Hash, at(2)))
		w.noSession(t, 2)
		must(t, w.Sessions.End(t.Context(), "p", stepped.ID, at(5000), by(3)))
		same(t, w.grant(t, "g002").EndedAt, at(3))
	},
	"P08 start in place of another, which ends": func(t *testing.T, w *world) {
		for name, spoil := range map[string]func(*store.Session){
			"another ID":                  func(*store.Session) {},
			"another person":              func(s *store.Session) { s.AccountID = "q" },
			"another person under its ID": func(s *store.Session) { s.AccountID, s.ID = "q", session(2).ID },
		} {
			w := &world{Roles: w.database(t)(t)}
			w.signedIn(t)
			before := w.newSeq(t)
			next := session(9)
			spoil(&next)
			must(t, w.Sessions.Start(t.Context(), next, session(2).Hash, by(1)))
			w.noSession(t, 2)
			same(t, w.session(t, 9), next)
			w.notices(t, "s002.c", "s002.d")
			if got := w.grant(t, "g002").EndedAt; !got.Equal(at(1)) {
				t.Errorf("%s: the grant of the old session ended at %v", name, got)
			}
			same(t, w.grant(t, "g003").EndedAt, time.Time{}) // offline
			same(t, w.grant(t, "g004").EndedAt, time.Time{}) // another's
			all, err := w.Revocations.Since(t.Context(), before, at(0))
			must(t, err)
			if len(all) != 1 || all[0].Kind != store.RevokedGrant || all[0].ID != "g002" || all[0].ForgetAt.Before(at(86_400)) {
				t.Errorf("%s: revocations %+v", name, all)
			}
		}
	},
	"P08, P09 start in place of what is gone": func(t *testing.T, w *world) {
		w.signedIn(t)
		must(t, w.Sessions.End(t.Context(), "p", session(2).ID, at(5000), by(1)))
		before := w.newSeq(t)
		stepped := session(9)
		stepped.ID = session(2).ID
		want(t, w.Sessions.Start(t.Context(), stepped, session(2).Hash, by(2)), store.ErrConflict)
		want(t, w.Sessions.Start(t.Context(), session(9), [32]byte{99}, by(2)), store.ErrConflict)
		w.noSession(t, 9)
		same(t, w.newSeq(t), before)
	},
	"P08 start in place of one at once": func(t *testing.T, w *world) {
		w.signedIn(t)
		other := w.open(t)
		onlyOne(t, store.ErrConflict, func(i int) error {
			sessions, stepped := w.Sessions, session(10+i)
			stepped.ID = session(2).ID
			if i%2 == 0 {
				sessions = other.Sessions
			}
			return sessions.Start(t.Context(), stepped, session(2).Hash, by(1))
		})
		w.noSession(t, 2)
		all, err := w.Sessions.List(t.Context(), "p", at(0))
		must(t, err)
		same(t, len(all), 2)
	},
	"seen": func(t *testing.T, w *world) {
		w.person(t, "p")
		must(t, w.Sessions.Start(t.Context(), session(1), [32]byte{}, by(0)))
		before := w.newSeq(t)
		for _, seconds := range []int{7, 3} {
			must(t, w.Sessions.Seen(t.Context(), session(1).Hash, at(seconds)))
			same(t, w.session(t, 1).SeenAt, at(7))
		}
		must(t, w.Sessions.Seen(t.Context(), session(9).Hash, at(8)))
		w.noSession(t, 9)
		same(t, w.newSeq(t), before)
		refused(t, "time", w.Sessions.Seen(t.Context(), session(1).Hash, time.Unix(1<<60, 0)))
	},
	"P24 end": func(t *testing.T, w *world) {
		w.signedIn(t)
		before := w.newSeq(t)
		for _, wrong := range [][2]string{{"q", "s002"}, {"p", "x"}, {"x", "s002"}, {"p", ""}, {"p", "a\x00"}, {"a\x00", "s002"}} {
			want(t, w.Sessions.End(t.Context(), wrong[0], wrong[1], at(5000), by(1)), store.ErrNotFound)
		}
		same(t, w.newSeq(t), before)
		must(t, w.Sessions.End(t.Context(), "p", "s002", at(5000), by(2)))
		w.last(t, store.Change{At: at(2), Kind: "session.ended", ID: "s002", Actor: "operator", Trace: "trace2"})
		w.noSession(t, 2)
		w.endedSince(t, before, endedGrant(before+1, "g002"))
		same(t, w.grant(t, "g002").EndedAt, at(2))
		same(t, w.grant(t, "g003").EndedAt, time.Time{})
		w.notices(t, "s002.c", "s002.d")
		_, err := w.Grants.Commit(t.Context(), code("g002"), by(3))
		want(t, err, store.ErrSpent)
		w.redeem(t, code("g003"), 3, 1) // offline
		w.redeem(t, code("g001"), 3, 1)
		w.session(t, 1)
		w.session(t, 3)
		want(t, w.Sessions.End(t.Context(), "p", "s002", at(5000), by(4)), store.ErrNotFound)
	},
	"P24 end at once with everything in it": func(t *testing.T, w *world) {
		w.signedIn(t)
		other := w.open(t)
		for i := range many {
			r := request(10 + i)
			must(t, w.Requests.Save(t.Context(), r))
		}
		race(t, func(i int) error {
			switch i % 4 {
			case 0:
				return other.Sessions.End(t.Context(), "p", "s002", at(5000), by(1))
			case 1:
				return w.Sessions.Seen(t.Context(), session(2).Hash, at(i))
			}
			g := grant(10 + i)
			g.SessionID, g.Offline = "s002", false
			return w.Grants.Start(t.Context(), request(10+i).Hash, g, nil, by(0))
		})
		w.noSession(t, 2)
		all, err := w.Grants.List(t.Context(), "p", at(3))
		must(t, err)
		for _, g := range all {
			if g.SessionID == "s002" && !g.Offline {
				t.Errorf("the grant %s outlived its session", g.ID)
			}
		}
	},
	"purge": func(t *testing.T, w *world) {
		w.signedIn(t) // seen at 1, 2 and 3
		for i, ends := range map[int]int{4: 40, 5: 50, 6: 51} {
			s := session(i)
			s.EndsAt = at(ends)
			s.SeenAt = at(49)
			must(t, w.Sessions.Start(t.Context(), s, [32]byte{}, by(0)))
		}
		before := w.newSeq(t)
		// At 50 the sessions 1 and 2 were unused for 48 s, 4 and 5 have ended.
		for _, step := range []struct{ limit, want int }{{0, 0}, {-1, 0}, {3, 3}, {100, 1}, {100, 0}} {
			n, err := w.Sessions.Purge(t.Context(), 48*time.Second, at(50), step.limit)
			must(t, err)
			same(t, n, step.want)
		}
		for _, gone := range []int{1, 2, 4, 5} {
			w.noSession(t, gone)
		}
		w.session(t, 3)
		w.session(t, 6)
		kinds := w.kinds(t)[before:]
		slices.Sort(kinds)
		same(t, kinds, []string{"session.ended s001", "session.ended s002", "session.ended s004", "session.ended s005"})
		w.last(t, store.Change{At: at(50), Kind: "session.ended", ID: "s005", Actor: "server"})
		w.notices(t, "s001.c", "s002.c", "s002.d")
		same(t, w.grant(t, "g001").EndedAt, at(50))
		same(t, w.grant(t, "g003").EndedAt, time.Time{})
	},
}
