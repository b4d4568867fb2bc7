package runtime_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
)

// What ES5 source wants beyond its syntax decides between the engines, too.
func TestChoiceBetweenEngines(t *testing.T) {
	both := newRuntime(t, runtime.Options{Engines: engines})
	main := func(src string) map[string]string { return map[string]string{"api/main.js": src} }
	for _, c := range []struct {
		files  map[string]string
		reason string // "" is otto
	}{
		{main("return new Map().size"), "1:12: otto has no Map"},
		{main("var p = Promise.resolve(1);\nreturn p"), "1:9: otto has no Promise"},
		{main("return typeof setTimeout"), "otto has no setTimeout"},
		{main("function f(Set) { return Set; } return [f(1), new Set()]"), "1:51: otto has no Set"},
		{main("var a = {}; a.Map = function () {}; return [new a.Map(), {Set: 1}.Set, 'Promise']"), ""},
		{main("return [f()]; function f() { return new Map(); } function Map() {}"), ""},
		{main("function f() { var Map = Object; return new Map(); } return f()"), ""},
		{main("function f() { var Map = Object; return new Map(); } return [f(), new Map()]"), "1:71"},
		{main("try { throw 1 } catch (Symbol) { return Symbol }"), ""},
		{main("try { throw 1 } catch (e) { return Symbol('x').toString() }"), "1:36"},
		{main("return (function Map(n) { return n ? Map(n - 1) : 'end' })(2)"), ""},
		{main("Map: for (;;) { break Map; } return 1"), ""},
		{main("Set = function () {}; return new Set()"), ""},
		{main("return typeof Map !== 'undefined' ? new Map() : {}"), ""},
		{main("var has = 'function' == typeof Map; return has ? new Map() : {}"), ""},
		{main("if (typeof Map === 'undefined') { throw new Error('no') } return new Map()"), "otto has no Map"},
		{main("return typeof Map === 'undefined' ? new Set() : 1"), "otto has no Set"},
		{map[string]string{"api/main.js": "return require('./lib')", "api/lib.js": "\nmodule.exports = new WeakMap()"}, "api/lib.js:2:22: otto has no WeakMap"},
		{map[string]string{"api/main.js": "Set = Object; return require('./lib')", "api/lib.js": "module.exports = new Set()"}, ""},
		{main("return new RegExp('a(?!b)').test('ac')"), "1:19: otto's regular expressions have no look-ahead"},
		{main("return RegExp('a', 'y').test('ac')"), "not y"},
		{main("return 'aa'.search('(a)\\\\1')"), "back-references"},
		{main("return new RegExp('(').test('ac')"), ""},
		{main("return /[^]/.test('a')"), "empty class"},
		{main("return /[\\ud83d\\ude00]/.test('a')"), "for one character"},
		{main("return /[\\ud800-\\udbff]/.test('a')"), "half of a surrogate pair"},
		{main("return 'a\\ud83d' > 'b'"), "half of a surrogate pair"},
		{main("return ['a\\ud83d\\ude00', '\\\\ud83d', /a\\ud83d\\ude00b/]"), ""},
		{main("var s = request.text;\nreturn s.charAt(0)"), "2:10: otto's texts can't hold half of an emoji, which charAt may return"},
		{main("return request.path.slice(1)"), "which slice may return"},
		{main("var a = request.path.split('/'); return [a[1], a.slice(2), [1, 2].slice(1), a.slice(1)[0]]"), ""},
		{main("function f(list) { return list[0]; } return f('ab')"), "reading a text by its index"},
		{main("function f(list) { list.push(1); return list[0]; } return f([])"), ""},
		{main("function f(rows) { return rows[0].id; } return f([{id: 1}])"), ""},
		{main("var o = {}; o[request.path] = 1; for (var k in o) { return o[k]; }"), ""},
		{main("return [request.query[request.path], request.headers['x' + 1], arguments[0], this[0]]"), ""},
		{main("var h = 0, s = request.path; for (var i = 0; i < s.length; i++) { h += s.charCodeAt(i); } return h"), ""},
		{main("return new Date(0).toISOString().slice(0, 10) + 'abc'.charAt(1) + 'abc'[0]"), ""},
		{main("return request.path.split('')"), "which split('') may return"},
		{main("return String.fromCharCode(65 + 3 % 26) + String.fromCharCode(0xe000)"), ""},
		{main("return String.fromCharCode(request.path.length)"), "which fromCharCode may return"},
		{main("return JSON.parse('\"\\\\ud800\"')"), "which JSON.parse may return"},
		{main("return Array.prototype.map.call(request.path, String)"), "a method of arrays on a text may return"},
		{main("return Array.prototype.slice.call(arguments, 1)"), ""},
		{main("return request.path.replace(/[^a-z]/g, '-')"), "take an emoji for one character"},
		{main("return request.path.match('^.$')"), "take an emoji for one character"},
		{main("return [/^.*[^a]+\\S*[\\W_]+$/.test('a'), /[a-z]\\./, '\\S', /[.]/]"), ""},
		{main("String.prototype.shout = function () { return this + '!'; }; return 'a'.shout()"), "String.prototype is one"},
		{main("Array.prototype['last'] = 1"), "Array.prototype is one"},
		{main("Object.defineProperty(Math, 'double', {value: 1})"), "Math is one"},
		{main("function Math() {} Math.x = 1; Math.prototype.y = 1; return 1"), ""},
	} {
		p, err := both.Load(t.Context(), runtime.Source{Files: c.files})
		if err != nil {
			t.Errorf("%s: %v", c.files, err)
			continue
		}
		engine, reason := p.Engine()
		if (engine == "otto") != (c.reason == "") || !strings.Contains(reason, c.reason) {
			t.Errorf("%s: got %s, %q, want %q", c.files, engine, reason, c.reason)
		}
	}
}

