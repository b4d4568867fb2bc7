package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/demand"
	"github.com/fazt-sh/fazt/storage/internal/fairqueue"
	"github.com/fazt-sh/fazt/storage/internal/recent"
)

const (
	// maxQueue is how many requests wait, those of all apps together.
	maxQueue = 1024
	// maxBatch is how many requests share a commit.
	maxBatch = 256
	// maxBatchTime is how long a batch works before it commits.
	maxBatchTime = 5 * time.Millisecond
	// maxBatchBytes is how much a batch writes before it commits.
	maxBatchBytes = 1 << 20
	// maxBatchApps is how many apps share a batch, which has the turns of all of them.
	maxBatchApps = 16
)

// The states of a request. A caller whose context ends moves it to abandoned
// from queued or running, and then knows that nothing will be written. Once a lane has
// moved it to committing its fate is the batch's.
const (
	queued int32 = iota
	running
	committing
	abandoned
	refused // for want of room
)

// request is one caller's share of a write transaction.
type request struct {
	place fairqueue.Item[*request]
	app   string // whose work it is; "" is the server's own
	op    string
	ctx   context.Context
	fn    func(*writeTx) error
	after *request // of the same pipeline: if that fails, so does this
	state atomic.Int32
	err   error         // set before done is closed
	took  time.Duration // in a lane, as well
	done  chan struct{} // closed when the answer is known
}

// flow is what the queue knows of an app.
type flow = fairqueue.Flow[*request]

// writer runs the write transactions of one server: a few lanes, each on a connection.
// A lane takes the apps whose turn it is and runs what waits of theirs in one
// transaction, so that a single write costs one commit and several share one (group
// commit). An app is in one lane at a time.
//
// Among servers, too, an app has one writer at a time: its transaction holds the app's
// turn, the lock of its row in the table usage, from its beginning to its end. So what it
// reads stays as it is until it has committed, with READ COMMITTED and without a
// serialization failure; the numbers of documents are in the order of their commits; and
// what the app uses is exact.
type writer struct {
	store *Store
	long  chan struct{} // an element for each transaction beside the lanes

	mu        sync.Mutex
	wake      *sync.Cond // queue, busy or closed has changed
	queue     fairqueue.Queue[*request]
	batchTime fairqueue.Smoothed
	commits   fairqueue.Smoothed // how long one takes
	used      map[string]int64   // about how much each app stores, as of its last batch
	closed    bool
	busy      int       // batches under way, those beside the lanes as well
	idleSince time.Time // zero while one is

	lanes sync.WaitGroup
	retry retries

	demand   demand.Demand
	unitTime atomic.Int64 // smoothed, see [writer.unit]
	cleared  func()       // called when a collection was emptied
	recent   *recent.Batches

	batches, committed atomic.Uint64

	// beforeCommit, if a test has set it, is called before each COMMIT.
	beforeCommit func(*batch)
}

func startWriter(s *Store, lanes int) *writer {
	w := &writer{store: s, long: make(chan struct{}, maxLong), used: make(map[string]int64), recent: recent.NewBatches(maxBatch), cleared: func() {}}
	w.queue.Lanes = lanes
	w.wake = sync.NewCond(&w.mu)
	w.unitTime.Store(int64(firstUnit))
	w.idleSince = time.Now()
	for range lanes {
		w.lanes.Go(func() { w.lane() })
	}
	return w
}

// write has fn run in a write transaction, as work of app, and returns once that is
// committed. fn may run more than once.
func (s *Store) write(ctx context.Context, app, op string, fn func(*writeTx) error) error {
	return s.writer.do(ctx, app, op, fn)
}

