package runtime_test

import (
	"context"
	"errors"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
		return 'kept ' + kept.length;`, map[string]any{
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

// TestHeldIsOnesOwn has what a run was charged for put down to that run alone.
func TestHeldIsOnesOwn(t *testing.T) {
	for _, c := range []struct {
		growth uint64
		held   []int64
		want   []uint64
	}{
		{60, []int64{0, 0}, []uint64{30, 30}},
		{60, []int64{60, 0}, []uint64{60, 0}},
		{60, []int64{0, 100}, []uint64{0, 60}},
		{60, []int64{20, 0}, []uint64{40, 20}},
		{60, []int64{20, 30, 0, 0, 0}, []uint64{22, 32, 2, 2, 2}},
		{0, []int64{20, 0}, []uint64{0, 0}},
	} {
		if diff := cmp.Diff(c.want, runtime.Ascribed(c.growth, c.held...)); diff != "" {
			t.Errorf("%d bytes, of which they hold %v (-want +got)\n%s", c.growth, c.held, diff)
		}
	}
}

// TestMostAllocating has runs to which the same has been ascribed. On a busy machine
// a measurement may be over before it began; then none is picked.
func TestMostAllocating(t *testing.T) {
	var kept [][]byte
	counted := 0
	counts := func() { counted++ }
	allocates := func() {
		if kept = append(kept, make([]byte, 1<<20)); len(kept) > 64 {
			kept = nil
		}
	}
	worst := -1
	for worst < 0 && t.Context().Err() == nil {
		worst = runtime.MostAllocating(counts, allocates, func() { goruntime.Gosched() })
	}
	if worst != 1 {
		t.Errorf("run %d would be stopped, want 1", worst)
	}
}

// TestNobodyIsStoppedWhoAsksForNothing has none picked that doesn't allocate.
func TestNobodyIsStoppedWhoAsksForNothing(t *testing.T) {
	if worst := runtime.MostAllocating(func() {}, func() { goruntime.Gosched() }); worst >= 0 {
		t.Errorf("run %d would be stopped", worst)
	}
}

// TestRunsLookWhenNobodyElseDoes: a run whose watcher doesn't get a processor ends
// by itself.
func TestRunsLookWhenNobodyElseDoes(t *testing.T) {
	for _, e := range engines {
		t.Run(e.Name(), func(t *testing.T) {
			r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{e}, Limits: runtime.Limits{CPU: 20 * time.Millisecond}})
			runtime.StopLoop(r)
			for _, src := range []string{`for (;;);`, `function f() { try { f() } finally { f() } } f()`, `for (;;) 'x'.repeat(1000)`} {
				_, err := load(t, r, src, nil).Run(t.Context(), &runtime.Request{Method: "GET", Path: "/api"})
				if e, ok := errors.AsType[*runtime.Error](err); !ok || e.Code != runtime.CodeCPU {
					t.Errorf("%s: %v; want %s", src, err, runtime.CodeCPU)
				}
			}
		})
	}
}
