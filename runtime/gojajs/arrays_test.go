package gojajs_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// firstArrays are the ways in which a program gets its first array. Each is an
// expression, and names nothing else that would have arrays guarded.
var firstArrays = []string{
	// syntax
	`[]`,
	`((...rest) => rest)()`,
	`(function (a, ...rest) { return rest; })()`,
	`({m(...rest) { return rest; }}).m()`,
	`new (class { constructor(...rest) { this.a = rest; } })().a`,
	`new (class { a = []; })().a`,
	`(({a: [...rest]}) => rest)({a: 'x'})`,
	`(() => { const [...rest] = 'x'; return rest; })()`,
	`(() => { let rest; [, ...rest] = 'x'; return rest; })()`,
	`(() => { let a; for ([...a] of new (class { *[Symbol.iterator]() { yield 'x'; } })()) ; return a; })()`,
	`((a = []) => a)()`,
	`(function* () { yield []; })().next().value`,
	"(s => s.slice())`x`",
	"(s => s.raw.slice())`x`",
	`(async () => []) && []`,
	// natives that are named
	`Array(1)`, `new Array(1)`, `Array.of(1)`, `Array.from('x')`, `new (class extends Array {})()`, `Array.prototype`,
	`Object.keys({a: 1})`, `Object.values({a: 1})`, `Object.entries({a: 1})`, `Object.getOwnPropertyNames('x')`,
	`Object.getOwnPropertySymbols('x')`, `Reflect.ownKeys({a: 1})`, `Object['keys']('x')`, `globalThis.Array(1)`, `(({Array: A}) => A(1))(globalThis)`,
	`'a b'.split(' ')`, `'x'.match('x')`, `'x'.matchAll('x').next().value`, `/x/.exec('x')`, `'x'.match(/x/)`, `'x'.split(/x/)`,
	`new RegExp('x').exec('x')`, `/x/[Symbol.match]('x')`, `'a b'['split'](' ')`,
	`(() => { const m = new Map(); m.set(1, 2); for (const e of m) return e; })()`,
	`(() => { const m = new Map(); m.set(1, 2); return m.entries().next().value; })()`,
	`(() => { const s = new Set('x'); return s.entries().next().value; })()`,
	`new Proxy(() => {}, {apply(f, self, args) { return args; }})(1)`,
	`new (new Proxy(function () {}, {construct(f, args) { return args; }}))(1)`,
	`await Promise.all('x')`, `await Promise.allSettled('x')`,
	`await Promise.any(new Set()).catch(e => e.errors)`,
	`new AggregateError('x').errors`,
	`new Uint8Array(1).entries().next().value`,
	`JSON.parse('[]')`, `JSON.parse('{"a": []}').a`, `JSON.parse('{"a": 1}', (k, v) => k === 'a' ? JSON.parse('[]') : v).a`,
	// natives whose name is computed
	`'a b'['spl' + 'it'](' ')`, `'x'['ma' + 'tch']('x')`, `'x'['match' + 'All']('x').next().value`,
	`globalThis['Arr' + 'ay'](1)`, `globalThis['Obj' + 'ect']['ke' + 'ys']('x')`, `globalThis['Refl' + 'ect']['own' + 'Keys']({})`,
	`({})['construct' + 'or']['ke' + 'ys']('x')`, `({})['__pro' + 'to__']['construct' + 'or']['ke' + 'ys']('x')`,
	`(({['Arr' + 'ay']: A}) => A(1))(globalThis)`,
	`new globalThis['Reg' + 'Exp']('x')['ex' + 'ec']('x')`,
	`(() => { const m = new globalThis['M' + 'ap'](); m.set(1, 2); for (const e of m) return e; })()`,
	`new globalThis['Pro' + 'xy'](() => {}, {apply(f, self, args) { return args; }})(1)`,
	`await (async () => 1)()['construct' + 'or']['a' + 'll']('x')`,
	`await globalThis['Prom' + 'ise']['a' + 'll']('x')`,
	`new globalThis['Uint8' + 'Array'](1)['entr' + 'ies']().next().value`,
	`globalThis['JS' + 'ON']['par' + 'se']('{"a": []}').a`,
	`(() => { for (const k of (function* () { yield 'spl' + 'it'; })()) return 'x'[k](''); })()`,
	`'x'[{toString: () => 'spl' + 'it'}]('')`,
	// Go
	`request.body`, `request.queryAll.a`, `test.list()`, `test.deep().a.b`, `shop.list.slice()`, `shop.deep.a.slice()`, `require('./list.json')`,
	`require('./file').list`, `test.answer().headers.A`, `test.echo(request.body)`,
	`test.bytes().entries().next().value`, `test.bytes()['entr' + 'ies']().next().value`,
	`test.answer().body['entr' + 'ies']().next().value`,
	// the library
	`(() => { for (const e of new URLSearchParams('a=b')) return e; })()`, `new URLSearchParams('a=b').getAll('a')`,
	`new globalThis['URLSearch' + 'Params']('a=b')['get' + 'All']('a')`,
}

