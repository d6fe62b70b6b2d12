package audit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/store"
)

// A Source is the changes and seals of an environment, as they are now.
type Source interface {
	// Changes returns at most limit changes after seq, in order.
	Changes(ctx context.Context, after int64, limit int) ([]store.Change, error)

	// Seals returns at most limit seals whose From is after seq, in order.
	Seals(ctx context.Context, after int64, limit int) ([]store.Seal, error)

	// Newest is the number of the newest change, which is kept beside them.
	Newest(ctx context.Context) (int64, error)
}

// A Fault is one thing that is not as it was.
type Fault struct {
	Kind    string    `json:"kind" doc:"altered, missing, inserted, cut, seal-altered, seal-missing, unsigned, replaced."`
	From    int64     `json:"from" doc:"The first change that it is about."`
	Through int64     `json:"through" doc:"The last one."`
	At      time.Time `json:"at,omitzero" doc:"When those changes were sealed; absent where that is not known."`
	Text    string    `json:"text" doc:"What is wrong, in words."`
}

// Kinds of faults.
const (
	Altered     = "altered"      // changes of a run are not those that were sealed
	Missing     = "missing"      // changes are not there
	Inserted    = "inserted"     // a change is there that never happened
	Cut         = "cut"          // the newest changes are not there
	SealAltered = "seal-altered" // a seal is not what its own signature says
	SealMissing = "seal-missing" // a seal is not there
	Unsigned    = "unsigned"     // a checkpoint is not signed by a key of the environment
	Replaced    = "replaced"     // a checkpoint that left says something else
)

// A Report is what Verify found.
type Report struct {
	Environment string  `json:"environment" doc:"Whose changes they are."`
	Changes     int64   `json:"changes" doc:"How many were read."`
	Seals       int64   `json:"seals" doc:"How many seals were read."`
	Sealed      int64   `json:"sealed" doc:"The last change that is sealed; what is younger can still be altered unseen."`
	Checkpoints int     `json:"checkpoints" doc:"How many checkpoints that had left were compared."`
	Copied      int64   `json:"copied" doc:"How many changes of an export were compared."`
	Faults      []Fault `json:"faults" doc:"What is not as it was; at most 1000 are listed."`
	More        int     `json:"more,omitempty" doc:"How many faults more there are."`
}

// Intact reports whether nothing is wrong.
func (r *Report) Intact() bool { return len(r.Faults) == 0 }

// maxFaults is how many faults are listed.
const maxFaults = 1000

// page is how many changes or seals are read at a time.
const page = 1000

// A Verifier compares changes with their seals, seals with their signatures, and all
// of that with what left before.
type Verifier struct {
	Environment string
	Source      Source
	Keys        []jose.PublicKey // that may have signed its checkpoints

	// Left are checkpoints that left, as they were kept elsewhere; those of other
	// environments are passed over. Without any, a chain that was replaced as a whole
	// and signed again is taken for the first one.
	Left []string

	// Copy returns the next change of an export that left, in order; nil: none, or
	// no more. With it, what was altered is said to the column.
	Copy func() (*Entry, error)

	// Progress is told how far it is, of how many changes; nil: nobody is.
	Progress func(done, of int64)

	report *Report
	left   map[int64]Checkpoint
	copied *Entry
	rows   rows
}

// Verify reads everything once. Its error says that something could not be read;
// what is wrong with what was read stands in the report.
func (v *Verifier) Verify(ctx context.Context) (*Report, error) {
	v.report = &Report{Environment: v.Environment, Faults: []Fault{}}
	// Before the changes: what comes meanwhile is no fault.
	newest, err := v.Source.Newest(ctx)
	if err != nil {
		return nil, err
	}
	v.collect()
	if v.Progress == nil {
		v.Progress = func(int64, int64) {}
	}
	if err := v.nextCopy(); err != nil {
		return nil, err
	}
	v.rows = rows{read: v.Source.Changes, last: math.MinInt64}
	hash, from := first(v.Environment), int64(1)
	for at := int64(math.MinInt64); ; {
		seals, err := v.Source.Seals(ctx, at, page)
		if err != nil {
			return nil, err
		}
		for i := range seals {
			s := &seals[i]
			v.report.Seals++
			at = s.From
			if s.From < from || s.Through < s.From {
				v.fault(SealAltered, s.From, s.Through, s.At, "this seal and another one cover the same")
				continue
			}
			if s.From > from {
				v.fault(SealMissing, from, s.From-1, s.At, "their seal is not there")
				if err := v.pass(ctx, from, s.From-1); err != nil {
					return nil, err
				}
			}
			if hash, err = v.run(ctx, hash, s.From == from, s); err != nil {
				return nil, err
			}
			from = s.Through + 1
			v.report.Sealed = s.Through
			v.Progress(s.Through, max(newest, s.Through))
		}
		if len(seals) < page {
			break
		}
	}
	if err := v.rest(ctx, from, newest); err != nil {
		return nil, err
	}
	v.remaining()
	slices.SortStableFunc(v.report.Faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Through, b.Through))
	})
	return v.report, nil
}

// collect reads the checkpoints that left.
func (v *Verifier) collect() {
	v.left = map[int64]Checkpoint{}
	var unsigned []Checkpoint
	for _, text := range v.Left {
		c, err := Read(text, v.Keys)
		switch {
		case c.Environment != v.Environment: // or a line that was cut short
			continue
		case err != nil:
			unsigned = append(unsigned, c)
			continue
		}
		if other, ok := v.left[c.Seq]; ok && other.Hash != c.Hash {
			v.fault(Replaced, c.From, c.Seq, c.At, "two checkpoints that left contradict each other")
		}
		v.left[c.Seq] = c
		v.report.Checkpoints++
	}
	for _, c := range unsigned {
		// A line that a crash cut short in its signature was written again whole.
		if v.left[c.Seq].Hash != c.Hash {
			v.fault(Unsigned, c.From, c.Seq, c.At, "a checkpoint that left is not signed by a key of the environment: it was forged, or the keys were exchanged")
		}
	}
}

