package ottojs_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

func benchmarkRun(b *testing.B, src string) {
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New()}})
	if err != nil {
		b.Fatal(err)
	}
	get := func(_ context.Context, args runtime.Args) (runtime.Value, error) {
		_, err := args.String(0)
		return runtime.JSON([]byte(`{"n":1,"name":"value"}`)), err
	}
	host := map[string]any{"fazt.kv.get": runtime.Func(get), "fazt.storage.kv.get": runtime.Brief(get)}
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

func BenchmarkScript(b *testing.B) {
	benchmarkRun(b, `return {hello: 'world'}`)
}

func BenchmarkHandler(b *testing.B) {
	benchmarkRun(b, `function handler(request) { return {hello: 'world'}; }`)
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

func BenchmarkBriefCall(b *testing.B) {
	benchmarkRun(b, `function handler(request) { return {value: fazt.storage.kv.get('key')}; }`)
}

func BenchmarkRequestFields(b *testing.B) {
	benchmarkRun(b, `function handler(request) { return {q: request.query.q, ua: request.headers['user-agent']}; }`)
}

func BenchmarkNewVM(b *testing.B) {
	s, err := ottojs.New().Compile(runtime.Unit{Files: map[string]string{"api/main.js": "1"}, Main: "api/main.js",
		Limits: runtime.Limits{Memory: runtime.DefaultMemory, StackDepth: runtime.DefaultStackDepth}})
	if err != nil {
		b.Fatal(err)
	}
	host, err := runtime.NewHost(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.NewVM(host); err != nil {
			b.Fatal(err)
		}
	}
}
