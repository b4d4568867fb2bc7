package runtime_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/runtime"
)

// slowEngine compiles for as long as it may.
type slowEngine struct {
	begun chan struct{} // gets an element when it begins
	until func() bool   // when it is done; nil: never
}

func (slowEngine) Name() string { return "slow" }

func (e slowEngine) Compile(unit runtime.Unit) (runtime.Script, error) {
	e.begun <- struct{}{}
	for e.until == nil || !e.until() {
		if err := unit.Check(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// notedGate admits all, wants each to give way once, and notes what they do.
type notedGate struct {
	mu    sync.Mutex
	steps []string
	full  error
}

func (g *notedGate) note(step string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.steps = append(g.steps, step)
}

func (g *notedGate) has(step string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Contains(g.steps, step)
}

func (g *notedGate) Enter(context.Context) (runtime.Pass, error) {
	g.note("enter")
	return &notedPass{g}, g.full
}

type notedPass struct{ gate *notedGate }

func (p *notedPass) Leave()                       { p.gate.note("leave") }
func (p *notedPass) Idle(time.Duration)           {}
func (p *notedPass) Charge(time.Duration)         {}
func (p *notedPass) Resume(context.Context) error { p.gate.note("resume"); return nil }
func (p *notedPass) Yield() bool                  { return !p.gate.has("leave") }
func (p *notedPass) Done()                        { p.gate.note("done") }

var anySource = runtime.Source{Files: map[string]string{"api/main.js": "1"}}

// A load takes a slot like a run, and gives way to others.
func TestLoadIsAdmitted(t *testing.T) {
	gate := &notedGate{}
	engine := slowEngine{begun: make(chan struct{}, 1), until: func() bool { return gate.has("resume") }}
	r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine}, Gate: gate})
	if _, err := r.Load(t.Context(), anySource); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"enter", "leave", "resume", "done"}, gate.steps); diff != "" {
		t.Error(diff)
	}
	gate.full = errors.New("full")
	if _, err := r.Load(t.Context(), anySource); !errors.Is(err, gate.full) {
		t.Errorf("got %v", err)
	}
}

// A load ends when nobody waits for it any more.
func TestLoadEndsWithItsContext(t *testing.T) {
	engine := slowEngine{begun: make(chan struct{})}
	r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-engine.begun
		cancel()
	}()
	if _, err := r.Load(ctx, anySource); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A load ends at its limit, and says so.
func TestLoadLimit(t *testing.T) {
	engine := slowEngine{begun: make(chan struct{}, 1)}
	r := newRuntime(t, runtime.Options{Engines: []runtime.Engine{engine}, Limits: runtime.Limits{Load: time.Millisecond}})
	_, err := r.Load(t.Context(), anySource)
	e, ok := errors.AsType[*runtime.Error](err)
	if !ok || e.Code != runtime.CodeWall || e.Allowed != "1ms" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
