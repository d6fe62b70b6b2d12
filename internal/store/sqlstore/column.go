package sqlstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grantway/grantway/internal/store"
)

// micros is how a time stands in a column: microseconds since 1970, 0 for never.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant undoes micros.
func instant(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// text is how a list stands in a column.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only lists and maps of strings are given to it
	}
	return string(b)
}

// list undoes text. Names without anything that JSON escapes, which are most, are
// cut apart here: the decoder takes ten times as long.
func list(column string, into any) error {
	if names, ok := into.(*[]string); ok && !strings.Contains(column, `\`) {
		inner, begins := strings.CutPrefix(column, `["`)
		inner, ends := strings.CutSuffix(inner, `"]`)
		if begins && ends {
			*names = strings.Split(inner, `","`)
			return nil
		}
	}
	if err := json.Unmarshal([]byte(column), into); err != nil {
		return fmt.Errorf("%w: a list in the store is not JSON", store.ErrUnavailable)
	}
	return nil
}

// errText is given for text that PostgreSQL cannot hold. SQLite could, but what
// one database refuses the other must refuse too.
var errText = errors.New("text with a NUL byte or not in UTF-8 cannot be stored")

// latest is the last moment that is stored. What lies beyond would be read back
// as a different time once microseconds overflow.
var latest = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

var errTime = errors.New("a time before the year 1 or after 9999 cannot be stored")

// storable reports whether both databases can hold the text.
func storable(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// checkTexts looks at the texts among the arguments of a statement, and at lists
// before they become one.
func checkTexts(args []any) error {
	ok := true
	for _, a := range args {
		switch a := a.(type) {
		case string:
			ok = ok && storable(a)
		case []string:
			for _, s := range a {
				ok = ok && storable(s)
			}
		case map[string][]string:
			for name, names := range a {
				ok = ok && storable(name) && checkTexts([]any{names}) == nil
			}
		}
	}
	if !ok {
		return errText
	}
	return nil
}

// checkTimes looks at times that are about to be stored.
func checkTimes(times ...time.Time) error {
	for _, t := range times {
		if t.After(latest) || t.Year() < 1 {
			return errTime
		}
	}
	return nil
}
