package sqlite

import (
	"runtime/metrics"
	"time"
)

const (
	// minCrowd is from how many callers at once the writer waits for company. For
	// two, it loses where others compute; for four and more, it gains.
	minCrowd = 4
	// maxPatience is for how long at most the writer waits for company, however
	// long a batch takes; then it needs a processor, as everybody does. Half of 64
	// callers are back after a quarter to a half of it.
	maxPatience = time.Millisecond
	// crowdWindow is for how many batches a crowd is remembered, twice that at
	// most; one that doesn't come starts it anew. Where each write changes a page
	// of its own, in so many there is a checkpoint, behind which all of them wait.
	crowdWindow = 256
)

// crowd estimates how many callers there are that write, wait for the answer and
// write again: the most that were seen at once lately, whether or not they do.
type crowd struct {
	now, before int // the most in this window, and in the one before
	batches     int // in this window
}

func (c *crowd) size() int { return max(c.now, c.before) }

// saw notes n callers: those that a batch has answered, and those that came
// meanwhile.
func (c *crowd) saw(n int) {
	if c.batches++; c.batches > crowdWindow {
		*c = crowd{before: c.now}
	}
	c.now = max(c.now, n)
}

// callers returns how many have made these requests: all that a pipeline holds
// comes from one.
func callers(requests []*request) (n int) {
	for _, r := range requests {
		if r.after == nil {
			n++
		}
	}
	return n
}

// gather lets half of the crowd come before a batch is taken. One half then computes
// while the other is written, and each commit is shared by as many as that allows:
// with fewer, there are more commits than needed; with more, the processors have
// nothing to do while all wait for the same commit. w.mu is held.
//
// It waits only while somebody is ready to run: nobody else is on the way, and to
// wait on an idle processor would only cost time. Nor does it wait for longer than
// twice what a batch takes, and maxPatience. A crowd that doesn't come has become
// smaller, or slow, or never was one: the next time, half as many are waited for.
func (w *writer) gather() {
	w.yield()
	half := w.crowd.size() / 2
	if half < minCrowd/2 || len(w.pending) >= half || w.closed || w.ready() == 0 {
		return
	}
	patience := min(2*time.Duration(w.batchTime.Load()), maxPatience)
	end := time.Now().Add(patience)
	w.patience.Reset(patience)
	w.enough.Store(int64(half))
	for {
		w.wake.Wait()
		if len(w.pending) >= half || w.closed {
			break
		}
		if w.ready() == 0 || !time.Now().Before(end) {
			w.crowd = crowd{now: half}
			break
		}
	}
	w.enough.Store(0)
	w.patience.Stop()
}

// hurry wakes the writer from gather if enough have come, or no more will. Who has
// queued a write calls it right before waiting for the answer: its processor then
// goes on with the writer, which would else stand behind everything that is ready
// to run.
func (w *writer) hurry() {
	if w.enough.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if enough := w.enough.Load(); enough > 0 && (int64(len(w.pending)) >= enough || w.ready() == 0) {
		w.wake.Signal()
	}
}

// countReady returns a function that counts the goroutines of this process that
// are ready to run and wait for a processor, in a tenth of a microsecond.
func countReady() func() uint64 {
	sample := []metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}
	return func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
}
