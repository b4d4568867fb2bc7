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
	const noGenerator = "async generators can't be used in a handler; return a list from an async function"
	tests := []struct {
		name, src string
		want      outcome
	}{
		{"empty", "", outcome{}},
		{"a comment only", "// nothing", outcome{}},
		{"a byte order mark", "\uFEFFreturn 'x'", outcome{Body: "x"}},
		{"a byte order mark and an error", "\uFEFFnull.x", outcome{Code: runtime.CodeHandler, Message: "Cannot read property 'x' of undefined", Line: 1, Column: 4}},
		{"CRLF", "var x = 1;\r\n\r\nreturn `a\r\nb` + x\r\n", outcome{Body: "a\nb1"}},
		{"CRLF and an error", "var x;\r\n\r\n  x.y;\r\n", outcome{Code: runtime.CodeHandler, Message: "Cannot read property 'y' of undefined", Line: 3, Column: 3}},
		{"CR only", "var x = 1;\rreturn x", outcome{Body: "1"}},
		{"not UTF-8 in a string", "return 'a\xffb'", outcome{Code: runtime.CodeSyntax, Message: notUTF8, Line: 1, Column: 10}},
		{"not UTF-8 in a comment", "// \xe9\nreturn 'x'", outcome{Code: runtime.CodeSyntax, Message: notUTF8, Line: 1, Column: 4}},
		{"not UTF-8 in code", "var \xe9 = 1", outcome{Code: runtime.CodeSyntax, Message: notUTF8, Line: 1, Column: 5}},
		{"UTF-16", "r\x00e\x00t\x00u\x00r\x00n\x00", outcome{Code: runtime.CodeSyntax, Message: "Invalid or unexpected token", Line: 1, Column: 2}},
		{"a syntax error in the last line", "var a = 1;\nvar b = ;", outcome{Code: runtime.CodeSyntax, Message: "Unexpected token ';'", Line: 2, Column: 9}},
		{"for await", "const a = [];\nfor await (const x of a) ;", outcome{Code: runtime.CodeUnsupported, Line: 2, Column: 5,
			Message: "for await can't be used in a handler; write for (const x of list) { const value = await x; ... }"}},
		{"an async generator", "async function* f() {}", outcome{Code: runtime.CodeUnsupported, Line: 1, Column: 1, Message: noGenerator}},
		{"an async generator method", "return {async *f() {}}", outcome{Code: runtime.CodeUnsupported, Line: 1, Column: 16, Message: noGenerator}},
		{"arguments in an arrow function", "function f() {\n  return () => [() => arguments]\n}", outcome{Code: runtime.CodeUnsupported, Line: 2, Column: 23,
			Message: "arguments can't be used in an arrow function; give it, or the function around it, a parameter like ...args"}},
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
