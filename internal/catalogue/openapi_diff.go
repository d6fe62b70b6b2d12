package catalogue

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// An edit adds lines to a file.
type edit struct {
	after int // this line, from 1; 0: at the beginning
	lines []string
}

// extend finds out where a file says what, and what to add there.
func (p *proposer) extend(old []byte) error {
	d := &decoder{places: places{file: p.File, at: map[string]place{}}}
	if bytes.Contains(old, []byte("\r\n")) {
		p.ending = "\r\n"
		old = bytes.ReplaceAll(old, []byte("\r\n"), []byte("\n")) // behind which the library miscounts lines
	}
	root := d.document(old) // it was read before
	p.old = strings.Split(string(old), "\n")
	if p.old[len(p.old)-1] == "" {
		p.old = p.old[:len(p.old)-1]
	}
	apis := field1(root, "apis")
	if err := p.open("apis", apis); err != nil {
		return err
	}
	if p.api == nil {
		indent := strings.Repeat(" ", position(apis.Value).column-1)
		p.edits = append(p.edits, edit{p.end(apis), append([]string{""}, p.entry(indent)...)})
		return nil
	}
	entry := field1(apis.Value, p.API)
	path := join("apis", p.API)
	if err := p.open(path, entry); err != nil {
		return err
	}
	column := position(entry.Value).column
	indent := strings.Repeat(" ", column-1)
	if field1(entry.Value, "openapi") == nil {
		p.edits = append(p.edits, edit{position(entry.Key).line, []string{indent + "openapi: " + yamlText(p.where())}})
	}
	routes, scopes := field1(entry.Value, "routes"), field1(entry.Value, "scopes")
	if scopes != nil && kind(scopes.Value) == "empty" {
		scopes = nil
		if p.document.Scopes != nil {
			return fmt.Errorf("%s: scopes is there and empty: remove the line first", p.File)
		}
	}
	if err := p.addScopes(join(path, "scopes"), scopes, routes, indent); err != nil {
		return err
	}
	if lines := p.routes(""); len(lines) > 0 {
		if err := p.open(join(path, "routes"), routes); err != nil {
			return err
		}
		in := strings.Repeat(" ", position(routes.Value).column-1)
		for i := range lines {
			lines[i] = in + lines[i]
		}
		p.edits = append(p.edits, edit{p.end(routes), lines})
	}
	return nil
}

// addScopes adds to the scopes, or adds them before the routes.
func (p *proposer) addScopes(path string, scopes, routes *ast.MappingValueNode, indent string) error {
	in := indent + "  "
	if scopes != nil {
		in = strings.Repeat(" ", position(scopes.Value).column-1)
	}
	lines := p.scopes(in)
	if len(lines) == 0 {
		return nil
	}
	if scopes != nil {
		p.edits = append(p.edits, edit{p.end(scopes), lines})
		return p.open(path, scopes)
	}
	before := position(routes.Key).line - 1
	for before > 0 && strings.HasPrefix(strings.TrimSpace(p.old[before-1]), "#") {
		before-- // a comment above the routes is theirs
	}
	p.edits = append(p.edits, edit{before, append([]string{indent + "scopes:"}, lines...)})
	return nil
}

// field1 is the entry of a mapping under a key, or nil.
func field1(n ast.Node, key string) *ast.MappingValueNode {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	}
	for _, v := range values {
		if k, ok := v.Key.(ast.ScalarNode); ok && scalar(k) == key {
			return v
		}
	}
	return nil
}

// open makes sure that lines can be added to what stands under a key: that it
// begins on a line of its own, without brackets.
func (p *proposer) open(path string, v *ast.MappingValueNode) error {
	flow := false
	switch n := v.Value.(type) {
	case *ast.MappingNode:
		flow = n.IsFlowStyle
	case *ast.SequenceNode:
		flow = n.IsFlowStyle
	}
	if flow || position(v.Value).line == position(v.Key).line {
		return fmt.Errorf("%s:%d: %s is written in brackets, to which no lines can be added: write it out, one entry a line", p.File, position(v.Key).line, path)
	}
	return nil
}

// end is the last line of what stands under a key.
func (p *proposer) end(v *ast.MappingValueNode) int {
	key := position(v.Key)
	_, list := v.Value.(*ast.SequenceNode)
	last := key.line
	for i := key.line; i < len(p.old); i++ {
		text := strings.TrimLeft(p.old[i], " ")
		indent := len(p.old[i]) - len(text)
		switch {
		case text == "":
		case indent >= key.column, list && indent == key.column-1 && strings.HasPrefix(text, "-"):
			last = i + 1
		case !strings.HasPrefix(text, "#"):
			return last
		}
	}
	return last
}

// apply makes the new content. Lines end as those of the file do.
func (p *proposer) apply() []byte {
	slices.SortStableFunc(p.edits, func(a, b edit) int { return a.after - b.after })
	var all []string
	done := 0
	for _, e := range p.edits {
		all = append(append(all, p.old[done:e.after]...), e.lines...)
		done = e.after
	}
	all = append(all, p.old[done:]...)
	return []byte(strings.Join(all, p.ending) + p.ending)
}

// Diff is the proposal as a unified diff, empty where nothing is to be added.
func (p *Proposal) Diff() string {
	const context = 3
	var b bytes.Buffer
	added := 0
	for i := 0; i < len(p.edits); {
		if len(p.edits[i].lines) == 0 {
			i++
			continue
		}
		if b.Len() == 0 {
			from := p.File
			if len(p.old) == 0 {
				from = "/dev/null"
			}
			fmt.Fprintf(&b, "--- %s\n+++ %s\n", from, p.File)
		}
		last := i // edits whose surroundings touch are one hunk
		for last+1 < len(p.edits) && p.edits[last+1].after-p.edits[last].after <= 2*context {
			last++
		}
		start, end := max(0, p.edits[i].after-context), min(len(p.old), p.edits[last].after+context)
		var body bytes.Buffer
		line, here := start, 0
		for ; i <= last; i++ {
			for ; line < p.edits[i].after; line++ {
				fmt.Fprintf(&body, " %s\n", p.old[line])
			}
			for _, text := range p.edits[i].lines {
				fmt.Fprintf(&body, "+%s\n", text)
			}
			here += len(p.edits[i].lines)
		}
		for ; line < end; line++ {
			fmt.Fprintf(&body, " %s\n", p.old[line])
		}
		fmt.Fprintf(&b, "@@ -%s +%s @@\n", span(start, end-start), span(start+added, end-start+here))
		b.Write(body.Bytes())
		added += here
	}
	return b.String()
}

// span is a part of a file as a diff writes it: a part of no lines stands behind
// the line before it.
func span(start, lines int) string {
	if lines == 0 {
		return fmt.Sprintf("%d,0", start)
	}
	return fmt.Sprintf("%d,%d", start+1, lines)
}
