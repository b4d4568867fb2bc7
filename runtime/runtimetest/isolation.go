package runtimetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
)

type attempt struct{ name, src string }

// isolation are attempts to leave something to the next request. Each answers
// what it finds and then tries to leave the request's id, so all requests have
// to get the same answer.
var isolation = []attempt{
	{"a variable", `var was = typeof mine; var mine = request.id; return was + typeof stash`},
	{"an undeclared variable", `var was = typeof stash; stash = request.id; return was`},
	{"a property of this", `function f() { return this; } var was = f().stash; f().stash = request.id; return was`},
	{"a hidden global", `var g = (function () { return this; })(); var was = typeof stash; try { Object.defineProperty(g, 'stash', {value: request.id}); } catch (e) {} return was`},
	{"a global getter", `var g = (function () { return this; })(); var was = typeof stash, id = request.id; try { Object.defineProperty(g, 'stash', {get: function () { return id; }, configurable: false}); } catch (e) {} return was`},
	{"hidden globals", `var g = (function () { return this; })(); var was = typeof stash; try { Object.defineProperties(g, {stash: {value: request.id}}); } catch (e) {} return was`},
	{"a global given to a constructor", `var g = (function () { return this; })(), id = request.id, was = [typeof _pairs, typeof _parts, typeof length, g.length, g._pairs && g._pairs[0] && g._pairs[0][1]].join(), b = test.bytes(new Array(+id.slice(1) + 1).join('x'));
		[function () { URLSearchParams.call(g, 'a=' + id); }, function () { URL.call(g, 'http://' + id); }, function () { b.constructor.call(g, id); }, function () { request.constructor.call(g, id, id); }, function () { Error.call(g, id); }, function () { TextDecoder.call(g); }, function () { RegExp.call(g, id); }].forEach(function (f) { try { f(); } catch (e) {} }); return was`},
	{"a leaked function for defining", `var g = (function () { return this; })(), was = typeof stash, id = request.id, found = [];
		if ((g.calls = (g.calls || 0) + 1) > 3) return was; // this program is one of what it finds
		function look() { var c = look.caller; for (var i = 0; i < 9 && c; i++) { found.push(c); try { c = c.caller; } catch (e) { c = null; } } return id; }
		var d = {}; Object.defineProperty(d, 'value', {get: look, enumerable: true});
		try { Object.defineProperty({}, 'x', d); } catch (e) {} try { Object.defineProperties({}, {x: d}); } catch (e) {} try { Object.create({}, {x: d}); } catch (e) {} try { Object.defineProperty([], 'length', {value: {valueOf: look}}); } catch (e) {} try { Object.assign({set x(v) { look(); }}, {x: 1}); } catch (e) {}
		found.forEach(function (f) { [[g, 'stash', {value: id}], [g, {stash: {value: id}}], [{stash: {value: id}}]].forEach(function (a) { try { f.apply(g, a); } catch (e) {} }); }); return was`},
	{"a getter used on the global object", `var g = (function () { return this; })(), was = [typeof body, typeof headers, typeof query].join(), p = Object.getPrototypeOf(request);
		['body', 'headers', 'query'].forEach(function (k) { var d = p && Object.getOwnPropertyDescriptor(p, k); if (d && d.get) { try { d.get.call(g); } catch (e) {} try { d.get.call(undefined); } catch (e) {} try { (0, d.get)(); } catch (e) {} } }); return was`},
	{"a setter used on the global object", `var g = (function () { return this; })(), was = [typeof body, typeof name, typeof message].join(), id = request.id;
		[[Object.getPrototypeOf(request), 'body'], [Error.prototype, 'name'], [Error.prototype, 'message'], [URL.prototype, 'href']].forEach(function (p) { var d = Object.getOwnPropertyDescriptor(p[0], p[1]); if (d && d.set) try { d.set.call(g, id); } catch (e) {} }); return was`},
	{"a frozen global object", `var g = (function () { return this; })(); g.stash1 = 1; try { Object.freeze(g); } catch (e) {} try { Object.preventExtensions(g); } catch (e) {} try { Object.seal(g); } catch (e) {} stash2 = 1; return typeof stash2`},
	{"Array.prototype", `var was = [].stash; Array.prototype.stash = request.id; return String(was)`},
	{"an element of Array.prototype", `var was = [][0] + [].length; try { Array.prototype.push(request.id); } catch (e) {} try { Array.prototype[0] = request.id; } catch (e) {} return was`},
	{"Object.prototype", `var was = {}.stash; Object.prototype.stash = request.id; try { Object.defineProperty(Object.prototype, 'stash', {value: request.id}); } catch (e) {} return String(was)`},
	{"Function.prototype", `var was = (function () {}).stash; Function.prototype.stash = request.id; return String(was)`},
	{"a changed method", `var was = 'x'.trim(), id = request.id; String.prototype.trim = function () { return id; }; try { Object.defineProperty(String.prototype, 'trim', {value: function () { return id; }}); } catch (e) {} return was`},
	{"a deleted method", `var was = typeof [].map; delete Array.prototype.map; return was`},
	{"a deleted global", `var was = typeof Math + typeof JSON + typeof respond; delete Math; (function () { delete this.JSON; })(); delete respond; return was`},
	{"a replaced global", `var was = Math === null; Math = null; JSON = request.id; undefined = 1; NaN = 2; return [was, typeof JSON, undefined, isNaN(NaN)]`},
	{"a function of Math", `var was = Math.max.stash; Math.max.stash = request.id; Math.stash = 1; Math.max = null; return [String(was), typeof Math.max]`},
	{"a native's prototype", `var p = Math.max.prototype || {}, was = p.stash; p.stash = request.id; return String(was)`},
	{"a constructor's property", `var was = Date.stash; Date.stash = request.id; Date.now.stash = 1; Date.prototype.getTime.stash = 1; return [was, Date.now.stash, Date.prototype.getTime.stash].join()`},
	{"console and respond", `var was = [console.stash, respond.stash, console.log.stash].join(); console.stash = respond.stash = console.log.stash = request.id; console.log = null; return was`},
	{"the host's objects", `var was = [fazt.stash, fazt.app.stash, test.echo.stash, shop.tax.stash].join(); fazt.stash = fazt.app.stash = test.echo.stash = shop.tax.stash = request.id; return was`},
	{"the host's prototypes", `var p = test.echo.prototype || {}; var was = p.stash; p.stash = request.id; var c = (p.constructor || {}); var was2 = c.stash; c.stash = 1; return [was, was2].join()`},
	{"Error.prototype", `var was = [Error.prototype.name, TypeError.prototype.message, new Error('x').stash].join(); Error.prototype.name = request.id; TypeError.prototype.message = request.id; Error.prototype.stash = request.id; return was`},
	{"an accessor's function", `var d = Object.getOwnPropertyDescriptor(Error.prototype, 'name') || {}; var g = d.get || {}, s = d.set || {}; var was = [g.stash, s.stash, (g.prototype || {}).stash].join(); g.stash = s.stash = request.id; (g.prototype || {}).stash = 1; return was`},
	{"the time in Date.prototype", `var t; try { t = Date.prototype.getTime(); } catch (e) { t = 'none'; } try { Date.prototype.setTime(+request.id.slice(1)); } catch (e) {} return String(t)`},
	{"lastIndex of RegExp.prototype", `var was = RegExp.prototype.lastIndex; try { RegExp.prototype.lastIndex = request.id; } catch (e) {} try { RegExp.prototype.compile(request.id); } catch (e) {} try { /x/.compile.call(RegExp.prototype, request.id); } catch (e) {} return [was, RegExp.prototype.source].join()`},
	{"a regular expression literal", `function re() { return /x/g; } var was = re().lastIndex + String(re().stash); re().lastIndex = 5; re().stash = 1; re().test('xx'); return was`},
	{"an object literal", `function o() { return {a: []}; } var was = o().a.length; o().a.push(request.id); return was`},
	{"the running function", `var f = null; try { f = arguments.callee; } catch (e) {} var was = f ? f.stash : undefined; if (f) f.stash = request.id; return String(was)`},
	{"the running function's static", `function handler() { handler.n = (handler.n || 0) + 1; return handler.n; }`},
	{"a caller", `function f() { return f.caller || {}; } var c = f(), was = c.stash; c.stash = request.id; var p = c.prototype || {}, was2 = p.stash; p.stash = 1; return [was, was2].join()`},
	{"a caller of a callback", `var found = []; function cb(a, b) { var c = cb.caller; for (var i = 0; i < 10 && c; i++) { found.push(c.stash); c.stash = request.id; try { c = c.caller; } catch (e) { c = null; } } return 0; }
		[2, 1].sort(cb); [1].forEach(cb); 'a'.replace(/a/, cb); JSON.parse('[1]', cb); JSON.stringify({toJSON: cb}); Array.from([1], cb); [1].find(cb); String({toString: function () { cb(); return ''; }}); [1, [2]].flatMap(cb); return found.join('') `},
	{"a caller of a getter", `var found = []; function get() { var c = get.caller; for (var i = 0; i < 10 && c; i++) { found.push(c.stash); c.stash = request.id; try { c = c.caller; } catch (e) { c = null; } } return 1; }
		var o = {length: 2}; Object.defineProperty(o, 0, {get: get}); ['shift', 'reverse', 'sort', 'join', 'splice', 'indexOf', 'includes'].forEach(function (m) { try { Array.prototype[m].call(o); } catch (e) {} }); return found.join('')`},
	{"a required file's variable", `return require('./counter').next()`},
	{"a required file's exports", `var l = require('./counter'), was = l.stash; l.stash = request.id; return String(was)`},
	{"require itself", `var was = [require.stash, (require.cache || {}).stash, (require.prototype || {}).stash].join(); require.stash = request.id; (require.prototype || {}).stash = 1; return was`},
	{"module", `var was = module.stash + module.exports.stash; module.stash = request.id; exports.stash = request.id; return was`},
	{"request", `var p = Object.getPrototypeOf(request); var was = [request.stash, p.stash, (p.constructor || {}).stash].join(); request.stash = request.id; p.stash = request.id; (p.constructor || {}).stash = 1; try { p.body = request.id; } catch (e) {} return was + request.body`},
	{"request's methods", `var p = Object.getPrototypeOf(request); try { p.toJSON = function () { return 'leaked'; }; } catch (e) {} var o = Object.create(p); return String(o.stash)`},
	{"bytes", `var b = test.bytes('x'), p = Object.getPrototypeOf(b), was = [b.stash, p.stash, String(b)].join(); b.stash = p.stash = request.id; p.toString = null; return was`},
	{"arguments", `function f(a) { var was = a; arguments[0] = request.id; arguments.stash = 1; return was; } return String(f('x')) + f('x')`},
	{"bound functions", `var b = respond.bind(null), was = b.stash; b.stash = 1; Function.prototype.bind = null; return String(was) + typeof Function.prototype.bind`},
	{"code made at run time", `var out = []; ['eval', 'Function'].forEach(function (n) { try { out.push(n === 'eval' ? eval('1') : Function('return 1')()); } catch (e) { out.push('no'); } }); try { out.push((function () {}).constructor('return 1')()); } catch (e) { out.push('no'); } try { out.push(Math.max.constructor('return 1')()); } catch (e) { out.push('no'); } try { out.push(new (Object.getPrototypeOf(function () {}).constructor)('return 1')()); } catch (e) { out.push('no'); } return out.join()`},
	{"__proto__", `var o = {}, was = {}.stash; o.__proto__ = {x: 1}; try { o.__proto__.stash = request.id; ({}).__proto__.stash = request.id; } catch (e) {} return String(was)`},
	{"an error's constructor", `try { null.x; } catch (e) { var was = e.constructor.stash; e.constructor.stash = request.id; Object.getPrototypeOf(e).stash = 1; return [was, e.stash].join(); }`},
	{"a thrown error", `stash = 1; var was = typeof stash2; stash2 = request.id; if (request.path === '/never') throw 1; return was`},
	{"crypto and friends", `var was = [crypto.stash, TextEncoder.stash, TextEncoder.prototype.stash, btoa.stash].join(); crypto.stash = TextEncoder.stash = TextEncoder.prototype.stash = btoa.stash = request.id; return was`},
}

