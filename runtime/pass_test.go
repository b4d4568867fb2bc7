package runtime_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
)

// rawList is spelled as no engine would print it, so that an answer tells whether it was
// read.
const rawList = `[{"n": 1.0}, [], "x"]`

// rawObject is such an object, which would be a response if it were an answer by itself.
const rawObject = `{"status": 202, "body": 1.0}`

// asRead is how an answer is printed that was read.
var asRead = strings.NewReplacer(": 1.0", ":1", ", ", ",", ": ", ":")

// listHost has a function that returns a list, as JSON, and one that returns an object.
func listHost(t *testing.T) *runtime.Host {
	t.Helper()
	list := runtime.Func(func(_ context.Context, args runtime.Args) (runtime.Value, error) {
		if len(args) > 0 && args[0].Text() == "none" {
			return runtime.Value{}, nil
		}
		if len(args) > 0 && args[0].Text() == "wrong" {
			return runtime.Value{}, runtime.Invalid("this is wrong")
		}
		return runtime.JSON([]byte(rawList)), nil
	})
	get := runtime.Func(func(_ context.Context, args runtime.Args) (runtime.Value, error) {
		if len(args) > 0 && args[0].Text() == "text" {
			return runtime.JSON([]byte(`"text"`)), nil
		}
		return runtime.JSON([]byte(rawObject)), nil
	})
	host, err := runtime.NewHost(map[string]any{"fazt.db.list": list, "fazt.db.get": get})
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// both are an engine that reads every list, and one that passes some on.
func both(t *testing.T, e runtime.Engine) (reads, passes *runtime.Runtime) {
	return newRuntime(t, runtime.Options{Engines: []runtime.Engine{e}}),
		newRuntime(t, runtime.Options{Engines: []runtime.Engine{e}, PassOn: []string{"fazt.db.list", "fazt.db.get"}})
}

// outcome is what a program answers.
func outcome(t *testing.T, r *runtime.Runtime, source string) string {
	t.Helper()
	p, err := r.Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": source}})
	if err != nil {
		return err.Error()
	}
	h := p.Bind(listHost(t))
	defer h.Close()
	res, err := h.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
	return fmt.Sprint(res.Response.Status, res.Response.Header, res.Response.ContentType, string(res.Response.Body), err)
}

func passedOn(answer string) bool {
	return strings.Contains(answer, rawList) || strings.Contains(answer, rawObject)
}

// asReadAll is an answer with what was passed on as it is printed when it was read.
func asReadAll(answer string) string {
	return strings.NewReplacer(rawList, asRead.Replace(rawList), rawObject, asRead.Replace(rawObject)).Replace(answer)
}

func TestPassedOn(t *testing.T) {
	for _, c := range []struct {
		source string
		passed bool
	}{
		{`function handler(request) { return fazt.db.list('a') }`, true},
		{`function handler(request) { if (request.path) { return {a: {b: fazt.db.list()}, c: 1} } return 2 }`, true},
		{`module.exports = function (request) { switch (request.method) { case 'GET': return fazt.db.list() } }`, true},
		{`return fazt.db.list()`, true},
		{`return request.path ? fazt.db.list() : 1`, true},
		{`respond(fazt.db.list())`, true},
		{`respond(201, {items: fazt.db.list()}, {'X-A': 'b'})`, true},
		{`function handler() { return respond(201, fazt.db.list()) }`, true},
		{`function handler() { try { return fazt.db.list() } catch (e) { return 1 } }`, true},
		{`return {status: 201, body: fazt.db.list()}`, true},
		{`function handler() { var all = fazt.db.list(); return all }`, false},
		{`function handler() { return fazt.db.list().length }`, false},
		{`function handler() { return first(function () { return fazt.db.list() }) } function first(f) { return f()[0] }`, false},
		{`function handler() { return fazt.db.list() } var r = handler(); respond(r[2])`, false},
		{`function other() { return fazt.db.list() } return other()[2]`, false},
		{`module.exports = function () { return fazt.db.list() }; module.exports()[0].n`, false},
		{`function handler() { var fazt = {db: {list: function () { return [5] }}}; return fazt.db.list() }`, false},
		{`function handler(fazt) { return fazt.db.list() }`, false},
		{`var respond = function (x) { return x.length }; return respond(fazt.db.list())`, false},
		{`return respond(fazt.db.list()).body[2]`, false},
		{`return {headers: fazt.db.list()}`, false},
		{`return {status: fazt.db.list()}`, false},
		{`return {toJSON: fazt.db.list(), a: 1}`, false},
		{`return fazt.db.list('none')`, false},
		{`return fazt.db.list('wrong')`, false},
		{`return fazt.db.nothing()`, false},
		{`return fazt.list()`, false},
		{`return JSON.stringify(fazt.db.list())`, false},
		{`return [fazt.db.list()]`, false},
		{`return fazt.db.list() || 1`, false},
		{`function handler() { return {value: fazt.db.get()} }`, true},
		{`function handler() { return {a: {b: fazt.db.get()}, l: fazt.db.list()} }`, true},
		{`return {body: fazt.db.get()}`, true},
		{`respond(fazt.db.get())`, true},
		{`respond(201, fazt.db.get())`, true},
		{`function handler(r) { return {value: r.path ? fazt.db.get() : 1} }`, true},
		{`function handler(r) { return r.path ? {value: fazt.db.get()} : 1 }`, true},
		{`return fazt.db.get()`, false},
		{`function handler(r) { return r.path ? fazt.db.get() : 1 }`, false},
		{`return respond(fazt.db.get()).body.status`, false},
		{`return {value: fazt.db.get().body}`, false},
		{`return {value: fazt.db.get('text')}`, false},
		{`return {headers: fazt.db.get()}`, false},
		{`var v = fazt.db.get(); return {value: v}`, false},
	} {
		forEachEngine(t, func(t *testing.T, e runtime.Engine) {
			reads, passes := both(t, e)
			want, got := outcome(t, reads, c.source), outcome(t, passes, c.source)
			if passed := passedOn(got); passed != c.passed {
				t.Errorf("%s\npassed on: %v, want %v: %s", c.source, passed, c.passed, got)
			}
			if diff := cmp.Diff(want, asReadAll(got)); diff != "" {
				t.Errorf("%s (-read +passed on)\n%s", c.source, diff)
			}
		})
	}
}

// TestPassedOnAtRandom puts random programs together, and wants the same answers whether
// their lists are passed on or read.
func TestPassedOnAtRandom(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED under -short: random programs, one after the other")
	}
	const rounds = 120
	forEachEngine(t, func(t *testing.T, e runtime.Engine) {
		reads, passes := both(t, e)
		passed := 0
		for seed := range uint64(rounds) {
			source := randomProgram(rand.New(rand.NewPCG(seed, 1)))
			want, got := outcome(t, reads, source), outcome(t, passes, source)
			if passedOn(got) {
				passed++
			}
			if diff := cmp.Diff(want, asReadAll(got)); diff != "" {
				t.Fatalf("seed %d: %s (-read +passed on)\n%s", seed, source, diff)
			}
		}
		if passed < rounds/20 {
			t.Errorf("only %d of %d programs passed a list on", passed, rounds)
		}
	})
}

