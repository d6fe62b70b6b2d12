package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func (r *reader) page(t *testing.T, name string) *html.Node {
	t.Helper()
	response, err := http.Get(r.portal + name)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := html.Parse(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v, %d", name, err, response.StatusCode)
	}
	return page
}

// examples are those of a page, by their ids.
func (r *reader) examples(t *testing.T, name string) map[string]shown {
	t.Helper()
	found := map[string]shown{}
	for n := range r.page(t, name).Descendants() {
		id, ok := strings.CutSuffix(attribute(n, "id"), "-example")
		if !ok || attribute(n, "class") != "example" {
			continue
		}
		e := shown{texts: map[string]string{}, files: map[string]string{}}
		var file string
		for inner := range n.Descendants() {
			switch {
			case attribute(inner, "class") == "hint":
				file = content(inner.FirstChild.NextSibling)
			case inner.Data == "pre" && strings.HasSuffix(attribute(inner, "id"), "-text"):
				language := strings.TrimSuffix(strings.TrimPrefix(attribute(inner, "id"), id+"-"), "-text")
				e.texts[language], e.files[language] = content(inner), file
				file = ""
			case inner.Data == "pre":
				head, body, _ := strings.Cut(content(inner), "\n\n")
				fmt.Sscanf(head, "HTTP/1.1 %d", &e.status)
				_, e.kind, _ = strings.Cut(head, "Content-Type: ")
				e.body = body
			}
		}
		found[id] = e
	}
	return found
}

// textOf is what the element of that id holds.
func textOf(page *html.Node, id string) string {
	for n := range page.Descendants() {
		if attribute(n, "id") == id {
			return content(n)
		}
	}
	return ""
}

func content(n *html.Node) string {
	var b strings.Builder
	for inner := range n.Descendants() {
		if inner.Type == html.TextNode {
			b.WriteString(inner.Data)
		}
	}
	return b.String()
}

// shapeOf is the members of a JSON object in their order, with the kinds of their
// values.
func shapeOf(body []byte) []string {
	d := json.NewDecoder(bytes.NewReader(body))
	var shape []string
	if _, err := d.Token(); err != nil {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil
		}
		var value any
		if d.Decode(&value) != nil {
			return nil
		}
		shape = append(shape, fmt.Sprintf("%v %T", name, value))
	}
	return shape
}

func member(t *testing.T, body []byte, name string) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	value, _ := members[name].(string)
	if value == "" {
		t.Fatalf("no %s in %s", name, body)
	}
	return value
}
