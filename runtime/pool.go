package runtime

import (
	"container/list"
	"slices"
	"sync"
	"time"
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
// without a run for the longest loses one. And a program that once had many runs
// at a time loses half of the VMs that it has not needed for trimInterval.
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

	spare   int   // how many VMs there were at least since it was trimmed
	trimmed int64 // when, on the watcher's clock
}

const trimInterval = 5 * time.Second

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

// give keeps a VM for the program's next run. now is by the watcher's clock, and
// may be a little late.
func (p *pool) give(program *Program, w *worker, now int64) {
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
	if now-program.idle.trimmed > int64(trimInterval) {
		p.trim(program, now)
	}
}

// trim drops half of the VMs that have lain unused at the bottom.
func (p *pool) trim(program *Program, now int64) {
	i := &program.idle
	n := (i.spare + 1) / 2
	for _, w := range i.vms[:n] {
		w.retire()
	}
	i.vms = slices.Delete(i.vms, 0, n)
	p.size -= n
	i.spare, i.trimmed = len(i.vms), now
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
	program.idle.spare = min(program.idle.spare, n)
	p.size--
	return w
}
