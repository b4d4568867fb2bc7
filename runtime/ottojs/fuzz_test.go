package ottojs_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// FuzzJSON compares JSON.parse and JSON.stringify with encoding/json.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"b":1,"a":[true,null,"x\u00e9\n"]}`, `[1e400,-0,1.5e-7]`, `"\ud83d\ude00\ud83d"`, `{"a":{"a":{}}}`, `01`, ` [ ] `, `"\u0000"`, `{"":""}`} {
		f.Add(s)
	}
	p := load(f, ottojs.New(), `return JSON.stringify(JSON.parse(request.text))`)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		res, err := p.Run(context.Background(), &runtime.Request{Body: []byte(text), IsText: true})
		var want, got any
		if wantErr := json.Unmarshal([]byte(text), &want); wantErr != nil {
			var typeErr *json.UnmarshalTypeError
			if err == nil && !errors.As(wantErr, &typeErr) { // a number out of range is an infinity here
				t.Fatalf("%q was parsed to %s", text, res.Response.Body)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if err := json.Unmarshal(res.Response.Body, &got); err != nil {
			t.Fatalf("%q was printed as %s: %v", text, res.Response.Body, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", text, diff)
		}
	})
}

// FuzzLoad loads and runs any source: it may fail, but not panic or hang.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{"function handler(r) { return r.path }", "a: for (var i in {x: 1}) { continue a }", "switch (1) { case 1: default: }",
		"try { throw 1 } catch (e) { } finally { }", "var o = {get a() { return 1 }, set a(v) {}}; o.a++; o['b'] += 1", "do x(); while (0)",
		"/a[/]b/g.test('x')", "x = y = z.length = 1", "new new X()()", "'use strict'", "with (a) b", "return {status: 201, body: [1]}"} {
		f.Add(s)
	}
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{ottojs.New()},
		Limits: runtime.Limits{CPU: 50 * time.Millisecond, Memory: 32 << 20}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, err := runtimetest.Load(r, map[string]string{"api/main.js": src}, nil)
		if err == nil {
			_, err = p.Run(context.Background(), &runtime.Request{})
			p.Close()
		}
		if e, ok := errors.AsType[*runtime.Error](err); ok && e.Code == runtime.CodeInternal {
			t.Errorf("%q: %v", src, err)
		} else if err != nil && !ok {
			t.Errorf("%q: error %v of type %T", src, err, err)
		}
	})
}
