package catalogue

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Rate is how many requests in what time: "600/min", "10/s", "5000/h". The zero
// value says that there is no limit.
type Rate struct {
	Requests int // 1 to 1 000 000
	Per      time.Duration
}

// maxRate is the largest number of requests that a Rate may say.
const maxRate = 1_000_000

// ParseRate reads a Rate.
func ParseRate(text string) (Rate, error) {
	number, unit, _ := strings.Cut(text, "/")
	per := map[string]time.Duration{"s": time.Second, "min": time.Minute, "h": time.Hour}[unit]
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil || per == 0 {
		return Rate{}, errors.New(quote(text) + " is not a rate")
	}
	if n < 1 || n > maxRate {
		return Rate{}, errors.New("must allow 1 to 1000000 requests")
	}
	return Rate{int(n), per}, nil
}

func (v *Rate) decode(d *decoder, n ast.Node, path string) {
	text, ok := d.text(n, path)
	if !ok {
		return
	}
	var err error
	if *v, err = ParseRate(text); err != nil {
		d.faultAt(n, path, err.Error(), "write a number and its time: 600/min, 10/s, 5000/h")
	}
}