// arrayHost gives arrays, and what leads to them.
var arrayHost = map[string]any{
	"shop.list": []int{1}, "shop.deep": map[string]any{"a": []int{1}},
	"test.list":  constant(runtime.JSON([]byte(`[1]`))),
	"test.deep":  constant(runtime.JSON([]byte(`{"a":{"b":[1]}}`))),
	"test.bytes": constant(runtime.Bytes([]byte("x"))),
	"test.answer": constant(runtime.Respond(runtime.Response{Status: 200, Body: []byte("x"),
		Header: http.Header{"A": {"1"}}})),
	"test.echo": runtime.Func(func(_ context.Context, args runtime.Args) (runtime.Value, error) { return args.At(0), nil }),
}

func constant(v runtime.Value) runtime.Func {
	return func(context.Context, runtime.Args) (runtime.Value, error) { return v, nil }
}

// arrayTexts are ways in which an array a becomes a text. None names join.
var arrayTexts = []string{
	`'' + a`, `a + 1`, "`${a}`", `String(a)`, `new String(a)`, `a == 'x'`, `'x' != a`, `a < 1`, `a >= a`, `+a`, `-a`, `~a`, `a * 1`, `a++`, `a += 1`, `a | 0`,
	`({})[a]`, `({[a]: 1})`, `a in {}`, `delete ({})[a]`, `(({[a]: x}) => x)({})`, `new (class { [a]() {} })()`, `'x'[a]`, `1 / a`,
	`Number(a)`, `parseInt(a)`, `isNaN(a)`, `Math.max(a)`, `new Date(a)`, `Date.parse(a)`, `Symbol(a)`, `BigInt(a)`, `a ** 2`,
	`new Error(a).message`, `a.toString()`, `a.toLocaleString()`, `a['toStr' + 'ing']()`, `a['jo' + 'in']()`, `a.join()`,
	`'x'.includes(a)`, `'x'.concat(a)`, `'x'.split(a)`, `'x'.replace('x', a)`, `'x'.replace('x', () => a)`, `'x'.padEnd(1e3, a)`, `'x'.repeat(a)`,
	`/x/.test(a)`, `new RegExp(a)`, `encodeURIComponent(a)`, `decodeURI(a)`, `escape(a)`, `JSON.parse(a)`, `JSON.stringify({}, null, new String(a))`,
	`Object.defineProperty({}, a, {})`, `Reflect.get({}, a)`, `({}).hasOwnProperty(a)`, `Object.fromEntries(Object.entries({x: 1}).map(e => (e[0] = a, e)))`,
	`new Date(2020, a)`, `new Uint8Array(1).fill(a)`, `[1].indexOf(1, a)`, `[a] + ''`, `[[a]] + ''`, `[2, 1].sort(() => a)`, `[a, a].sort()`,
	`Object.prototype.toString.call(a) + a`, `a.toString.call(a)`, `test.text(String(a))`, `(class { static [a] = 1; })`, `(() => { switch ('' + a) {} })()`,
	`new (class extends Array {})(3e6) + ''`, "(() => '')`` + a", `btoa(a)`, `new URL(a)`, `new TextEncoder().encode(a)`, `setTimeout(() => {}, a) && '' + a`,
	`(async () => { throw '' + a; })()`, `(function* () { yield '' + a; })().next()`, `Promise.resolve().then(() => '' + a)`,
}

// tooLong is what the guard of join says of an array that is so long.
const tooLong = "the length is more than 2097152"

