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

// pool keeps the VMs that no run uses. The handler that has gone without a run for the
// longest loses one for each beyond the most, all where more handlers than a quarter of
// the most have some, and one for each that is made for another, see makeRoom. And each
// trimInterval each handler loses half of the VMs that it has not needed in it, or all if
// it had no run, but for the last one of the restingHandlers that were used last.
type pool struct {
	most     int
	mu       sync.Mutex
	handlers list.List   // of *Handler that had idle VMs, the last used first; one in use may have none
	size     int         // VMs, of all handlers
	trimming *time.Timer // calls trim, while there may be something for it; else nil
}

// idle is a handler's part of the pool, guarded by pool.mu.
type idle struct {
	vms    []*worker
	place  *list.Element // in pool.handlers; nil before the first VM
	used   time.Time     // when the last VM was given back
	closed bool
	spare  int // how many VMs there were at least since it was trimmed
}

const (
	trimInterval = 5 * time.Second
	// restsAfter is how long a handler goes without a run before what others need comes
	// first.
	restsAfter = time.Second
	// restingHandlers is how many handlers keep a VM for their next visitor, who would
	// wait 7 ms for it with otto. Each takes 0.8 MB there.
	restingHandlers = 8
)

// take returns an idle VM of the handler, or nil if one is to be made.
func (p *pool) take(h *Handler) *worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(h.idle.vms) == 0 {
		p.makeRoom()
		return nil
	}
	p.handlers.MoveToFront(h.idle.place)
	return p.pop(h)
}

// give keeps a VM for the handler's next run.
func (p *pool) give(h *Handler, w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.idle.closed {
		w.retire()
		return
	}
	if h.idle.place == nil {
		h.idle.place = p.handlers.PushFront(h)
	} else {
		p.handlers.MoveToFront(h.idle.place)
	}
	h.idle.vms = append(h.idle.vms, w)
	h.idle.used = time.Now()
	if p.size++; p.size > p.most {
		p.evict()
	}
	if p.handlers.Len() > p.part() {
		p.drop(p.handlers.Back().Value.(*Handler))
	}
	if p.trimming == nil && (len(h.idle.vms) > 1 || p.handlers.Len() > restingHandlers) {
		p.trimming = time.AfterFunc(trimInterval, p.trim)
	}
}

// trim drops VMs that have lain unused at the bottom, of all handlers.
func (p *pool) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trimming = nil
	now := time.Now()
	resting := 0
	var next *list.Element
	for e := p.handlers.Front(); e != nil; e = next {
		next = e.Next() // of e there is none when it is taken out
		h := e.Value.(*Handler)
		i := &h.idle
		keep := 0
		if len(i.vms) > 0 && resting < restingHandlers {
			keep = 1
			resting++
		}
		n := (i.spare + 1) / 2
		if now.Sub(i.used) >= trimInterval {
			n = len(i.vms)
		}
		n = max(0, min(n, len(i.vms)-keep))
		for _, w := range i.vms[:n] {
			w.retire()
		}
		i.vms = slices.Delete(i.vms, 0, n)
		p.size -= n
		if i.spare = len(i.vms); i.spare > keep && p.trimming == nil {
			p.trimming = time.AfterFunc(trimInterval, p.trim)
		}
		if len(i.vms) == 0 {
			p.forget(h) // makeRoom would walk over all that there have ever been
		}
	}
}

// part is a quarter of the most, or restingHandlers: how many handlers have VMs, so that
// thousands that are visited once don't keep one each; and up to how many VMs may rest
// where another handler needs some, as apps that are used in turn would make each other's
// go at every turn.
func (p *pool) part() int { return max(restingHandlers, p.most/4) }

// makeRoom drops a VM for one that is about to be made, if there are more than p.part
// and a handler has gone without a run for restsAfter and has more than one.
func (p *pool) makeRoom() {
	if p.size <= p.part() {
		return
	}
	now := time.Now()
	for e := p.handlers.Back(); e != nil; e = e.Prev() {
		h := e.Value.(*Handler)
		if now.Sub(h.idle.used) < restsAfter {
			return
		}
		if len(h.idle.vms) > 1 {
			p.pop(h).retire()
			return
		}
	}
}

// evict drops a VM of the handler that has gone without a run for the longest.
func (p *pool) evict() {
	for {
		last := p.handlers.Back().Value.(*Handler)
		if len(last.idle.vms) > 0 {
			p.pop(last).retire()
			return
		}
		p.forget(last)
	}
}

// forget takes a handler out of the list.
func (p *pool) forget(h *Handler) {
	if h.idle.place != nil {
		p.handlers.Remove(h.idle.place)
		h.idle.place, h.idle.vms = nil, nil
	}
}

// drop drops the handler's VMs.
func (p *pool) drop(h *Handler) {
	for len(h.idle.vms) > 0 {
		p.pop(h).retire()
	}
	p.forget(h)
}

// close drops the handler's VMs, and those that are given back later.
func (p *pool) close(h *Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h.idle.closed = true
	p.drop(h)
}

// pop removes the VM that was given last, whose memory is the likeliest to be
// in the processor's cache.
func (p *pool) pop(h *Handler) *worker {
	n := len(h.idle.vms) - 1
	w := h.idle.vms[n]
	h.idle.vms[n] = nil
	h.idle.vms = h.idle.vms[:n]
	h.idle.spare = min(h.idle.spare, n)
	p.size--
	return w
}
