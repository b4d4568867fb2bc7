package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fazt-sh/fazt/storage"
)

// statement is one that is sent with others.
type statement struct {
	query string
	args  []any
	// got is nil, or is given the rows; of one that only changes some, none.
	got    func(*rowBuffer) error
	writes bool
}

// batchTx is the transaction of one batch. What returns nothing that is waited for is
// kept and sent with the next statement that does, or before the COMMIT, so that many
// writes are one round trip.
type batchTx struct {
	b       *batch
	w       *writer
	ctx     context.Context
	conn    *pgxpool.Conn
	careful bool
	begun   bool
	ended   bool
	wrote   bool
	lost    error // the transaction can't be committed

	pending []statement
	current *writeTx // the request at hand
	bytes   int      // that all requests have written
	sent    int      // of bytes

	apps        map[string]*appState
	collections map[collectionKey]*collectionState
	indexes     map[collectionName][]index
	committed   []func()
}

// appState is what a transaction knows of an app whose turn it has.
type appState struct {
	app     string
	known   bool  // the database has answered
	bytes   int64 // that it stores, with what was written
	before  int64 // without
	asked   int64 // by which it may have grown since, see reserve
	flushed int   // how often asked was settled
	seq     int64 // of the newest document
	seqWas  int64
}

const (
	takeTurn = `SELECT bytes, seq FROM usage WHERE app = $1 FOR UPDATE`
	makeTurn = `INSERT INTO usage (app, bytes, seq) VALUES ($1, 0, 0) ON CONFLICT (app) DO NOTHING`
	keepTurn = `UPDATE usage SET bytes = $2, seq = $3 WHERE app = $1`
	beginTx  = `BEGIN ISOLATION LEVEL READ COMMITTED`
)

// writeTx is one request's part in a transaction.
type writeTx struct {
	*batchTx
	r      *request
	over   bool
	saved  bool // it has a savepoint
	mark   int  // where in pending it begins
	undo   []func()
	notify []func() // run after the commit, if the request succeeds
	failed error    // an operation of it has failed halfway

	read     int64         // what it has read to find matches, in units of work
	held     time.Duration // how long it should take to write them
	searched int           // operations that had many documents to search
	long     bool          // it is to be run again, beside the lanes
}

// run runs one request, and undoes what it wrote if it fails.
func (b *batchTx) run(r *request) {
	r.err = nil
	if !r.begin() {
		r.err = cmp.Or(context.Cause(r.ctx), context.DeadlineExceeded)
		return
	}
	if r.err = cmp.Or(r.ctx.Err(), r.predecessor()); r.err != nil {
		return
	}
	tx := &writeTx{batchTx: b, r: r, mark: len(b.pending)}
	b.current = tx
	r.err = tx.call()
	if r.err == nil {
		r.err = tx.failed
	}
	if tx.long {
		r.err = errLong
	}
	tx.over, b.current = true, nil
	if b.lost != nil {
		r.err = nil // it is the batch's
		return
	}
	if r.err == nil && !r.state.CompareAndSwap(running, committing) {
		r.err = cmp.Or(r.ctx.Err(), context.DeadlineExceeded) // abandoned while it ran
	}
	if errors.Is(r.err, errLong) {
		r.state.CompareAndSwap(running, queued)
	}
	tx.settle()
	if r.err == nil {
		b.committed = append(b.committed, tx.notify...)
	}
}

// begin moves a request to running, also one whose transaction was undone.
func (r *request) begin() bool {
	for {
		state := r.state.Load()
		if state == abandoned || state == refused {
			return false
		}
		if r.state.CompareAndSwap(state, running) {
			return true
		}
	}
}

// predecessor is why the request of the same pipeline was not made that this one
// comes after.
func (r *request) predecessor() error {
	p := r.after
	if p == nil {
		return nil
	}
	if p.err == nil && p.state.Load() == abandoned {
		return context.DeadlineExceeded
	}
	return p.err
}

// call keeps a panic in a caller's function from stopping everyone's lane.
func (tx *writeTx) call() (err error) {
	defer func() {
		if p := recover(); p != nil {
			tx.w.store.logger.Error("panic in a transaction", "op", tx.r.op, "panic", p, "stack", string(debug.Stack()))
			err = &storage.Error{Code: storage.CodeInvalid, Op: tx.r.op, Msg: fmt.Sprintf("panic in the transaction: %v", p)}
		}
	}()
	return tx.r.fn(tx)
}

// settle keeps or undoes what the request wrote.
func (tx *writeTx) settle() {
	if tx.r.err == nil {
		if tx.saved {
			tx.pending = append(tx.pending, statement{query: releaseRequest})
		}
		return
	}
	clear(tx.pending[tx.mark:])
	tx.pending = tx.pending[:tx.mark]
	if tx.saved {
		tx.pending = append(tx.pending, statement{query: rollbackRequest}, statement{query: releaseRequest})
	}
	for i := len(tx.undo) - 1; i >= 0; i-- {
		tx.undo[i]()
	}
	tx.indexes = nil // it may have changed them
}

