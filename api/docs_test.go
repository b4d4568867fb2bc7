package api_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/api"
)

var update = flag.Bool("update", false, "write docs/api.md anew")

const docsFile = "../docs/api.md"

// TestDocs: docs/api.md is what the table of routes says, with the comments of its
// types. go test ./api -run TestDocs -update writes it.
func TestDocs(t *testing.T) {
	d := reference{comments: comments(t), types: make(map[string]reflect.Type)}
	want := d.text()
	if *update {
		if err := os.WriteFile(docsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/api.md is stale; write it with: go test ./api -run TestDocs -update\n%s", diff)
	}
}

// reference is the text while it is made.
type reference struct {
	strings.Builder
	comments map[string]string       // of "Type" and "Type.Field"
	types    map[string]reflect.Type // that are mentioned, by name
}

const docsIntro = `# Management API

<!-- Made from the table of routes: go test ./api -run TestDocs -update -->

It answers on the bare loopback host, on ` + "`admin.<domain>`" + `, and at ` + "`--admin-addr`" + `. Requests carry an API key as
` + "`Authorization: Bearer fzt_...`" + ` that has the scope (` + "`admin`" + ` has all), or the session of an owner or admin. Bodies and
answers are JSON: ` + "`{\"data\": ...}`" + `, or ` + "`{\"error\": {\"code\", \"message\", \"details\"?}}`" + ` with the matching status. A list has
` + "`\"meta\": {\"offset\", \"limit\", \"total\", \"has_more\"}`" + ` beside its data. A parameter or a field that a route does not take is
refused. The same as an OpenAPI 3.1 document is at ` + "`/api/openapi.json`" + `.
`

func (d *reference) text() string {
	d.WriteString(docsIntro)
	concern := ""
	routes := api.Routes()
	slices.SortStableFunc(routes, func(a, b api.Route) int { return strings.Compare(concernOf(a), concernOf(b)) })
	for _, r := range routes {
		if c := concernOf(r); c != concern {
			concern = c
			fmt.Fprintf(d, "\n## %s\n", c)
		}
		d.route(r)
	}
	d.WriteString("\n## Types\n")
	done := make(map[string]bool)
	for len(done) < len(d.types) { // writing one may mention others
		for _, name := range slices.Sorted(maps.Keys(d.types)) {
			if !done[name] {
				done[name] = true
				d.mention(d.types[name])
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.types)) {
		fmt.Fprintf(d, "\n### %s\n\n", name)
		if about := d.comments[name]; about != "" {
			fmt.Fprintf(d, "%s\n\n", about)
		}
		d.fields(d.types[name], "json")
	}
	return d.String()
}

func concernOf(r api.Route) string {
	c, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(r.Pattern, "/api"), "/"), "/")
	return strings.TrimSuffix(c, ".json")
}

func (d *reference) route(r api.Route) {
	scope := "Scope `" + r.Scope + "`."
	if r.Scope == api.ScopeOpen {
		scope = "Open to everybody."
	}
	fmt.Fprintf(d, "\n### `%s %s`\n\n%s. %s Answers %s.\n", r.Method, r.Pattern, strings.ToUpper(r.Summary[:1])+r.Summary[1:], scope, d.answer(r))
	if r.Request == nil {
		return
	}
	t := reflect.TypeOf(r.Request)
	for _, part := range []struct{ tag, title string }{{"query", "Query"}, {"form", "Form"}, {"json", "Body"}} {
		if !slices.ContainsFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return f.Tag.Get(part.tag) != "" }) {
			continue
		}
		fmt.Fprintf(d, "\n%s:\n\n", part.title)
		d.fields(t, part.tag)
	}
}

func (d *reference) answer(r api.Route) string {
	switch a := r.Answer.(type) {
	case api.Media:
		return "`" + string(a) + "`"
	case api.Bare:
		return d.typeName(reflect.TypeOf(a.Of)) + ", without the envelope"
	}
	return d.typeName(reflect.TypeOf(r.Answer))
}

// fields lists the fields of a type that have a tag.
func (d *reference) fields(t reflect.Type, tag string) {
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get(tag), ",")
		if name == "" || name == "-" || f.Anonymous {
			continue
		}
		about := f.Tag.Get("doc")
		if about == "" {
			about = d.comments[d.owner(t, f).Name()+"."+f.Name]
		}
		fmt.Fprintf(d, "- `%s` %s", name, d.typeName(f.Type))
		if strings.Contains(options, "omit") && tag == "json" {
			d.WriteString(", optional")
		}
		if about != "" {
			fmt.Fprintf(d, ": %s", about)
		}
		d.WriteString("\n")
	}
}

// owner is the type that declares a field, which may be embedded.
func (d *reference) owner(t reflect.Type, f reflect.StructField) reflect.Type {
	for _, i := range f.Index[:len(f.Index)-1] {
		t = t.Field(i).Type
	}
	return t
}

func (d *reference) mention(t reflect.Type) {
	for _, f := range reflect.VisibleFields(t) {
		if f.Tag.Get("json") != "" {
			d.typeName(f.Type)
		}
	}
}

// typeName is a type for people, with a link to what it has.
func (d *reference) typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case t == reflect.TypeFor[time.Duration]():
		return "integer (ns)"
	case t == reflect.TypeFor[[]byte]():
		return "bytes"
	case t.Name() == "RawMessage" || t.Kind() == reflect.Interface:
		return "any JSON"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.typeName(t.Elem())
	case reflect.Slice:
		return "list of " + d.typeName(t.Elem())
	case reflect.Map:
		return "object of " + d.typeName(t.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Float64:
		return "number"
	case reflect.Struct:
		d.types[t.Name()] = t
		return fmt.Sprintf("[%s](#%s)", t.Name(), strings.ToLower(t.Name()))
	}
	return "integer"
}

var links = regexp.MustCompile(`\[\*?([A-Za-z.]+)\]`)

// comments are those of the types of package api and their fields, in one line each.
func comments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	line := func(groups ...*ast.CommentGroup) string {
		for _, g := range groups {
			if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
				return links.ReplaceAllString(text, "$1")
			}
		}
		return ""
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, spec := range g.Specs {
				s := spec.(*ast.TypeSpec)
				found[s.Name.Name] = line(s.Doc, g.Doc)
				if st, ok := s.Type.(*ast.StructType); ok {
					for _, field := range st.Fields.List {
						for _, n := range field.Names {
							found[s.Name.Name+"."+n.Name] = line(field.Doc, field.Comment)
						}
					}
				}
			}
		}
	}
	return found
}
