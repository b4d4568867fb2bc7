package sqlite

import (
	"runtime/metrics"
	"time"
)

const (
	// minConcurrency is from how many concurrent callers the writer waits for more
	// requests before it takes a batch. For two, it loses where others compute; for
	// four and more, it gains.
	minConcurrency = 4
	// maxBatchWait is for how long at most the writer waits for more requests,
	// however long a batch takes; then it needs a processor, as everybody does. Half
	// of 64 callers are back after a quarter to a half of it.
	maxBatchWait = time.Millisecond
	// concurrencyWindow is for how many batches a number of callers is remembered,
	// twice that at most; callers who don't come start it anew. Where each write
	// changes a page of its own, in so many there is a checkpoint, behind which all
	// of them wait.
	concurrencyWindow = 256
)

// concurrency estimates how many callers there are that write, wait for the answer
// and write again: the most that were seen at once lately, whether or not they do.
type concurrency struct {
	now, before int // the most in this window, and in the one before
	batches     int // in this window
}

// callers is the estimate.
func (c *concurrency) callers() int { return max(c.now, c.before) }

// observe notes n callers: those that a batch has answered, and those that came
// meanwhile.
func (c *concurrency) observe(n int) {
	if c.batches++; c.batches > concurrencyWindow {
		*c = concurrency{before: c.now}
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

// awaitBatch lets half of the concurrent callers come before a batch is taken. One
// half then computes while the other is written, and each commit is shared by as
// many as that allows: with fewer, there are more commits than needed; with more,
// the processors have nothing to do while all wait for the same commit. w.mu is
// held.
//
// It waits only while somebody is ready to run: nobody else is on the way, and to
// wait on an idle processor would only cost time. Nor does it wait for longer than
// twice what a batch takes, and maxBatchWait. When the callers don't come, there
// are fewer of them now, or slower ones, or there never were as many: the next
// time, half as many are waited for.
func (w *writer) awaitBatch() {
	w.yield()
	half := w.concurrency.callers() / 2
	if half < minConcurrency/2 || len(w.pending) >= half || w.closed || w.ready() == 0 {
		return
	}
	timeout := min(2*time.Duration(w.batchTime.Load()), maxBatchWait)
	deadline := time.Now().Add(timeout)
	w.batchTimer.Reset(timeout)
	w.batchTarget.Store(int64(half))
	for {
		w.wake.Wait()
		if len(w.pending) >= half || w.closed {
			break
		}
		if w.ready() == 0 || !time.Now().Before(deadline) {
			w.concurrency = concurrency{now: half}
			break
		}
	}
	w.batchTarget.Store(0)
	w.batchTimer.Stop()
}

// signalBatch wakes the writer from awaitBatch if enough requests have come, or no
// more will. Who has queued a write calls it right before waiting for the answer:
// its processor then goes on with the writer, which would else stand behind
// everything that is ready to run.
func (w *writer) signalBatch() {
	if w.batchTarget.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if target := w.batchTarget.Load(); target > 0 && (int64(len(w.pending)) >= target || w.ready() == 0) {
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
