package audit

import (
	"fmt"
	"strings"

	"github.com/grantway/grantway/internal/store"
)

// compare compares a change with the export that left, where there is one.
func (v *Verifier) compare(c *store.Change) error {
	for v.copied != nil && v.copied.Seq < c.Seq {
		v.fault(Missing, v.copied.Seq, v.copied.Seq, v.copied.At, "the export has it: "+v.copied.Kind+" of "+v.copied.ID)
		if err := v.nextCopy(); err != nil {
			return err
		}
	}
	if v.copied == nil || v.copied.Seq > c.Seq {
		return nil
	}
	was := v.copied.Change()
	if differs := differing(&was, c); len(differs) > 0 {
		v.fault(Altered, c.Seq, c.Seq, was.At, strings.Join(differs, "; "))
	}
	return v.nextCopy()
}

// nextCopy reads the next change of the export.
func (v *Verifier) nextCopy() (err error) {
	if v.Copy == nil {
		return nil
	}
	before := v.copied
	if v.copied, err = v.Copy(); err != nil || v.copied == nil {
		return err
	}
	if before != nil && v.copied.Seq <= before.Seq {
		return fmt.Errorf("in the export, change %d comes after change %d", v.copied.Seq, before.Seq)
	}
	v.report.Copied++
	return nil
}

// differing says which columns of a change are not what they were.
func differing(was, is *store.Change) []string {
	var all []string
	if was.At.UnixMicro() != is.At.UnixMicro() {
		const layout = "2006-01-02T15:04:05.000000Z"
		all = append(all, "at was "+was.At.UTC().Format(layout)+" and is "+is.At.UTC().Format(layout))
	}
	names, before, now := [...]string{"kind", "id", "client", "actor", "trace", "detail"}, texts(was), texts(is)
	for i, name := range names {
		if before[i] != now[i] {
			all = append(all, fmt.Sprintf("%s was %q and is %q", name, before[i], now[i]))
		}
	}
	return all
}
