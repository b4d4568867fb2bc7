package gojajs_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// hostCalls are programs that call host functions by their names, or use these in
// other ways. They answer the same when the names are looked up part by part.
var hostCalls = []string{
	`return fazt.kv.get('a')`,
	`return [fazt.kv.get('a'), fazt.kv.get(), shop.price('b', 2), free(3)]`,
	`const {kv} = fazt; return [kv.get('a'), fazt.kv.get('b')]`,
	`
		const kv = fazt.kv, {get} = kv; return [kv.get('a'), get('c'), fazt.kv.get.call(null, 'b'),
		fazt.kv.get.apply(null, ['b']), fazt.kv.get.bind(null, 1)(2), fazt.kv['get']('d'),
		(fazt.kv).get('e')]`,
	`return [fazt['kv'].get('c'), fazt.kv.get('d')]`,
	`return [fazt.kv?.get('k'), fazt?.kv.get('k'), fazt.kv.get?.('k'), fazt.no?.get('k'), fazt.kv.no?.('k')]`,
	`
		return [typeof fazt, typeof fazt.kv, typeof fazt.kv.get, Object.keys(fazt.kv), Object.keys(fazt),
		JSON.stringify(fazt), String(fazt.kv), fazt.kv.get.name, fazt.kv.get.length]`,
	`
		return [typeof fazt.kv.get('a'), Object.keys(fazt.kv), fazt.kv.get === fazt.kv.get,
		'get' in fazt.kv, fazt.kv.hasOwnProperty('get')]`,
	`fazt.kv.get = function () { return 'mine'; }; return fazt.kv.get('a')`,
	`'use strict'; try { fazt.kv.get = () => 'mine'; } catch (e) { return [e.name, fazt.kv.get('a')]; }`,
	`
		try { fazt.kv = fazt = {kv: {get: function () { return 'mine'; }}}; }
		catch (e) { return [String(e), fazt.kv.get('a')]; } return fazt.kv.get('a')`,
	`this.fazt = 1; delete this.fazt; return [delete fazt.kv.get, delete fazt, fazt.kv.get('a')]`,
	`fazt.kv.get.x = 1; return [fazt.kv.get('a'), fazt.kv.get.x, typeof fazt.kv.get]`,
	`var fazt = {kv: {get: function () { return 'mine'; }}}; return fazt.kv.get('a')`,
	`const fazt = {kv: {get: () => 'mine'}}; return fazt.kv.get('a')`,
	`{ let fazt = {kv: {get: () => 'mine'}}; var x = fazt.kv.get('a'); } return [x, fazt.kv.get('a')]`,
	`function f(fazt) { return fazt.kv.get('a'); } return f({kv: {get: function () { return 'mine'; }}})`,
	`const f = ({fazt}) => fazt.kv.get('a'); return f({fazt: {kv: {get: () => 'mine'}}})`,
	`
		const f = ([fazt = 1, ...rest], ...[shop]) => fazt.kv.get(shop.price());
		return f([{kv: {get: (x) => 'mine' + x}}], {price: () => 5})`,
	`for (const fazt of [{kv: {get: () => 'mine'}}]) { return fazt.kv.get('a'); }`,
	`for (var shop in {a: 1}) { return typeof shop.price; }`,
	`class fazt { static kv = {get: () => 'mine'}; } return fazt.kv.get('a')`,
	`try { throw {kv: {get: function () { return 'mine'; }}}; } catch (fazt) { return fazt.kv.get('a'); }`,
	`try { throw {fazt: {kv: {get: () => 'mine'}}}; } catch ({fazt}) { return fazt.kv.get('a'); }`,
	`
		var r = (function fazt(n) { return n || fazt.kv.get('a'); });
		r.kv = {get: function () { return 'mine'; }}; return r(0)`,
	`if (false) { function fazt() {} } return typeof fazt.kv`,
	`fazt: for (;;) { break fazt; } return fazt.kv.get('a')`,
	`return fazt.kv.nothing('a')`,
	`return fazt.nothing.get('a')`,
	`return fazt.kv('a')`,
	`return 1 +
  fazt.kv.fail('a')`,
	`function f() { return [1,
    fazt.kv.fail('a')]; }
return f()`,
	`const f = async () => { await 1; fazt.kv.fail(2); }; return f()`,
	`class A { x = fazt.kv.fail(2); } return new A()`,
	`return [1].map(() => fazt.kv.fail('a'))`,
	"return [1].map(fazt.kv.fail)",
	`try { fazt.kv.fail('a'); } catch (e) { return [e.name, e.code, e.message, e.stack.replace(/\(\d+\)/g, '')]; }`,
	`return fazt.kv.fail(fazt.kv.get(unknown))`,
	`return fazt.kv.get(Symbol('x'))`,
	`return fazt.kv.get({get x() { throw new Error('mine'); }})`,
	`return new fazt.kv.get('a')`,
	"return fazt.kv.get`a${1}`",
	`return fazt.kv.get(...['a', 'b'], 1)`,
	`var list = []; for (var i = 0; i < 3; i++) list.push(fazt.kv.get(i)); return list`,
	`function handler(fazt) { return fazt.kv; }`,
	`function handler(req) { return {value: fazt.kv.get(req.path)}; }`,
	`function handler(request) { return {value: fazt.kv.get(request.path)}; }`,
	`function handler(request) { return String(2n ** 70n) + fazt.kv.get(1).status; }`,
	`function handler(request, fazt = {kv: {get: () => 'mine'}}) { return {value: fazt.kv.get(request.path)}; }`,
	`return [1, 2].map(fazt.kv.get).length + [3].map(function (n) { return fazt.kv.get(n); })[0].args[0]`,
	`function* g() { yield fazt.kv.get(1); yield* [fazt.kv.get(2)]; } return [...g()]`,
	`return (async (x = fazt.kv.get(1)) => [await x, await fazt.kv.get(2)])()`,
	"return `${fazt.kv.get(1)} ${JSON.stringify(fazt.kv.get(2))}`",
	`const {args: [a], ...rest} = fazt.kv.get(1); return [a, rest]`,
	`function f(n) { return n ? f(n - 1) : fazt.kv.get(n); } return f(20)`,
	`function f() { fazt.kv.get(1); f(); } f()`,
	`globalThis.fazt = 1; return [typeof globalThis.fazt, fazt.kv.get('a')]`,
	`globalThis['fa' + 'zt'] = 1; return [typeof globalThis['fa' + 'zt'], fazt.kv.get('a')]`,
	`Object.defineProperty(globalThis, 'fa' + 'zt', {value: {kv: {get: () => 'mine'}}}); return fazt.kv.get('a')`,
	`Object.defineProperties(globalThis, {['fa' + 'zt']: {value: {kv: {get: () => 'mine'}}}}); return fazt.kv.get('a')`,
	`Object.setPrototypeOf(globalThis, null); return typeof fazt.kv.get('a')`,
	`globalThis.__proto__ = {}; return typeof fazt.kv.get('a')`,
	`Reflect.set({}, 'fa' + 'zt', {kv: {get: () => 'mine'}}, globalThis); return fazt.kv.get('a')`,
	`({m(k) { super[k] = {kv: {get: () => 'mine'}}; }}).m.call(globalThis, 'fa' + 'zt'); return fazt.kv.get('a')`,
	`({m() { super.fazt = {kv: {get: () => 'mine'}}; }}).m.call(globalThis); return fazt.kv.get('a')`,
	`
		class A { constructor() { return globalThis; } } class B extends A {
		['fa' + 'zt'] = {kv: {get: () => 'mine'}}; } new B(); return fazt.kv.get('a')`,
	`
		class A { constructor() { return globalThis; } } class B extends A {
		fazt = {kv: {get: () => 'mine'}}; } new B(); return fazt.kv.get('a')`,
	`Object.assign(globalThis, {['fa' + 'zt']: 1}); return fazt.kv.get('a')`,
	`[globalThis['fa' + 'zt']] = [1]; return fazt.kv.get('a')`,
	`return {x: respond(201, {a: 1}).status, y: typeof respond(5)}`,
	`respond(201, {a: 1}, {'X-A': 'b'})`,
	`respond(99, 1)`,
	`const r = respond; return r(202, 'text')`,
	`function respond() { return 'mine'; } return respond(5)`,
	`return [1, 2].map(respond).length`,
	`console.log('a', {b: 1}); fazt.log.warn('c'); return typeof console.log`,
	`const {log} = console; log(1); console.error(2)`,
}

