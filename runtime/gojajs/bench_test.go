package gojajs_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

func benchmarkRun(b *testing.B, src string) {
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{gojajs.New()}})
	if err != nil {
		b.Fatal(err)
	}
	host := map[string]any{
		"fazt.kv.get": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) {
			return runtime.JSON([]byte(`{"n":1,"name":"x"}`)), nil
		}),
		"fazt.storage.kv.get": runtime.Brief(func(_ context.Context, args runtime.Args) (runtime.Value, error) {
			_, err := args.String(0)
			return runtime.JSON([]byte(`{"n":1,"name":"value"}`)), err
		}),
		"fazt.storage.kv.set": runtime.Brief(func(_ context.Context, args runtime.Args) (runtime.Value, error) {
			_, err := args.JSON(1)
			return runtime.Undefined(), err
		}),
		"fazt.storage.ds.find": runtime.Brief(func(_ context.Context, args runtime.Args) (runtime.Value, error) {
			_, err := args.JSON(1)
			return runtime.JSON([]byte(`
				[{"id":"a1","owner":"x","text":"first","_createdAt":1700000000000},{"id":"a2","owner":"x","text":"second","_createdAt":1700000000001}]`)), err
		}),
	}
	p, err := runtimetest.Load(r, map[string]string{"api/main.js": src}, host)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	req := &runtime.Request{Method: "GET", Path: "/api/items", ID: "r1", IP: "127.0.0.1", Host: "app.localhost",
		Query: url.Values{"q": {"x"}}, Header: http.Header{"Accept": {"*/*"}, "User-Agent": {"bench"}, "X-A": {"1"}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Run(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTrivial(b *testing.B) {
	benchmarkRun(b, `function handler(request) { return {ok: true, path: request.path}; }`)
}

func BenchmarkJSON20(b *testing.B) {
	benchmarkRun(b, `function handler(request) {
		var out = [];
		for (var i = 0; i < 20; i++) out.push({id: i, name: 'item ' + i, tags: ['a', 'b'], price: i * 1.5});
		return {items: out};
	}`)
}

func BenchmarkHostCall(b *testing.B) {
	benchmarkRun(b, `function handler(request) { return fazt.kv.get('key'); }`)
}

func BenchmarkGet(b *testing.B) {
	benchmarkRun(b, `function handler(request) { return {value: fazt.storage.kv.get('key')}; }`)
}

func BenchmarkFind(b *testing.B) {
	benchmarkRun(b, `function handler(request) { return fazt.storage.ds.find('notes', {owner: request.path}); }`)
}

func BenchmarkSet(b *testing.B) {
	benchmarkRun(b, `
		function handler(request) { fazt.storage.kv.set(request.path, {hello: 'world'}); return {ok: true};
		}`)
}

func BenchmarkRequestFields(b *testing.B) {
	benchmarkRun(b, `function handler(request) { return {q: request.query.q, ua: request.headers['user-agent']}; }`)
}

func BenchmarkNewer(b *testing.B) {
	benchmarkRun(b, `
		const handler = async ({path}) => { const v = await fazt.kv.get('key');
		return {ok: true, path, ...v}; };`)
}

func BenchmarkRegExp(b *testing.B) {
	benchmarkRun(b, `return request.path.replace(/\/(\w+)/g, '<$1>')`)
}

func BenchmarkLoop(b *testing.B) {
	benchmarkRun(b, `var s = 0; for (var i = 0; i < 100000; i++) s += i; return s`)
}

func BenchmarkComputedNames(b *testing.B) {
	benchmarkRun(b, `var a = [], o = {}; for (var i = 0; i < 1000; i++) { a[i] = i; o['k' + i % 10] = a[i]; } return o`)
}

// The least that a handler can do, in the two commonest forms.
func BenchmarkHelloReturned(b *testing.B) { benchmarkRun(b, `return {hello: 'world'};`) }

func BenchmarkHello(b *testing.B) {
	benchmarkRun(b, `function handler(request) { return {hello: 'world'}; }`)
}