// Isolation proves that nothing of a request is there in the next, of the same
// app or of another, though VMs may be reused.
func Isolation(t *testing.T, engine runtime.Engine) {
	runIsolation(t, engine, isolation)
	r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine}})
	t.Run("after an error", func(t *testing.T) { isolatedAfterError(t, r) })
}

func runIsolation(t *testing.T, engine runtime.Engine, attempts []attempt) {
	r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine}})
	for _, a := range attempts {
		t.Run(a.name, func(t *testing.T) {
			host := testHost() // what apps could share
			var apps []*runtime.Handler
			for range 2 {
				p, err := Load(r, map[string]string{
					runtime.DefaultMain: a.src,
					"api/counter.js":    "var n = 0; exports.next = function () { return ++n; }",
				}, host)
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				apps = append(apps, p)
			}
			var answers []string
			for i, app := range []int{0, 0, 1, 0, 1} {
				res, err := apps[app].Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api", ID: fmt.Sprintf("r%d", i+1)})
				if err != nil {
					t.Fatal(err)
				}
				answers = append(answers, string(res.Response.Body))
			}
			if diff := cmp.Diff(slices.Repeat(answers[:1], len(answers)), answers); diff != "" {
				t.Errorf("answers of five requests to two apps (-want +got)\n%s", diff)
			}
		})
	}
}

// isolatedAfterError looks at a VM on which a run threw.
func isolatedAfterError(t *testing.T, r *runtime.Runtime) {
	p, err := Load(r, map[string]string{runtime.DefaultMain: `
		var was = typeof stash;
		stash = request.id;
		if (request.method === 'POST') throw new Error('x');
		return was;`}, testHost())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Run(t.Context(), &runtime.Request{Method: "POST", Path: "/api"}); err == nil {
		t.Fatal("the handler didn't throw")
	}
	res, err := p.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(res.Response.Body); got != "undefined" {
		t.Errorf("the variable is %s, want undefined", got)
	}
}
