package runtime_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/runtime"
)

// A brief call keeps the slot, and a run that is over in one gives it back. One
// that isn't brief after all loses the slot, and the run takes another.
func TestBrief(t *testing.T) {
	for _, c := range []struct {
		name, src string
		entered   int
	}{
		{"quick", `host.look(); host.look(); host.look()`, 1},
		{"beside others", `host.look(); host.wait(); host.look()`, 2},
		{"slow", `host.block(); host.look()`, 2},
		{"slow twice", `host.block(); host.block()`, 3},
		{"error", `try { host.fail() } catch (e) {} host.look()`, 1},
		{"stop", `host.stop()`, 1},
		{"panic", `host.panic()`, 1},
		{"endless", `host.look(); for (;;) ;`, 1},
		{"blocking", `if (host.later() !== 'done') throw 1; host.look()`, 2},
		{"blocking error", `try { host.laterFail() } catch (e) { if (e.message !== 'x') throw 1 } host.look()`, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &gate{}
			r := newRuntime(t, runtime.Options{Gate: g, Limits: runtime.Limits{CPU: time.Second / 2}})
			fail := func(err error) runtime.Brief {
				return func(context.Context, runtime.Args) (runtime.Value, error) { return runtime.Value{}, err }
			}
			p := load(t, r, c.src, map[string]any{
				"host.look": runtime.Brief(func(context.Context, runtime.Args) (runtime.Value, error) {
					if held, _ := g.state(); held != 1 {
						t.Error("the slot isn't held during a brief call")
					}
					return runtime.Value{}, nil
				}),
				"host.block": runtime.Brief(func(ctx context.Context, _ runtime.Args) (runtime.Value, error) {
					for held := 1; held != 0 && ctx.Err() == nil; time.Sleep(time.Millisecond) {
						held, _ = g.state()
					}
					return runtime.Value{}, nil
				}),
				"host.wait": runtime.Func(func(context.Context, runtime.Args) (runtime.Value, error) { return runtime.Value{}, nil }),
				"host.fail": fail(errors.New("x")),
				"host.later": fail(runtime.Blocking(func() (runtime.Value, error) {
					if held, _ := g.state(); held != 0 {
						t.Error("the slot is held while a call waits")
					}
					return runtime.String("done"), nil
				})),
				"host.laterFail": fail(runtime.Blocking(func() (runtime.Value, error) { return runtime.Value{}, errors.New("x") })),
				"host.stop":      fail(&runtime.Stop{Response: runtime.Response{Status: 302}}),
				"host.panic":     runtime.Brief(func(context.Context, runtime.Args) (runtime.Value, error) { panic("x") }),
			})
			if _, err := p.Run(t.Context(), &runtime.Request{}); err != nil && c.name != "panic" && c.name != "endless" {
				t.Error(err)
			}
			if held, entered := g.state(); held != 0 || entered != c.entered || g.runs != 0 {
				t.Errorf("%d slots held, %d entered and %d runs not done; want 0, %d and 0", held, entered, g.runs, c.entered)
			}
		})
	}
}
