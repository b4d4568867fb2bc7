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
		" setTimeout clearTimeout queueMicrotask structuredClone performance Intl WeakRef Iterator crypto console URL"
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
