package sqlite

import "time"

const (
	// minCrowd is from how many callers at once the writer waits for company.
	// With 16 nothing was gained, with 64 about a fifth.
	minCrowd = 24
	// maxPatience bounds how long the writer waits for company, however long a
	// batch takes. Half of 64 callers are back after a quarter of it.
	maxPatience = time.Millisecond
	// crowdWindow is for how many batches a crowd is remembered, twice that at
	// most. Where each write changes a page of its own, in so many there is a
	// checkpoint, behind which all of them wait.
	crowdWindow = 256
)

// crowd estimates how many callers there are that write, wait for the answer and
// write again: the most that were seen at once lately.
type crowd struct {
	now, before int // the most in this window, and in the one before
	batches     int // in this window
}

func (c *crowd) size() int { return max(c.now, c.before) }

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

// saw notes n callers: those that a batch has answered, and those that came
// meanwhile.
func (c *crowd) saw(n int) {
	if c.batches++; c.batches > crowdWindow {
		*c = crowd{before: c.now}
	}
	c.now = max(c.now, n)
}

// gather waits until half of the crowd has come, or is late. One half then
// computes while the other is written, and each commit is shared by as many as
// that allows: with fewer, there are more commits than needed; with more, the
// processors have nothing to do while all wait for the same commit. w.mu is held.
//
// It waits for twice as long as a batch takes, and at most for maxPatience. A crowd
// that is late has become smaller, or slow: the next time, fewer are waited for.
func (w *writer) gather() {
	half := w.crowd.size() / 2
	patience := min(2*time.Duration(w.batchTime.Load()), maxPatience)
	end := time.Now().Add(patience)
	w.patience.Reset(patience)
	w.enough.Store(int64(half))
	for len(w.pending) < half && !w.closed {
		if !time.Now().Before(end) {
			w.crowd = crowd{now: w.crowd.size() * 7 / 8}
			break
		}
		w.wake.Wait()
	}
	w.enough.Store(0)
	w.patience.Stop()
}

// hurry wakes the writer from gather if enough have come. A caller does so right
// before it waits for its answer: its processor then goes on with the writer,
// which would else stand behind everything that is ready to run.
func (w *writer) hurry() {
	if w.enough.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if enough := w.enough.Load(); enough > 0 && int64(len(w.pending)) >= enough {
		w.wake.Signal()
	}
}
