package runtime

import (
	"slices"
	"sync"
)

// CheckNesting gives the tests what Load checks before an engine parses.
func CheckNesting(src string) *Error { return checkNesting("test.js", src) }

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

// StopLoop leaves it to the runs to look after each other.
func StopLoop(r *Runtime) {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	r.watch.running = true // so that no run begins the loop
}
