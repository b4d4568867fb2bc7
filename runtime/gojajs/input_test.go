package gojajs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// Files as editors and accidents leave them.
func TestUnusualFiles(t *testing.T) {
	type outcome struct {
		Body, Code, Message string
		Line, Column        int
	}
	const notUTF8 = "the file is not UTF-8 here; save it as UTF-8"
	tests := []struct {
		name, src string
		want      outcome
	}{
		{"empty", "", outcome{}},
		{"a comment only", "// nothing", outcome{}},
		{"a byte order mark", "\uFEFFreturn 'x'", outcome{Body: "x"}},
		{"a byte order mark and an error", "\uFEFFnull.x", outcome{Code: runtime.CodeHandler, Message: "Cannot read property 'x' of null or undefined", Line: 1, Column: 4}},
		{"CRLF", "var x = 1;\r\n\r\nreturn `a\r\nb` + x\r\n", outcome{Body: "a\nb1"}},
		{"CRLF and an error", "var x;\r\n\r\n  x.y;\r\n", outcome{Code: runtime.CodeHandler, Message: "Cannot read property 'y' of null or undefined", Line: 3, Column: 3}},
		{"CR only", "var x = 1;\rreturn x", outcome{Body: "1"}},
		{"not UTF-8 in a string", "return 'a\xffb'", outcome{Code: runtime.CodeSyntax, Message: notUTF8, Line: 1, Column: 10}},
		{"not UTF-8 in a comment", "// \xe9\nreturn 'x'", outcome{Code: runtime.CodeSyntax, Message: notUTF8, Line: 1, Column: 4}},
		{"not UTF-8 in code", "var \xe9 = 1", outcome{Code: runtime.CodeSyntax, Message: notUTF8, Line: 1, Column: 5}},
		{"UTF-16", "r\x00e\x00t\x00u\x00r\x00n\x00", outcome{Code: runtime.CodeSyntax, Message: "Invalid or unexpected token", Line: 1, Column: 2}},
		{"a syntax error in the last line", "var a = 1;\nvar b = ;", outcome{Code: runtime.CodeSyntax, Message: "Unexpected token ';'", Line: 2, Column: 9}},
		{"for await in no async function", "function f(a) {\n  for await (const x of a) ;\n}", outcome{Code: runtime.CodeUnsupported, Line: 2, Column: 3,
			Message: "for await needs an async function around it"}},
		{"super in an async generator", "return {\n  async *f() { yield super.f }}", outcome{Code: runtime.CodeUnsupported, Line: 2, Column: 22,
			Message: "super can't be used in an asynchronous generator; call the method in one of this class, and that from here"}},
		{"an error behind what is mended", "const {a: [b = 1] = []} = {}; async function* f() {}; const o = {async *g() {}}; null.x",
			outcome{Code: runtime.CodeHandler, Message: "Cannot read property 'x' of null or undefined", Line: 1, Column: 82}},
		{"a syntax error behind what is mended", "const o = {async *g() {}};\nclass A { get = 1 } const {a: [b = 1] = []} = {}; 1 + ;", outcome{Code: runtime.CodeSyntax,
			Message: "Unexpected token ';'", Line: 2, Column: 55}},
		{"a syntax error in a default", "const {a: [b = 1 +] = []} = {}", outcome{Code: runtime.CodeSyntax, Message: "Unexpected token ']'", Line: 1, Column: 19}},
		{"a member in a pattern", "const {a: [b.c = 1] = []} = {}", outcome{Code: runtime.CodeSyntax, Message: "Invalid destructuring binding target", Line: 1, Column: 12}},
		{"a rest element of another alphabet", "return 1;\nconst [...été] = []", outcome{Code: runtime.CodeUnsupported, Line: 2, Column: 8,
			Message: "the name of a rest element has to be of ASCII's letters; rename it"}},
		{"a newer flag", "return /[a--b]/v.test('a')", outcome{Code: runtime.CodeUnsupported, Line: 1, Column: 8,
			Message: "the regular expression flag v is not available; write the class with the flag u"}},
		{"an invalid pattern", "return 1;\n/a**/.test('')", outcome{Code: runtime.CodeSyntax, Line: 2, Column: 1, Message: "Invalid regular expression: /a**/: Nothing to repeat"}},
		{"arguments in an arrow function", "function f() {\n  return () => [() => arguments]\n}\nreturn f(1)()[0]()[0]", outcome{Body: "1"}},
		{"arguments in an arrow function in parameters", "function f(a, b = () => arguments) {}", outcome{Code: runtime.CodeUnsupported, Line: 1, Column: 25,
			Message: "arguments can't be used in an arrow function here; give it, or the function around it, a parameter like ...args"}},
		{"arguments of the file in an arrow function", "return () => ({arguments})", outcome{Code: runtime.CodeUnsupported, Line: 1, Column: 16,
			Message: "arguments can't be used in an arrow function here; give it, or the function around it, a parameter like ...args"}},
		{"arguments in a function in one", "return (() => function () { return arguments.length })()(1, 2)", outcome{Body: "2"}},
		{"an end in the middle", "function handler() {\n  return {a: 1,\n", outcome{Code: runtime.CodeSyntax, Message: "Unexpected end of the file", Line: 3, Column: 1}},
	}
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{gojajs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got outcome
			p, err := runtimetest.Load(r, map[string]string{"api/main.js": tt.src}, nil)
			if err == nil {
				defer p.Close()
				var res *runtime.Result
				if res, err = p.Run(t.Context(), &runtime.Request{Method: "GET"}); err == nil {
					got.Body = string(res.Response.Body)
				}
			}
			if e, ok := err.(*runtime.Error); ok {
				got = outcome{Code: e.Code, Message: e.Message, Line: e.Line, Column: e.Column}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLargeSource(t *testing.T) {
	src := "var s = '" + strings.Repeat("x", 2<<20) + "';\n" + strings.Repeat("// a comment\n", 3<<20/13) + "return s.length"
	for _, tt := range []struct {
		limit int
		want  string
	}{{0, runtime.CodeLoad}, {8 << 20, ""}} {
		r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{gojajs.New()}, Limits: runtime.Limits{SourceBytes: tt.limit}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := runtimetest.Load(r, map[string]string{"api/main.js": src}, nil)
		if e, ok := err.(*runtime.Error); ok && e.Code == tt.want {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		res, err := p.Run(t.Context(), &runtime.Request{Method: "GET"})
		if err != nil || string(res.Response.Body) != "2097152" {
			t.Errorf("limit %d: got %.50s, %v", tt.limit, res.Response.Body, err)
		}
	}
}
