package runtime_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/runtime"
)

// A brief call keeps the slot, but while it waits, and gives it back where a
// checkpoint says so. A run that is over in one gives it back, too.
func TestBrief(t *testing.T) {
	for _, c := range []struct {
		name, src string
		entered   int
	}{
		{"quick", `host.look(); host.look(); host.look()`, 1},
		{"beside others", `host.look(); host.wait(); host.look()`, 2},
		{"error", `try { host.fail() } catch (e) {} host.look()`, 1},
		{"stop", `host.stop()`, 1},
		{"panic", `host.panic()`, 1},
		{"endless", `host.look(); for (;;) ;`, 1},
		{"blocking", `if (host.block() !== 'done') throw 1; host.look()`, 2},
		{"blocking twice", `host.block(); host.block()`, 3},
		{"blocking error", `try { host.blockFail() } catch (e) { if (e.message !== 'x') throw 1 } host.look()`, 2},
		{"blocking without a slot", `host.waitBlocking(); host.look()`, 2},
		{"checkpoints", `host.compute(); host.look()`, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &gate{yield: c.name == "checkpoints"}
			r := newRuntime(t, runtime.Options{Gate: g, Limits: runtime.Limits{CPU: time.Second / 2}})
			fail := func(err error) runtime.Brief {
				return func(context.Context, runtime.Args) (runtime.Value, error) { return runtime.Value{}, err }
			}
			holds := func(want int) {
				if held, _ := g.state(); held != want {
					t.Errorf("%d slots are held, want %d", held, want)
				}
			}
			block := func(result error) runtime.Func {
				return func(ctx context.Context, _ runtime.Args) (runtime.Value, error) {
					err := runtime.Blocking(ctx, func() error { holds(0); return result })
					return runtime.String("done"), err
				}
			}
			p := load(t, r, c.src, map[string]any{
				"host.look": runtime.Brief(func(context.Context, runtime.Args) (runtime.Value, error) {
					holds(1)
					return runtime.Value{}, nil
				}),
				"host.compute": runtime.Brief(func(ctx context.Context, _ runtime.Args) (runtime.Value, error) {
					for entered := 1; entered == 1; _, entered = g.state() {
						if err := runtime.Checkpoint(ctx); err != nil {
							return runtime.Value{}, err
						}
						holds(1)
					}
					return runtime.Value{}, nil
				}),
				"host.wait":         runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) { return runtime.Value{}, nil }),
				"host.fail":         fail(errors.New("x")),
				"host.block":        runtime.Brief(block(nil)),
				"host.blockFail":    runtime.Brief(block(errors.New("x"))),
				"host.waitBlocking": block(nil),
				"host.stop":         fail(&runtime.Stop{Response: runtime.Response{Status: 302}}),
				"host.panic":        runtime.Brief(func(context.Context, runtime.Args) (runtime.Value, error) { panic("x") }),
			})
			g.begin(0) // to load it took a slot, too
			if _, err := p.Run(t.Context(), &runtime.Request{}); err != nil && c.name != "panic" && c.name != "endless" {
				t.Error(err)
			}
			held, entered := g.state()
			if c.name == "checkpoints" {
				entered = min(entered, c.entered) // it may have yielded more than once
			}
			if held != 0 || entered != c.entered || g.runs != 0 {
				t.Errorf("%d slots held, %d entered and %d runs not done; want 0, %d and 0", held, entered, g.runs, c.entered)
			}
		})
	}
}

