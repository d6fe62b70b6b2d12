package activity

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grantway/grantway/internal/store"
)

// TookBounds are the times that answers are told apart by, the shortest first. The
// metrics have the same.
var TookBounds = [...]time.Duration{
	200 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 10 * time.Second,
}

// Took counts answers by how long they took: within the bound of the same index,
// and the last beyond all of them.
type Took [len(TookBounds) + 1]int64

// Count is how many answers there are.
func (t *Took) Count() int64 {
	n := int64(0)
	for _, some := range t {
		n += some
	}
	return n
}

// Add adds the answers of another.
func (t *Took) Add(other *Took) {
	for i, n := range other {
		t[i] += n
	}
}

// Within is the time within which a share of the answers came, as far as bounds
// tell: between two of them, answers are taken to be spread evenly. Beyond the
// last, it is that one; where there are no answers, zero.
func (t *Took) Within(share float64) time.Duration {
	wanted, before := share*float64(t.Count()), 0.0
	if wanted <= 0 {
		return 0
	}
	from := time.Duration(0)
	for i, to := range TookBounds {
		if until := before + float64(t[i]); until >= wanted {
			return from + time.Duration(float64(to-from)*(wanted-before)/float64(t[i]))
		}
		from, before = to, before+float64(t[i])
	}
	return from
}

// What is timed, as tallies name it.
const (
	TookToken = "token" // a request at the token endpoint
	TookCall  = "call"  // a call of a guarded API, with the API's own time
)

const tookMore = "more" // than the last bound

// tookEvents are what tallies call the buckets, such as "took.call.2.5ms".
func tookEvents(kind string) (events [len(TookBounds) + 1]string) {
	for i, bound := range TookBounds {
		events[i] = store.EventTook + kind + "." + strconv.FormatFloat(float64(bound)/float64(time.Millisecond), 'f', -1, 64) + "ms"
	}
	events[len(TookBounds)] = store.EventTook + kind + "." + tookMore
	return events
}

var tookNames = map[string][len(TookBounds) + 1]string{TookToken: tookEvents(TookToken), TookCall: tookEvents(TookCall)}

// AddTally adds what a tally says of answers of a kind, and reports whether it says
// anything of them. A bound of another version counts as the next one of this.
func (t *Took) AddTally(kind string, tally *store.Tally) bool {
	bound, ok := strings.CutPrefix(tally.Event, store.EventTook+kind+".")
	if !ok {
		return false
	}
	within := time.Duration(math.MaxInt64)
	if bound != tookMore {
		parsed, err := time.ParseDuration(bound)
		if err != nil {
			return false
		}
		within = parsed
	}
	i, _ := slices.BinarySearch(TookBounds[:], within)
	t[i] += tally.Count
	return true
}
