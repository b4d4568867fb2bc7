package runtime

import (
	"container/list"
	"sync"
)

// worker is a VM with the goroutine that its runs share: stopping a run ends the
// goroutine, and a goroutine that lasts keeps the stack that interpreters need,
// which would else be grown, and copied, for every request.
type worker struct {
	vm   VM
	runs chan *Exec // nil until the first run; closed at the end
}

// run runs x to its end. By then the worker is back in the pool, or retired.
func (w *worker) run(x *Exec) {
	if w.runs == nil {
		w.runs = make(chan *Exec)
		go w.serve()
	}
	w.runs <- x
	<-x.ended
}

func (w *worker) serve() {
	reserveStack(len(w.runs))
	for x := range w.runs {
		x.main(w)
	}
}

// retire ends the goroutine, if there is one.
func (w *worker) retire() {
	if w.runs != nil {
		close(w.runs)
	}
}

// pool keeps the VMs that no run uses. Beyond the most, the program that has gone
// without a run for the longest loses one.
type pool struct {
	most     int
	mu       sync.Mutex
	programs list.List // of *Program that had idle VMs, the last used first; a program in use may have none
	size     int       // VMs, of all programs
}

// idle is a program's part of the pool, guarded by pool.mu.
type idle struct {
	vms    []*worker
	place  *list.Element // in pool.programs; nil before the first VM
	closed bool
}

// take returns an idle VM of the program, or nil.
func (p *pool) take(program *Program) *worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(program.idle.vms) == 0 {
		return nil
	}
	p.programs.MoveToFront(program.idle.place)
	return p.pop(program)
}

// give keeps a VM for the program's next run.
func (p *pool) give(program *Program, w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if program.idle.closed {
		w.retire()
		return
	}
	if program.idle.place == nil {
		program.idle.place = p.programs.PushFront(program)
	} else {
		p.programs.MoveToFront(program.idle.place)
	}
	program.idle.vms = append(program.idle.vms, w)
	if p.size++; p.size > p.most {
		p.evict()
	}
}

// evict drops a VM of the program that has gone without a run for the longest.
func (p *pool) evict() {
	for {
		last := p.programs.Back().Value.(*Program)
		if len(last.idle.vms) > 0 {
			p.pop(last).retire()
			return
		}
		p.forget(last)
	}
}

// forget takes a program out of the list.
func (p *pool) forget(program *Program) {
	if program.idle.place != nil {
		p.programs.Remove(program.idle.place)
		program.idle.place, program.idle.vms = nil, nil
	}
}

// close drops the program's VMs, and those that are given back later.
func (p *pool) close(program *Program) {
	p.mu.Lock()
	defer p.mu.Unlock()
	program.idle.closed = true
	for len(program.idle.vms) > 0 {
		p.pop(program).retire()
	}
	p.forget(program)
}

// pop removes the VM that was given last, whose memory is the likeliest to be
// in the processor's cache.
func (p *pool) pop(program *Program) *worker {
	n := len(program.idle.vms) - 1
	w := program.idle.vms[n]
	program.idle.vms[n] = nil
	program.idle.vms = program.idle.vms[:n]
	p.size--
	return w
}
