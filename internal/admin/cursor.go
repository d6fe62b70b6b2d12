package admin

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/grantway/grantway/internal/keys"
)

// Pages of a list.
const (
	MaxPage     = 200 // entries of one page
	defaultPage = 50
	cursorLife  = time.Hour
)

// cursors says where a page of a list begins, to whoever got the page before.
// The key is this process's: a cursor that another made, or that was made for
// another list, is refused (row T11 of the threat model).
type cursors struct {
	seal *keys.Seal
	now  func() time.Time
}

func newCursors(random io.Reader, now func() time.Time) (*cursors, error) {
	key := make([]byte, 32)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, fmt.Errorf("read randomness for page cursors: %w", err)
	}
	seal, err := keys.SealOf(key)
	if err != nil {
		return nil, err
	}
	return &cursors{seal, now}, nil
}

// after makes a cursor of the last id of a page of the list.
func (c *cursors) after(list, last string) string {
	text := binary.BigEndian.AppendUint64(nil, uint64(c.now().Add(cursorLife).Unix()))
	sealed := c.seal.Close(append(text, last...), []byte(list))
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// open undoes after.
func (c *cursors) open(list, cursor string) (last string, ok bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return "", false
	}
	text, err := c.seal.Open(sealed, []byte(list))
	if err != nil || len(text) < 8 {
		return "", false
	}
	until := time.Unix(int64(binary.BigEndian.Uint64(text)), 0)
	return string(text[8:]), c.now().Before(until)
}

// page reads limit and after.
func (c *call) page() (after string, limit int, err error) {
	limit = defaultPage
	if text := c.sent.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > MaxPage || strconv.Itoa(limit) != text {
			return "", 0, badQuery("limit", "is no whole number from 1 to "+strconv.Itoa(MaxPage), "")
		}
	}
	if cursor := c.sent.Get("after"); cursor != "" {
		last, ok := c.api.cursors.open(c.list(), cursor)
		if !ok {
			return "", 0, badQuery("after", "is no cursor of this list, or is older than an hour", "begin with the first page again")
		}
		after = last
	}
	return after, limit, nil
}

// list names the list that the call is about.
func (c *call) list() string {
	if c.clients == nil {
		return c.route.path
	}
	return c.route.path + "\x00" + c.clients.Environment.Name
}

func badQuery(name, problem, hint string) error {
	return &Problem{Status: http.StatusBadRequest, Detail: "A parameter of the query is wrong.", Errors: []Fault{{name, problem, hint}}}
}
