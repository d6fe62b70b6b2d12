package portal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/grantway/grantway/internal/dialect"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/oauth"
)

// An entry is a reason as its page shows it in one environment.
type entry struct {
	*refusal.Reason
	Path      string // of its page
	Group     string // title of its group
	Code      oauth.ErrorCode
	Status    int
	Said      string // the text, up to the names that it leaves open
	SaidAfter string // the text after them
	Named     bool   // whether it leaves names open
	Param     bool   // whether it begins with a parameter, which is written as it is
	Wire      string // an answer
	WireNote  string
}

// entry shows a reason as this environment answers it. Token requests are
// answered in the environment's dialect; calls to an API, and what breaks the
// rules of HTTP, in the plain one.
func (e *Errors) entry(r *refusal.Reason, g *group) *entry {
	d, note := dialect.RFC, ""
	question := dialect.Question{Issuer: e.Issuer, Realm: strings.ToLower(e.Name), Basic: r == refusal.BasicMalformed}
	switch {
	case g.token && e.Dialect != nil:
		d, question.Strict, question.Plain = e.Dialect, e.Strict, e.Plain
	case g.api:
		note = "An API with an error format of its own says the same words in that format. Answers with 401 carry the code in the WWW-Authenticate header too."
	}
	refused := &refusal.Refusal{Reason: r}
	named := strings.Contains(r.Text, refusal.NamesMark)
	if named {
		refused.Names = []string{refusal.NamesMark}
	}
	answer := d.Refuse(refused, question)
	if g.api {
		answer.Challenge = "" // it is the Basic one of the token endpoint
	}
	shown := &entry{
		Reason: r, Path: e.root + "/" + r.ID, Group: g.Title, Status: answer.Status, Named: named,
		Code: cmp.Or(codeOf(answer.Body), r.Code), Wire: wire(d, answer), WireNote: note,
	}
	shown.Said, shown.SaidAfter, _ = strings.Cut(r.Text, refusal.NamesMark)
	first, _, _ := strings.Cut(r.Text, " ")
	shown.Param = strings.Contains(first, "_")
	return shown
}

// codeOf reads the error member of an answer, "" where there is none.
func codeOf(body []byte) oauth.ErrorCode {
	var answer oauth.ErrorResponse
	if len(body) == 0 || json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return answer.Code
}

// wire writes an answer as HTTP/1.1 sends it, its body indented for reading.
func wire(d *dialect.Dialect, a dialect.Answer) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\n", a.Status, http.StatusText(a.Status))
	if a.Challenge != "" {
		fmt.Fprintf(&b, "WWW-Authenticate: %s\n", a.Challenge)
	}
	if a.Body == nil {
		b.WriteString("Content-Length: 0\n")
		return b.String()
	}
	fmt.Fprintf(&b, "Content-Type: %s\n\n", d.ContentType)
	if err := json.Indent(&b, a.Body, "", "  "); err != nil {
		b.Write(a.Body)
	}
	return b.String()
}

// StatusText is the status in words.
func (e *entry) StatusText() string { return http.StatusText(e.Status) }

// Again says whether the same request may succeed later.
func (e *entry) Again() string {
	switch {
	case e.Retryable():
		return "The same request may succeed later, unchanged. Wait as long as Retry-After says."
	case e.Status >= http.StatusInternalServerError:
		return "The fault does not lie in the request, so the same request may succeed later; when, the answer cannot say. Wait longer after each attempt."
	}
	return "The same request is refused again, however often it is sent. Change it first."
}

// A section is where a code is defined.
type section struct{ Name, URL string }

// Defined is where the specifications define the code, nil where they do not.
func (e *entry) Defined() *section {
	switch e.Code {
	case oauth.InvalidRequest, oauth.InvalidToken, oauth.InsufficientScope:
		if e.Code != oauth.InvalidRequest || e.Group == callingAPI.Title {
			return rfc(6750, "3.1")
		}
		return rfc(6749, "5.2")
	case oauth.InvalidClient, oauth.InvalidGrant, oauth.UnauthorizedClient, oauth.UnsupportedGrantType, oauth.InvalidScope:
		return rfc(6749, "5.2")
	case oauth.InvalidTarget:
		return rfc(8707, "2")
	case oauth.AccessDenied, oauth.ServerError, oauth.TemporarilyUnavailable:
		return rfc(6749, "4.1.2.1")
	}
	return nil
}

func rfc(number int, part string) *section {
	return &section{
		Name: fmt.Sprintf("RFC %d §%s", number, part),
		URL:  fmt.Sprintf("https://www.rfc-editor.org/rfc/rfc%d#section-%s", number, part),
	}
}

// nearest returns at most five entries whose ids resemble one that does not
// exist, the most alike first.
func nearest(id string, among []*entry) []*entry {
	const most, longest = 5, 64
	id = strings.ToLower(id)
	if len(id) > longest {
		return nil
	}
	type candidate struct {
		*entry
		distance int
	}
	var near []candidate
	for _, e := range among {
		d := distance(id, e.ID)
		if strings.HasPrefix(e.ID, id) {
			d = 0
		}
		if d <= max(2, len(e.ID)/2) {
			near = append(near, candidate{e, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.distance - b.distance })
	var found []*entry
	for _, c := range near[:min(most, len(near))] {
		found = append(found, c.entry)
	}
	return found
}

// distance is the number of bytes to insert, delete or replace to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal, row[j+1] = row[j+1], min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