func randomProgram(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var value func(depth int) string
	value = func(depth int) string {
		if depth == 0 {
			return pick(`fazt.db.list()`, `fazt.db.get()`, `fazt.db.get('text')`, `fazt.db.list('none')`, `1`, `'x'`, `request.path`, `list`, `fazt.db.list().length`)
		}
		switch r.IntN(6) {
		case 0:
			return `{` + pick("a", "body", "status", "headers", "items", "toJSON") + `: ` + value(depth-1) + `, b: ` + value(depth-1) + `}`
		case 1:
			return `[` + value(depth-1) + `]`
		case 2:
			return `(` + value(depth-1) + pick(` ? `, ` > 1 ? `) + value(depth-1) + ` : ` + value(depth-1) + `)`
		case 3:
			return pick(`other(`, `respond(`, `respond(201, `, `(`) + value(depth-1) + `)`
		}
		return value(0)
	}
	var statement func(depth int) string
	statement = func(depth int) string {
		switch r.IntN(5) {
		case 0:
			return `if (` + value(0) + `) { ` + statement(max(depth-1, 0)) + ` } else { ` + statement(max(depth-1, 0)) + ` }`
		case 1:
			return `respond(` + value(depth) + `);`
		case 2:
			return `var v = ` + value(depth) + `; kept = v;`
		case 3:
			return `try { ` + statement(max(depth-1, 0)) + ` } catch (e) { return 'caught ' + e.name }`
		}
		return `return ` + value(depth) + `;`
	}
	body := statement(2) + ` ` + statement(2) + ` return ` + value(2) + `;`
	prefix := `var kept, list = [1]; function other(x) { return x && x.length ? x[0] : x } `
	switch r.IntN(4) {
	case 0:
		return prefix + `function handler(request) { ` + body + ` }`
	case 1:
		return prefix + `module.exports = function (request) { ` + body + ` }`
	case 2:
		return prefix + `function handler(request) { ` + body + ` } ` + pick(`handler(request)`, `var r = handler(request); respond(typeof r)`, `kept = handler;`)
	}
	return prefix + body
}
