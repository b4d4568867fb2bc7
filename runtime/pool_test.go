package runtime_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt/runtime"
)

// countingEngine makes VMs that meet at a barrier before they answer.
type countingEngine struct {
	made    atomic.Int64
	barrier atomic.Pointer[sync.WaitGroup]
}

func (*countingEngine) Name() string                                   { return "counting" }
func (e *countingEngine) Compile(runtime.Unit) (runtime.Script, error) { return e, nil }
func (e *countingEngine) Reset() bool                                  { return true }

func (e *countingEngine) NewVM() (runtime.VM, error) {
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

func TestPoolIsSharedByPrograms(t *testing.T) {
	engine := &countingEngine{}
	r, err := runtime.New(runtime.Options{Engines: []runtime.Engine{engine}})
	if err != nil {
		t.Fatal(err)
	}
	program := func() *runtime.Program {
		p, err := r.Load(runtime.Source{Files: map[string]string{"api/main.js": ""}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	// run has n runs of p at once and returns how many VMs were made for them.
	run := func(p *runtime.Program, n int) int64 {
		before := engine.made.Load()
		barrier := &sync.WaitGroup{}
		barrier.Add(n)
		engine.barrier.Store(barrier)
		var runs sync.WaitGroup
		for range n {
			runs.Go(func() {
				if _, err := p.Run(t.Context(), &runtime.Request{}); err != nil {
					t.Error(err)
				}
			})
		}
		runs.Wait()
		engine.barrier.Store(nil)
		return engine.made.Load() - before
	}
	busy, other := program(), program()
	run(busy, 64)
	if made := run(busy, 64); made != 0 {
		t.Errorf("the second 64 runs made %d VMs; want the first ones' again", made)
	}
	run(other, 10)
	if made := run(busy, 64); made < 1 || made > 10 {
		t.Errorf("after 10 VMs of another program, 64 runs made %d; want as many as were dropped for them", made)
	}
	busy.Close()
	if made := run(busy, 3); made != 3 {
		t.Errorf("a closed program made %d VMs for 3 runs; want no pooling", made)
	}
}
