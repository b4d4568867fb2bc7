package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// maxBatch is how many requests share a commit. Past a few hundred the
	// fsync is spread so thin that a larger batch only adds delay.
	maxBatch = 256
	// maxQueue is how many requests wait for the writer. Beyond it a caller is
	// refused at once: about four batches, a few milliseconds on an SSD.
	maxQueue = 1024
	// maxYields is how often the writer lets others go on before it takes a
	// batch, as long as more comes. Each lets through what is ready to run; after
	// a few, so many wait for the commit that too few are left to compute beside
	// it. Those still missing are waited for, see [writer.awaitBatch].
	maxYields = 4
)

// The states of a request. A caller whose context ends moves it to abandoned
// from queued or running, and then knows that nothing will be written. Once the
// writer has moved it to committing its fate is the batch's.
const (
	queued int32 = iota
	running
	committing
	abandoned
)

// request is one caller's share of a write transaction.
type request struct {
	op    string
	ctx   context.Context
	fn    func(*writeTx) error
	after *request // of the same pipeline: if that fails, so does this
	// atomic: fn writes with one statement, which undoes itself when it fails.
	// That needs no savepoint, but there is no way back once it has run.
	atomic bool
	state  atomic.Int32
	err    error         // set before done is closed
	done   chan struct{} // closed when the answer is known
}

// writer runs the write transactions of one process: one goroutine on one
// connection. It takes what is queued, so that a single write costs one commit and
// several share one (group commit); it waits for more only where many callers write
// at once.
type writer struct {
	conn   *conn
	logger *slog.Logger
	quotas storage.Quotas

	begin, commit, rollback                statement
	savepoint, releaseSave, rollbackToSave statement

	mu          sync.Mutex
	wake        *sync.Cond // pending or closed has changed, or awaitBatch is to look again
	pending     []*request
	used        map[string]int64 // about how much each app stores, see tryEnqueue
	busy        bool             // a batch is being written
	answered    int              // how many callers the last batch had
	closed      bool
	concurrency concurrency
	ready       func() uint64 // how many goroutines wait for a processor; holding mu
	batchTarget atomic.Int64  // while awaitBatch waits: how many pending requests end it, see signalBatch; else 0
	stopped     chan struct{} // closed when the goroutine has ended

	// beforeCommit, if a test has set it, sees a batch before its commit and
	// returns those that are still to be answered.
	beforeCommit func([]*request) []*request

	timers     sync.Pool   // of *time.Timer, stopped, for [pipeline.Wait]
	batchTimer *time.Timer // wakes the writer from awaitBatch

	// Of documents, and for the goroutine alone:
	changeLogs changeLogs
	unitTime   time.Duration // smoothed, see [writer.unit]
	cleared    func()        // called when a collection was emptied

	recent    recent
	batchTime atomic.Int64 // smoothed duration of a batch, in nanoseconds
	batches   atomic.Uint64
	commits   atomic.Uint64
}

func newWriter(c *conn, logger *slog.Logger, quotas storage.Quotas) (*writer, error) {
	w := &writer{conn: c, logger: logger, ready: countReady(), recent: newRecent(), quotas: quotas,
		used: make(map[string]int64), unitTime: firstUnit, stopped: make(chan struct{})}
	w.wake = sync.NewCond(&w.mu)
	w.batchTimer = time.AfterFunc(time.Hour, w.wakeUp)
	w.batchTimer.Stop()
	for s, text := range map[*statement]string{
		&w.begin:          "BEGIN IMMEDIATE",
		&w.commit:         "COMMIT",
		&w.rollback:       "ROLLBACK",
		&w.savepoint:      "SAVEPOINT request",
		&w.releaseSave:    "RELEASE request",
		&w.rollbackToSave: "ROLLBACK TO request",
	} {
		var err error
		if *s, err = c.prepare(text); err != nil {
			return nil, err
		}
	}
	go w.loop()
	return w, nil
}

// do has fn run in a write transaction and returns once that is on disk.
func (w *writer) do(ctx context.Context, op string, fn func(*writeTx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{op: op, ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := w.enqueue(r); err != nil {
		return err
	}
	w.signalBatch()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return w.abandon(r, ctx.Err())
	}
}

// abandon gives a request up for err, its caller's time being over, and returns
// what became of it.
func (w *writer) abandon(r *request, err error) error {
	select {
	case <-r.done:
		return r.err
	default:
	}
	if r.state.CompareAndSwap(queued, abandoned) {
		w.forget(r)
		return err
	}
	if r.state.CompareAndSwap(running, abandoned) {
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

func (w *writer) enqueue(r *request) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.accept(r)
}

// accept puts a request into the queue, or says why it can't be made in time.
// w.mu is held.
func (w *writer) accept(r *request) error {
	if w.closed {
		return errClosed(r.op)
	}
	delay := w.expectedDelay()
	refuse := func(msg string) error {
		return &storage.Error{Code: storage.CodeOverloaded, Op: r.op, Msg: msg, Hint: "try again later",
			Depth: len(w.pending), Delay: delay}
	}
	if len(w.pending) >= maxQueue {
		return refuse(fmt.Sprintf("%d writes are waiting already", len(w.pending)))
	}
	if deadline, ok := r.ctx.Deadline(); ok && time.Until(deadline) < delay {
		return refuse(fmt.Sprintf("the write would take about %v, longer than its deadline allows", delay.Round(time.Microsecond)))
	}
	w.pending = append(w.pending, r)
	if w.batchTarget.Load() == 0 {
		w.wake.Signal()
	} // else signalBatch does
	return nil
}

// expectedDelay is how long a request that comes now should take, from what
// batches have taken lately. An idle writer promises nothing: it must get the
// chance to show that the disk is fast again. w.mu is held.
func (w *writer) expectedDelay() time.Duration {
	if !w.busy && len(w.pending) == 0 {
		return 0
	}
	ahead := len(w.pending) / maxBatch
	return time.Duration(w.batchTime.Load()) * time.Duration(ahead+1)
}

// forget removes an abandoned request, so that it takes no one's place.
func (w *writer) forget(r *request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.pending, r); i >= 0 {
		w.pending = slices.Delete(w.pending, i, i+1)
	}
}

// close refuses new requests, and returns when those accepted are answered.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.wake.Signal()
	w.mu.Unlock()
	<-w.stopped
}