func (w *writer) do(ctx context.Context, app, op string, fn func(*writeTx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{app: app, op: op, ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := w.enqueue(r); err != nil {
		return err
	}
	err := storage.Wait(ctx, func() error {
		select {
		case <-r.done:
			return r.err
		case <-ctx.Done():
			return w.abandon(r, ctx.Err())
		}
	})
	select {
	case <-r.done:
		storage.Charge(ctx, r.took)
	default: // given up: a lane may have it still
	}
	return err
}

// abandon gives a request up for err, its caller's time being over, and returns
// what became of it. One that was never started was certainly not made.
func (w *writer) abandon(r *request, err error) error {
	for {
		select {
		case <-r.done:
			return r.err
		default:
		}
		switch state := r.state.Load(); state {
		case queued, running:
			if !r.state.CompareAndSwap(state, abandoned) {
				continue
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.queue.Remove(&r.place) // so that it takes no one's place
			return err
		case refused: // in this instant
			<-r.done
			return r.err
		case abandoned:
			return err
		}
		select {
		case <-r.done: // answered while the deadline passed
			return r.err
		default:
			return &storage.Error{Code: storage.CodeUncertain, Op: r.op, Err: err,
				Msg: "the deadline passed during the commit", Hint: "read the data to see whether it was written"}
		}
	}
}

// enqueue puts a request into the queue, or says why it can't be made in time. When
// the queue is full, the app with the most requests loses its last: no app can fill
// it for the others (as in RFC 8290, section 4.1.2).
func (w *writer) enqueue(r *request) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queue.Len() >= maxQueue && !w.closed {
		longest, own := w.queue.Longest(), w.queue.Depth(r.app)
		if own+1 >= longest.Len() {
			return w.overloaded(r, fmt.Sprintf("%d writes are waiting already", own))
		}
		w.refuse(longest.Last())
	}
	return w.accept(r)
}

// refuse takes back the place that a request has in the queue. w.mu is held.
func (w *writer) refuse(r *request) {
	depth := w.queue.Depth(r.app)
	w.queue.Remove(&r.place)
	if !r.state.CompareAndSwap(queued, refused) {
		return // its caller has given it up
	}
	r.err = w.overloaded(r, fmt.Sprintf("%d writes are waiting already", depth))
	close(r.done)
}

// overloaded refuses a request. w.mu is held.
func (w *writer) overloaded(r *request, msg string) error {
	return &storage.Error{Code: storage.CodeOverloaded, Op: r.op, Msg: msg, Hint: "try again later",
		Delay: w.expectedDelay(r.app), Depth: w.queue.Depth(r.app)}
}

// accept puts a request into the queue, for which there is room, unless it can't be
// made in time. w.mu is held.
func (w *writer) accept(r *request) error {
	if w.closed {
		return errClosed(r.op)
	}
	if deadline, ok := r.ctx.Deadline(); ok {
		if delay := w.expectedDelay(r.app); time.Until(deadline) < delay {
			return w.overloaded(r, fmt.Sprintf("the write would take about %v, longer than its deadline allows", delay.Round(time.Microsecond)))
		}
	}
	r.place.Value = r
	w.queue.Push(r.app, &r.place)
	w.wake.Signal()
	return nil
}

// expectedDelay is how long a request of an app that comes now should wait. w.mu is
// held.
func (w *writer) expectedDelay(app string) time.Duration {
	return w.queue.Delay(app, min(w.batchTime.Time, maxBatchTime))
}

// close refuses new requests, and returns when those accepted are answered.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.wake.Broadcast()
	w.mu.Unlock()
	w.lanes.Wait()
}

// lane runs one batch after another.
func (w *writer) lane() {
	var b *batch
	defer func() {
		if b == nil {
			return
		}
		// A caller's function has called runtime.Goexit, as a failing test does. It
		// takes this goroutine with it, but not the lane.
		b.exited()
		w.lanes.Go(func() { w.lane() })
	}()
	for {
		if b = w.await(); b == nil {
			return
		}
		b.run()
		w.finish(b)
	}
}

// await waits for requests, and begins a batch with the apps whose turn it is; none
// means that the writer is closed and drained.
func (w *writer) await() *batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.queue.Next() == nil {
		if w.closed && w.queue.Len() == 0 {
			w.wake.Broadcast() // the others are through as well
			return nil
		}
		w.wake.Wait()
	}
	if w.busy == 0 {
		w.queue.Idle(time.Since(w.idleSince))
	}
	w.busy++
	w.queue.Begin()
	b := &batch{w: w}
	// Other lanes are to have something to do as well.
	most := min(maxBatchApps, 1+w.queue.Waiting()/w.queue.Lanes)
	for len(b.flows) < most {
		f := w.queue.Next()
		if f == nil || len(b.flows) > 0 && (f.App == "" || f.Ahead(b.flows[0]) > w.commits.Time) {
			break
		}
		f.Busy = true
		if b.flows = append(b.flows, f); f.App == "" {
			break // what the server writes may take the turns of apps: it must have none
		}
	}
	if w.queue.Next() != nil {
		w.wake.Signal()
	}
	return b
}

// take adds the next request to a batch and returns it, or nil when the batch is to be
// committed.
func (w *writer) take(b *batch, worked time.Duration) *request {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(b.requests) >= maxBatch {
		return nil
	}
	f := fairqueue.Least(b.flows)
	if f == nil || len(b.requests) > 0 && worked+f.Work() > maxBatchTime {
		return nil
	}
	r := w.queue.Take(f)
	b.requests = append(b.requests, r)
	return r
}

// charge lets an app have had so much time.
func (w *writer) charge(app string, b *batch, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b.flow(app).Charge(took)
}

// finish ends a batch, answers its requests and lets its apps be next again, but for
// those with something that takes long: that is done beside the lanes.
func (w *writer) finish(b *batch) {
	w.mu.Lock()
	var served []*flow
	for _, f := range b.flows {
		if f.Taken() > 0 {
			served = append(served, f)
		}
	}
	w.batchTime.Observe(b.took)
	if b.bytes < maxBatchBytes/16 && b.committed {
		w.commits.Observe(b.commitTime)
	}
	w.queue.Finish(served, b.commitTime)
	for app, n := range b.used {
		if len(w.used) > maxKnownApps {
			clear(w.used)
		}
		w.used[app] = n
	}
	for _, f := range b.flows {
		f.Busy = false
	}
	long := make(map[*flow][]*request)
	for _, r := range b.later {
		f := b.flow(r.app)
		f.Busy = true // until that is done
		long[f] = append(long[f], r)
	}
	w.done()
	for f, requests := range long {
		w.lanes.Go(func() { w.beside(f, requests) })
	}
	w.mu.Unlock()
	b.answer()
}

// beside runs requests of an app that take long, each in a transaction of its own, so
// that only their own app waits for them.
func (w *writer) beside(f *flow, requests []*request) {
	w.long <- struct{}{}
	var b *batch
	defer func() {
		<-w.long
		w.mu.Lock()
		f.Busy = false
		w.wake.Broadcast()
		w.mu.Unlock()
		if b != nil {
			b.exited()
		}
	}()
	for _, r := range requests {
		b = &batch{w: w, flows: []*flow{f}, requests: []*request{r}, alone: true, fixed: true}
		w.mu.Lock()
		w.busy++
		w.mu.Unlock()
		b.run()
		w.mu.Lock()
		f.Charge(b.took)
		w.done()
		w.mu.Unlock()
		b.answer()
		b = nil
	}
}

// done notes that a batch is over. w.mu is held.
func (w *writer) done() {
	if w.busy--; w.busy == 0 {
		w.idleSince = time.Now()
	}
	w.wake.Broadcast()
}

// maxKnownApps bounds the memory for apps that may be gone.
const maxKnownApps = 10_000
