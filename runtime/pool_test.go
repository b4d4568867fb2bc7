package runtime_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/runtime/runtimetest"
)

// countingEngine makes VMs that meet at a barrier before they answer.
type countingEngine struct {
	made    atomic.Int64
	barrier atomic.Pointer[sync.WaitGroup]
}

func (*countingEngine) Name() string                                   { return "counting" }
func (e *countingEngine) Compile(runtime.Unit) (runtime.Script, error) { return e, nil }
func (e *countingEngine) Reset() bool                                  { return true }

func (e *countingEngine) NewVM(*runtime.Host) (runtime.VM, error) {
	e.made.Add(1)
	return e, nil
}

func (e *countingEngine) Run(*runtime.Exec) (runtime.Response, error) {
	if b := e.barrier.Load(); b != nil {
		b.Done()
		b.Wait()
	}
	return runtime.Response{Status: 200}, nil
}

// counting is a runtime with such an engine.
func counting(t *testing.T) (*countingEngine, *runtime.Runtime) {
	t.Helper()
	engine := &countingEngine{}
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{engine}})
	if err != nil {
		t.Fatal(err)
	}
	return engine, r
}

// run has n runs of p at once and returns how many VMs were made for them.
func (e *countingEngine) run(t *testing.T, p *runtime.Handler, n int) int64 {
	before := e.made.Load()
	barrier := &sync.WaitGroup{}
	barrier.Add(n)
	e.barrier.Store(barrier)
	var runs sync.WaitGroup
	for range n {
		runs.Go(func() {
			if _, err := p.Run(t.Context(), &runtime.Request{}); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	e.barrier.Store(nil)
	return e.made.Load() - before
}

func programOf(t *testing.T, r *runtime.Runtime) *runtime.Handler {
	p, err := runtimetest.Load(r, map[string]string{"api/main.js": ""}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// handlers makes n handlers, each of which has so many runs at once.
func (e *countingEngine) handlers(t *testing.T, r *runtime.Runtime, n, runs int) []*runtime.Handler {
	t.Helper()
	var list []*runtime.Handler
	for range n {
		h := programOf(t, r)
		e.run(t, h, runs)
		list = append(list, h)
	}
	return list
}

// closeAll closes handlers, and waits for what trims the pool and outlives the last run.
func closeAll(handlers ...*runtime.Handler) {
	for _, h := range handlers {
		h.Close()
	}
	time.Sleep(time.Minute)
}

func TestPoolIsSharedByPrograms(t *testing.T) {
	engine, r := counting(t)
	program := func() *runtime.Handler { return programOf(t, r) }
	run := func(p *runtime.Handler, n int) int64 { return engine.run(t, p, n) }
	busy, other := program(), program()
	run(busy, 64)
	if made := run(busy, 64); made != 0 {
		t.Errorf("the second 64 runs made %d VMs; want the first ones' again", made)
	}
	run(other, runtime.DefaultIdle-60)
	if made := run(busy, 64); made < 1 || made > 4 {
		t.Errorf("after the VMs of another program, 64 runs made %d; want as many as were dropped for them", made)
	}
	busy.Close()
	if made := run(busy, 3); made != 3 {
		t.Errorf("a closed program made %d VMs for 3 runs; want no pooling", made)
	}
}

// TestPoolIsTrimmed of what one rush has left, and of nothing that is in use.
func TestPoolIsTrimmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, r := counting(t)
		p := programOf(t, r)
		engine.run(t, p, 16)
		for range 60 {
			time.Sleep(time.Second)
			if made := engine.run(t, p, 4); made != 0 {
				t.Fatalf("4 runs at a time made %d VMs", made)
			}
		}
		if made := engine.run(t, p, 16); made != 12 {
			t.Errorf("16 runs after a minute of 4 made %d VMs, want 12", made)
		}
		p.Close()
		time.Sleep(time.Second) // the watcher outlives the last run
	})
}

// TestPoolRests: what a rush has left goes without further runs, but for one VM a
// handler, whose next visitor is not to wait for another.
func TestPoolRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, r := counting(t)
		handlers := engine.handlers(t, r, 3, 16)
		time.Sleep(time.Minute)
		for i, h := range handlers {
			if made := engine.run(t, h, 16); made != 15 {
				t.Errorf("handler %d: 16 runs after a minute of rest made %d VMs, want 15", i, made)
			}
		}
		closeAll(handlers...)
	})
}

// TestPoolMakesRoom: where many VMs are kept, a handler that rests loses one for each that
// another needs.
func TestPoolMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, r := counting(t)
		before, after := programOf(t, r), programOf(t, r)
		engine.run(t, before, 64)
		engine.run(t, after, 8)
		if got := engine.run(t, before, 64); got != 0 {
			t.Errorf("of 64 VMs that were used a moment ago %d were dropped for others, want 0", got)
		}
		time.Sleep(2 * time.Second)
		engine.run(t, after, 20)
		if got := engine.run(t, before, 64); got != 12 {
			t.Errorf("of 64 VMs that rested, %d were dropped for 12 others", got)
		}
		closeAll(before, after)
	})
}