// wakeUp holds w.mu, or the writer might not be asleep yet.
func (w *writer) wakeUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wake.Signal()
}

func (w *writer) loop() {
	var rest []*request // of the batch at hand, not answered yet
	drained := false
	defer func() {
		if drained {
			close(w.stopped)
			return
		}
		// A caller's function has called runtime.Goexit, as a failing test
		// does. It takes this goroutine with it, but not the writer.
		w.abort()
		err := errors.New("runtime.Goexit in a transaction")
		answer(rest, func(r *request) error { return w.failed(r, "write", err) })
		go w.loop()
	}()
	batch := make([]*request, 0, maxBatch)
	for {
		batch = w.take(batch[:0])
		if len(batch) == 0 {
			drained = true
			return
		}
		start := time.Now()
		for rest = batch; len(rest) > 0; {
			rest = w.write(rest)
		}
		w.observe(time.Since(start))
		clear(batch) // lets go of what the requests hold
	}
}

// take waits for requests and returns up to a batch of them; none means that
// the writer is closed and drained.
func (w *writer) take(batch []*request) []*request {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = false
	w.concurrency.observe(w.answered + callers(w.pending))
	w.awaitBatch()
	for len(w.pending) == 0 && !w.closed {
		w.wake.Wait()
	}
	n := min(len(w.pending), maxBatch)
	batch = append(batch, w.pending[:n]...)
	w.pending = slices.Delete(w.pending, 0, n)
	w.busy, w.answered = n > 0, callers(batch)
	return batch
}

// yield lets others go on before a batch is taken. Those who were answered wait
// for this processor, which the next transaction would keep from them while it is
// in the database and the kernel. What they write next comes with it instead. On
// an idle processor this takes no time, and nobody is waited for. w.mu is held.
func (w *writer) yield() {
	for came, yields := -1, 0; came < len(w.pending) && yields < maxYields; yields++ {
		came = len(w.pending)
		w.mu.Unlock()
		runtime.Gosched()
		w.mu.Lock()
	}
}

// observe smooths the time of a batch; the weight of 1/8 is that of TCP's round
// trip estimate (RFC 6298).
func (w *writer) observe(d time.Duration) {
	old := w.batchTime.Load()
	w.batchTime.Store(old + (int64(d)-old)/8)
}

// write runs batch in one transaction and answers it. If the database drops the
// transaction midway, it answers those that were in it and returns the rest.
func (w *writer) write(batch []*request) (rest []*request) {
	if err := w.begin.run(); err != nil {
		answer(batch, func(r *request) error { return w.failed(r, "begin", err) })
		return nil
	}
	tx := &writeTx{w: w, conn: w.conn, alone: len(batch) == 1}
	for i, r := range batch {
		tx.run(r)
		if tx.lost != nil || tx.undo {
			w.abort()
			answer(batch[:i+1], func(r *request) error { return w.failed(r, "write", tx.lost) })
			return batch[i+1:]
		}
	}
	err := tx.flush()
	requests := len(batch)
	if w.beforeCommit != nil {
		batch = w.beforeCommit(batch)
	}
	start := time.Now()
	if err == nil {
		err = w.commit.run()
	}
	if err != nil {
		w.abort()
		w.logger.Error("commit failed", "requests", len(batch), "err", err)
		answer(batch, func(r *request) error { return w.failed(r, "commit", err) })
		return nil
	}
	w.recent.record(requests, time.Since(start))
	w.noteUsed(tx.used)
	w.batches.Add(1)
	for _, fn := range tx.committed {
		fn()
	}
	answer(batch, func(r *request) error {
		if r.err == nil {
			w.commits.Add(1)
		}
		return r.err
	})
	return nil
}

// abort ends a transaction that can't be committed.
func (w *writer) abort() {
	if w.conn.raw.AutoCommit() {
		return // the database has rolled it back
	}
	if err := w.rollback.run(); err != nil {
		w.logger.Error("rollback failed", "err", err)
	}
}

// failed is the answer to a request whose transaction failed with err. A
// request that had failed by itself keeps its own error.
func (w *writer) failed(r *request, stage string, err error) error {
	if r.err != nil {
		return r.err
	}
	if stage == "begin" && isBusy(err) {
		return wrap(r.op, err)
	}
	e := &storage.Error{Code: storage.CodeUnavailable, Op: r.op, Msg: stage + " failed, nothing was written",
		Err: err, Hint: "free some disk space or check the disk, then try again"}
	if stage == "commit" && commitUnknown(err) {
		e.Code, e.Msg = storage.CodeUncertain, "the commit did not reach the disk for certain"
		e.Hint = "check the disk, and read the data to see whether it was written"
	}
	return e
}

func answer(batch []*request, outcome func(*request) error) {
	for _, r := range batch {
		r.err = outcome(r)
		close(r.done)
	}
}
