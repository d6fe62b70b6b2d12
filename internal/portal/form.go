package portal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/web"
	"github.com/grantway/grantway/oauth"
)

// A form is how the same content is written.
type form int

const (
	page form = iota
	asJSON
	markdown
)

// wanted reads an Accept header (RFC 9110 §12.5.1): of the forms that it names,
// the one it prefers; a page where that is open.
func wanted(accept string) form {
	best, weight := page, 0.0
	for field := range strings.SplitSeq(accept, ",") {
		mediaType, parameters, _ := strings.Cut(field, ";")
		var f form
		switch strings.ToLower(strings.TrimSpace(mediaType)) {
		case "text/html", "application/xhtml+xml":
			f = page
		case "application/json":
			f = asJSON
		case "text/markdown":
			f = markdown
		default:
			continue
		}
		if q := quality(parameters); q > weight || q == weight && f == page {
			best, weight = f, q
		}
	}
	return best
}

// quality reads the q of a media range, 1 where it is absent or unreadable.
func quality(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		if q, err := strconv.ParseFloat(value, 64); err == nil && q >= 0 && q <= 1 {
			return q
		}
	}
	return 1
}

// A row is an entry as JSON.
type row struct {
	ID          string          `json:"id"`
	Group       string          `json:"group"`
	Error       oauth.ErrorCode `json:"error"`
	Status      int             `json:"status"`
	Description string          `json:"error_description"` // {names} stands for names of the catalogue
	Cause       string          `json:"cause"`
	Cure        string          `json:"cure"`
	Retryable   bool            `json:"retryable"`
	URI         string          `json:"error_uri"`
}

func (e *entry) row(issuer string) row {
	return row{
		ID: e.ID, Group: e.Group, Error: e.Code, Status: e.Status, Description: e.Text,
		Cause: e.Cause, Cure: e.Cure, Retryable: e.Retryable(), URI: e.URI(issuer),
	}
}

// A table is the list as JSON.
type table struct {
	Issuer   string `json:"issuer"`
	Refusals []row  `json:"refusals"`
}

func (e *Errors) table() table {
	t := table{Issuer: e.Issuer}
	for _, shown := range e.public {
		t.Refusals = append(t.Refusals, shown.row(e.Issuer))
	}
	return t
}

// sendJSON answers with strings, numbers and lists of them, which cannot fail.
// The content is public: any page may read it.
func sendJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	web.Send(w, r, status, "application/json", append(body, '\n'))
}

func sendMarkdown(w http.ResponseWriter, r *http.Request, status int, text string) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	web.Send(w, r, status, "text/markdown; charset=utf-8", []byte(text)) // RFC 7763
}

func (e *Errors) listMarkdown() string {
	var b strings.Builder
	b.WriteString("# Why a request was refused\n")
	if name := brand(e.Theme, e.Name).Name; name != "" {
		fmt.Fprintf(&b, "\n%s\n", plain(name))
	}
	for _, g := range e.groups {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| answer | error | status | page |\n|---|---|---|---|\n", g.Title, g.Intro)
		for _, shown := range g.Entries {
			fmt.Fprintf(&b, "| %s | `%s` | %d | [%s](%s.md) |\n", plain(shown.Text), shown.Code, shown.Status, shown.ID, shown.Path)
		}
	}
	return b.String()
}

func (e *entry) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n`%s`, %d %s\n\n", plain(e.Text), e.Code, e.Status, e.StatusText())
	if e.Named {
		b.WriteString("In the answer, `" + refusal.NamesMark + "` stands for names of this environment's scopes or APIs, separated by spaces.\n\n")
	}
	fmt.Fprintf(&b, "## Why\n\n%s\n\n## What to do\n\n%s\n\n", plain(e.Cause), plain(e.Cure))
	fmt.Fprintf(&b, "## Sending it again\n\n%s\n\n## On the wire\n\n```http\n%s\n```\n", e.Again(), strings.TrimSuffix(e.Wire, "\n"))
	if e.WireNote != "" {
		b.WriteString("\n" + e.WireNote + "\n")
	}
	return b.String()
}

func (e *Errors) unknownMarkdown(near []*entry) string {
	var b strings.Builder
	b.WriteString("# There is no page at this address\n\nThe last part of the address names a refusal, and this server has none of that name.\n")
	for i, n := range near {
		if i == 0 {
			b.WriteString("\nThe nearest are:\n\n")
		}
		fmt.Fprintf(&b, "- [%s](%s.md)\n", n.ID, n.Path)
	}
	fmt.Fprintf(&b, "\n[All refusals](%s/index.md)\n", e.root)
	return b.String()
}

// plain is text that Markdown leaves as it is.
func plain(text string) string { return markup.Replace(text) }

var markup = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`, "&", `\&`, "#", `\#`,
	"\n", " ", "\r", " ",
)
