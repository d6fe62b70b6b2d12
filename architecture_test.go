package grantway

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/grantway/grantway"

// floors is the architecture: a package may import those of the lines below its
// own, and none beside or above it. To move a wall, change this plan first, and
// docs/ARCHITECTURE.md with it.
var floors = [][]string{
	{"cmd/grantway", "examples/recipes/go"},
	{"internal/server"},
	{"internal/endpoint", "internal/login", "internal/admin", "internal/console", "internal/portal"},
	{"internal/grant", "internal/gateway", "internal/proxy", "internal/home"},
	{"internal/partner", "client/xoauth2"},
	{"internal/token", "internal/account", "internal/audit", "internal/clientauth", "client", "resource"},
	{"internal/keys", "internal/dpop", "internal/revocation", "internal/activity", "internal/store/sqlstore", "internal/store/cached"},
	{"internal/dialect", "internal/store", "internal/catalogue", "internal/web", "internal/mail"},
	{"internal/refusal", "internal/secret", "internal/limit", "internal/fetch", "internal/jose", "internal/forward"},
	{"oauth", "internal/wire", "internal/disk", "examples"},
	{"examples/quickstart", "examples/timeback", "examples/fitness", "examples/studyteam", "examples/mytimetable"},
	{"examples/demo"},
}

// testSupport are packages that only tests import: they stand on no floor.
var testSupport = []string{"internal/store/storetest", "internal/store/storetest/pgtest", "internal/interop", "internal/browser", "internal/installed"}

// sole says which package alone may import something.
var sole = map[string][]string{
	"github.com/go-jose/go-jose":         {"internal/jose"},
	"html/template":                      {"internal/web"},
	"modernc.org/sqlite":                 {"internal/store/sqlstore"},
	"github.com/jackc/pgx":               {"internal/store/sqlstore"},
	"github.com/goccy/go-yaml":           {"internal/catalogue"},
	"github.com/google/jsonschema-go":    {"internal/catalogue"},
	"github.com/spf13/cobra":             {"cmd/grantway"},
	"github.com/prometheus":              {"internal/server"},
	module + "/internal/store/sqlstore":  {"internal/server"},
	"golang.org/x/crypto/argon2":         {"internal/secret"},
	"golang.org/x/crypto/bcrypt":         {"internal/secret"},
	"golang.org/x/crypto/acme":           {"internal/server"},
	"github.com/go-webauthn/webauthn":    {"internal/account"},
	"rsc.io/qr":                          {"internal/account"},
	"golang.org/x/text/secure/precis":    {"internal/account"},
	"github.com/go-json-experiment/json": {"internal/wire", "internal/jose"},
	"math/rand":                          {},
	"unsafe":                             {},
	"text/template":                      {},
	"testing":                            {},
	module + "/internal/store/storetest": {},
	"net/http/pprof":                     {},
	"net/smtp":                           {"internal/mail"},
	"github.com/rogpeppe/go-internal":    {},
	"github.com/anishathalye/porcupine":  {},
	"golang.org/x/oauth2":                {"internal/login", "client/xoauth2"},
	"github.com/coreos/go-oidc":          {"internal/login", "internal/proxy"},
	"go.opentelemetry.io":                {"internal/server"},
}

// Budgets. One that is broken says that a noun is two nouns.
const (
	maxFileLines     = 400
	maxFunctionLines = 90
	maxMethods       = 7
	maxFields        = 20
)

// configuration holds structs whose fields are the lines of a file that people
// write; the budget of fields is not theirs.
var configuration = []string{"internal/catalogue"}

func TestFloors(t *testing.T) {
	for _, f := range sources(t) {
		here := floor(f.dir)
		if here < 0 {
			t.Errorf("%s stands on no floor", f.dir)
			continue
		}
		for _, path := range f.imports() {
			if pkg, ours := strings.CutPrefix(path, module+"/"); ours {
				if there := floor(pkg); there <= here {
					t.Errorf("%s imports %s, which is not below it", f.path, pkg)
				}
			}
			for imported, by := range sole {
				if (path == imported || strings.HasPrefix(path, imported+"/")) && !slices.Contains(by, f.dir) {
					t.Errorf("%s imports %s, which only %v may", f.path, path, by)
				}
			}
		}
	}
}

