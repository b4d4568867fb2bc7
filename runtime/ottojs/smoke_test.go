package ottojs_test

import (
	"context"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
)

func TestSmoke(t *testing.T) {
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New()}})
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range []string{
		`function inner() { throw new Error("x"); }
function outer() { inner(); }
try { [1].forEach(outer); } catch (e) { respond(e.stack) }`, `function handler(r) { console.log("a %s", r.method); return {a: r.path, q: r.query, h: r.headers} } handler(request)`,
		`module.exports = function(r){ return r }`, `return 5`, `null.x`, "\n\n  throw 'x'", `respond({a:1,'toString':2})`, `while(true){try{try{while(true){}}catch(e){}}catch(e2){}}`,
		`x=1; undefined_thing + 1`, `fazt.add(1, {a:[1,2,{b:3}]})`, `fazt.add(NaN, {a:[1,{b:NaN}]})`,
		`var s='x'; while(true) s+=s`,
	} {
		p, err := r.Load(runtime.Source{Files: map[string]string{"api/main.js": src}}, runtime.Host{"fazt.add": runtime.Func(func(ctx context.Context, a runtime.Args) (runtime.Value, error) {
			raw, err := a.JSON(1)
			return runtime.JSON(raw), err
		})})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2e9)
		res, err := p.Run(ctx, &runtime.Request{Method: "GET", Path: "/api/x"})
		cancel()
		t.Logf("%s\n -> %d %s %v err=%v %v", src, res.Response.Status, res.Response.Body, res.Response.Header, err, res.Log)
		if e, ok := err.(*runtime.Error); ok {
			t.Logf("%q %+v", e.SourceLine, *e)
		}
	}
}
