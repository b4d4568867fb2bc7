package runtime

import (
	"slices"
	"sync"
)

// CheckNesting gives the tests what Load checks before an engine parses.
func CheckNesting(src string) *Error {
	_, err := checkNesting("test.js", src, new(extent))
	return err
}

// MostAllocating has the watcher measure runs that are held, each of which does its
// work again and again while it may go on, and returns the one that would be
// stopped, or -1.
func MostAllocating(work ...func()) int {
	w := newWatcher()
	var runs []*Exec
	var over sync.WaitGroup
	for _, f := range work {
		x := &Exec{watch: w}
		x.state.Store(stateHold)
		runs = append(runs, x)
		over.Go(func() {
			for w.await(x); x.state.Load() != stateStop; w.await(x) {
				f()
			}
		})
	}
	worst := mostAllocating(runs, w.release)
	for _, x := range runs {
		x.state.Store(stateStop)
	}
	w.release()
	over.Wait()
	return slices.Index(runs, worst)
}

// Ascribed is what a look that finds the heap grown puts down to runs on slots, of
// which each has been charged for bytes since the look before.
func Ascribed(growth uint64, held ...int64) (shares []uint64) {
	w := newWatcher()
	var runs []*Exec
	for _, bytes := range held {
		x := &Exec{watch: w, Limits: Limits{Memory: DefaultMemory}, next: w.active}
		x.held.Store(bytes)
		x.arrive()
		w.active = x
		runs = append(runs, x)
	}
	w.ascribe(growth)
	for _, x := range runs {
		shares = append(shares, x.growth)
	}
	return shares
}

// StopLoop leaves it to the runs to look after each other.
func StopLoop(r *Runtime) {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	r.watch.running = true // so that no run begins the loop
	r.watch.heap = r.watch.sample()
}

// Listed is how many handlers the pool walks over where it makes room.
func Listed(r *Runtime) int {
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	return r.pool.handlers.Len()
}