// TestPublicPackagesExposeNothingOfOurs: whoever imports oauth, client or
// resource must be able to name every type they meet.
func TestPublicPackagesExposeNothingOfOurs(t *testing.T) {
	for _, f := range sources(t) {
		if !slices.Contains([]string{"oauth", "client", "resource"}, f.dir) {
			continue
		}
		hidden := map[string]string{} // package name in this file -> path
		for _, spec := range f.ast.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			if strings.Contains(path, ".") && path != module+"/oauth" {
				name := path[strings.LastIndex(path, "/")+1:]
				if spec.Name != nil {
					name = spec.Name.Name
				}
				hidden[name] = path
			}
		}
		for _, d := range f.ast.Decls {
			for _, exposed := range exposedTypes(d) {
				ast.Inspect(exposed, func(n ast.Node) bool {
					if sel, ok := n.(*ast.SelectorExpr); ok {
						if id, ok := sel.X.(*ast.Ident); ok && hidden[id.Name] != "" {
							t.Errorf("%s exposes %s.%s", f.path, hidden[id.Name], sel.Sel.Name)
						}
					}
					return true
				})
			}
		}
	}
}

// exposedTypes returns the type expressions of an exported declaration.
func exposedTypes(d ast.Decl) []ast.Node {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() {
			return []ast.Node{d.Type}
		}
	case *ast.GenDecl:
		var found []ast.Node
		for _, spec := range d.Specs {
			ts, ok := spec.(*ast.TypeSpec)
			if !ok || !ts.Name.IsExported() {
				continue
			}
			if st, ok := ts.Type.(*ast.StructType); ok {
				for _, field := range st.Fields.List {
					if len(field.Names) == 0 || field.Names[0].IsExported() {
						found = append(found, field.Type)
					}
				}
			} else {
				found = append(found, ts.Type)
			}
		}
		return found
	}
	return nil
}

func TestDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range sources(t) {
		documented[f.dir] = documented[f.dir] || f.ast.Doc != nil && len(f.ast.Doc.Text()) > 80
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && receiverExported(d) && d.Doc == nil && !obvious[d.Name.Name] {
					t.Errorf("%s: %s has no doc comment", f.path, d.Name.Name)
				}
			case *ast.GenDecl:
				undocumented(t, f, d)
			}
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment that says what it is and is not", dir)
		}
	}
}

// obvious are methods whose interface says it all.
var obvious = map[string]bool{"Error": true, "Unwrap": true, "String": true, "Network": true}

func undocumented(t *testing.T, f source, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
				t.Errorf("%s: %s has no doc comment", f.path, s.Name.Name)
			}
		case *ast.ValueSpec:
			if s.Names[0].IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				t.Errorf("%s: %s has no doc comment", f.path, s.Names[0].Name)
			}
		}
	}
}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

func TestBudgets(t *testing.T) {
	for _, f := range sources(t) {
		if n := f.lines(f.ast.FileEnd); n > maxFileLines {
			t.Errorf("%s has %d lines, and %d is the budget", f.path, n, maxFileLines)
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Body != nil {
					if lines := f.lines(n.Body.End()) - f.lines(n.Pos()) + 1; lines > maxFunctionLines {
						t.Errorf("%s: %s has %d lines, and %d is the budget", f.path, n.Name.Name, lines, maxFunctionLines)
					}
				}
			case *ast.TypeSpec:
				switch kind := n.Type.(type) {
				case *ast.InterfaceType:
					if len(kind.Methods.List) > maxMethods {
						t.Errorf("%s: interface %s has %d methods, and %d is the budget", f.path, n.Name.Name, len(kind.Methods.List), maxMethods)
					}
				case *ast.StructType:
					if fields := kind.Fields.NumFields(); fields > maxFields && !slices.Contains(configuration, f.dir) {
						t.Errorf("%s: struct %s has %d fields, and %d is the budget", f.path, n.Name.Name, fields, maxFields)
					}
				}
			}
			return true
		})
	}
}

// TestNoVagueNames: a package is named after what it is.
func TestNoVagueNames(t *testing.T) {
	vague := []string{"util", "utils", "common", "helpers", "helper", "pkg", "types", "models", "services", "manager", "registry", "driver", "mock", "misc"}
	for _, f := range sources(t) {
		for part := range strings.SplitSeq(f.dir, "/") {
			if slices.Contains(vague, part) {
				t.Errorf("%s: %q says nothing", f.dir, part)
			}
		}
	}
}

// A source is a Go file that ships: no test, no test support.
type source struct {
	path, dir string
	ast       *ast.File
	set       *token.FileSet
}

func (f source) lines(p token.Pos) int { return f.set.Position(p).Line }

func (f source) imports() []string {
	var paths []string
	for _, spec := range f.ast.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

func floor(pkg string) int {
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, pkg) })
}

func sources(t *testing.T) []source {
	t.Helper()
	var found []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == "tools" || d.Name() == "bench" || d.Name() != "." && strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if dir == "." || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || slices.Contains(testSupport, dir) {
			return nil
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		found = append(found, source{path, dir, f, set})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 50 {
		t.Fatalf("only %d files found: the walk is wrong", len(found))
	}
	return found
}
