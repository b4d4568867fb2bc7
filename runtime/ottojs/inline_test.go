package ottojs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
)

// handlers are programs, each with whether its handler becomes a part of the
// file. They answer the same when that is prevented.
var handlers = []struct {
	name, src string
	inlined   bool
}{
	{"alone", `function handler(request) { return request.path; }`, true},
	{"called in the last line", `function handler(request) { return request.path; } handler(request)`, true},
	{"without a parameter", `function handler() { return 1; }`, true},
	{"with a parameter too many", `function handler(req, extra) { return [req.path, extra]; }`, true},
	{"nothing returned", `function handler(request) { respond(201, 'made'); }`, true},
	{"nothing at all", `function handler(request) { }`, true},
	{"responded before", `respond('early'); function handler(request) { return 'late'; }`, true},
	{"responded before the call", `
		respond('early'); function handler(request) { return respond('late'); } handler(request)`, true},
	{"returned before", `if (request.path) return 'early'; function handler(req) { return 'late'; }`, true},
	{"variables", `
		var n = 1; function handler(request) { var m = n + 1; n = 5; return [n, m, typeof later]; var later;
		}`, true},
	{"functions", `
		function outer() { return inner() + n; } var n = 1;
		function inner() { return 2; } function handler(request) {
		function own() { return outer(); } return own(); }`, true},
	{"a function declared in a block", `
		function handler(request) { if (request) { function f() { return 1; } } return f(); }`, true},
	{"the same local names elsewhere", `
		function other(x) { var i = x; return i; } function handler(request) { var i = 7, x = 8;
		return other(1) + i + x; }`, true},
	{"a throw", `function handler(request) { throw new TypeError('no'); }`, true},
	{"a thrown text", `function handler(request) { throw 'no'; }`, true},
	{"a throw in a function", `function f() { null.x; } function handler(request) { f(); }`, true},
	{"this", `function handler(request) { return this === (function () { return this; })(); }`, true},
	{"the request, elsewhere too", `
		function path() { return request.path; } function handler(request) { return path() + request.method;
		}`, true},
	{"recursion", `function handler(request) { return request.n ? 1 : handler({n: 1}); }`, false},
	{"a reference", `var h = handler; function handler(request) { return h.length; }`, false},
	{"a call with something else", `function handler(x) { return x; } handler(5)`, false},
	{"a call in the middle", `var r = handler(request); function handler(q) { return 'x'; } r + '!'`, false},
	{"declared twice", `function handler(request) { return 1; } function handler(request) { return 2; }`, false},
	{"a variable", `var handler = function (request) { return 1; }`, false},
	{"arguments", `function handler(request) { return arguments.length; }`, false},
	{"arguments in a function", `function handler(request) { return (function () { return arguments.length; })(1, 2); }`, true},
	{"its caller", `function f() { return typeof f.caller; } function handler(request) { return f(); }`, false},
	{"a variable of the same name", `
		var n = 1; function handler(request) { var n = 2; return n; } function show() { return n; }`, false},
	{"a global of the same name", `
		function show() { return typeof total; } function handler(request) { var total = 2; return show(); }`, false},
	{"its request replaced", `
		function path() { return request.path; } function handler(request) { request = {path: 'other'};
		return path(); }`, false},
	{"the file's request replaced", `function handler(request) { return request.path; } request = {path: 'other'};`, false},
	{"a variable called request", `function handler(q) { var request = 1; return q.path + request; }`, false},
	{"exports", `exports.x = 1; function handler(request) { return exports.x; }`, false},
	{"module.exports", `
		module.exports = function () { return 'module'; }; function handler(request) { return 'handler'; }`, false},
	{"a parameter called as a global", `
		function show() { return typeof JSON; } function handler(JSON, Math) {
		return [JSON.path, typeof Math, show()]; }`, false},
	{"a parameter called as a global, elsewhere unused", `function handler(JSON, Math) { return [JSON.path, typeof Math]; }`, true},
	{"its parameters in the global object", `function handler(req, extra) { return [req.path, 'req' in this, 'extra' in this]; }`, true},
	{"a parameter assigned", `function handler(req, extra) { extra = req.path; req = 1; return [req, extra]; }`, true},
	{"a parameter that is a variable, too", `function handler(req) { var req; return typeof req + req.path; }`, true},
	{"a parameter unused but for a variable", `function handler(req) { var req = 5; }`, true},
	{"the request under two names", `var path = request.path; function handler(req) { return [path, req === request]; }`, true},
	{"quiet statements", `
		var a = [1, , {b: null}], p = request.path, f = function () { respond('early'); }, u; ;
		function handler(req) { return [a, p, req.path, typeof f, u]; }`, true},
	{"a respond in a getter", `
		var o = {get x() { respond('early'); return 1; }}; var y = o.x; function handler(req) { return y; }`, true},
	{"a respond in a conversion", `
		var y = 1 + {valueOf: function () { respond('early'); return 1; }};
		function handler(req) { return y; }`, true},
	{"a respond in a constructor", `var y = new function () { respond('early'); }; function handler(req) { return y; }`, true},
	{"a respond in a variable", `var y = respond('early'); function handler(req) { return y; }`, true},
	{"an unknown name before", `var y = unknown; function handler(req) { return y; }`, true},
	{"a return at the end", `
		function f() { return 1; } function handler(req) { f(); if (req.path) return 'path'; return f(); }`, true},
	{"a return behind a handler", `function handler(req) { return 'late'; } return 'early'`, true},
	{"a return of a handler's", `function handler(req) { return req.path; } return handler(request)`, false},
	{"a catch", `function handler(request) { try { throw 1; } catch (e) { return e; } }`, true},
	{"a loop", `
		function handler(request) { var out = []; for (var i = 0; i < 3; i++) out.push(i);
		for (var k in {a: 1}) out.push(k); return out; }`, true},
	{"a label", `function handler(request) { a: for (;;) { for (;;) break a; } return 'out'; }`, true},
	{"a finally without a catch", `
		try { } finally { } function handler(request) { try { return 'a'; } finally { return 'b'; } }`, true},
	{"a finally over a throw", `function handler(request) { try { throw 1; } finally { return 'b'; } }`, true},
	{"a function called as the parameter", `function handler(q) { function q() { } return typeof q; }`, false},
	{"two parameters of one name", `
		function path() { return request.path; } function handler(request, request) { return path(); }`, false},
	{"another request in the call", `
		var request = {path: 'other'}; function handler(r) { return r.path; } handler(request)`, false},
	{"another request in the call, assigned", `request = {path: 'other'}; function handler(r) { return r.path; } handler(request)`, false},
	{"another request in the call, by a function", `
		function set() { request = {path: 'other'}; } set();
		function handler(r) { return r.path; } handler(request)`, false},
	{"a function called request in the call", `function request() { } function handler(r) { return typeof r; } handler(request)`, false},
	{"another request, not in a call", `request = {path: 'other'}; function handler(r) { return r.path; }`, true},
	{"a function that outlives it", `
		var kept; function handler(request) { var n = 1; kept = function () { return ++n; };
		return [kept(), kept()]; }`, true},
}

func TestInlinedHandler(t *testing.T) {
	for _, c := range handlers {
		t.Run(c.name, func(t *testing.T) {
			if got := ottojs.Inlines(c.src); got != c.inlined {
				t.Errorf("inlined: %v, want %v", got, c.inlined)
			}
			// A use of the name that does nothing.
			want := outcome(t, "(function () { if (false) handler.x; });\n"+c.src)
			for range 2 { // the second request finds what the first one left
				if diff := cmp.Diff(want, outcome(t, c.src)); diff != "" {
					t.Errorf("-as a function +inlined\n%s", diff)
				}
			}
		})
	}
}

// outcome is what two requests get.
func outcome(t *testing.T, src string) (out []string) {
	t.Helper()
	p := load(t, ottojs.New(), src)
	for range 2 {
		res, err := p.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api/x"})
		if err != nil {
			e := err.(*runtime.Error)
			out = append(out, e.Name+": "+e.Message+" "+e.SourceLine)
			continue
		}
		out = append(out, string(res.Response.Body))
	}
	return out
}
