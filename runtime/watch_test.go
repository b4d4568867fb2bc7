package runtime_test

import (
	"context"
	"errors"
	goruntime "runtime"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
)

// TestMemoryFreedElsewhereHidesNothing has a run begin while the heap is large
// for a reason that is gone a moment later: what the run itself keeps then must
// count all the same. It keeps 150 MiB and may have 16.
func TestMemoryFreedElsewhereHidesNothing(t *testing.T) {
	elsewhere := make([]byte, 512<<20)
	goruntime.GC() // finds it alive
	r := newRuntime(t, runtime.Options{Limits: runtime.Limits{Memory: 16 << 20}})
	p := load(t, r, `
		test.free();
		var kept = [];
		for (var i = 0; i < 300; i++) kept.push('x'.repeat(1 << 19) + i);
		return 'kept ' + kept.length;`, runtime.Host{
		"test.free": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) {
			elsewhere = nil
			return runtime.Undefined(), nil
		}),
	})
	result, err := p.Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
	if e, ok := errors.AsType[*runtime.Error](err); !ok || e.Code != runtime.CodeMemory {
		t.Errorf("got %q, %v; want %s", result.Response.Body, err, runtime.CodeMemory)
	}
	goruntime.KeepAlive(elsewhere)
}