const (
	saveRequest     = `SAVEPOINT request`
	releaseRequest  = `RELEASE SAVEPOINT request`
	rollbackRequest = `ROLLBACK TO SAVEPOINT request`
	saveStatement   = `SAVEPOINT statement`
	undoStatement   = `ROLLBACK TO SAVEPOINT statement; RELEASE SAVEPOINT statement`
	freeStatement   = `RELEASE SAVEPOINT statement`
)

// usable fails once the request, or its transaction, is gone.
func (tx *writeTx) usable() error {
	switch {
	case tx.over || tx.ended:
		return &storage.Error{Code: storage.CodeClosed, Msg: "the transaction has ended"}
	case tx.lost != nil:
		return tx.lost
	}
	return tx.r.ctx.Err()
}

// queue keeps a statement that changes data to be sent later. It must not fail but for
// what fails the whole batch.
func (tx *writeTx) queue(query string, args ...any) error {
	return tx.queueGot(nil, query, args...)
}

// queueGot is queue for a statement that returns rows: they are given to got some time
// before the commit.
func (tx *writeTx) queueGot(got func(*rowBuffer) error, query string, args ...any) error {
	if err := tx.usable(); err != nil {
		return err
	}
	tx.pending = append(tx.pending, statement{query: query, args: args, got: got, writes: true})
	for _, a := range args {
		switch a := a.(type) {
		case string:
			tx.bytes += len(a)
		case []byte:
			tx.bytes += len(a)
		}
	}
	if len(tx.pending) >= maxPending || tx.bytes-tx.sent >= maxPendingBytes {
		return tx.flush()
	}
	return nil
}

// exec runs a statement that changes data, and returns how many rows it changed. If it
// fails it has changed nothing, and the transaction goes on.
func (tx *writeTx) exec(query string, args ...any) (int64, error) {
	var n int64
	err := tx.guarded(statement{query: query, args: args, writes: true, got: func(rows *rowBuffer) error { n = rows.affected; return nil }})
	return n, err
}

// query implements querier: it sees what the transaction has written.
func (tx *writeTx) query(ctx context.Context, query string, args []any, fn func(scan scanFunc) error) error {
	rows, err := tx.rows(ctx, query, args)
	if err != nil {
		return err
	}
	return rows.each(fn)
}

// rows implements querier.
func (tx *writeTx) rows(_ context.Context, query string, args []any) (*rowBuffer, error) {
	return tx.answer(statement{query: query, args: args})
}

// changed is rows for a statement that changes some, and that no constraint can make fail.
func (tx *writeTx) changed(query string, args []any) (*rowBuffer, error) {
	return tx.answer(statement{query: query, args: args, writes: true})
}

// answer sends a statement, with what is pending, and returns what it is answered with.
func (tx *writeTx) answer(s statement) (found *rowBuffer, err error) {
	if err := tx.usable(); err != nil {
		return nil, err
	}
	s.got = func(rows *rowBuffer) error { found = rows; return nil }
	tx.pending = append(tx.pending, s)
	err = tx.flush()
	return found, err
}

// guarded runs a statement that may fail, which undoes it and nothing else.
func (tx *writeTx) guarded(s statement) error {
	if err := tx.usable(); err != nil {
		return err
	}
	tx.pending = append(tx.pending, statement{query: saveStatement, writes: s.writes})
	if err := tx.acquire(); err != nil {
		return tx.lose(err)
	}
	// What is not known to the connection is looked at before anything that is sent with
	// it: the savepoint has to be there.
	known := preparedOn(tx.conn.Conn())
	if !known[s.query] {
		if err := tx.flush(); err != nil {
			return err
		}
	}
	tx.pending = append(tx.pending, s, statement{query: freeStatement})
	at, failed := tx.send(true)
	if failed == nil {
		known[s.query] = true
	}
	if at != guardedFailed {
		return failed
	}
	if err := simple(tx.ctx, tx.conn.Conn().PgConn(), undoStatement); err != nil {
		return tx.lose(err)
	}
	return failed
}

// preparedOn returns the statements of others that a connection has run.
func preparedOn(c *pgx.Conn) map[string]bool {
	data := c.PgConn().CustomData()
	known, _ := data["known"].(map[string]bool)
	if known == nil || len(known) > maxKnown {
		known = make(map[string]bool)
		data["known"] = known
	}
	return known
}

// maxKnown is below how many statements a connection remembers.
const maxKnown = 256

// next returns a number that is never given out again.
func (tx *writeTx) next() (int64, error) {
	if err := tx.usable(); err != nil {
		return 0, err
	}
	return tx.w.store.numbers.take(tx.ctx)
}

// onCommit has fn run after the commit.
func (tx *writeTx) onCommit(fn func()) { tx.notify = append(tx.notify, fn) }

// fail makes the request at hand fail, even if its function goes on.
func (tx *writeTx) fail(err error) {
	if tx.failed == nil {
		tx.failed = err
	}
}
