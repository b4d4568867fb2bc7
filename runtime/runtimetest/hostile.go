package runtimetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/runtime"
)

type hostileCase struct {
	name string
	code string // the error's code; "" is any outcome
	src  string
}

// hostile handlers try to outlive their budget. Those that don't say what they
// end with may end in any way, so long as they end.
var hostile = []hostileCase{
	{"loop", runtime.CodeCPU, `while (true) {}`},
	{"loop without a body", runtime.CodeCPU, `for (;;);`},
	{"do loop", runtime.CodeCPU, `do ; while (true)`},
	{"labelled loop", runtime.CodeCPU, `a: for (;;) { for (;;) { continue a; } }`},
	{"loop in a condition", runtime.CodeCPU, `function t() { return true; } while (t()) ;`},
	{"catch", runtime.CodeCPU, `while (true) { try { try { while (true) {} } catch (e) {} } catch (e2) {} }`},
	{"finally", runtime.CodeCPU, `function f() { try { while (true) {} } finally { f(); } } f()`},
	{"finally with return", runtime.CodeCPU, `function f() { while (true) { try { for (;;) {} } finally { continue; } } } f()`},
	{"recursion through catch", runtime.CodeCPU, `function f() { try { f(); } catch (e) { f(); } } f()`},
	{"recursion through finally", runtime.CodeCPU, `function f() { try { f(); } finally { f(); } } f()`},
	{"recursion through toString", "", `var o = {toString: function () { return '' + o; }}; '' + o`},
	{"recursion through a getter", "", `var o = {get x() { return this.x; }}; o.x`},
	{"recursion through sort", "", `function f() { [2, 1].sort(f); } f()`},
	{"recursion through replace", "", `function f() { 'a'.replace(/a/, f); } f()`},
	{"recursion through toJSON", "", `var o = {toJSON: function () { return JSON.stringify(o); }}; JSON.stringify(o)`},
	{"evil comparator", runtime.CodeCPU, `[3, 2, 1].sort(function () { while (true) {} })`},
	{"random comparator", "", `var a = []; for (var i = 0; i < 3000; i++) a.push(i); a.sort(function () { return Math.random() - 0.5; })`},
	{"evil callback", runtime.CodeCPU, `[1].forEach(function () { for (;;) {} })`},
	{"evil toString", runtime.CodeCPU, `String({toString: function () { for (;;) {} }})`},
	{"evil getter in a response", runtime.CodeCPU, `return {get a() { for (;;) {} }}`},
	{"evil toJSON in a response", runtime.CodeCPU, `return {toJSON: function () { for (;;) {} }}`},
	{"evil getter of a header", runtime.CodeCPU, `return {body: 'x', headers: {get a() { for (;;) {} }}}`},
	{"evil thrown value", runtime.CodeCPU, `throw {get message() { for (;;) {} }}`},
	{"evil thrown toString", runtime.CodeCPU, `throw {message: '', toJSON: function () { for (;;) {} }}`},
	{"evil log argument", runtime.CodeCPU, `console.log({toJSON: function () { for (;;) {} }})`},
	{"evil host argument", runtime.CodeCPU, `test.echo({get x() { for (;;) {} }})`},
	{"evil module", runtime.CodeCPU, `module.__defineGetter__ ? 0 : Object.defineProperty(module, 'exports', {get: function () { for (;;) {} }}); 1`},
	{"array of length 2^32-1: indexOf", "", `var a = []; a.length = 4294967295; a.indexOf(1)`},
	{"array of length 2^32-1: sort", "", `var a = []; a.length = 4294967295; a.sort()`},
	{"array of length 2^32-1: shorten", "", `var a = []; a.length = 4294967295; a.length = 0`},
	{"array of length 2^32-1: shorten by a name", "", `var a = []; a[4294967294] = 1; var k = 'len'; a[k + 'gth'] = 0`},
	{"array of length 2^32-1: shorten by an object", "", `var a = []; a[4294967294] = 1; a[{toString: function () { return 'length'; }}] = 0`},
	{"array of length 2^32-1: shorten by subtracting", "", `var a = []; a[4294967294] = 1; a.length -= 4294967290`},
	{"array of length 2^32-1: shorten by counting", "", `var a = []; a[4294967294] = 1; a.length = 5; for (a.length in {3: 1}) ; a.length--`},
	{"array of length 2^32-1: defineProperty", "", `var a = []; a[4294967294] = 1; Object.defineProperty(a, 'length', {value: 0})`},
	{"array of length 2^32-1: defineProperties", "", `var a = []; a[4294967294] = 1; Object.defineProperties(a, {length: {value: 0}})`},
	{"array of length 2^32-1: assign", "", `var a = []; a[4294967294] = 1; Object.assign(a, {length: 0})`},
	{"array of length 2^32-1: pop", "", `var a = []; a[4294967294] = 1; a.pop(); a.splice(0, 4294967290); a.shift()`},
	{"array of length 2^32-1: join", "", `var a = []; a.length = 4294967295; return a.join('x') + a`},
	{"array of length 2^32-1: response", "", `var a = []; a.length = 4294967295; return a`},
	{"array of length 2^32-1: stringify", "", `var a = []; a.length = 4294967295; JSON.stringify(a)`},
	{"array of length 2^32-1: log", "", `var a = []; a.length = 4294967295; console.log(a)`},
	{"array of length 2^32-1: host", "", `var a = []; a.length = 4294967295; test.echo(a)`},
	{"array of length 2^32-1: all methods", "", `var a = []; a.length = 4294967295; var f = function (x) { return x; };
		['concat', 'every', 'filter', 'find', 'flat', 'forEach', 'map', 'reduce', 'reduceRight', 'reverse', 'slice', 'some', 'splice', 'unshift', 'fill', 'includes', 'toLocaleString', 'toString', 'lastIndexOf', 'push'].forEach(function (m) {
			try { if (m === 'reduce' || m === 'reduceRight') a[m](f, 0); else a[m](f); } catch (e) {}
		})`},
	{"array-like of length 2^32-1", "", `Array.prototype.reverse.call({length: 4294967295})`},
	{"apply with a huge list", "", `Math.max.apply(null, {length: 4294967295})`},
	{"bound apply", "", `var f = Function.prototype.call.bind(Function.prototype.apply); f(Math.max, null, {length: 4294967295})`},
	{"Array.from", "", `Array.from({length: 4294967295})`},
	{"huge join", "", `new Array(1e7).join('x')`},
	{"join of one long text", "", `var s = new Array(10000).join('x'), a = []; for (var i = 0; i < 50000; i++) a.push(s); a.join()`},
	{"nested joins", "", `var a = []; for (var i = 0; i < 10000; i++) a = [a]; String(a)`},
	{"shift a long array empty", "", `var a = []; for (var i = 0; i < 200000; i++) a[i] = i; while (a.length) a.shift()`},
	{"shorten a long dense array", "", `var a = []; for (var i = 0; i < 100000; i++) a[i] = i; a.length = 0`},
	{"delete from a long array", "", `var a = []; for (var i = 0; i < 100000; i++) a[i] = i; a.splice(0, 90000)`},
	{"memory: text", runtime.CodeMemory, `var s = 'x'; while (true) s += s`},
	{"memory: text, caught", runtime.CodeMemory, `var s = 'x'; while (true) try { s += s } catch (e) {}`},
	{"memory: text in an object", runtime.CodeMemory, `var o = {s: 'x'}, k = 's'; while (true) o[k] = o.s + o[k]`},
	{"memory: text of two in turn", runtime.CodeMemory, `var a = 'x', b = 'y', t; while (true) { t = a + b; b = a; a = t }`},
	{"memory: one text of a hundred", runtime.CodeMemory, `var s = 'x'; for (var i = 0; i < 21; i++) s += s; while (true) s` + strings.Repeat(" + s", 100)},
	{"memory: text of an error", "", `var e = new Error('x'); while (true) e.name = e.message = e + ''`},
	{"memory: text of an error, caught", "", `var e = new Error('x'.repeat(6e6)); while (true) try { e.name = e.message = String(e) } catch (f) {}`},
	{"memory: text by padEnd", "", `var s = 'x'; while (true) s = s.padEnd(s.length * 2)`},
	{"memory: text by btoa", "", `var s = 'xxx'; while (true) s = btoa(s)`},
	{"memory: text by JSON", "", `var s = '"'; while (true) s = JSON.stringify(s)`},
	{"memory: JSON of control characters", "", `var s = '\u0001'.repeat(6e6); while (true) try { JSON.stringify(s) } catch (e) {}`},
	{"memory: JSON of a key of them", "", `var o = {}; o['\u0001'.repeat(6e6)] = 1; while (true) try { JSON.stringify(o) } catch (e) {}`},
	{"memory: text by encodeURIComponent", "", `var s = '%'; while (true) s = encodeURIComponent(s)`},
	{"memory: a form of a long text", "", `var u = new URLSearchParams(), s = '%'.repeat(6e6); u.set(s, s); while (true) try { u.toString() } catch (e) {}`},
	{"memory: a form of less", "", `var u = new URLSearchParams(), s = '%'.repeat(2e6); u.set(s, s); while (true) try { u.toString() } catch (e) {}`},
	{"memory: require of a long path", "", `var s = './' + '\u0001'.repeat(6e6); while (true) try { require(s) } catch (e) {}`},
	{"memory: an encoding of a long name", "", `var s = '\u0001'.repeat(6e6); while (true) try { test.bytes('x').toString(s) } catch (e) { }`},
	{"memory: a method of a long name", "", `var h = {}, s = '\u0001'.repeat(6e6); while (true) try { h[s]() } catch (e) {}`},
	{"memory: long URL", "", `var s = 'http://a/' + ' x'.repeat(3e6); while (true) try { new URL(s) } catch (e) {}`},
	{"memory: long hash of a URL", "", `var u = new URL('http://a/'), s = ' x'.repeat(3e6); while (true) try { u.hash = s } catch (e) {}`},
	{"memory: case of a long text", "", `var s = '\u0149 '.repeat(2e6); while (true) { s.toUpperCase(); s.trim(); s.toLowerCase() }`},
	{"memory: join by a long text", "", `var s = 'x'.repeat(6e6); while (true) try { [s, s].join(s) } catch (e) {}`},
	{"memory: hex of a long text", "", `var s = 'x'.repeat(6e6); while (true) try { test.bytes(s).toString('hex') } catch (e) {}`},
	{"memory: a header of a long name", "", `var h = {}; h['\u0001'.repeat(6e6)] = 'x'; while (true) try { respond(200, '', h) } catch (e) {}`},
	{"memory: long texts as numbers", "", `var s = '9'.repeat(6e6), l = []; for (var i = 0; i < 30; i++) l.push(s); Math.max.apply(null, l)`},
	{"memory: long texts as characters", "", `var s = '9'.repeat(6e6), l = []; for (var i = 0; i < 30; i++) l.push(s); String.fromCharCode.apply(null, l)`},
	{"memory: search for a long text", "", `var a = 'x'.repeat(6e6) + 'a', b = 'x'.repeat(6e6) + 'b', l = []; for (var i = 0; i < 1000; i++) l.push(a); l.indexOf(b)`},
	{"memory: long texts", runtime.CodeMemory, `var l = [], s = 'x'; for (var i = 0; i < 21; i++) s += s; while (true) l.push(s + l.length)`},
	{"memory: array", runtime.CodeMemory, `var a = []; while (true) a.push({x: a.length, y: 'text ' + a.length})`},
	{"memory: closures", runtime.CodeMemory, `var f = null; while (true) (function (g) { f = function () { return g; }; })(f)`},
	{"memory: bytes", "", `var l = []; while (true) l.push(test.bytes(new Array(100000).join('x')))`},
	{"memory: JSON", "", `var s = '1'; while (true) s = JSON.stringify({a: s, b: s})`},
	{"memory: repeat", "", `return 'ab'.repeat(2e9)`},
	{"depth: an answer whose getter is a native", "", `var o = new Error('x'); Object.defineProperty(o, 'message', {get: String.bind(null, o), enumerable: true}); return o`},
	{"depth: an answer in an array whose getter is a native", "", `var o = new Error('x'); Object.defineProperty(o, 'message', {get: String.bind(null, o)}); return [o, {a: o}]`},
	{"depth: what is thrown has a native as getter", "", `var o = new Error('x'); Object.defineProperty(o, 'message', {get: String.bind(null, o)}); throw o`},
	{"depth: a toJSON that is a native", "", `var o = {}; o.toJSON = JSON.stringify.bind(null, o); return o`},
	{"depth: a header that is a native's", "", `var o = new Error('x'); Object.defineProperty(o, 'message', {get: String.bind(null, o)}); respond(200, 'x', {a: [o]})`},
	{"memory: pad", "", `return 'ab'.padStart(4e9)`},
	{"memory: replace", "", `var s = 'x'.repeat(1e6); return s.replace(/x/g, s)`},
	{"memory: replace with $&", "", `var s = 'x'.repeat(1e6); return s.replace(s, '$&'.repeat(1e5))`},
	{"memory: split", "", `return 'x'.repeat(5e7).split('')`},
	{"memory: match", "", `return 'x'.repeat(5e7).match(/x/g).length`},
	{"memory: concat", "", `var s = 'x'.repeat(1e7), l = []; for (var i = 0; i < 1000; i++) l.push(s); return ''.concat.apply('', l)`},
	{"memory: keys of a text", "", `return Object.keys(new String('x'.repeat(5e7))).length`},
	{"memory: names of a text", "", `return Object.getOwnPropertyNames('x'.repeat(5e7)).length`},
	{"memory: freeze a text", "", `Object.freeze(new String('x'.repeat(5e7)))`},
	{"memory: an object's shared children", "", `var o = {}; for (var i = 0; i < 60; i++) o = {a: o, b: o}; return o`},
	{"memory: shared children to the host", "", `var o = {}; for (var i = 0; i < 60; i++) o = {a: o, b: o}; test.echo(o)`},
	{"memory: shared children to the log", "", `var o = {}; for (var i = 0; i < 60; i++) o = {a: o, b: o}; console.log(o)`},
	{"deep JSON", "", `JSON.parse('['.repeat(1e6))`},
	{"deep JSON to print", "", `var a = []; for (var i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)`},
	{"wide JSON", "", `JSON.parse('[' + '[],'.repeat(1e7) + '1]')`},
	{"regular expression: nested", "", `/(a+)+$/.test('a'.repeat(50000) + 'b')`},
	{"regular expression: a long text", "", `var s = 'a'.repeat(6e6); while (true) /b|c[^a]*z/.test(s)`},
	{"regular expression: quadratic in a long text", "", `('a'.repeat(6e6)).replace(/a(.*z)?/g, 'b')`},
	{"regular expression: quadratic", "", `('a'.repeat(2e6)).replace(/a(.*z)?/g, 'b')`},
	{"regular expression: large", "", `new RegExp('(?:' + 'a{1000}'.repeat(500) + ')*').test('a'.repeat(1e6))`},
	{"regular expression: long text", "", `/(x|y|z)*(a|b|c){50}[^q]{100}$/.test('xyz'.repeat(1e6))`},
	{"regular expression: long source", "", `new RegExp('(a|b)'.repeat(1e6))`},
	{"toPrecision", "", `(1.5).toPrecision(1e9)`},
	{"toExponential", "", `(1.5).toExponential(1e9)`},
	{"parseFloat", "", `parseFloat('e'.repeat(1e6)); parseFloat('1' + 'e'.repeat(1e6))`},
	{"encodeURIComponent", "", `encodeURIComponent('%'.repeat(1e7))`},
	{"a long chain of prototypes", "", `var o = {}; for (var i = 0; i < 1e6; i++) o = Object.create(o); o.x`},
	{"a long chain of bound functions", "", `var f = function () {}; for (var i = 0; i < 1e6; i++) f = f.bind(null); f()`},
	{"a flood of lines", "", `for (;;) console.log('x'.repeat(1e5))`},
	{"a flood of host calls", runtime.CodeCPU, `for (;;) test.echo(1)`},
	{"a method leaked by a callback", "", leak(`[1].forEach(look); [1].map(look); [1].filter(look); [1].some(look); [1].every(look); [1, 2].reduce(look); [2, 1].sort(look); look.apply(null, [1, 2, 3, 4, 5, 6, 7]); look.call(null); look.bind(null)(); 'a'.replace(/a/, look); JSON.parse('[1]', look); Array.from([1], look)`)},
	{"a method leaked by a getter", "", leak(`var o = {length: 3}; Object.defineProperty(o, '0', {get: look, set: look}); Object.defineProperty(o, '1', {get: look, set: look});
		['forEach', 'map', 'slice', 'concat', 'splice', 'shift', 'unshift', 'reverse', 'sort', 'join', 'indexOf', 'lastIndexOf', 'pop', 'push', 'toLocaleString', 'fill', 'includes', 'flat', 'find'].forEach(function (m) { try { Array.prototype[m].call(o, look); } catch (e) {} });
		Object.values({get a() { look(); return look; }}); Object.assign({set a(v) { look(); }}, {a: 1}); var g = {}; Object.defineProperty(g, 'value', {get: look, enumerable: true}); try { Object.defineProperty({}, 'x', g); } catch (e) {} try { Object.defineProperties({}, {x: g}); } catch (e) {} try { Object.create({}, {x: g}); } catch (e) {}`)},
	{"a method leaked by a conversion", "", leak(`var o = {toString: look, valueOf: look, toJSON: look}; ['join', 'concat', 'indexOf', 'slice', 'splice', 'repeat', 'split', 'replace', 'match', 'padStart'].forEach(function (m) { try { 'a'[m](o, o); } catch (e) {} try { [1, 2][m](o, o); } catch (e) {} try { [o][m](); } catch (e) {} });
		try { String(o); +o; new RegExp(o); Math.max(o); new Date(o); parseInt(o); parseFloat(o); encodeURI(o); btoa(o); console.log(o); test.echo(o); JSON.stringify(o); new Error(o); (5).toFixed(o); new URL(o); isNaN(o); respond(o); } catch (e) {} [].length = o; new Array(1).length = o`)},
	{"a length that changes", "", `var n = 0, o = {}; Object.defineProperty(o, 'length', {get: function () { return n++ % 2 ? 4294967295 : 1; }});
		['forEach', 'map', 'slice', 'splice', 'shift', 'unshift', 'reverse', 'sort', 'join', 'indexOf', 'lastIndexOf', 'pop', 'push', 'toLocaleString', 'fill', 'includes', 'flat', 'find', 'some', 'every', 'filter'].forEach(function (m) { try { Array.prototype[m].call(o, function () { return 1; }); } catch (e) {} try { Array.prototype[m].call(o, 1); } catch (e) {} }); try { Math.max.apply(null, o); } catch (e) {} Array.from(o)`},
	{"a number that changes", "", `var n = 0, a = []; a[4294967294] = 1; a.length = {valueOf: function () { return n++ % 2 ? 0 : 4294967295; }}; a.length = {valueOf: function () { return n++ % 2 ? 0 : 4294967295; }}; Object.defineProperty(a, 'length', {get value() { return n++ % 2 ? 0 : 4294967295; }})`},
	{"a property name that changes", "", `var n = 0, a = []; a[4294967294] = 1; var k = {toString: function () { return n++ % 2 ? 'length' : 'x'; }}; a[k] = 0; a[k] = 0; Object.defineProperty(a, k, {value: 0}); Object.defineProperty(a, k, {value: 0})`},
	{"an element that lengthens", "", `var a = [1, 2, 3]; function grow() { a.length = 4294967295; return 1; } Object.defineProperty(a, 2, {get: grow, set: grow, configurable: true}); Object.defineProperty(a, 0, {get: grow, set: grow, configurable: true});
		['pop', 'shift', 'unshift', 'splice', 'reverse', 'sort', 'push', 'fill', 'concat', 'slice'].forEach(function (m) { try { a[m](0, 1); } catch (e) {} })`},
	{"an argument that lengthens", "", `var a = [1, 2, 3], o = {valueOf: function () { a.length = 4294967295; return 1; }}; a.splice(o, o); a.slice(o, o); a.indexOf(1, o); a.fill(0, o)`},
	{"20,000 parentheses", runtime.CodeSyntax, strings.Repeat("(", 20000) + "1" + strings.Repeat(")", 20000)},
	{"1,000,000 brackets", runtime.CodeSyntax, strings.Repeat("[", 1000000)},
	{"1,000,000 blocks", runtime.CodeSyntax, strings.Repeat("{", 1000000)},
	{"1,000,000 exclamation marks", runtime.CodeSyntax, strings.Repeat("!", 1000000) + "1"},
	{"1,000,000 typeofs", runtime.CodeSyntax, strings.Repeat("typeof ", 500000) + "1"},
	{"500,000 ifs", runtime.CodeSyntax, strings.Repeat("if(1)", 500000) + "1"},
	{"500,000 ifs on lines", runtime.CodeSyntax, strings.Repeat("if(1)\n", 500000) + "1"},
	{"300,000 else ifs", runtime.CodeSyntax, strings.Repeat("if(1){}else ", 300000) + "1"},
	{"500,000 functions", runtime.CodeSyntax, strings.Repeat("(function(){", 300000)},
	{"500,000 assignments", runtime.CodeSyntax, strings.Repeat("a=", 500000) + "1"},
	{"500,000 conditions", runtime.CodeSyntax, strings.Repeat("1?1:", 500000) + "1"},
	{"1,000,000 additions", runtime.CodeSyntax, strings.Repeat("1+", 1000000) + "1"},
	{"1,000,000 calls", runtime.CodeSyntax, "f" + strings.Repeat("()", 1000000)},
	{"500,000 members", runtime.CodeSyntax, "f" + strings.Repeat(".a", 500000)},
	{"500,000 labels", runtime.CodeSyntax, labels(500000)},
	{"brackets behind a regular expression", runtime.CodeSyntax, "if (1) /'/; " + strings.Repeat("(", 500000)},
	{"brackets behind a division", runtime.CodeSyntax, "x = {} / '/; ' + " + strings.Repeat("(", 500000)},
	{"brackets behind a comment", runtime.CodeSyntax, "//\u2028" + strings.Repeat("(", 500000)},
	{"brackets in a division", runtime.CodeSyntax, strings.Repeat("a/(", 500000)},
	{"deep expressions in deep calls", "", "function f() { return " + strings.Repeat("(", 400) + "f()" + strings.Repeat("+1)", 400) + " } f()"},
	{"long sums of names in deep calls", "", "function f(x) { return f(x)" + strings.Repeat(" + x", 1000) + " } f('a')"},
	{"nested sums of names in deep calls", "", "function f(x) { return " + strings.Repeat("x + (", 300) + "f(x)" + strings.Repeat(")", 300) + " } f('a')"},
	{"long sums in deep calls", "", "function f() { return f()" + strings.Repeat("+1", 9000) + " } f()"},
}

