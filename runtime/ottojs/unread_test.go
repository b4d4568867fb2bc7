package ottojs_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// answers are programs that answer with what get() returned, each with whether
// that is left unread. They answer the same when get is a function of their own
// that passes the value on.
var answers = []struct {
	src    string
	unread bool
}{
	{`return GET()`, true},
	{`return {a: GET()}`, true},
	{`return {a: 1, b: [GET(), {c: GET(), d: [GET()]}], e: GET()}`, true},
	{`return [GET(), , GET()]`, true},
	{`return {status: 201, body: GET()}`, true},
	{`return {body: GET()}`, true},
	{`return {status: 201, headers: {'X-A': GET()}, body: GET()}`, true},
	{`return {headers: GET(), body: 1}`, false},
	{`return {headers: {'X-A': GET()}}`, false},
	{`return {status: GET(), body: 1}`, false},
	{`respond(202, 'earlier'); return GET()`, true},
	{`respond(202, 'earlier'); return {a: GET()}`, true},
	{`return request.path ? {a: GET()} : GET()`, true},
	{`return {a: request.path ? GET() : null, b: GET() || 'none', c: null || GET()}`, true},
	{`return {a: GET() && 1}`, false},
	{`return {a: GET().a, b: typeof GET(), c: '' + GET()}`, false},
	{`return {get a() { return this.b; }, b: GET()}`, false},
	{`return {a: {get x() { return this.y; }, y: GET()}, b: GET()}`, true},
	{`return {toJSON: function () { return [this.a]; }, a: GET()}`, false},
	{`return {a: {toJSON: function () { return [this.b]; }, b: GET()}}`, false},
	{`return {a: GET(), a: 2}`, true},
	{`return {a: GET(), b: unknown}`, true},
	{`try { return {a: GET()}; } finally { request.path; }`, true},
	{`try { return {a: GET()}; } finally { return 'other'; }`, true},
	{`return {a: GET(), b: {toJSON: function () { return typeof this.a; }, a: 1}}`, true},
	{`var v = GET(); return {a: v}`, false},
	{`function f() { return {a: GET()}; } return f()`, false},
	{`function f() { return {a: GET()}; } return typeof f().a`, false},
	{`function handler(request) { return {a: GET()}; }`, true},
	{`function handler(request) { function f() { return GET(); } return {a: f()}; }`, false},
	{`function handler(request) { if (request.path) { return [GET()]; } return 1; } handler(request)`, true},
	{`module.exports = function () { return {a: GET()}; }`, false},
	{`var handler = function () { return {a: GET()}; }`, false},
	{`return {a: [GET(), GET(), GET(), GET(), GET(), GET()], b: [GET(), GET(), GET(), GET(), GET(), GET()]}`, true},
	{`return {a: JSON.stringify(GET())}`, false},
	{`({a: GET()})`, false},
	{`respond(GET())`, true},
	{`respond(201, GET())`, true},
	{`respond({status: GET(), headers: GET(), toString: 1})`, true},
	{`respond({toJSON: function () { return [this.a]; }, a: GET()})`, false},
	{`respond(201, [GET()], {'X-A': GET()})`, true},
	{`respond(GET(), 1)`, false},
	{`respond(201, 1, {'X-A': GET()})`, false},
	{`return respond({a: GET()})`, true},
	{`function handler() { if (1) return respond(201, GET()); }`, true},
	{`function f() { respond({a: GET()}); return 5; } return {seen: f()}`, true},
	{`function f() { respond({a: GET()}); } f(); f(); respond(GET()); 'last'`, true},
	{`function f() { return respond({a: GET()}); } return typeof f().body.a`, false},
	{`var r = respond({a: GET()}); return typeof r.body.a`, false},
	{`function f(respond) { respond({a: GET()}); } var seen; f(function (x) { seen = typeof x.a; }); return seen`, false},
	{`respond.call(null, {a: GET()})`, false},
	{`module.exports = function () { respond(GET()); return respond({a: 1}).body; }`, true},
}

