package portal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// An Example is one request in several languages, and what it is answered. The
// tests run every variant against a running server and compare the answer.
type Example struct {
	ID       string // stable: its address on the page begins with it
	Label    string // what it shows
	Variants []Variant
	Answer   *Answer // nil: it is the API's matter
}

// A Variant is an example in one language.
type Variant struct {
	Language string // as Markdown names it
	Key      string // what the choice of a language is remembered by
	Label    string
	File     string // to save it as; empty: it is typed
	Command  string // that runs the file
	Text     string
}

// An Answer is what is shown as the answer to an example.
type Answer struct {
	Status      int
	ContentType string
	Body        string // indented JSON, or a description in parentheses
}

// Text is the answer as HTTP/1.1 sends it.
func (a *Answer) Text() string {
	head := fmt.Sprintf("HTTP/1.1 %d %s\n", a.Status, http.StatusText(a.Status))
	if a.ContentType != "" {
		head += "Content-Type: " + a.ContentType + "\n"
	}
	return head + "\n" + a.Body + "\n"
}

// A Request is what an example sends. Values that differ from reader to reader
// are in variables of the environment, so that no secret comes into a program.
type Request struct {
	Method, URL string
	Token       bool    // the access token goes along, from ACCESS_TOKEN
	JSON        bool    // the fields are a JSON object, and not a form
	Fields      []Field // of the body; none: there is no body
	Body        string  // instead of fields: JSON as it stands

	clientID string  // of the reader; empty: a placeholder
	tokens   *source // where a program gets tokens that keeps them itself; nil: it cannot
}

// A source is where a program gets its tokens.
type source struct{ url, audience string }

// A Field is a member of a body. One of Value and Variable is set.
type Field struct{ Name, Value, Variable string }

func (r *Request) mediaType() string {
	if r.JSON {
		return "application/json"
	}
	return "application/x-www-form-urlencoded"
}

// variants writes the request in every language.
func (r *Request) variants(name string) []Variant {
	var all []Variant
	add := func(language, key, label, file, command, text string) {
		all = append(all, Variant{Language: language, Key: key, Label: label, File: file, Command: command, Text: text})
	}
	class := strings.ToUpper(name[:1]) + name[1:]
	add("sh", "curl", "curl", "", "", r.curl())
	add("js", "javascript", "JavaScript", name+".mjs", "node "+name+".mjs", r.javascript())
	add("go", "go", "Go", name+".go", "go run "+name+".go", r.golang())
	if program := r.packaged(); program != "" {
		add("go", "grantway", "Go, with a cache", name+"cached.go", "go run "+name+"cached.go", program)
	}
	add("python", "python", "Python", name+".py", "python3 "+name+".py", r.python())
	add("java", "java", "Java", class+".java", "java "+class+".java", r.java(class))
	add("http", "http", "HTTP", "", "", r.raw())
	return all
}

// curl writes the request for a shell.
func (r *Request) curl() string {
	var b strings.Builder
	b.WriteString("curl ")
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		b.WriteString("-X " + r.Method + " ")
	}
	b.WriteString(quoted(r.URL))
	if r.Token {
		b.WriteString(" \\\n  -H \"Authorization: Bearer $ACCESS_TOKEN\"")
	}
	if r.JSON {
		b.WriteString(" \\\n  -H \"Content-Type: application/json\" \\\n  -d @- <<END\n{\n")
		for i, f := range r.Fields {
			value := strconv.Quote(f.Value)
			if f.Variable != "" {
				value = `"$` + f.Variable + `"`
			}
			fmt.Fprintf(&b, "  %q: %s%s\n", f.Name, value, comma(i, r.Fields))
		}
		b.WriteString("}\nEND")
		return b.String()
	}
	for _, f := range r.Fields {
		value := f.Value
		if f.Variable != "" {
			value = "$" + f.Variable
		}
		fmt.Fprintf(&b, " \\\n  --data-urlencode \"%s=%s\"", f.Name, value)
	}
	return b.String()
}

// quoted is a word of a shell.
func quoted(s string) string {
	if strings.ContainsAny(s, "'\"\\ $&?*{}()<>|;!#~`") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// comma follows every member but the last.
func comma(i int, fields []Field) string {
	if i == len(fields)-1 {
		return ""
	}
	return ","
}

// placeholders are what HTTP as text shows in place of variables.
func (r *Request) placeholder(variable string) string {
	if variable == "CLIENT_ID" && r.clientID != "" {
		return r.clientID
	}
	return "YOUR_" + variable
}

// raw writes the request as HTTP/1.1 sends it (RFC 9112 §2.1).
func (r *Request) raw() string {
	at, err := url.Parse(r.URL)
	if err != nil {
		return ""
	}
	body := ""
	switch {
	case len(r.Fields) == 0:
	case r.JSON:
		body = "{"
		for i, f := range r.Fields {
			value := f.Value
			if f.Variable != "" {
				value = r.placeholder(f.Variable)
			}
			body += fmt.Sprintf("%q:%s%s", f.Name, encoded(value), comma(i, r.Fields))
		}
		body += "}"
	default:
		for i, f := range r.Fields {
			if i > 0 {
				body += "&"
			}
			value := f.Value
			if f.Variable != "" {
				value = r.placeholder(f.Variable)
			}
			body += f.Name + "=" + url.QueryEscape(value)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\nHost: %s\n", r.Method, at.RequestURI(), at.Host)
	if r.Token {
		fmt.Fprintf(&b, "Authorization: Bearer %s\n", r.placeholder("ACCESS_TOKEN"))
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Type: %s\nContent-Length: %d\n\n%s", r.mediaType(), len(body), body)
	}
	return b.String()
}

// encoded is a JSON string; strings always encode.
func encoded(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}

// indented is JSON for reading.
func indented(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		return string(body)
	}
	return b.String()
}
