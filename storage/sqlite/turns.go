package sqlite

import (
	"slices"
	"time"
)

// turns order those who wait for a reader: the app goes first whose reads have taken
// the least time, by start-time fair queuing (Goyal, Vin and Cheng, SIGCOMM 1996).
// An app's tag is the time that its reads took; a read starts at the tag, or at the
// clock if that is ahead: time in which an app read nothing is not saved up. Of
// one app's reads the first to come goes first. They are not safe for concurrent use.
type turns struct {
	clock   time.Duration // where the last read started
	flows   map[string]*readFlow
	waiting []*readFlow // those with waiters
	active  int         // reads of all flows that have a reader
}

// readFlow is one app's reads.
type readFlow struct {
	app     string
	tag     time.Duration
	active  int // that have a reader
	waiters []*waiter
}

// waiter is one read that waits.
type waiter struct {
	flow *readFlow
	long bool // it needs one of the readers for long reads
	got  chan *reader
}

// start notes that a read of an app has got a reader.
func (t *turns) start(app string) *readFlow {
	f := t.flow(app)
	f.active++
	t.active++
	f.tag = max(f.tag, t.clock)
	t.clock = f.tag
	return f
}

func (t *turns) flow(app string) *readFlow {
	f := t.flows[app]
	if f == nil {
		if t.flows == nil {
			t.flows = make(map[string]*readFlow)
		}
		f = &readFlow{app: app}
		t.flows[app] = f
	}
	return f
}

// end notes what a read took, apart from what it was charged while it went on.
func (t *turns) end(f *readFlow, took time.Duration) {
	f.tag += took
	f.active--
	t.active--
	t.forget()
}

// forget drops what need not be remembered: where all readers rest, everything.
func (t *turns) forget() {
	if len(t.waiting) > 0 || t.active > 0 && len(t.flows) < manyFlows {
		return
	}
	for app, f := range t.flows {
		if f.active == 0 && len(f.waiters) == 0 && (t.active == 0 || f.tag <= t.clock) {
			delete(t.flows, app)
		}
	}
}

// manyFlows is how many apps are remembered without asking which of them can be
// forgotten.
const manyFlows = 1000

// wait puts a read at the end of its app's.
func (t *turns) wait(app string, long bool) *waiter {
	f := t.flow(app)
	w := &waiter{flow: f, long: long, got: make(chan *reader, 1)}
	if f.waiters = append(f.waiters, w); len(f.waiters) == 1 {
		f.tag = max(f.tag, t.clock)
		t.waiting = append(t.waiting, f)
	}
	return w
}

// next takes the one out whose turn it is, if there is one. Of apps with equal tags
// that with the fewest reads under way goes first.
func (t *turns) next(long bool) *waiter {
	var first *waiter
	for _, f := range t.waiting {
		i := slices.IndexFunc(f.waiters, func(w *waiter) bool { return long || !w.long })
		if i < 0 {
			continue
		}
		if first == nil || f.tag < first.flow.tag || f.tag == first.flow.tag && f.active < first.flow.active {
			first = f.waiters[i]
		}
	}
	if first != nil {
		t.remove(first)
	}
	return first
}

// remove takes a read out, and reports whether it was still waiting.
func (t *turns) remove(w *waiter) bool {
	i := slices.Index(w.flow.waiters, w)
	if i < 0 {
		return false
	}
	if w.flow.waiters = slices.Delete(w.flow.waiters, i, i+1); len(w.flow.waiters) == 0 {
		t.waiting = slices.DeleteFunc(t.waiting, func(f *readFlow) bool { return f == w.flow })
	}
	return true
}