// run checks one seal and what it covers, and returns the hash that the next one
// continues. What it covers cannot be judged where the hash before is not known.
func (v *Verifier) run(ctx context.Context, before [32]byte, known bool, s *store.Seal) ([32]byte, error) {
	truth := s.Hash
	said, err := Read(s.Checkpoint, v.Keys)
	switch {
	case err != nil:
		v.fault(Unsigned, s.From, s.Through, s.At, "their checkpoint is "+err.Error())
	case !said.says(s, v.Environment):
		v.fault(SealAltered, s.From, s.Through, said.At, "their seal is not what its signature says")
		if said.Environment == v.Environment && said.From == s.From && said.Seq == s.Through {
			truth = said.Hash
		}
	}
	if left, ok := v.left[s.Through]; ok {
		if left.Hash != s.Hash {
			v.fault(Replaced, s.From, s.Through, left.At, "the checkpoint that left then says something else")
		}
		delete(v.left, s.Through)
	}
	l := after(before, s.From, s.Through)
	whole, err := v.read(ctx, s.From, s.Through, s.At, func(c *store.Change) { l.add(c) })
	if err != nil {
		return truth, err
	}
	if known && whole && l.sum() != truth {
		v.fault(Altered, s.From, s.Through, s.At, "what they say is not what was sealed")
	}
	return truth, nil
}

// pass reads changes whose seal is not there.
func (v *Verifier) pass(ctx context.Context, from, through int64) error {
	_, err := v.read(ctx, from, through, time.Time{}, func(*store.Change) {})
	return err
}

// read reads changes, and reports those of them that are missing and those that are
// not theirs. It says whether all were there.
func (v *Verifier) read(ctx context.Context, from, through int64, sealed time.Time, each func(*store.Change)) (whole bool, err error) {
	whole = true
	next := from
	for {
		c, err := v.rows.next(ctx, through)
		if err != nil {
			return false, err
		}
		if c == nil {
			break
		}
		v.report.Changes++
		if err := v.compare(c); err != nil {
			return false, err
		}
		switch {
		case c.Seq < from:
			v.fault(Inserted, c.Seq, c.Seq, c.At, "no change has this number")
			continue
		case c.Seq > next:
			v.fault(Missing, next, c.Seq-1, sealed, "they were taken out")
			whole = false
		}
		next = c.Seq + 1
		each(c)
	}
	if next <= through && through != math.MaxInt64 {
		v.fault(Missing, next, through, sealed, "they were taken out")
		whole = false
	}
	return whole, nil
}

// rest reads what is not sealed yet.
func (v *Verifier) rest(ctx context.Context, from, newest int64) error {
	last := from - 1
	if _, err := v.read(ctx, from, math.MaxInt64, time.Time{}, func(c *store.Change) { last = c.Seq }); err != nil {
		return err
	}
	if last < newest {
		v.fault(Cut, last+1, newest, time.Time{}, "they are the newest ones, and are not there")
	}
	for v.copied != nil { // beyond the end
		v.fault(Cut, v.copied.Seq, v.copied.Seq, v.copied.At, "the export has a change that is not there: "+v.copied.Kind+" of "+v.copied.ID)
		if err := v.nextCopy(); err != nil {
			return err
		}
	}
	return nil
}

// remaining reports the checkpoints that left and that no seal answers.
func (v *Verifier) remaining() {
	if len(v.left) == 0 {
		return
	}
	cut, last := Fault{}, Checkpoint{}
	for _, seq := range slices.Sorted(maps.Keys(v.left)) {
		left := v.left[seq]
		if seq <= v.report.Sealed {
			v.fault(Replaced, left.From, seq, left.At, "a checkpoint that left covers them, and no seal here does")
			continue
		}
		last = left
		cut = Fault{Kind: Cut, From: v.report.Sealed + 1, Through: seq, At: left.At}
	}
	if cut.Kind != "" {
		v.fault(Cut, cut.From, cut.Through, cut.At, fmt.Sprintf("they were sealed by %s, as the checkpoint of then says, and the seals end before them", last.At.Format(time.RFC3339)))
	}
}

func (v *Verifier) fault(kind string, from, through int64, at time.Time, text string) {
	if len(v.report.Faults) == maxFaults {
		v.report.More++
		return
	}
	v.report.Faults = append(v.report.Faults, Fault{Kind: kind, From: from, Through: through, At: at, Text: text})
}

// rows reads changes one by one.
type rows struct {
	read func(ctx context.Context, after int64, limit int) ([]store.Change, error)
	last int64 // that was read from the source
	held []store.Change
	over bool
}

// next returns the next change up to a number; nil where the next one is beyond it,
// or there is none.
func (r *rows) next(ctx context.Context, through int64) (*store.Change, error) {
	if len(r.held) == 0 && !r.over {
		some, err := r.read(ctx, r.last, page)
		if err != nil {
			return nil, err
		}
		for i := range some {
			if some[i].Seq <= r.last {
				return nil, fmt.Errorf("change %d comes after change %d", some[i].Seq, r.last)
			}
			r.last = some[i].Seq
		}
		r.held, r.over = some, len(some) == 0
	}
	if len(r.held) == 0 || r.held[0].Seq > through {
		return nil, nil
	}
	c := &r.held[0]
	r.held = r.held[1:]
	return c, nil
}
