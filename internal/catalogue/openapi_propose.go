package catalogue

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// A Proposal is what a grantway.yaml would have to say so that an API is as its
// OpenAPI document describes it. It only adds: what stands in the file stays as it
// is, with its comments and its order.
type Proposal struct {
	File   string
	New    []byte // the whole file
	API    string
	Scopes int    // how many are new
	Routes int    // likewise
	Notes  Faults // warnings: of the document, and where it differs from the file still

	old    []string
	ending string // of lines
	edits  []edit
}

// ProposeOptions say what a document cannot.
type ProposeOptions struct {
	API      string // its name; empty: the one that names the document, or the only one, or one made of the title
	Upstream string // of a new API; empty: the document's server
	Env      func(string) (string, bool)
}

// ErrWhichAPI says that the file has several APIs and none is named.
var ErrWhichAPI = errors.New("the file has several APIs")

// Propose makes a proposal for a file, of which old is the content; nil: there is
// none yet. A file that does not load, before or after, is refused with Faults.
// Other errors: ErrWhichAPI, and that the file is written so that lines cannot be
// added.
func Propose(file string, old []byte, document *OpenAPI, o ProposeOptions) (*Proposal, error) {
	p := &proposer{Proposal: Proposal{File: file, API: o.API, ending: "\n"}, document: document, options: o}
	if old == nil {
		p.API = cmp.Or(p.API, nameOf(document.Title))
		p.begin()
	} else {
		c, err := Parse(file, old, o.Env)
		if err != nil {
			return nil, err
		}
		p.environment = c.Environments[0]
		p.document = document.under(p.environment.Base)
		if err := p.choose(c); err != nil {
			return nil, err
		}
		if err := p.extend(old); err != nil {
			return nil, err
		}
	}
	p.New = p.apply()
	c, err := Parse(file, p.New, o.Env)
	if faults, ok := errors.AsType[Faults](err); ok {
		for i := range faults {
			faults[i].Problem += " (in the proposal)"
		}
		return nil, faults
	}
	if err != nil {
		return nil, err
	}
	p.Notes = append(slices.Clone(document.Notes), Lint(c.WithDocument(p.API, document), p.API)...)
	return &p.Proposal, nil
}

type proposer struct {
	Proposal
	document    *OpenAPI
	options     ProposeOptions
	environment *Environment // nil: there is no file yet
	api         *API         // nil: it is a new one
}

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// nameOf makes the name of an API of a title.
func nameOf(title string) string {
	name := strings.Trim(notName.ReplaceAllString(strings.ToLower(title), "-"), "-0123456789")
	if len(name) > 31 {
		name = strings.Trim(name[:31], "-")
	}
	return cmp.Or(name, "api")
}

// choose finds the API that the document is of.
func (p *proposer) choose(c *Catalogue) error {
	apis := p.environment.APIs
	if p.API == "" {
		for _, a := range apis {
			if a.Document != nil && filepath.Clean(a.Document.File) == filepath.Clean(p.document.File) {
				p.API = a.Name
			}
		}
	}
	switch {
	case p.API != "":
	case len(apis) == 1:
		p.API = apis[0].Name
	default:
		return ErrWhichAPI
	}
	p.api = p.environment.API(p.API)
	return nil
}

// begin proposes a file where there is none.
func (p *proposer) begin() {
	title := cmp.Or(oneLine(p.document.Title), capital(p.API))
	p.edits = []edit{{lines: append([]string{
		"name: " + yamlText(title),
		"",
		"environments:",
		"  staging:                          # for trying things; put your own URLs here",
		"    issuer: https://auth.staging.example.com",
		"    api: https://api.staging.example.com",
		"",
		"apis:",
	}, p.entry("  ")...)}}
}

// entry are the lines of a new API.
func (p *proposer) entry(indent string) []string {
	lines := []string{indent + p.API + ":"}
	in := indent + "  "
	if title := oneLine(p.document.Title); title != "" {
		lines = append(lines, in+"title: "+yamlText(title))
	}
	lines = append(lines, in+"openapi: "+yamlText(p.where()))
	upstream, comment := p.upstream()
	lines = append(lines, in+"upstream: "+yamlText(upstream)+comment)
	if scopes := p.scopes(in + "  "); len(scopes) > 0 {
		lines = append(append(lines, in+"scopes:"), scopes...)
	}
	return append(append(lines, in+"routes:"), p.routes(in+"  ")...)
}

// where is the document as the file names it.
func (p *proposer) where() string {
	folder, err := filepath.Abs(filepath.Dir(p.File))
	document, err2 := filepath.Abs(p.document.File)
	if err == nil && err2 == nil {
		if relative, err := filepath.Rel(folder, document); err == nil {
			return filepath.ToSlash(relative)
		}
	}
	return p.document.File
}

func (p *proposer) upstream() (url, comment string) {
	if p.options.Upstream != "" {
		return p.options.Upstream, ""
	}
	u := p.document.Server
	if u == nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" ||
		p.environment != nil && (u.Host == p.environment.Base.Host || u.Host == p.environment.Issuer.Host) {
		return Demo, "                    # put the URL of your API here"
	}
	return u.Scheme + "://" + u.Host, ""
}

