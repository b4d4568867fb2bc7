package jsapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/internal/jsapi"
)

// Every parameter in the table is one that the function reads: it is refused
// when its type is wrong, and a required one when it is missing.
func TestTableHolds(t *testing.T) {
	app := harnesstest.Start(t).Deploy(fstest.MapFS{
		"private/a.json": {Data: []byte("{}")},
		"api/main.js": {Data: []byte(`
			var parts = request.body.name.split('.'), f = fazt, owner;
			for (var i = 1; i < parts.length; i++) { owner = f; f = f[parts[i]]; }
			var args = request.body.args, out = 'fine';
			for (var i = 0; i < args.length; i++) if (args[i] === null) args[i] = function () {};
			try { f.apply(owner, args); } catch (e) { out = e.name + ' ' + e.code; }
			out`)},
	})
	call := func(name string, args []any) string {
		return app.Do("POST", "/api/", map[string]any{"name": name, "args": args}).Body
	}
	for _, g := range jsapi.Table() {
		if g.Prefixes[0] == "fazt.auth" {
			continue // these end the run for a stranger
		}
		for _, f := range g.Functions {
			name := g.Prefixes[0] + "." + f.Name
			good := []any{}
			for i, p := range f.Params {
				bad := append(slices.Clone(good), nil) // a function in JavaScript, which no parameter takes
				if got := call(name, bad); got != "TypeError INVALID" && got != "TypeError INVALID_QUERY" {
					t.Errorf("%s: a function for %s: %s", f, p.Name, got)
				}
				if !p.Optional {
					if got := call(name, good); !strings.HasPrefix(got, "TypeError") && !strings.Contains(got, "INVALID") {
						t.Errorf("%s: without %s: %s", f, p.Name, got)
					}
				}
				good = append(good, example(p.Type, i))
			}
		}
	}
}

func example(t jsapi.Type, i int) any {
	switch {
	case t == "string" || t == "Data":
		return fmt.Sprint("a", i)
	case t == "number":
		return 1
	case strings.HasSuffix(string(t), "[]"):
		return []any{}
	}
	return map[string]any{}
}

func TestTableIsSpelledLikeTypeScript(t *testing.T) {
	seen := make(map[string]bool)
	for _, g := range jsapi.Table() {
		for _, f := range g.Functions {
			if seen[g.Prefixes[0]+f.Name] {
				t.Errorf("%s is there twice", f.Name)
			}
			seen[g.Prefixes[0]+f.Name] = true
			optional := false
			for _, p := range f.Params {
				if optional && !p.Optional {
					t.Errorf("%s: %s comes after an optional parameter", f, p.Name)
				}
				optional = p.Optional
				if p.Name == "" || p.Type == "" {
					t.Errorf("%s: a parameter without name or type", f)
				}
			}
			if f.Result == "" {
				t.Errorf("%s has no result", f)
			}
		}
	}
}
