package site_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/internal/site"
	"github.com/fazt-sh/fazt/runtime"
)

func TestCheckAnswers(t *testing.T) {
	for name, test := range map[string]struct{ main, want string }{
		"a lone function":            {"// mine\nfunction handle(req) { return 1 }", "api/main.js:2:1: nothing here answers a request: handle is never called; call it handler, or write handle(request) as the last line"},
		"one that responds":          {"'use strict';\nfunction main(request) { respond(200, 'x') }", "api/main.js:2:1: nothing here answers a request: main is never called"},
		"with helpers":               {"const x = 1;\nfunction helper() {}\nfunction handle() { return helper() }\nfunction other() {}", "api/main.js:3:1:"},
		"of another name":            {"function greet(request) { return 'hi' }", "greet is never called"},
		"an arrow function":          {"const main = async (request) => { respond('x') };", "api/main.js:1:7: nothing here answers a request: main is never called"},
		"on the first line, CRLF":    {"var handle = function () {};\r\n", "api/main.js:1:5:"},
		"a global":                   {"handle = function () {};", "handle is never called"},
		"with imports and constants": {"const {a} = require('./a.js'); const limit = Number(fazt.env.get('LIMIT')) || 5; const seen = new Map();\nfunction handle() {}", "api/main.js:2:1:"},
		"exports.handler":            {"exports.handler = function (event, context) { return 1 }", "api/main.js:1:1: nothing here answers a request: exports.handler is not looked at; write module.exports = function (request) { ... }"},
		"an async exports.handler":   {"var db = require('./db');\nexports.handler = async (event) => ({statusCode: 200});", "api/main.js:2:1:"},
		"module.exports.handler":     {"module.exports.handler = function () {}", "module.exports.handler is not looked at"},
		"exports by text":            {"exports['handler'] = function () {}", "exports.handler is not looked at"},
		"an object of functions":     {"function get() {}\nmodule.exports = {get: get, post: function () {}}", "api/main.js:2:1: nothing here answers a request: a property of module.exports is not looked at"},
		"exports.default":            {"exports.default = function () {}", "exports.default is not looked at"},

		"handler":                     {"function handler(request) { return 1 }", ""},
		"handler among others":        {"function main() {}\nvar handler = main;", ""},
		"handler from elsewhere":      {"const {handler} = require('./a');\nfunction main() {}", ""},
		"handler under another name":  {"const {x: handler = 1} = require('./a');\nfunction main() {}", ""},
		"a call":                      {"function handle(r) { return 1 }\nhandle(request)", ""},
		"a call that is kept":         {"function handle(r) { respond(1) }\nvar x = handle(request);", ""},
		"a return":                    {"function handle(r) { return 1 }\nreturn handle(request);", ""},
		"respond":                     {"function f() {}\nrespond('x')", ""},
		"respond in a condition":      {"function f() {}\nif (request.method === 'GET') respond('x')", ""},
		"respond by another name":     {"const send = respond;\nfunction f() {}\n", ""},
		"a callback":                  {"function f() { respond(1) }\nvar all = [1].map(f);", ""},
		"a callback of what is inert": {"function f() {}\nvar all = Array.from([1], function () { respond(2) });", ""},
		"a function called at once":   {"var x = (function () { respond(1) })();\nfunction f() {}", ""},
		"a constructor of its own":    {"class App {}\nfunction f() {}\nconst app = new App();", ""},
		"a value":                     {"function f() {}\n({a: 1})", ""},
		"module.exports":              {"function f() {}\nmodule.exports = function (request) { return 1 }", ""},
		"module.exports of a name":    {"function f() {}\nmodule.exports = f", ""},
		"both exports":                {"exports = module.exports = function () {};\nexports.helper = function () {}", ""},
		"no functions":                {"var x = 1;", ""},
		"nothing":                     {"", ""},
		"a module":                    {"export function handle() {}", ""},
		"a loop":                      {"function f() {}\nfor (;;) { break }", ""},
		"a tagged template":           {"function tag() { respond(1) }\nconst x = tag`a`;", ""},
		"a large bundle":              {"function f() {}" + strings.Repeat(" ", 300<<10), ""},
	} {
		err := site.CheckAnswers(runtime.Source{Main: "api/main.js", Files: map[string]string{"api/main.js": test.main}})
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		e, ok := errors.AsType[*runtime.Error](err)
		if !ok || !strings.HasPrefix(e.Error(), test.want) && !strings.Contains(e.Error(), test.want) || !errors.Is(err, site.ErrInvalid) || e.SourceLine == "" {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// TestMainElsewhere: a handler that is where other platforms have theirs is not left
// lying there.
func TestMainElsewhere(t *testing.T) {
	for _, test := range []struct {
		file, err, warning string
	}{
		{"api/index.js", "api/index.js:1: nothing runs this file: the handler is api/main.js, which answers every path under /api; rename it", ""},
		{"api/index.ts", "api/index.ts:1: nothing runs this file", ""},
		{"api/server.mjs", "api/server.mjs:1:", ""},
		{"api/notes.js", "", "api/notes.js:1: nothing runs this file, and nothing serves it, without the handler api/main.js"},
		{"api/data.json", "", ""},
		{"js/index.js", "", ""},
	} {
		app, err := site.ReadFS(files("index.html", "x", test.file, "respond('x')"), limits)
		if err != nil {
			if test.err == "" || !strings.Contains(err.Error(), test.err) || !errors.Is(err, site.ErrInvalid) {
				t.Errorf("%s: %v, want %q", test.file, err, test.err)
			}
			continue
		}
		if got := strings.Join(app.Warnings, "; "); test.err != "" || got != test.warning {
			t.Errorf("%s: %q, want %q %q", test.file, got, test.err, test.warning)
		}
		if _, err := site.ReadFS(files("index.html", "x", "api/main.js", "", test.file, "respond('x')"), limits); err != nil {
			t.Errorf("%s, beside a main file: %v", test.file, err)
		}
	}
	// What a tool makes of an API's documentation is no handler, but is not served either.
	app, err := site.ReadFS(files("api/app.js", "x", "api/index.html", "x", "index.html", "x"), limits)
	if err != nil || len(app.Warnings) != 1 {
		t.Errorf("documentation: %v, %v", app, err)
	}
}
