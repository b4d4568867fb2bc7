package runtime_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/ottojs"
)

// sourceMap says that each line of a file is the line of another that is by as much
// further down.
func sourceMap(source, content string, lines, by int) string {
	digits := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
	mappings := "AA" + digits[2*by:2*by+1] + "A"
	mappings += strings.Repeat(";AACA", lines-1)
	text, _ := json.Marshal(map[string]any{"version": 3, "sources": []string{source, "../node_modules/p/x.js"}, "sourcesContent": []string{content}, "mappings": mappings})
	return string(text)
}

func TestPlaces(t *testing.T) {
	type place struct {
		File         string
		Line, Column int
		SourceLine   string
	}
	const main, source = "console.log(new Error('logged').stack);\nthrow new TypeError('no');", "// é\nlog: string\nthrow it"
	for name, tt := range map[string]struct {
		main, sourceMap string
		want            place
	}{
		"mapped":             {main, sourceMap("src/main.ts", source, 2, 1), place{"api/src/main.ts", 3, 1, "throw it"}},
		"out of the folder":  {main, sourceMap("../../../x.ts", source, 2, 1), place{"x.ts", 3, 1, "throw it"}},
		"of a bundler":       {main, sourceMap("webpack://app/./src/x.ts", source, 2, 1), place{"app/src/x.ts", 3, 1, "throw it"}},
		"without the text":   {main, strings.Replace(sourceMap("main.ts", "", 2, 1), `"sourcesContent":[""],`, "", 1), place{"api/main.ts", 3, 1, ""}},
		"a mistake":          {"a;\nb c;", sourceMap("main.ts", source, 2, 1), place{"api/main.ts", 3, 1, "throw it"}},
		"no JSON":            {main, "{", place{"api/main.js", 2, 11, "throw new TypeError('no');"}},
		"malformed":          {main, `{"version": 3, "sources": ["a"], "mappings": "AAAA;!"}`, place{"api/main.js", 2, 11, "throw new TypeError('no');"}},
		"numbers too large":  {main, `{"version": 3, "sources": ["a"], "mappings": "ggggggggggE"}`, place{"api/main.js", 2, 11, "throw new TypeError('no');"}},
		"a name with breaks": {main, sourceMap("a\n<b>", source, 2, 1), place{"api/main.js", 2, 11, "throw new TypeError('no');"}},
		"a source too many":  {main, `{"version": 3, "sources": ["a"], "mappings": "A4AAA;A4AAA"}`, place{"api/main.js", 2, 11, "throw new TypeError('no');"}},
		"lines before one":   {main, `{"version": 3, "sources": ["a"], "mappings": "AADA;AADA"}`, place{"api/main.js", 2, 11, "throw new TypeError('no');"}},
		"fewer lines":        {main, sourceMap("a", source, 1, 0), place{"api/main.js", 2, 11, "throw new TypeError('no');"}},
		"too long":           {main, sourceMap("a", strings.Repeat("x", 9<<20), 2, 1), place{"api/main.js", 2, 11, "throw new TypeError('no');"}},
	} {
		for _, engine := range []runtime.Engine{ottojs.New(), gojajs.New()} {
			t.Run(name+"/"+engine.Name(), func(t *testing.T) {
				r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{engine}})
				if err != nil {
					t.Fatal(err)
				}
				p, err := r.Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": tt.main}, Maps: map[string]string{"api/main.js": tt.sourceMap}})
				var log []runtime.Line
				if err == nil {
					var res *runtime.Result
					res, err = p.Bind(nil).Run(t.Context(), &runtime.Request{})
					log = res.Log
				}
				e, ok := errors.AsType[*runtime.Error](err)
				if !ok {
					t.Fatal(err)
				}
				got := place{e.File, e.Line, e.Column, e.SourceLine}
				if engine.Name() == "otto" && got.Column != 1 {
					got.Column = tt.want.Column // otto has the statement's
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%v\n%s", err, diff)
				}
				if at := ":" + string('0'+byte(tt.want.Line)) + ":"; e.Stack != "" && !strings.Contains(e.Stack, tt.want.File+at) {
					t.Errorf("the stack isn't at %s%s:\n%s", tt.want.File, at, e.Stack)
				}
				if len(log) > 0 && tt.want.File != "api/main.js" && strings.Contains(log[0].Text, "api/main.js:") {
					t.Errorf("logged: %s", log[0].Text)
				}
			})
		}
	}
}

// An error in a package is where the author's own code had called it.
func TestPlacesInPackages(t *testing.T) {
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{gojajs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(map[string]any{"version": 3, "sources": []string{"main.ts", "../node_modules/p/x.js"}, "sourcesContent": []any{"a\nb\nc", nil},
		"mappings": "ACAA;ADAA;AACA"})
	p, err := r.Load(t.Context(), runtime.Source{
		Files: map[string]string{"api/main.js": "function f() { throw new Error('x'); }\nfunction g() { f(); }\nmodule.exports = g;"},
		Maps:  map[string]string{"api/main.js": string(text)},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Bind(nil).Run(t.Context(), &runtime.Request{})
	e, _ := errors.AsType[*runtime.Error](err)
	want := "Error: x\n    at f (node_modules/p/x.js:1:1)\n    at g (api/main.ts:1:1)"
	if diff := cmp.Diff(want, e.Stack); diff != "" {
		t.Error(diff)
	}
	if e.File != "api/main.ts" || e.SourceLine != "a" {
		t.Errorf("%v: %q", e, e.SourceLine)
	}
}
