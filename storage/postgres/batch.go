package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// batchLimit is how long the transaction of a batch may take before its COMMIT, most
	// of which could only be waiting for another server that has the turn of an app.
	batchLimit = 20 * time.Second
	// longLimit is the same for one beside the lanes.
	longLimit = 2 * time.Minute
	// commitLimit is how long the answer to a COMMIT is waited for. While a synchronous
	// standby is away there is none, and nothing is durable.
	commitLimit = 30 * time.Second
	// maxRetries is how often a batch is run again that the database has undone.
	maxRetries = 8
)

// batch is the requests that share a transaction.
type batch struct {
	w        *writer
	flows    []*flow
	requests []*request
	fixed    bool       // it takes no more requests
	alone    bool       // it is beside the lanes, and may take long
	later    []*request // of those that were taken, what is to be run beside the lanes

	// Of the attempt at hand, or the last:
	tx *batchTx

	took, commitTime time.Duration
	committed        bool
	bytes            int
	used             map[string]int64
}

// flow returns that of an app of the batch.
func (b *batch) flow(app string) *flow {
	for _, f := range b.flows {
		if f.App == app {
			return f
		}
	}
	return nil
}

var (
	// errNearQuota is what an attempt fails with that took an app's quota for far away
	// when it was not.
	errNearQuota = errors.New("an app is near its quota")
	// errNoTurn is what one fails with whose app has no row in the table usage any more.
	errNoTurn = errors.New("an app has no turn")
	// errLong is what a request fails with that is to be run again, beside the lanes.
	errLong = errors.New("the request takes long")
	// errRolledBack is for a COMMIT that the database has answered with ROLLBACK.
	errRolledBack = errors.New("the database has rolled the transaction back")
)

// uncertainError is for a COMMIT of which nobody knows what became of it.
type uncertainError struct{ err error }

func (e *uncertainError) Error() string { return e.err.Error() }
func (e *uncertainError) Unwrap() error { return e.err }

// run makes the batch: in one transaction, which is begun again if the database has
// undone it, or in one for each request, if it may be the fault of one.
func (b *batch) run() {
	start := time.Now()
	defer func() { b.took = time.Since(start) }()
	careful, fresh := false, false
	for tries := 0; ; tries++ {
		err := b.try(careful)
		b.fixed = true
		switch {
		case err == nil:
			return
		case errors.Is(err, errNearQuota), errors.Is(err, errNoTurn):
			careful = true
		case isUncertain(err):
			b.w.store.logger.Error("commit is uncertain", "requests", len(b.requests), "err", err)
			b.fail(err)
			return
		case errors.Is(err, context.DeadlineExceeded):
			b.w.store.logger.Error("transaction took too long", "requests", len(b.requests), "limit", batchLimit)
			b.fail(err)
			return
		case away(err) && !fresh:
			fresh = true // on another connection: this one may have been cut long ago
		case retryable(err) && tries < maxRetries && b.w.retry.allow(len(b.requests)):
		case len(b.requests) > 1 && !away(err):
			b.split()
			return
		default:
			if !b.w.store.State().Unreachable { // which was said once
				b.w.store.logger.Error("transaction failed", "requests", len(b.requests), "err", err)
			}
			b.fail(err)
			return
		}
		if tries > 2*maxRetries {
			b.fail(err)
			return
		}
	}
}

func isUncertain(err error) bool {
	_, ok := errors.AsType[*uncertainError](err)
	return ok
}

// split makes each request by itself.
func (b *batch) split() {
	for _, r := range b.requests {
		single := &batch{w: b.w, flows: b.flows, requests: []*request{r}, fixed: true, alone: b.alone}
		single.run()
		b.later = append(b.later, single.later...)
	}
	b.requests = without(b.requests, b.later)
}

// fail is the answer to all requests of a transaction that failed. A request that had
// failed by itself keeps its own error.
func (b *batch) fail(err error) {
	for _, r := range b.requests {
		if r.err != nil {
			continue
		}
		if isUncertain(err) {
			r.err = &storage.Error{Code: storage.CodeUncertain, Op: r.op, Err: err,
				Msg: "the commit may or may not have been made", Hint: "read the data to see whether it was written"}
			continue
		}
		if sqlState(err) == readOnlyTransaction {
			err = errors.Join(errDemoted, err)
		}
		r.err = wrapSQL(r.op, err)
		if errors.Is(err, context.DeadlineExceeded) && !away(err) {
			r.err = &storage.Error{Code: storage.CodeOverloaded, Op: r.op, Err: err,
				Msg: "another server had the app's turn for too long", Hint: "try again"}
		}
	}
}

