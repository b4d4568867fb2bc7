package runtime_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
)

// An error has the line that it is from, whatever the handler's code was called by.
func TestErrorsOutsideOfCallsHaveALine(t *testing.T) {
	forEachEngine(t, func(t *testing.T, engine runtime.Engine) {
		r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine}})
		for _, c := range []struct {
			src  string
			name string
			line int
		}{
			{"var o = {get x() {\n  return o.x; }};\nreturn o.x", "RangeError", 2},
			{"var o = {};\nObject.defineProperty(o, 'x', {get: function () {\n  return o.x;\n}, enumerable: true});\nreturn o", "RangeError", 3},
			{"function C() {}\nC.prototype.toString = function () {\n  return '' + this; };\nreturn '' + new C()", "RangeError", 3},
			{"var a = [1];\na[0] = a;\nreturn a.toLocaleString()", "RangeError", 3},
			{"return {a: {get b() {\n  return nope; }}}", "ReferenceError", 2},
			{"return {toJSON: function () {\n  throw new TypeError('t'); }}", "TypeError", 2},
			{"var a = 'x';\n\nreturn a in a", "TypeError", 3},
			{"var a = {};\n\nreturn a instanceof a", "TypeError", 3},
			{"var a = [];\n\na.length = -1", "RangeError", 3},
		} {
			p, err := r.Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": c.src}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Bind(nil).Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
			e, _ := errors.AsType[*runtime.Error](err)
			if e == nil || e.Name != c.name || e.File != "api/main.js" || e.Line != c.line {
				t.Errorf("%s: got %v, want a %s in line %d", c.src, err, c.name, c.line)
			}
		}
	})
}

// An error tells what its author gave it as the cause, however many there are.
func TestCauses(t *testing.T) {
	for _, c := range []struct{ src, hint string }{
		{"try { JSON.parse('{'); } catch (e) { throw new Error('no settings', { cause: e }); }; const x = 1",
			"its cause is api/main.js:1:7: SyntaxError: Unexpected end of JSON input"},
		{"const e = new Error('round'); e.cause = e; throw e",
			strings.Repeat("its cause is api/main.js:1:15: Error: round; ", 2) + "its cause is api/main.js:1:15: Error: round"},
		{"const e = new Error('text'); e.cause = 'why'; throw e", ""},
	} {
		p, err := newRuntime(t, runtime.Options{Engines: []runtime.Engine{gojajs.New()}}).Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": c.src}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Bind(nil).Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
		e, _ := errors.AsType[*runtime.Error](err)
		if e == nil || e.Hint != c.hint || strings.Count(e.Stack, "\ncaused by ") != strings.Count(c.hint, "its cause") {
			t.Errorf("%s: got %v, want the hint %q\n%s", c.src, err, c.hint, e.Stack)
		}
	}
}
