package activity

import (
	"cmp"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// A Fetching is how a client comes by its tokens for an API.
type Fetching struct {
	Client  string
	API     string
	Fetched int64         // token requests that were answered with a token
	Reused  int64         // of them, with one that the client had
	Calls   int64         // that were passed; zero also where the API is guarded elsewhere
	Needed  int64         // what one program would have fetched that keeps its tokens
	Left    time.Duration // of the token before, at a fetch, by mean
}

// spared is the number of fetches beyond the needed ones that nobody is told of:
// programs are started, tried and started again.
const spared = 10

// Needless finds the clients that fetch tokens needlessly: more than factor times
// as many as their lifetimes need, and more than ten more. Those come first that
// fetch most beyond need.
//
// The tallies are by the hour, with clients and APIs kept apart (store.TallyQuery);
// others are passed over. The lifetimes are those of the APIs' tokens, by name. An
// hour in which a client fetched or called counts as a whole one, so that rather
// too much is needed than too little; and its fetches as evenly spread, since a
// tally does not say when they were.
func Needless(tallies []store.Tally, lifetimes map[string]time.Duration, factor float64) []Fetching {
	type pair struct{ client, api string }
	type seen struct {
		Fetching
		hours map[int64]bool
	}
	all := map[pair]*seen{}
	for _, t := range tallies {
		if t.Client == "" || lifetimes[t.API] <= 0 || t.Event != TokenIssued && t.Event != TokenReused && t.Event != CallPassed {
			continue
		}
		of := all[pair{t.Client, t.API}]
		if of == nil {
			of = &seen{Fetching{Client: t.Client, API: t.API}, map[int64]bool{}}
			all[pair{t.Client, t.API}] = of
		}
		of.hours[t.Hour.Unix()/3600] = true
		switch t.Event {
		case CallPassed:
			of.Calls += t.Count
		case TokenReused:
			of.Reused += t.Count
			of.Fetched += t.Count
		default:
			of.Fetched += t.Count
		}
	}
	var found []Fetching
	for _, of := range all {
		life, active := lifetimes[of.API], time.Duration(len(of.hours))*time.Hour
		of.Needed = int64((active + life - 1) / life)
		if of.Fetched-of.Needed <= spared || float64(of.Fetched) <= factor*float64(of.Needed) {
			continue
		}
		of.Left = max(0, life-active/time.Duration(of.Fetched)).Round(time.Second)
		found = append(found, of.Fetching)
	}
	slices.SortFunc(found, func(a, b Fetching) int {
		return cmp.Or(cmp.Compare(b.Fetched-b.Needed, a.Fetched-a.Needed), cmp.Compare(a.Client, b.Client), cmp.Compare(a.API, b.API))
	})
	return found
}
