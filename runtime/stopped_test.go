package runtime_test

import (
	"context"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/ottojs"
)

// TestStoppedKeepsVM: to stop a run is what most pages that want a user do, and to make
// an interpreter takes hundreds of times as long. It is kept where nothing but the
// program's own functions was at work.
func TestStoppedKeepsVM(t *testing.T) {
	for _, c := range []struct {
		name, source string
		kept         bool
	}{
		{"at once", `host.stop()`, true},
		{"in a function", `function a() { b() } function b() { try { host.stop() } finally { b() } } a()`, true},
		{"in a handler", `function handler(request) { host.stop() }`, true},
		{"by a native", `[1].forEach(host.stop)`, false},
		{"in a callback", `[1].forEach(function () { host.stop() })`, false},
		{"in a conversion", `'' + {toString: function () { host.stop() }}`, false},
		{"deep down", `function f(n) { if (n) f(n - 1); host.stop() } f(20)`, false},
		{"with a global left behind", `x = 1; host.stop()`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			engine := &madeVMs{Engine: ottojs.New()}
			r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine}})
			p := load(t, r, c.source, map[string]any{"host.stop": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) {
				return runtime.Value{}, &runtime.Stop{Response: runtime.Response{Status: 401}}
			})})
			for range 3 {
				if res, err := p.Run(t.Context(), &runtime.Request{}); err != nil || res.Response.Status != 401 {
					t.Fatalf("%d, %v", res.Response.Status, err)
				}
			}
			if kept := engine.made == 1; kept != c.kept {
				t.Errorf("3 runs took %d interpreters", engine.made)
			}
		})
	}
}

// madeVMs counts an engine's interpreters.
type madeVMs struct {
	runtime.Engine
	made int
}

func (e *madeVMs) Compile(u runtime.Unit) (runtime.Script, error) {
	s, err := e.Engine.Compile(u)
	return madeScript{s, e}, err
}

type madeScript struct {
	runtime.Script
	engine *madeVMs
}

func (s madeScript) NewVM(h *runtime.Host) (runtime.VM, error) {
	s.engine.made++
	return s.Script.NewVM(h)
}
