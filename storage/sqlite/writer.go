package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/demand"
	"github.com/fazt-sh/fazt/storage/internal/fairqueue"
	"github.com/fazt-sh/fazt/storage/internal/recent"
)

const (
	// maxQueue is how many requests wait for the writer, those of all apps
	// together: a few milliseconds' worth on an SSD.
	maxQueue = 1024
	// maxBatch is how many requests share a commit. Past a few hundred the
	// fsync is spread so thin that a larger batch only adds delay.
	maxBatch = 256
	// maxBatchTime is how long a batch works before it commits: what comes then
	// waits for the request at hand, and for this.
	maxBatchTime = 5 * time.Millisecond
	// maxBatchBytes is how much a batch writes before it commits, which takes the
	// longer the more that is; up to smallBatch, it takes as long as an fsync does.
	maxBatchBytes = 1 << 20
	smallBatch    = 64 << 10
	// maxYields is how often the writer lets others go on before it takes a
	// batch, as long as more comes. Each lets through what is ready to run; after
	// a few, so many wait for the commit that too few are left to compute beside
	// it.
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
	refused // by the writer, for want of room
)

// request is one caller's share of a write transaction.
type request struct {
	app   string // whose work it is; "" is the server's own
	op    string
	ctx   context.Context
	fn    func(*writeTx) error
	after *request // of the same pipeline: if that fails, so does this
	// atomic: fn writes with one statement, which undoes itself when it fails.
	// That needs no savepoint, but there is no way back once it has run.
	atomic bool
	state  atomic.Int32
	err    error         // set before done is closed
	took   time.Duration // in the writer, as well
	done   chan struct{} // closed when the answer is known

	place fairqueue.Item[*request]
}

// flow is what the queue knows of one app.
type flow = fairqueue.Flow[*request]

// writer runs the write transactions of one process: one goroutine on one
// connection. It takes what is queued, so that a single write costs one commit and
// several share one (group commit), and waits for no more. Whose turn it is, see
// [fairqueue.Queue].
type writer struct {
	conn        *conn
	snapshots   *snapshots
	checkpoints *checkpointer
	logger      *slog.Logger
	quotas      storage.Quotas

	begin, commit, rollback                statement
	savepoint, releaseSave, rollbackToSave statement

	mu        sync.Mutex
	wake      *sync.Cond // queue or closed has changed
	queue     fairqueue.Queue[*request]
	batchTime fairqueue.Smoothed
	used      map[string]int64 // about how much each app stores, see tryEnqueue
	closed    bool
	stopped   chan struct{} // closed when the goroutine has ended

	// Of the writer's goroutine alone:
	logless    bool       // the data file has no log yet, see useLog
	batch      []*request // begun, and not answered yet
	served     []*flow    // whose they are
	log        logLimits
	commitTime fairqueue.Smoothed // of small batches

	// beforeCommit, if a test has set it, sees a batch before its commit and
	// returns those that are still to be answered.
	beforeCommit func([]*request) []*request

	timers sync.Pool // of *time.Timer, stopped, for [pipeline.Wait]

	// Of documents, and for the goroutine alone:
	changeLogs changeLogs
	unitTime   time.Duration // smoothed, see [writer.unit]
	cleared    func()        // called when a collection was emptied
	demand     *demand.Demand

	recent  *recent.Batches
	batches atomic.Uint64
	commits atomic.Uint64
}

func newWriter(c *conn, path string, snapshots *snapshots, logger *slog.Logger, quotas storage.Quotas) (*writer, error) {
	w := &writer{conn: c, snapshots: snapshots, logger: logger, recent: recent.NewBatches(maxBatch), quotas: quotas,
		used: make(map[string]int64), unitTime: firstUnit, demand: &demand.Demand{}, stopped: make(chan struct{})}
	page, err := c.queryInt("PRAGMA page_size")
	if err != nil {
		return nil, err
	}
	mode, err := c.queryRow("PRAGMA journal_mode")
	if err != nil {
		return nil, err
	}
	w.logless = mode[0] != "wal"
	w.log.frame = page + 24 // https://www.sqlite.org/fileformat.html, section 4.1
	w.log.reset()
	w.wake = sync.NewCond(&w.mu)
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
	if w.checkpoints, err = startCheckpointer(path, w); err != nil {
		return nil, err
	}
	go w.loop()
	return w, nil
}

// do has fn run in a write transaction, as work of app, and returns once that is on
// disk.
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
	default: // given up: the writer may have it still
	}
	return err
}

// abandon gives a request up for err, its caller's time being over, and returns
// what became of it. One that was never started was certainly not made.
func (w *writer) abandon(r *request, err error) error {
	select {
	case <-r.done:
		return r.err
	default:
	}
	if r.state.CompareAndSwap(queued, abandoned) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.queue.Remove(&r.place) // so that it takes no one's place
		return err
	}
	if r.state.CompareAndSwap(running, abandoned) {
		return err
	}
	if r.state.Load() == refused { // in this instant
		<-r.done
		return r.err
	}
	select {
	case <-r.done: // answered while the deadline passed
		return r.err
	default:
		return &storage.Error{Code: storage.CodeUncertain, Op: r.op, Err: err,
			Msg: "the deadline passed during the commit", Hint: "read the data to see whether it was written"}
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
	depth := r.place.Flow().Len()
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
	w.wake.Signal()
	w.mu.Unlock()
	<-w.stopped
}