// TestPoolInTurn: handlers that are used in turn don't take each other's few VMs.
func TestPoolInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, r := counting(t)
		a, b := programOf(t, r), programOf(t, r)
		for turn := range 10 {
			for _, h := range []*runtime.Handler{a, b} {
				if made := engine.run(t, h, 16); turn > 0 && made != 0 {
					t.Errorf("turn %d: 16 runs made %d VMs, want those of the turn before again", turn, made)
				}
				time.Sleep(2 * time.Second)
			}
		}
		closeAll(a, b)
	})
}

// TestPoolOfVisitedOnce: handlers that are visited once, one after the other, don't keep a
// VM each.
func TestPoolOfVisitedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, r := counting(t)
		handlers := engine.handlers(t, r, 2*runtime.DefaultIdle, 1)
		if n := runtime.Listed(r); n != runtime.DefaultIdle/4 {
			t.Errorf("%d handlers have a VM, want a quarter of %d", n, runtime.DefaultIdle)
		}
		closeAll(handlers...)
	})
}

// TestPoolRestsOfMany: of many handlers those that were used last keep one, and the
// pool walks over no others.
func TestPoolRestsOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, r := counting(t)
		handlers := engine.handlers(t, r, 20, 2)
		time.Sleep(time.Minute)
		if n := runtime.Listed(r); n != 8 {
			t.Errorf("after a minute of rest the pool lists %d handlers, want 8", n)
		}
		made := int64(0)
		for _, h := range slices.Backward(handlers) {
			made += engine.run(t, h, 1)
		}
		if made != 12 {
			t.Errorf("20 runs after a minute of rest made %d VMs, want 12", made)
		}
		closeAll(handlers...)
	})
}

// ownedEngine makes VMs that tell when two runs have one, or two handlers.
type ownedEngine struct{ countingEngine }

func (e *ownedEngine) Compile(runtime.Unit) (runtime.Script, error) { return e, nil }
func (*ownedEngine) NewVM(h *runtime.Host) (runtime.VM, error)      { return &ownedVM{}, nil }

type ownedVM struct {
	busy  atomic.Bool
	owner string
}

func (v *ownedVM) Run(x *runtime.Exec) (runtime.Response, error) {
	if v.busy.Swap(true) {
		return runtime.Response{}, errors.New("two runs have the VM")
	}
	defer v.busy.Store(false)
	if v.owner == "" {
		v.owner = x.Request.ID
	}
	if v.owner != x.Request.ID {
		return runtime.Response{}, errors.New("two handlers have the VM")
	}
	time.Sleep(rand.N(3*time.Second) / time.Duration(1+rand.N(1000)))
	return runtime.Response{Status: 200}, nil
}

func (v *ownedVM) Reset() bool { return rand.N(10) > 0 }

// TestPoolOwners: no VM has two runs at once, nor runs of two handlers, whatever is dropped
// and closed meanwhile; and all goroutines end.
func TestPoolOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{&ownedEngine{}}, Idle: 12})
		if err != nil {
			t.Fatal(err)
		}
		var handlers []*runtime.Handler
		for range 20 {
			handlers = append(handlers, programOf(t, r))
		}
		closed := make([]atomic.Bool, len(handlers))
		var all sync.WaitGroup
		for range 24 {
			all.Go(func() {
				for n := range 200 {
					i := rand.N(len(handlers))
					if rand.N(4) > 0 {
						i /= 5 // some are in use more than others
					}
					if _, err := handlers[i].Run(t.Context(), &runtime.Request{ID: strconv.Itoa(i)}); err != nil {
						t.Error(err)
					}
					if n%50 == 49 {
						time.Sleep(rand.N(8 * time.Second)) // the pool is trimmed
					}
					if n > 150 && rand.N(50) == 0 && !closed[i].Swap(true) {
						handlers[i].Close() // others go on with it
					}
				}
			})
		}
		all.Wait()
		for i, h := range handlers {
			if !closed[i].Load() {
				h.Close()
			}
		}
		time.Sleep(time.Minute)
		if n := runtime.Listed(r); n != 0 {
			t.Errorf("the pool lists %d handlers that are closed", n)
		}
	})
}

// brokenEngine makes no VMs: it panics, or gives an error.
type brokenEngine struct {
	countingEngine
	err error
}

func (e *brokenEngine) Compile(runtime.Unit) (runtime.Script, error) { return e, nil }

func (e *brokenEngine) NewVM(*runtime.Host) (runtime.VM, error) {
	if e.err == nil {
		panic("no VM")
	}
	return nil, e.err
}

// TestNoVM: a run whose VM can't be made gives its slot back.
func TestNoVM(t *testing.T) {
	for name, err := range map[string]error{"panic": nil, "error": errors.New("no VM")} {
		t.Run(name, func(t *testing.T) {
			g := &gate{}
			r, newErr := runtime.New(runtime.Options{Engines: []runtime.Engine{&brokenEngine{err: err}}, Gate: g})
			if newErr != nil {
				t.Fatal(newErr)
			}
			_, got := programOf(t, r).Run(t.Context(), &runtime.Request{})
			e, ok := errors.AsType[*runtime.Error](got)
			if !ok || e.Code != runtime.CodeInternal || !strings.Contains(e.Message, "no VM") {
				t.Errorf("the error is %v", got)
			}
			if held, _ := g.state(); held != 0 || g.runs != 0 {
				t.Errorf("%d slots are held, by %d runs", held, g.runs)
			}
		})
	}
}