// leak is a handler that tries to get hold of the engine's own functions, as the
// callers of look, and then has them walk 2^32-1 elements.
func leak(src string) string {
	return `var leaked = [];
	function look() { var c = look.caller; for (var i = 0; i < 12 && c; i++) { if (leaked.indexOf(c) < 0) leaked.push(c); try { c = c.caller; } catch (e) { c = null; } } return 1; }
	` + src + `;
	var like = {length: 4294967295}, list = []; list[4294967294] = 1;
	leaked.forEach(function (f) {
		[[like], [list], [Math.max, null, like], [list, 'length', 0], [list, 'length', {value: 0}], [list, {length: {value: 0}}], [like, 1, 0, 1, 4294967295]].forEach(function (args) {
			[undefined, like, list, Math.max, look].forEach(function (self) {
				try { f.call(self, args[0], args[1], args[2], args[3], args[4]); } catch (e) {}
			});
		});
	});`
}

func labels(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("a")
		for ; i > 0; i /= 26 {
			b.WriteByte(byte('a' + i%26))
		}
		b.WriteString(":")
	}
	return b.String() + "1"
}

// Hostile runs handlers that try to use more than their budget: 100 ms of CPU,
// 48 MiB, and so much time that a busy machine is no reason to run out of it.
// They have to end, by themselves or with the code of the budget; that they do is
// what the test's own time limit checks.
func Hostile(t *testing.T, engine runtime.Engine) { runHostile(t, engine, hostile) }

