package fazt_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/bundle"
)

// bundled is an app with what package bundle makes of it, as the command uploads it.
func bundled(t *testing.T, app fstest.MapFS) fstest.MapFS {
	t.Helper()
	made, err := bundle.Bundle(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range made.Files {
		app[name] = &fstest.MapFile{Data: text}
	}
	return app
}

// TestBundledHandlers: a server runs what was bundled, and tells errors in the author's
// file, also when it has read the app from its store.
func TestBundledHandlers(t *testing.T) {
	opt := fazt.Options{DataFile: filepath.Join(t.TempDir(), "data.db"), Dev: true, Home: "app"}
	srv := open(t, func(o *fazt.Options) { *o = opt })
	deploy(t, srv, "app", bundled(t, files(
		"api/main.ts", "import { check } from './lib';\n\nexport default function (request: { query: { n?: string } }): unknown {\n  return { n: check(Number(request.query.n)) };\n}\n",
		"api/lib.ts", "export const limit: number = 5;\nexport function check(n: number): number {\n  if (n > limit) {\n    throw new RangeError('too many');\n  }\n  return n;\n}\n",
		// It is no part of the program, and need not be what an engine takes.
		"api/more.js", "export default 1;",
	)))
	for range 2 {
		if got := do(srv, "GET", "http://app.localhost/api?n=2"); got.Body.String() != `{"n":2}` {
			t.Errorf("%d %s", got.Code, got.Body)
		}
		f := fail(t, srv, "http://app.localhost/api?n=6")
		want := map[string]any{"file": "api/lib.ts", "line": 4.0, "column": 15.0, "source_line": "    throw new RangeError('too many');"}
		got := make(map[string]any)
		for key := range want {
			got[key] = f.Error.Details[key]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", f.Error.Message, diff)
		}
		if stack, _ := f.Error.Details["stack"].(string); !strings.Contains(stack, "(api/main.ts:4:15)") {
			t.Errorf("stack: %s", stack)
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
		srv = open(t, func(o *fazt.Options) { *o = opt })
	}
	info, err := srv.AppInfo(t.Context(), "app")
	if err != nil || info.Engine != "goja" || !strings.Contains(info.EngineReason, "bundled") {
		t.Errorf("%+v, %v", info, err)
	}
	if got := do(srv, "GET", "http://app.localhost/api/main.js.map"); strings.Contains(got.Body.String(), "mappings") {
		t.Error("the source map is served")
	}
}

// TestUnbundledHandlers: a server bundles nothing, and says what does.
func TestUnbundledHandlers(t *testing.T) {
	srv := open(t)
	for name, test := range map[string]struct {
		app  fstest.MapFS
		want string
	}{
		"TypeScript":    {files("api/main.ts", "export default () => 1"), "api/main.ts:1:1: has to be bundled before it is uploaded; deploy the app's folder by fazt app deploy"},
		"a module":      {files("api/main.mjs", "export default () => 1"), "api/main.mjs:1:1: has to be bundled"},
		"import":        {files("api/main.js", "\nimport x from './x.js';\nrespond(x)", "api/x.js", "exports.x = 1"), "api/main.js:2:1: SyntaxError: import is for handlers that are bundled, as fazt app deploy does"},
		"export":        {files("api/main.js", "export default () => 1"), "api/main.js:1:1: SyntaxError: export is for handlers that are bundled, as fazt app deploy does"},
		"a package":     {files("api/main.js", "var a = 1;\nvar x = require('left-pad');"), `api/main.js:2:9: require("left-pad"): the package isn't in this program; put it into package.json and let fazt app deploy bundle it`},
		"Node's module": {files("api/main.js", "var fs = require('node:fs');"), `api/main.js:1:10: require("node:fs"): Node's modules don't exist here`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := srv.Deploy(t.Context(), "app", test.app)
			if !errors.Is(err, fazt.ErrInvalidApp) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v\nwant %s", err, test.want)
			}
		})
	}
}

// TestHostileSourceMaps: a map that can't be used is as if it weren't there.
func TestHostileSourceMaps(t *testing.T) {
	srv := open(t, func(o *fazt.Options) { o.Dev, o.Home = true, "app" })
	for name, text := range map[string]string{
		"no JSON": "[[[", "endless": `{"version":3,"sources":["a"],"mappings":"` + strings.Repeat("A", 1<<20) + `"}`,
		"lines": `{"version":3,"sources":["a"],"mappings":"` + strings.Repeat(";", 1<<20) + `"}`, "too long": strings.Repeat("{", 9<<20),
	} {
		t.Run(name, func(t *testing.T) {
			deploy(t, srv, "app", files("api/main.js", runtime.BundleMark+"\nthrow new Error('x')", "api/main.js.map", text))
			f := fail(t, srv, "http://app.localhost/api")
			if f.Error.Details["file"] != "api/main.js" || f.Error.Details["line"] != 2.0 {
				t.Errorf("%+v", f)
			}
		})
	}
}
