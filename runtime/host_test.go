package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/gojajs"
	"github.com/fazt-sh/fazt/runtime/ottojs"
)

func TestHostMistakes(t *testing.T) {
	f := runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) { return runtime.Value{}, nil })
	base, err := runtime.NewHost(map[string]any{"fazt.kv.get": f, "free": f, "shop.tax": 0.19})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"fazt.bad", func() {}, "host value fazt.bad: runtime: value for JavaScript: json: unsupported type: func()"},
		{"fazt.raw", json.RawMessage("{"), "host value fazt.raw: line 1, column 2: it ends too early; a closing brace, bracket or quote is missing"},
		{"fazt.bytes", []byte("x"), "host value fazt.bytes: bytes and responses can only be returned by a function"},
		{"fazt.kv.get", f, "host value fazt.kv.get: there is a value of this name already"},
		{"fazt.kv", f, "host value fazt.kv: there is a value of this name already"},
		{"fazt.log.info", f, "host value fazt.log.info: there is a value of this name already"},
		{"free.more", f, "host value free.more: a part of the name is another value"},
		{"shop.tax.rate", 1, "host value shop.tax.rate: a part of the name is another value"},
		{"a..b", f, "host value a..b: a part of the name is empty"},
		{"request.more", 1, "host value request.more: request means something else in every handler; choose another first part"},
	} {
		_, err := base.With(map[string]any{c.name: c.value})
		if e, ok := errors.AsType[*runtime.Error](err); !ok || e.Code != runtime.CodeLoad || e.Message != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

// TestBind has one program on several hosts, of which some lack what it calls.
func TestBind(t *testing.T) {
	text := func(s string) runtime.Func {
		return func(context.Context, runtime.Args) (runtime.Value, error) { return runtime.String(s), nil }
	}
	base, err := runtime.NewHost(map[string]any{"fazt.kv.get": text("base"), "fazt.version": "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []runtime.Engine{ottojs.New(), gojajs.New()} {
		r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{e}})
		p, err := r.Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": `
			function attempt(f) { try { return f(); } catch (e) { return e.name; } }
			return [fazt.kv.get('a'), attempt(function () { return fazt.app.name.toUpperCase(); }),
				attempt(function () { return shop.price(); }), fazt.version.concat('!')].join(' ');`}})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			values map[string]any
			want   string
		}{
			{nil, "base TypeError ReferenceError 1.0!"},
			{map[string]any{"fazt.app.name": "one"}, "base ONE ReferenceError 1.0!"},
			{map[string]any{"fazt.app.name": "two", "shop.price": text("5")}, "base TWO 5 1.0!"},
			{map[string]any{"fazt.app.name.toUpperCase": text("a function")}, "base a function ReferenceError 1.0!"},
		} {
			host, err := base.With(c.values)
			if err != nil {
				t.Fatal(err)
			}
			h := p.Bind(host)
			for range 2 {
				res, err := h.Run(t.Context(), &runtime.Request{Method: "GET"})
				if err != nil || string(res.Response.Body) != c.want {
					t.Errorf("%s with %v: got %s, %v; want %s", e.Name(), slices.Sorted(maps.Keys(c.values)), res.Response.Body, err, c.want)
				}
			}
			h.Close()
		}
	}
}

// TestFunctionsThatFail: whatever a host function does, Run returns with the reason, and
// the pass is done.
func TestFunctionsThatFail(t *testing.T) {
	does := map[string]func() runtime.Value{
		"panics": func() runtime.Value { panic("inside") },
		"exits":  func() runtime.Value { goruntime.Goexit(); return runtime.Value{} },
		"large":  func() runtime.Value { return runtime.String(strings.Repeat("x", 2<<20)) },
		"bytes":  func() runtime.Value { return runtime.Bytes(make([]byte, 2<<20)) },
	}
	for _, e := range []runtime.Engine{ottojs.New(), gojajs.New()} {
		r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{e}, Limits: runtime.Limits{Memory: 1 << 20}})
		for name, want := range map[string]string{
			"panics": runtime.CodeInternal, "exits": runtime.CodeInternal, "large": runtime.CodeMemory, "bytes": runtime.CodeMemory,
		} {
			f := func(context.Context, runtime.Args) (runtime.Value, error) { return does[name](), nil }
			host, err := runtime.NewHost(map[string]any{"test.func": runtime.Func(f), "test.brief": runtime.Brief(f)})
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range []string{"test.func()", "test.brief()"} {
				p, err := r.Load(t.Context(), runtime.Source{Files: map[string]string{"api/main.js": "try { " + call + " } catch (e) {}"}})
				if err != nil {
					t.Fatal(err)
				}
				_, err = p.Bind(host).Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
				if e, ok := errors.AsType[*runtime.Error](err); !ok || e.Code != want {
					t.Errorf("%s that %s: %v, want %s", call, name, err, want)
				}
			}
		}
	}
}