// values are what get returns: well-formed, or not.
var values = []string{
	`{}`, `[]`, `null`, `true`, `5`, `"text"`, `{"n":1,"name":"value"}`, ` { "n" : [ 1 , 2 ] , "m" : { } } `,
	`
		[1.0, -0, 0, -0.0, 1e21, 1e20, 100, 1E2, 0.1, 1e-7, 123456789012345678, 999999999999999,
		-999999999999999, 9007199254740993, 1e999, -1e999, 5e-324, 0.000001]`,
	`{"b":1,"a":2,"10":3,"9":4}`, `{"1a":1,"01":2,"-1":3,"":4}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`,
	`{"__proto__":{"x":1},"constructor":2,"toString":3,"length":4}`, `{"toJSON":1,"valueOf":"x","hasOwnProperty":[]}`,
	`{"status":299}`, `{"body":"inner","headers":{"X-B":"1"}}`, `{"status":299,"more":1}`, `["a","b"]`,
	`["a\/b","\u003c","\u0000","\u001F","\n\t\r\b\f\"\\","é\u00e9","\ud83d\ude00","\ud800","` + "\u2028\u2029\ufffd😀" + `"]`,
	`["` + strings.Repeat(`\\`, 9) + `"]`, "[\"\x7f\"]", "[\"\xff\"]", "[\"a\tb\"]",
	`[`, `]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `[1,]`, `[01]`, `[-]`, `[1.]`, `[.5]`, `[+1]`, `[1e]`, `[nul]`, `["a]`, `["\x"]`, `{} {}`, `{a:1}`, `[1 2]`, ``,
	strings.Repeat("[", 90) + strings.Repeat("]", 90), strings.Repeat("[", 3000) + strings.Repeat("]", 3000),
	strings.Repeat("[", 1990) + strings.Repeat("]", 1990),
	manyKeys(32), manyKeys(33),
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	return "{" + b.String()[1:] + "}"
}

func TestUnreadValues(t *testing.T) {
	for _, a := range answers {
		if got := ottojs.Unread(strings.ReplaceAll(a.src, "GET", "fazt.get")) > 0; got != a.unread {
			t.Errorf("%s: unread %v, want %v", a.src, got, a.unread)
		}
		want, got := readers(t, a.src)
		for _, text := range values {
			if diff := cmp.Diff(want(text), got(text)); diff != "" {
				t.Errorf("%s of %.60q\n-read +unread\n%s", a.src, text, diff)
			}
		}
	}
}

func FuzzUnreadValues(f *testing.F) {
	for _, text := range values {
		f.Add(text)
	}
	want, got := readers(f, `return {a: GET(), b: [GET()]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if diff := cmp.Diff(want(text), got(text)); diff != "" {
			t.Errorf("-read +unread\n%s", diff)
		}
	})
}

// readers returns the program with get called through a function, and as it is;
// both as functions of what get returns.
func readers(t testing.TB, src string) (read, unread func(text string) any) {
	program := func(src string) func(string) any {
		r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New()}})
		if err != nil {
			t.Fatal(err)
		}
		type key struct{}
		p, err := runtimetest.Load(r, map[string]string{"api/main.js": src}, map[string]any{
			"fazt.get": runtime.Brief(func(ctx context.Context, _ runtime.Args) (runtime.Value, error) {
				return runtime.JSON([]byte(ctx.Value(key{}).(string))), nil
			})})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return func(text string) any {
			res, err := p.Run(context.WithValue(context.Background(), key{}, text), &runtime.Request{Path: "/api/x"})
			if err != nil {
				e := err.(*runtime.Error)
				return e.Code + " " + e.Name + " " + e.Message
			}
			return struct {
				Status int
				Header http.Header
				Body   string
			}{res.Response.Status, res.Response.Header, string(res.Response.Body)}
		}
	}
	through := "function through() { return fazt.get(); } " // behind the program's own, whose value counts
	return program(through + strings.ReplaceAll(src, "GET", "through")), program(strings.ReplaceAll(src, "GET", "fazt.get"))
}