func answerOf(t *testing.T, src string) string {
	t.Helper()
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{gojajs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"api/main.js": src, "api/list.json": "[1]"}
	if strings.Contains(src, "./file") {
		files["api/file.js"] = "exports.list = [];" // which would have arrays guarded in any program
	}
	p, err := runtimetest.Load(r, files, arrayHost)
	if err != nil {
		t.Fatalf("%s\n%v", src, err)
	}
	defer p.Close()
	res, err := p.Run(t.Context(), &runtime.Request{Method: "POST", Query: url.Values{"a": {"1"}}, JSON: []byte("[1]")})
	if err != nil {
		return err.Error()
	}
	return string(res.Response.Body)
}

// However a program gets its first array, that doesn't become a text without a
// look at its length.
func TestFirstArray(t *testing.T) {
	for _, get := range firstArrays {
		src := `let a = ` + get + `; a.length = 3e6; return '' + a`
		if strings.Contains(get, "Array.prototype") {
			src = `return '' + {toString: Array.prototype.toString, join: Array.prototype.join, length: 3e6}`
		}
		if got := answerOf(t, src); !strings.Contains(got, tooLong) {
			t.Errorf("%s\ngot %.80s", src, got)
		}
	}
}

// However an array becomes a text, its length is looked at.
func TestArraysAsTexts(t *testing.T) {
	for _, use := range arrayTexts {
		src := `const a = request.body; a.length = 3e6; return await (` + use + `)`
		if got := answerOf(t, src); !strings.Contains(got, tooLong) {
			t.Errorf("%s\ngot %.80s", src, got)
		}
	}
}

// A native that is taken for one that makes no arrays makes none.
func TestWithoutArrays(t *testing.T) {
	js := goja.New()
	_ = js.Set("globals", gojajs.WithoutArrays)
	_ = js.Set("known", gojajs.ArraysOfTexts)
	found, err := js.RunString(`
		const things = [undefined, '', 'a b', 'toString', ' ', 1, -1, 2n, true, null, Symbol.iterator,
		new Date(0), new Error('x'), Promise.resolve(1), {a: 1, length: 2},
			Object('a b'), Object(1), function () { look(arguments[0]); look(arguments[1]); return 'x'; },
			(function () { return arguments; })('a', 'b')];
		const roots = {'String.prototype': String.prototype, 'Number.prototype': Number.prototype,
		'Boolean.prototype': Boolean.prototype,
			'Symbol.prototype': Symbol.prototype, 'BigInt.prototype': BigInt.prototype,
			'Function.prototype': Function.prototype,
			'Object.prototype': Object.prototype, 'Error.prototype': Error.prototype, 'Promise.prototype': Promise.prototype};
		for (const name of globals) {
			roots[name] = globalThis[name];
			if (globalThis[name].prototype) roots[name + '.prototype'] = globalThis[name].prototype;
		}
		const found = new Set();
		let path, calls = 0;
		function look(val) {
			if (Array.isArray(val)) found.add(path);
			else if (val !== null && typeof val === 'object' && typeof val.next === 'function') look(val.next().value);
			else if (val !== null && typeof val ===
			'object') for (const k of Reflect.ownKeys(val)) if (Array.isArray(val[k])) found.add(path);
		}
		function tried(f, self, ...args) {
			calls++;
			try { look(Reflect.apply(f, self, args)); } catch (e) { look(e); }
			if (args.length < 2) try { look(Reflect.construct(f, args)); } catch (e) { look(e); }
		}
		function call(name, f) {
			path = name;
			if (name === 'eval' || name === 'Function' || name === 'Function.prototype.constructor' || name ===
			'Object.prototype.constructor') return;
			for (const self of things) for (const a of things) {
				tried(f, self, a);
				for (const b of [1, 'b', things.at(-3)]) tried(f, self, a, b);
			}
		}
		for (const name of Object.keys(roots)) {
			if (typeof roots[name] === 'function') call(name, roots[name]);
			for (const key of Reflect.ownKeys(roots[name])) {
				const d = Object.getOwnPropertyDescriptor(roots[name], key);
				for (const f of [d.value, d.get, d.set]) if (typeof f === 'function') call(name + '.' + String(key), f);
			}
		}
		for (const name of known) found.delete(name) || found.add(name + ' makes none');
		if (calls < 1e5) found.add('too few calls');
		Array.from(found).join()`)
	if err != nil {
		t.Fatal(err)
	}
	if found.String() != "" {
		t.Errorf("arrays come from %s", found)
	}
}
