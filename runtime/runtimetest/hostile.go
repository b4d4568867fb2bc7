package runtimetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/runtime"
)

// Hostile runs the handlers in testdata/hostile, which try to use more than their
// budget: 100 ms of CPU, 48 MiB, and so much time that a busy machine is no reason
// to run out of it. They have to end, by themselves or with the code of the budget;
// that they do is what the test's own time limit checks. Those that don't say what
// they want may end in any way, so long as they end.
func Hostile(t *testing.T, engine runtime.Engine) {
	r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine},
		Limits: runtime.Limits{CPU: 100 * time.Millisecond, Memory: 48 << 20}})
	memory := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine},
		Limits: runtime.Limits{CPU: 2 * time.Minute, Memory: 48 << 20}})
	for i, h := range scripts(t, "testdata/hostile", engine) {
		t.Run(h.name, func(t *testing.T) {
			if testing.Short() && i%8 != 0 {
				t.Skip("SKIPPED under -short: every eighth is run; what ends one is the same for all")
			}
			rt := r
			if h.want == runtime.CodeMemory {
				rt = memory
			}
			err := runOnce(t, rt, h.src)
			e, ok := errors.AsType[*runtime.Error](err)
			switch {
			case err != nil && !ok:
				t.Fatalf("error %v of type %T", err, err)
			case ok && e.Code == runtime.CodeInternal:
				t.Errorf("the engine failed: %v", e)
			case ok && e.Code == runtime.CodeWall:
				t.Errorf("only the deadline stopped it: %v", e)
			case h.want != "" && (e == nil || e.Code != h.want),
				h.want == "" && ok && (e.Code == runtime.CodeUnsupported || e.Code == runtime.CodeSyntax):
				t.Errorf("got %v, want %s", err, h.want)
			}
		})
	}
}

// Lateness measures how long after the end of its wall budget each hostile
// handler ends that the engine can load. It reports how many there are, how many
// are later than 100 ms, and how late the last one is.
func Lateness(b *testing.B, engine runtime.Engine) {
	const wall = 300 * time.Millisecond
	r := newRuntime(b, runtime.Options{Engines: []runtime.Engine{engine}})
	for b.Loop() {
		programs, late, latest := 0, 0, time.Duration(0)
		for _, h := range scripts(b, "testdata/hostile", engine) {
			p, err := Load(r, map[string]string{runtime.DefaultMain: h.src}, testHost())
			if err != nil {
				continue // it ends before it runs
			}
			ctx, cancel := context.WithTimeout(b.Context(), wall)
			start := time.Now()
			_, err = p.Run(ctx, &runtime.Request{Method: "GET", Path: "/api"})
			by := time.Since(start) - wall
			cancel()
			p.Close()
			programs++
			latest = max(latest, by)
			if by > 100*time.Millisecond {
				late++
				b.Logf("%v late: %s: %v", by.Round(time.Millisecond), h.name, err)
			}
		}
		b.ReportMetric(float64(programs), "programs")
		b.ReportMetric(float64(late), "later-than-100ms")
		b.ReportMetric(float64(latest.Milliseconds()), "ms-late-at-most")
	}
}

func runOnce(t *testing.T, r *runtime.Runtime, src string) error {
	p, err := Load(r, map[string]string{runtime.DefaultMain: src}, testHost())
	if err != nil {
		return err
	}
	defer p.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	_, err = p.Run(ctx, &runtime.Request{Method: "GET", Path: "/api"})
	return err
}