// Each global that goja has and otto has not is known where an engine is chosen.
func TestNewerGlobals(t *testing.T) {
	both := newRuntime(t, runtime.Options{Engines: engines})
	ask := func(engine, src string) string {
		p, err := both.Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": src}, Engine: engine})
		if err != nil {
			return err.Error()
		}
		res, err := p.Bind(nil).Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
		if err != nil {
			t.Fatal(err)
		}
		return string(res.Response.Body)
	}
	names := ask("goja", "return Object.getOwnPropertyNames(globalThis).join(' ')") +
		" setTimeout clearTimeout queueMicrotask structuredClone performance Intl Iterator crypto console URL"
	for name := range strings.FieldsSeq(names) {
		// Asked for in a comparison, a name decides nothing.
		there := fmt.Sprintf("return typeof %s === 'undefined'", name)
		newer := ask("otto", there) == "true" && ask("goja", there) == "false"
		p, err := both.Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": "return " + name}})
		if err != nil {
			t.Fatal(err)
		}
		if engine, _ := p.Engine(); newer != (engine == "goja") && name != "GoError" {
			t.Errorf("%s runs on %s", name, engine)
		}
	}
}

// A pinned engine's refusal says what to do.
func TestPinnedToAnOlderEngine(t *testing.T) {
	both := newRuntime(t, runtime.Options{Engines: engines})
	_, err := both.Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": "var m;\nm = new Map()"}, Engine: "otto"})
	e, _ := errors.AsType[*runtime.Error](err)
	want := `api/main.js:2:9: otto has no Map, only goja has; write it otherwise, or take "engine" out of fazt.json`
	if e == nil || e.Error() != want || e.Code != runtime.CodeUnsupported {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What no engine has is refused when a program is loaded, with what there is instead.
func TestMissingGlobals(t *testing.T) {
	both := newRuntime(t, runtime.Options{Engines: engines})
	for _, c := range []struct{ src, want string }{
		{"var a = 1;\nreturn new WeakRef({})", "api/main.js:2:12: there is no WeakRef in a handler; an interpreter ends with the request; keep the object itself, or use a WeakMap"},
		{"function f() { return fetch('/'); } return f()", "1:23: there is no fetch in a handler; a handler reaches no other server"},
		{"return process.env.HOME", "1:8: there is no process in a handler; variables of the environment are had by fazt.env.get(name)"},
		{"return new FormData()", "there is no FormData in a handler; fields are in request.form, files in request.files"},
		{"throw new DOMException('x')", "there is no DOMException in a handler; throw an Error, with a name of its own"},
		{"return typeof fetch === 'function' ? fetch('/') : 1", ""},
		{"try { return fetch('/') } catch (e) { return 1 }", ""},
		{"var fetch = Object; return fetch(1)", ""},
		{"window = {}; return window.a", ""},
		{"return {fetch: 1}.fetch + request.process", ""},
		{"function f(document) { return document; } return f(1)", ""},
		{"fetch: for (;;) { break fetch; }", ""},
	} {
		for _, engine := range []string{"auto", "otto", "goja"} {
			_, err := both.Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": c.src}, Engine: engine})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasSuffix(err.Error(), c.want)) {
				t.Errorf("%s, %s: got %v, want %q", engine, c.src, err, c.want)
			}
		}
	}
	for src, want := range map[string]string{
		"const {proxy} = Proxy.revocable({}, {}); return proxy":                                     "1:17: there is no Proxy.revocable in a handler; use new Proxy",
		"const {a = Buffer} = {}; return a":                                                         "1:12: there is no Buffer",
		"const f = ({process, ...history}, [...Image]) => [process, history, Image]; return f":      "",
		"class Deno {} let caches = 1; for (const history of []) history; return new Deno()":        "",
		"const f = (alert = 1) => alert; try { throw 1 } catch ({location}) { return f(location) }": "",
	} {
		_, err := both.Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": src}, Engine: "goja"})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", src, err, want)
		}
	}
}