// TestBriefIsCPUTime has a call that computes until it is told to end, which no
// JavaScript can prevent.
func TestBriefIsCPUTime(t *testing.T) {
	r := newRuntime(t, runtime.Options{Limits: runtime.Limits{CPU: 50 * time.Millisecond}})
	var computed time.Duration
	var ended error
	p := load(t, r, `host.compute(10); try { host.compute(1e9) } catch (e) { } 'went on'`, map[string]any{
		"host.compute": runtime.Brief(func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
			most, err := args.Number(0)
			began := time.Now()
			defer func() { computed += time.Since(began) }()
			for err == nil && time.Since(began) < time.Duration(most)*time.Millisecond {
				err = runtime.Checkpoint(ctx)
			}
			ended = err
			return runtime.Value{}, err
		}),
	})
	result, err := p.Run(t.Context(), &runtime.Request{})
	message := ""
	if e, ok := errors.AsType[*runtime.Error](err); !ok || e.Code != runtime.CodeCPU {
		t.Errorf("got %q, %v; want %s", result.Response.Body, err, runtime.CodeCPU)
	} else {
		message = e.Message
	}
	if call, ok := errors.AsType[*runtime.Error](ended); !ok || call.Message != message {
		t.Errorf("the call ended with %v, the run with %v", ended, err)
	}
	if result.CPU < computed {
		t.Errorf("calls took %v, but the run only %v", computed, result.CPU)
	}
}

// TestCharge has something else compute for a call that waits: it is the run's time and the
// pass's, and not idle.
func TestCharge(t *testing.T) {
	g := &gate{}
	r := newRuntime(t, runtime.Options{Gate: g, Limits: runtime.Limits{CPU: time.Minute}})
	p := load(t, r, `for (var i = 0; i < request.query.n; i++) host.write(); 'went on'`, map[string]any{
		"host.write": runtime.Brief(func(ctx context.Context, _ runtime.Args) (runtime.Value, error) {
			err := runtime.Blocking(ctx, func() error { return nil })
			runtime.Charge(ctx, 25*time.Second)
			return runtime.Value{}, err
		}),
	})
	run := func(n string) (*runtime.Result, error) {
		return p.Run(t.Context(), &runtime.Request{Query: map[string][]string{"n": {n}}})
	}
	result, err := run("2")
	if err != nil || result.CPU < 50*time.Second || g.charged != 50*time.Second || g.idle >= 25*time.Second {
		t.Errorf("%v of CPU time, the pass has %v, and %v idle: %v", result.CPU, g.charged, g.idle, err)
	}
	_, err = run("1e9")
	if e, ok := errors.AsType[*runtime.Error](err); !ok || e.Code != runtime.CodeCPU {
		t.Errorf("a run that is charged for ever: %v", err)
	}
}

func TestHold(t *testing.T) {
	r := newRuntime(t, runtime.Options{Limits: runtime.Limits{Memory: 1 << 20}})
	p := load(t, r, `
		try { for (var i = 0; i < request.query.n; i++) host.hold(); } catch (e) { }
		'went on'`, map[string]any{
		"host.hold": runtime.Brief(func(ctx context.Context, _ runtime.Args) (runtime.Value, error) {
			return runtime.Value{}, runtime.Hold(ctx, 300<<10)
		}),
	})
	for n, want := range map[string]string{"3": "", "4": runtime.CodeMemory} {
		result, err := p.Run(t.Context(), &runtime.Request{Query: map[string][]string{"n": {n}}})
		code := ""
		if e, ok := errors.AsType[*runtime.Error](err); ok {
			code = e.Code
		}
		if code != want {
			t.Errorf("%s times 300 KiB of 1 MiB: %q, %v; want code %q", n, result.Response.Body, err, want)
		}
	}
}

func TestOutsideOfARun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	runtime.Charge(ctx, time.Hour)
	if runtime.Contended(ctx) {
		t.Error("somebody waits for no slot")
	}
	if err := errors.Join(runtime.Checkpoint(ctx), runtime.Hold(ctx, 1<<40)); err != nil {
		t.Error(err)
	}
	waited := errors.New("waited")
	if err := runtime.Blocking(ctx, func() error { return waited }); err != waited {
		t.Errorf("Blocking: %v", err)
	}
	if cancel(); runtime.Checkpoint(ctx) != context.Canceled {
		t.Error("the end of the context isn't seen")
	}
}