func runHostile(t *testing.T, engine runtime.Engine, cases []hostileCase) {
	r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine},
		Limits: runtime.Limits{CPU: 100 * time.Millisecond, Memory: 48 << 20}})
	memory := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine},
		Limits: runtime.Limits{CPU: 2 * time.Minute, Memory: 48 << 20}})
	for _, h := range cases {
		t.Run(h.name, func(t *testing.T) {
			rt := r
			if h.code == runtime.CodeMemory {
				rt = memory
			}
			err := runOnce(t, rt, h.src)
			e, ok := errors.AsType[*runtime.Error](err)
			switch {
			case err != nil && !ok:
				t.Fatalf("error %v of type %T", err, err)
			case ok && e.Code == runtime.CodeInternal:
				t.Errorf("the engine failed: %v", e)
			case ok && e.Code == runtime.CodeWall:
				t.Errorf("only the deadline stopped it: %v", e)
			case h.code != "" && (e == nil || e.Code != h.code),
				h.code == "" && ok && (e.Code == runtime.CodeUnsupported || e.Code == runtime.CodeSyntax):
				t.Errorf("got %v, want %s", err, h.code)
			}
		})
	}
}

// Lateness measures how long after the end of its wall budget each hostile
// handler ends that the engine can load. It reports how many there are, how many
// are later than 100 ms, and how late the last one is.
func Lateness(b *testing.B, engine runtime.Engine) {
	const wall = 300 * time.Millisecond
	r := newRuntime(b, runtime.Options{Engines: []runtime.Engine{engine}})
	for b.Loop() {
		programs, late, latest := 0, 0, time.Duration(0)
		for _, h := range slices.Concat(hostile, hostileNewer) {
			p, err := Load(r, map[string]string{runtime.DefaultMain: h.src}, testHost())
			if err != nil {
				continue // in a newer language
			}
			ctx, cancel := context.WithTimeout(b.Context(), wall)
			start := time.Now()
			_, err = p.Run(ctx, &runtime.Request{Method: "GET", Path: "/api"})
			by := time.Since(start) - wall
			cancel()
			p.Close()
			programs++
			latest = max(latest, by)
			if by > 100*time.Millisecond {
				late++
				b.Logf("%v late: %s: %v", by.Round(time.Millisecond), h.name, err)
			}
		}
		b.ReportMetric(float64(programs), "programs")
		b.ReportMetric(float64(late), "later-than-100ms")
		b.ReportMetric(float64(latest.Milliseconds()), "ms-late-at-most")
	}
}

func runOnce(t *testing.T, r *runtime.Runtime, src string) error {
	p, err := Load(r, map[string]string{runtime.DefaultMain: src}, testHost())
	if err != nil {
		return err
	}
	defer p.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	_, err = p.Run(ctx, &runtime.Request{Method: "GET", Path: "/api"})
	return err
}
