package ottojs_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// A handler is made a part of the main file where nothing can tell.
func TestMergedHandler(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"plain", `function handler(request) { return request.path; }`, `/api/x`},
		{"another name for the request", `function handler(r) { r = r.path; return r; }`, `/api/x`},
		{"no parameter", `function handler() { return request.path; }`, `/api/x`},
		{"a second parameter", `function handler(request, other) { return [typeof other]; }`, `["undefined"]`},
		{"constants", `var n = 2, list = [1, {a: 'x'}]; function handler() { return [n, list]; }`, `[2,[1,{"a":"x"}]]`},
		{"statements behind", `function handler() { return [n]; } var n = 3;`, `[3]`},
		{"no return", `var n = 1; n; function handler() { n; }`, ``},
		{"no return and a completion value", `function handler() {} 7`, ``},
		{"respond in the handler", `function handler() { respond(201, 'made'); }`, `201 made`},
		{"respond before it", `respond(202, 'early'); function handler() { return 'late'; }`, `202 early`},
		{"respond through a function", `function say() { respond(203, 'said'); } say(); function handler() { return 'late'; }`, `203 said`},
		{"respond in a getter", `var o = {get a() { respond(204); return 1; }}; o.a; function handler() { return 'late'; }`, `204 `},
		{"a helper's name", `function twice(n) { return n * 2; } function handler(request) { return [twice(4)]; }`, `[8]`},
		{"hoisted inside", `function handler() { return [f()]; function f() { return 5; } }`, `[5]`},
		{"the same name outside", `var x = 1; function get() { return x; } function handler() { var x = 2; return [get(), x]; }`, `[1,2]`},
		{"a global of the same name outside", `function get() { return typeof y; } function handler() { var y = 2; return [get()]; }`, `["undefined"]`},
		{"a parameter that another function reads", `function get() { return request.path; } function handler(request) { request = 1; return get(); }`, `/api/x`},
		{"called by the file", `function handler() { return 'once'; } handler() + '!'`, `once!`},
		{"called by itself", `function handler(r) { return r.path ? handler(1) : ['end']; }`, `["end"]`},
		{"its own properties", `function handler() { return [handler.n]; } handler.n = 4;`, `[4]`},
		{"two of the name", `function handler() { return 'first'; } function handler() { return 'second'; }`, `second`},
		{"a variable of the name", `function handler() { return 'function'; } var handler = function () { return 'variable'; };`, `variable`},
		{"in a block", `if (true) { function handler() { return 'block'; } }`, `block`},
		{"arguments", `function handler() { return [arguments.length]; }`, `[1]`},
		{"this", `function handler() { return [this === undefined || typeof this.request]; }`, `["undefined"]`},
		{"exports before it", `module.exports = function () { return 'exports'; }; function handler() { return 'handler'; }`, `exports`},
		{"a loop with a label of the same name", `out: for (;;) { break out; } function handler() { out: for (;;) { break out; } return 'done'; }`, `done`},
	}
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := runtimetest.Load(r, map[string]string{"api/main.js": tt.source}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			for range 2 { // the second by a used VM
				res, err := p.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api/x"})
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(tt.want, answerText(&res.Response)); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

// answerText is a response's status, unless that is 200, and its body.
func answerText(res *runtime.Response) string {
	if res.Status == 200 {
		return string(res.Body)
	}
	return strconv.Itoa(res.Status) + " " + string(res.Body)
}
