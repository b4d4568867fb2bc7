package runtime

import (
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// watchInterval is how late a budget may be noticed.
const watchInterval = 5 * time.Millisecond

// watcher ends the runs that exceed a budget. One goroutine looks at all runs
// every few milliseconds, and only while there are any: that costs a run no
// timer, no context.AfterFunc and no allocation.
//
// Memory is estimated, as Go doesn't tell who allocated. The growth of the heap
// between two looks is ascribed in equal parts to the runs on a slot. When the
// heap has grown past a run's limit, those runs are held at their next
// checkpoint, garbage is collected, and if what is left is still past it, the
// run with the largest share is stopped. One at a time: its memory has to be
// freed before another is judged.
type watcher struct {
	epoch time.Time

	mu      sync.Mutex
	active  map[*Exec]struct{}
	running bool
	heap    heapSample
	last    *Exec // stopped for its memory and perhaps not gone yet
	metrics [3]metrics.Sample
}

type heapSample struct {
	used uint64 // objects, garbage too, and stacks
	live uint64 // what the last collection found, and stacks
}

func newWatcher() *watcher {
	w := &watcher{epoch: time.Now(), active: make(map[*Exec]struct{})}
	w.metrics[0].Name = "/memory/classes/heap/objects:bytes"
	w.metrics[1].Name = "/memory/classes/heap/stacks:bytes"
	w.metrics[2].Name = "/gc/heap/live:bytes"
	return w
}

// now is a monotonic time that is never 0.
func (w *watcher) now() int64 { return int64(time.Since(w.epoch)) + 1 }

func (w *watcher) add(x *Exec) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		w.running = true
		w.heap = w.sample()
		go w.loop()
	}
	x.base = w.heap
	w.active[x] = struct{}{}
}

func (w *watcher) remove(x *Exec) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.active, x)
}

// await blocks while the watcher looks.
func (w *watcher) await() {
	w.mu.Lock()
	defer w.mu.Unlock()
}

func (w *watcher) loop() {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for range tick.C {
		if !w.look() {
			return
		}
	}
}

// look reports whether there is anything left to watch.
func (w *watcher) look() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.active) == 0 {
		w.running = false
		return false
	}
	for x := range w.active {
		if x.ctx.Err() != nil {
			x.stop(cause{err: x.wallError()})
		} else if used := x.cpu(); used > x.Limits.CPU {
			x.stop(cause{err: &Error{Code: CodeCPU, Message: "the handler computed for too long",
				Allowed: x.Limits.CPU.String(), Used: used.Round(time.Millisecond).String()}})
		} else if x.pass != nil && x.since.Load() != 0 && x.pass.Yield() {
			x.state.CompareAndSwap(stateRun, stateAway)
		}
	}
	w.lookAtMemory()
	return true
}

func (w *watcher) sample() heapSample {
	metrics.Read(w.metrics[:])
	stacks := w.metrics[1].Value.Uint64()
	return heapSample{used: w.metrics[0].Value.Uint64() + stacks, live: w.metrics[2].Value.Uint64() + stacks}
}

func (w *watcher) lookAtMemory() {
	before := w.heap.used
	w.heap = w.sample()
	w.ascribe(before)
	suspects := w.over(func(x *Exec) uint64 { return minus(w.heap.used, x.base.used) })
	if len(suspects) == 0 {
		return
	}
	for _, x := range suspects {
		x.state.CompareAndSwap(stateRun, stateHold)
	}
	// FreeOSMemory collects and gives back: the memory of a run that doubled a
	// string to its limit is of no use to the next request.
	debug.FreeOSMemory()
	w.heap = w.sample()
	if w.last != nil {
		if _, ok := w.active[w.last]; !ok {
			w.last = nil
		}
	}
	if w.last == nil {
		w.judge(w.over(func(x *Exec) uint64 { return minus(w.heap.live, x.base.live) }))
	}
	for _, x := range suspects {
		// The garbage is gone; the next growth is counted from here.
		x.base.used = w.heap.used
		x.state.CompareAndSwap(stateHold, stateRun)
	}
}

func (w *watcher) ascribe(before uint64) {
	growth := minus(w.heap.used, before)
	var on []*Exec
	for x := range w.active {
		if x.since.Load() != 0 {
			on = append(on, x)
		}
	}
	for _, x := range on {
		x.growth += growth / uint64(len(on))
	}
}

func (w *watcher) over(growth func(*Exec) uint64) []*Exec {
	var list []*Exec
	for x := range w.active {
		if growth(x) > uint64(x.Limits.Memory) {
			list = append(list, x)
		}
	}
	return list
}

// judge stops the run among the guilty that the largest growth is ascribed to.
func (w *watcher) judge(guilty []*Exec) {
	var worst *Exec
	for _, x := range guilty {
		if worst == nil || x.growth > worst.growth {
			worst = x
		}
	}
	if worst == nil {
		return
	}
	w.last = worst
	worst.stop(cause{err: &Error{Code: CodeMemory, Message: "the handler needed too much memory",
		Allowed: fmt.Sprintf("%d MiB", worst.Limits.Memory>>20),
		Used:    fmt.Sprintf("about %d MiB", minus(w.heap.live, worst.base.live)>>20)}})
}

func minus(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}