// try makes all requests in one transaction, and those that wait, unless the batch takes
// no more. A careful one knows what its apps store before it writes.
func (b *batch) try(careful bool) error {
	limit := batchLimit
	if b.alone {
		limit = longLimit
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	tx := &batchTx{b: b, w: b.w, ctx: ctx, careful: careful}
	b.tx, b.committed, b.later = tx, false, nil
	defer tx.release()
	start := time.Now()
	for i, now := 0, start; ; i++ {
		if i == len(b.requests) {
			if b.fixed || now.Sub(start) > maxBatchTime || tx.bytes > maxBatchBytes || b.w.take(b, now.Sub(start)) == nil {
				break
			}
		}
		r := b.requests[i]
		tx.run(r)
		if errors.Is(r.err, errLong) {
			b.later = append(b.later, r)
		}
		end := time.Now()
		if r.took = end.Sub(now); !b.fixed {
			b.w.charge(r.app, b, r.took)
		}
		if now = end; tx.lost != nil {
			return tx.lost
		}
	}
	b.requests = without(b.requests, b.later)
	return tx.commit()
}

// without returns the requests that are not among others.
func without(requests, others []*request) []*request {
	if len(others) == 0 {
		return requests
	}
	var left []*request
	for _, r := range requests {
		found := false
		for _, o := range others {
			found = found || r == o
		}
		if !found {
			left = append(left, r)
		}
	}
	return left
}

// answer tells the callers of the batch what became of it.
func (b *batch) answer() {
	for _, r := range b.requests {
		if r.err == nil && b.w != nil {
			b.w.committed.Add(1)
		}
		r.fn, r.after = nil, nil // a pipeline keeps its requests, but need not keep the data
		close(r.done)
	}
	b.requests = nil
}

// exited ends a batch whose goroutine is ending in the middle of it.
func (b *batch) exited() {
	if b.tx != nil {
		b.tx.release()
	}
	b.requests = append(b.requests, b.later...)
	b.later = nil
	b.fail(&storage.Error{Code: storage.CodeUnavailable, Msg: "runtime.Goexit in a transaction, nothing was written", Hint: "try again"})
	if b.alone {
		b.answer()
		return
	}
	b.w.finish(b)
}

// retries bounds what is done again to a fifth of what was done.
type retries struct {
	mu     sync.Mutex
	spent  float64
	earned float64
}

const (
	retryShare = 0.2
	// firstRetries are granted before anything was done, and the most that is saved up.
	firstRetries = 256
)

func (t *retries) allow(n int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.spent+float64(n) > t.earned+firstRetries {
		return false
	}
	t.spent += float64(n)
	return true
}

func (t *retries) earn(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.earned = min(t.earned+retryShare*float64(n), t.spent)
}

// release gives the connection back; one that is still in a transaction is closed by
// the pool.
func (tx *batchTx) release() {
	conn := tx.conn
	tx.conn, tx.ended = nil, true
	if conn == nil {
		return
	}
	if !conn.Conn().IsClosed() && conn.Conn().PgConn().TxStatus() != 'I' && !conn.Conn().PgConn().IsBusy() {
		ctx, cancel := context.WithTimeout(context.Background(), cancelLimit)
		conn.Exec(ctx, "ROLLBACK") // or the connection is closed
		cancel()
	}
	conn.Release()
}

// acquire takes a connection for the transaction.
func (tx *batchTx) acquire() (err error) {
	if tx.conn == nil {
		tx.conn, err = tx.w.store.writes.Acquire(tx.ctx)
	}
	return err
}

// outcome says what an error of the pipeline that ended with COMMIT, at its last statement
// or before it, means.
func outcome(err error, last bool) error {
	state := sqlState(err)
	switch {
	case err == nil, !last && state != "", pgconn.SafeToRetry(err):
		return err
	case state != "" && (state[:2] == "40" || state[:2] == "23" || state[:2] == "25"):
		return err
	}
	return &uncertainError{err}
}
