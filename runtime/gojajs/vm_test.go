package gojajs_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

func load(t testing.TB, limits runtime.Limits, src string) *runtime.Handler {
	t.Helper()
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{gojajs.New()}, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	p, err := runtimetest.Load(r, map[string]string{"api/main.js": src}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestTopLevelConst(t *testing.T) {
	p := load(t, runtime.Limits{}, `
		const seen = []; let n = 0; seen.push(++n); class A {} return {seen, n, name: A.name};`)
	for range 10_000 {
		res, err := p.Run(t.Context(), &runtime.Request{Method: "GET"})
		if err != nil || string(res.Response.Body) != `{"seen":[1],"n":1,"name":"A"}` {
			t.Fatalf("got %s, %v", res.Response.Body, err)
		}
	}
}

// A run that is stopped leaves no goroutine, nor does one with timers waiting.
func TestNothingIsLeft(t *testing.T) {
	p := load(t, runtime.Limits{CPU: 20 * time.Millisecond}, `
		setTimeout(() => {}, 1e6);
		if (request.method === 'LOOP') for (;;) ;
		if (request.method === 'WAIT') await new Promise(r => setTimeout(r, 1));
		return 'done';`)
	for _, method := range []string{"LOOP", "WAIT", "GET", "LOOP"} {
		_, err := p.Run(t.Context(), &runtime.Request{Method: method})
		if (err != nil) != (method == "LOOP") {
			t.Errorf("%s: %v", method, err)
		}
	}
	p.Close()
	goleak.VerifyNone(t)
}

// The frames of the engine and of its library are left out of a stack.
func TestStackIsTheAuthors(t *testing.T) {
	p := load(t, runtime.Limits{}, "const f = list => list.map(x => x.y.z);\nf.call(null, [{}]);")
	_, err := p.Run(t.Context(), &runtime.Request{Method: "GET"})
	e, ok := err.(*runtime.Error)
	if !ok {
		t.Fatal(err)
	}
	if !strings.HasPrefix(e.Stack, "TypeError: Cannot read property 'z' of null or undefined") || !strings.Contains(e.Stack, "api/main.js:1:") ||
		!strings.Contains(e.Stack, "api/main.js:2:") || strings.Contains(e.Stack, "library") {
		t.Errorf("stack\n%s", e.Stack)
	}
}

// What instrumented code uses can't be reached, nor made to do anything else.
func TestInsideIsHidden(t *testing.T) {
	for _, src := range []string{
		`return [typeof arguments[4], Object.keys(arguments).length, Array.from(arguments).filter(Boolean).length]`,
		`let arguments = {4: undefined}; return [typeof arguments[4], 4, 0]`,
		`return [typeof globalThis['inside ()'], 4, 0]`,
	} {
		res, err := load(t, runtime.Limits{}, src).Run(t.Context(), &runtime.Request{Method: "GET"})
		if got := string(res.Response.Body); err != nil || !strings.HasPrefix(got, `["undefined",`) || strings.Contains(got, "5") {
			t.Errorf("%s\ngot %s, %v", src, got, err)
		}
	}
}

// JSON.parse defines properties, whatever the handler has made of
// Object.prototype.
func TestParsedTextIsAlwaysOwn(t *testing.T) {
	p := load(t, runtime.Limits{}, `
		let set = 0;
		Object.defineProperty(Object.prototype, 'taken', {set() { set++; }, configurable: true});
		Object.freeze(Object.prototype);
		const o = JSON.parse('{"taken": 1, "toString": 2, "__proto__": 3}');
		return [set, Object.keys(o), o.taken, o.toString];`)
	res, err := p.Run(t.Context(), &runtime.Request{Method: "GET"})
	if got := string(res.Response.Body); err != nil || got != `[0,["taken","toString","__proto__"],1,2]` {
		t.Errorf("got %s, %v", got, err)
	}
}

// A file may use the names of an error's properties without an error, and get
// errors without naming them: by all ways, natives that make texts of errors
// that are each other's names are stopped.
func TestErrorsAsTexts(t *testing.T) {
	for _, get := range []string{
		`try { null.x } catch (e) { make = () => { try { null.x } catch (e) { return e } } }`,
		`make = () => new Error('x')`,
		`make = () => RangeError('x')`,
		`make = () => new globalThis['Type' + 'Error']('x')`,
		`
			const all = []; for (let i = 0; i <= 2000; i++) await (async () => null.x)().then(null,
			e => all.push(e)); make = () => all.pop()`,
		`
			const all = []; for (let i = 0; i <= 2000; i++) await (async () => null.x)()['cat' +
			'ch'](e => all.push(e)); make = () => all.pop()`,
		`
			let C; await (async () => null.x)()['th' + 'en'](null, e => { C = e['construct' + 'or']; });
			make = () => new C('x')`,
	} {
		p := load(t, runtime.Limits{}, `let make; `+get+`;
			let e = make();
			for (let i = 0; i < 2000; i++) { const outer = make(); outer.name = e; e = outer; }
			return 'text: ' + e;`)
		res, err := p.Run(t.Context(), &runtime.Request{Method: "GET"})
		if e, ok := err.(*runtime.Error); !ok || e.Name != "RangeError" {
			t.Errorf("%s\ngot %.50s, %v", get, res.Response.Body, err)
		}
	}
}

// What an answer becomes while it is written is in it, as with
// JSON.stringify.
func TestAnswerThatChanges(t *testing.T) {
	for src, want := range map[string]string{
		`const o = {a: 1, get toJSON() { o.b = 2; }}; return o`:                        `{"a":1,"b":2}`,
		`try { String.raw({}) } catch (e) { return e.name }`:                           "TypeError",
		`const o = {a: 1, get toJSON() { o.b = 2; return () => o; }}; return o`:        `{"a":1,"b":2}`,
		`const o = {a: 1, toJSON() { o.b = 2; delete o.toJSON; return o; }}; return o`: `{"a":1,"b":2}`,
		`const o = {get n() { o.b = 2; return 1; }}; return [o, o]`:                    `[{"n":1},{"n":1,"b":2}]`,
		`const o = {get n() { o.b = 2; return 1; }}; return {o, again: o}`:             `{"o":{"n":1},"again":{"n":1,"b":2}}`,
		`const o = {get body() { if (o.x) return 1; o.x = 2; return o; }}; return o`:   `{"body":1,"x":2}`,
	} {
		res, err := load(t, runtime.Limits{}, src).Run(t.Context(), &runtime.Request{Method: "GET"})
		if got := string(res.Response.Body); err != nil || got != want {
			t.Errorf("%s\ngot %s, %v, want %s", src, got, err, want)
		}
	}
}

// A handler is the same whether its file has anything else or not.
func TestOnlyHandler(t *testing.T) {
	for _, src := range []string{
		`function handler(request) { return {method: request.method}; }`,
		`function handler() { return 'x'; }`,
		`function handler() { return request.method; }`,
		`function handler() { var request = {method: 1}; return request.method; }`,
		`function handler(request) { request = 1; return request; }`,
		`function handler(request) { var request; return typeof request; }`,
		`function handler(request) { }`,
		`function handler(request) { 'not a completion value'; 1 + 1; }`,
		`function handler(request) { respond(201, 'made'); }`,
		`function handler(request) { respond(201); return 'the end'; }`,
		`function handler(request) { return respond(418, 'tea', {a: 'b'}); }`,
		`function handler(request) { return Promise.resolve('later'); }`,
		`function handler(request) { return {body: 'x', status: 201}; }`,
		`async function handler(request) { await null; return 'async'; }`,
		`async function handler(request) { await null; null.x; }`,
		`async function handler(request) { await new Promise(resolve => setTimeout(resolve, 1)); return 'async'; }`,
		`async function handler(request) { await new Promise(() => {}); }`,
		`async function handler(request) { return arguments.length; }`,
		`function* handler(request) { yield 1; }`,
		`function handler(req) { return req.method + request.method; }`,
		`function handler({method}) { return method; }`,
		`function handler(request = 1) { return typeof request; }`,
		`function handler(request, more) { return typeof more; }`,
		`function handler(...all) { return all.length; }`,
		`function handler(request) { return handler.name + typeof handler; }`,
		`function handler(request) { return request.again ? 'x' : handler({again: true}); }`,
		`function handler(request) { return arguments.length + typeof arguments[4]; }`,
		`function handler(request) { module.exports = () => 'exported'; return 'x'; }`,
		`function handler(request) { exports.a = 1; return typeof module + typeof require; }`,
		`function handler(request) { let module = 1; return module; }`,
		`function handler(request) { let exports = 1; return exports; }`,
		`function handler(request) { const require = 1; return require; }`,
		`function handler() { let request = 1; return request; }`,
		`function handler(request) { return typeof this + (this === globalThis) + new.target; }`,
		`function handler(request) { 'use strict'; return String(this); }`,
		`function handler(request) { 'use strict'; undeclared = 1; }`,
		`'use strict'; function handler(request) { return String(this); }`,
		`function handler(request) { let request = 1; }`,
		`function handler(request) { function inner() { return request.method; } return inner(); }`,
		`function handler(request) { const f = request => request; return f(1); }`,
		`function handler(request) { var a = []; a.length = 3e6; return '' + a; }`,
		"\n\nfunction handler(request) {\n  null.x;\n}",
		`function handler(request) { throw new TypeError('mine'); }`,
		`function handler(request) { throw 'text'; }`,
		`function handler(request) { while (true) try { f(); } catch (e) { return e.message; } function f() { f(); } }`,
		`function handler(request) { undeclared = 1; return typeof globalThis.undeclared + typeof globalThis.handler; }`,
		`function handler(request) { label: { break label; } return 'x'; }`,
		`function handler(request) { return handler2(request); }`,
	} {
		alone, more := outcomeOf(t, src), outcomeOf(t, src+"\nvar more;")
		if diff := cmp.Diff(more, alone); diff != "" {
			t.Errorf("%s\nwith more in the file (-) and alone (+)\n%s", src, diff)
		}
	}
}

type outcome struct {
	Status                    int
	Header                    http.Header
	Body, Name, Message, Code string
	File                      string
	Line, Column              int
}

func outcomeOf(t *testing.T, src string) (o outcome) {
	t.Helper()
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{gojajs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	var res *runtime.Result
	p, err := runtimetest.Load(r, map[string]string{"api/main.js": src}, nil)
	if err == nil {
		defer p.Close()
		res, err = p.Run(t.Context(), &runtime.Request{Method: "GET"})
		o.Status, o.Header, o.Body = res.Response.Status, res.Response.Header, string(res.Response.Body)
	}
	if e, ok := err.(*runtime.Error); ok {
		o.Name, o.Message, o.Code, o.File, o.Line, o.Column = e.Name, e.Message, e.Code, e.File, e.Line, e.Column
	}
	return o
}
