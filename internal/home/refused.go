package home

import (
	"time"

	"github.com/grantway/grantway/internal/store"
)

// RefusedRead is how many refused requests of a client are read to find Runs.
const RefusedRead = 200

// A Run is requests of one client that were refused one after the other for the same
// reason on the same route.
type Run struct {
	store.RefusedRequest           // the newest
	Times                int       // how often
	Since                time.Time // when the first was that is known
	Cut                  bool      // there may have been more before
}

// Runs puts a client's refused requests, the newest first, into runs. They are cut
// where there are as many as are read.
func Runs(all []store.RefusedRequest) []Run {
	var runs []Run
	for _, r := range all {
		if n := len(runs) - 1; n >= 0 && runs[n].Refusal == r.Refusal && runs[n].Route == r.Route {
			runs[n].Times, runs[n].Since = runs[n].Times+1, r.At
			continue
		}
		runs = append(runs, Run{RefusedRequest: r, Times: 1, Since: r.At})
	}
	if n := len(runs); n > 0 {
		runs[n-1].Cut = len(all) >= RefusedRead
	}
	return runs
}