func (w *writer) loop() {
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
		w.finish(0, 0)
		w.answer(func(r *request) error { return w.failed(r, "write", err) })
		go w.loop()
	}()
	for {
		most := w.await()
		if most == 0 {
			drained = true
			return
		}
		start := time.Now()
		commit, outcome := w.write(most)
		w.finish(time.Since(start), commit)
		w.answer(outcome)
		w.boundLog()
	}
}

// await waits for requests, and returns how many of them a batch may have; none
// means that the writer is closed and drained.
func (w *writer) await() (most int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.yield()
	if w.queue.Len() == 0 {
		start := time.Now()
		for w.queue.Len() == 0 && !w.closed {
			w.wake.Wait()
		}
		w.queue.Idle(time.Since(start))
	}
	w.queue.Begin()
	return min(w.queue.Len(), maxBatch)
}

// yield lets others go on before a batch is taken. Those who were answered wait
// for this processor, which the next transaction would keep from them while it is
// in the database and the kernel. What they write next comes with it instead. On
// an idle processor this takes no time, and nobody is waited for. w.mu is held.
func (w *writer) yield() {
	for came, yields := -1, 0; came < w.queue.Len() && yields < maxYields; yields++ {
		came = w.queue.Len()
		w.mu.Unlock()
		runtime.Gosched()
		w.mu.Lock()
	}
}

// take adds the next request to the batch and returns it and whose it is, or nil when the
// batch is to be committed.
func (w *writer) take(worked time.Duration) (*request, *flow) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.queue.Next()
	if f == nil || len(w.batch) > 0 && (worked+f.Work() > maxBatchTime || w.ahead(f)) {
		return nil, nil
	}
	r := w.queue.Take(f)
	w.batch = append(w.batch, r)
	if f.Taken() == 1 {
		w.served = append(w.served, f)
	}
	return r, f
}

// ahead reports whether f has had more than another app whose requests are in the
// batch, by more than a commit takes: then they are not made to wait for it.
func (w *writer) ahead(f *flow) bool {
	for _, other := range w.served {
		if f.Ahead(other) > w.commitTime.Time {
			return true
		}
	}
	return false
}

// finish tells the queue that the batch is over, and how long it and its commit took.
func (w *writer) finish(batch, commit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batchTime.Observe(batch)
	w.queue.Finish(w.served, commit)
	w.served = w.served[:0]
}

// write runs one batch in one transaction, and returns how long the commit took and
// what to answer. If the transaction is lost midway, the batch ends there.
func (w *writer) write(most int) (commit time.Duration, outcome func(*request) error) {
	w.useLog()
	if err := w.begin.run(); err != nil {
		for len(w.batch) < most {
			if r, _ := w.take(0); r == nil {
				break
			}
		}
		return 0, func(r *request) error { return w.failed(r, "begin", err) }
	}
	tx := &writeTx{w: w, conn: w.conn}
	start := time.Now()
	for now := start; len(w.batch) < most && now.Sub(start) < maxBatchTime && tx.bytes < maxBatchBytes; {
		r, f := w.take(now.Sub(start))
		if r == nil {
			break
		}
		tx.first = len(w.batch) == 1
		tx.run(r)
		end := time.Now()
		r.took = end.Sub(now)
		w.charge(f, r.took)
		now = end
		if tx.lost != nil || tx.undo {
			w.abort()
			return 0, func(r *request) error { return w.failed(r, "write", tx.lost) }
		}
	}
	if len(w.batch) == 0 { // all have been given up
		w.abort()
		return 0, nil
	}
	err := tx.flush()
	requests := len(w.batch)
	start = time.Now()
	if w.beforeCommit != nil {
		w.batch = w.beforeCommit(w.batch)
	}
	if err == nil {
		err = w.commit.run()
	}
	commit = time.Since(start)
	if err != nil {
		w.abort()
		w.logger.Error("commit failed", "requests", requests, "err", err)
		return commit, func(r *request) error { return w.failed(r, "commit", err) }
	}
	if tx.bytes < smallBatch {
		w.commitTime.Observe(commit)
	}
	w.recent.Record(requests, commit)
	w.noteUsed(tx.used)
	w.batches.Add(1)
	for _, fn := range tx.committed {
		fn()
	}
	return commit, func(r *request) error {
		if r.err == nil {
			w.commits.Add(1)
		}
		return r.err
	}
}

// charge lets an app whose request was run have had so much time.
func (w *writer) charge(f *flow, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.Charge(took)
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

// answer tells the callers of the batch what became of it.
func (w *writer) answer(outcome func(*request) error) {
	answer(w.batch, outcome)
	clear(w.batch) // lets go of what the requests hold
	w.batch = w.batch[:0]
}

func answer(batch []*request, outcome func(*request) error) {
	for _, r := range batch {
		r.err = outcome(r)
		close(r.done)
	}
}