// scopes are the lines of the scopes that the API does not have.
func (p *proposer) scopes(indent string) []string {
	var lines []string
	for _, s := range p.document.Scopes {
		if p.api != nil && p.api.Scope(s.Name) != nil {
			continue
		}
		p.Scopes++
		category, description, write := p.about(s)
		lines = append(lines, indent+yamlText(s.Name)+":")
		if category != "" {
			lines = append(lines, indent+"  category: "+yamlText(category))
		}
		lines = append(lines, indent+"  description: "+yamlText(description))
		if write {
			lines = append(lines, indent+"  write: true")
		}
	}
	return lines
}

// about says what is known of a scope from the operations that need it: their one
// tag, what it allows where the document does not say it, and whether one of them
// alters something.
func (p *proposer) about(s OpenAPIScope) (category, description string, write bool) {
	var tags, summaries []string
	reads, together := false, false // it is enough by itself to read something; it alters something with others
	for i := range p.document.Operations {
		op := &p.document.Operations[i]
		at := slices.IndexFunc(op.AnyOf, func(names []string) bool { return slices.Contains(names, s.Name) })
		if at < 0 {
			continue
		}
		alone := len(op.AnyOf[at]) == 1
		reads = reads || alone && onlyReads(op.Method)
		write = write || alone && !onlyReads(op.Method)
		together = together || !alone && !onlyReads(op.Method)
		for _, tag := range op.Tags[:min(1, len(op.Tags))] {
			if !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
		summaries = append(summaries, cmp.Or(oneLine(op.Summary), op.Method+" "+op.Route))
	}
	if len(tags) == 1 {
		category = oneLine(tags[0])
	}
	description = oneLine(s.Description)
	if description == "" {
		const most = 3
		description = cmp.Or(strings.Join(summaries[:min(most, len(summaries))], "; "), s.Name)
		if more := len(summaries) - most; more > 0 {
			description += fmt.Sprintf("; and %d more", more)
		}
	}
	return category, description, write || together && !reads
}

// routes are the lines of the routes that the API does not have.
func (p *proposer) routes(indent string) []string {
	var lines []string
	tree := treeOf(cmp.Or(p.environment, &Environment{}))
	for i := range p.document.Operations {
		op := &p.document.Operations[i]
		if _, there := claimed(tree, op); there {
			continue
		}
		if op.Method == http.MethodHead && p.document.Operation(http.MethodGet, op.Route) != nil {
			continue // GET includes it
		}
		p.Routes++
		lines = append(lines, indent+"- "+yamlText(op.Method+" "+op.Route)+": "+p.rule(op))
	}
	return lines
}

func (p *proposer) rule(op *Operation) string {
	switch {
	case op.Access == "":
		return "token  # the document does not say"
	case op.Access == Public:
		return wordPublic
	case len(op.AnyOf) == 0:
		return wordToken
	case len(op.AnyOf) == 1 && len(op.AnyOf[0]) > 1:
		quoted := make([]string, len(op.AnyOf[0]))
		for i, name := range op.AnyOf[0] {
			quoted[i] = quotedInBrackets(p.named(name))
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	var names []string
	for _, one := range op.AnyOf {
		names = append(names, p.named(one[0]))
	}
	return yamlText(strings.Join(names, " | "))
}

// named is what a scope of the document is called here, in short where that means
// it alone.
func (p *proposer) named(scope string) string {
	var all []*Scope
	if p.api != nil {
		if s := p.api.Scope(scope); s != nil {
			scope = s.Name
		}
		all = p.api.Scopes
	}
	for _, s := range p.document.Scopes {
		if p.api == nil || p.api.Scope(s.Name) == nil {
			all = append(slices.Clip(all), &Scope{Name: s.Name})
		}
	}
	return ending(scope, all)
}

// oneLine makes a text one that stands in a line: its first paragraph, shortened.
func oneLine(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n\n")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ReplaceAll(text, "${", "$ {")) // which would be an environment variable
	text = strings.Join(strings.Fields(text), " ")
	const most = 200
	if r := []rune(text); len(r) > most {
		text = strings.TrimSpace(string(r[:most])) + "…"
	}
	return text
}

// plainYAML is what YAML reads as a text without quotation marks, in a value, in a
// key and in brackets; a : and a { are of the text where no space follows.
var (
	plainYAML   = regexp.MustCompile(`^[A-Za-z/]([A-Za-z0-9 _./;()|+$=~^…,'-]|:[A-Za-z0-9/._-]|/\{[A-Za-z0-9_]+\})*$`)
	otherInYAML = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|null|y|n)$`)
)

func yamlText(text string) string {
	if plainYAML.MatchString(text) && !otherInYAML.MatchString(text) && !strings.HasSuffix(text, " ") && !strings.Contains(text, " #") {
		return text
	}
	return jsonString(text)
}

// quotedInBrackets is the same within a list in brackets, where more ends a text.
func quotedInBrackets(text string) string {
	if strings.ContainsAny(text, ",:{}[]") {
		return jsonString(text)
	}
	return yamlText(text)
}