func TestHostCallsByName(t *testing.T) {
	for _, src := range hostCalls {
		// A name that is declared is looked up where it is used.
		want := hostOutcome(t, src+"\nfunction unused(fazt, shop, free, respond, console) { }")
		if diff := cmp.Diff(want, hostOutcome(t, src)); diff != "" {
			t.Errorf("%s\n-looked up +bound\n%s", src, diff)
		}
	}
}

// What a program does to the global by a name that it computes can't be seen when it
// is compiled. A bound name keeps its meaning then.
func TestBoundNamesAreKept(t *testing.T) {
	for _, src := range []string{
		`
			try { Object['define' + 'Property'](globalThis, 'fa' + 'zt', {value: {kv: {get: () => 'mine'}}}); }
			catch (e) { } return fazt.kv.get('a')`,
		`globalThis['Ref' + 'lect'].set({}, 'fa' + 'zt', {kv: {get: () => 'mine'}}, globalThis); return fazt.kv.get('a')`,
		`try { Object['setPrototype' + 'Of'](globalThis, {}); } catch (e) { } return fazt.kv.get('a')`,
		`Object['setPrototype' + 'Of'](globalThis, {}); const kv = fazt.kv; return fazt.kv.get('a')`,
	} {
		got := strings.Join(hostOutcome(t, src), " ")
		if want := `{"args":["a"],"status":200} {"args":["a"],"status":200}`; got != want {
			t.Errorf("%s\ngave %s, want %s", src, got, want)
		}
	}
}

// hostOutcome is what two requests get of a program that has host functions, with
// the lines that it logs.
func hostOutcome(t *testing.T, src string) (out []string) {
	t.Helper()
	echo := func(_ context.Context, args runtime.Args) (runtime.Value, error) {
		return runtime.From(map[string]any{"args": args, "status": 200})
	}
	fail := func(context.Context, runtime.Args) (runtime.Value, error) {
		return runtime.Value{}, &runtime.HostError{Code: "NO", Message: "it fails"}
	}
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{gojajs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := runtimetest.Load(r, map[string]string{"api/main.js": src}, map[string]any{
		"fazt.kv.get": runtime.Brief(echo), "fazt.kv.fail": runtime.Func(fail), "shop.price": runtime.Func(echo), "free": runtime.Func(echo),
	})
	if err != nil {
		return []string{err.Error()}
	}
	defer p.Close()
	for range 2 {
		res, err := p.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api/x"})
		for _, line := range res.Log {
			out = append(out, line.Level+" "+line.Text)
		}
		if err != nil {
			e := err.(*runtime.Error)
			out = append(out, e.Error()+"\n"+e.SourceLine+"\n"+e.Stack)
			continue
		}
		out = append(out, string(res.Response.Body))
	}
	return out
}
