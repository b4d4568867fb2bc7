package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// writeTx is the transaction of one batch, and what the request at hand has
// done in it.
type writeTx struct {
	w     *writer
	conn  *conn
	first bool // the request at hand is the first of the batch

	ctx    context.Context // of the request at hand
	atomic bool            // see request
	wrote  bool            // it has written
	saved  bool            // it has a savepoint
	ended  bool            // no request is at hand
	notify []func()        // run after the commit, if the request succeeds
	failed error           // an operation of it has failed halfway

	missing *search       // it can't go on without, see [Store.transact]
	read    int64         // what it has read to find matches, in units of work
	held    time.Duration // how long it should take to write them

	bytes       int // that all requests have written
	committed   []func()
	sequence    int64                        // the last number given out, 0 if none was needed
	indexes     map[[2]string][]index        // by app and collection, as far as they were read
	used        map[string]int64             // at most, by app, as far as it was read
	generations map[collectionKey]generation // as far as they were read
	lost        error                        // the database has ended the transaction by itself
	undo        bool                         // the first request has failed after it wrote
}

// run runs one request, and undoes what it wrote if it fails.
func (tx *writeTx) run(r *request) {
	if !r.state.CompareAndSwap(queued, running) {
		r.err = cmp.Or(context.Cause(r.ctx), context.DeadlineExceeded)
		return
	}
	if r.err = cmp.Or(r.ctx.Err(), r.predecessor()); r.err != nil {
		return
	}
	if r.atomic && !r.state.CompareAndSwap(running, committing) {
		r.err = context.DeadlineExceeded // abandoned in this instant
		return
	}
	tx.ctx, tx.atomic, tx.wrote, tx.saved, tx.ended, tx.notify, tx.failed = r.ctx, r.atomic, false, false, false, nil, nil
	r.err = tx.call(r)
	if r.err == nil {
		r.err = tx.failed
	}
	if r.err != nil && r.atomic {
		r.state.Store(running) // it has undone itself: its caller may know for certain
	}
	tx.ended, r.fn = true, nil // a pipeline keeps its requests, but need not keep the data
	if r.err == nil && !r.atomic && !r.state.CompareAndSwap(running, committing) {
		r.err = cmp.Or(r.ctx.Err(), context.DeadlineExceeded) // abandoned while it ran
	}
	if tx.lost == nil {
		tx.settle(r)
	}
	if r.err == nil {
		tx.committed = append(tx.committed, tx.notify...)
	} else {
		tx.indexes, tx.used, tx.generations = nil, nil, nil // it may have changed them
	}
}

// predecessor is why the request of the same pipeline was not made that this one
// comes after.
func (r *request) predecessor() error {
	p := r.after
	if p == nil {
		return nil
	}
	r.after = nil // or they would keep each other
	if p.err == nil && p.state.Load() == abandoned {
		return context.DeadlineExceeded
	}
	return p.err
}

// call keeps a panic in a caller's function from stopping everyone's writer.
func (tx *writeTx) call(r *request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			tx.w.logger.Error("panic in a transaction", "op", r.op, "panic", p, "stack", string(debug.Stack()))
			err = &storage.Error{Code: storage.CodeInvalid, Op: r.op, Msg: fmt.Sprintf("panic in the transaction: %v", p)}
		}
	}()
	return r.fn(tx)
}

// settle keeps or undoes what the request at hand wrote.
func (tx *writeTx) settle(r *request) {
	var err error
	switch {
	case !tx.wrote, tx.atomic:
	case r.err == nil && tx.saved:
		err = tx.w.releaseSave.run()
	case r.err != nil && tx.saved:
		if err = tx.w.rollbackToSave.run(); err == nil {
			err = tx.w.releaseSave.run()
		}
	case r.err != nil:
		tx.undo = true
	}
	if err != nil {
		tx.lost = err
	}
}

// write runs a statement that changes data. The first of a request opens a
// savepoint, unless the request is one statement, or the first and can have the whole
// transaction undone: most requests that fail do so before they write, and pay nothing.
func (tx *writeTx) write(query string, args ...any) (int64, error) {
	if err := tx.beforeWrite(); err != nil {
		return 0, err
	}
	for _, a := range args {
		switch a := a.(type) {
		case string:
			tx.bytes += len(a)
		case []byte:
			tx.bytes += len(a)
		}
	}
	n, err := tx.conn.exec(query, args...)
	return n, tx.check(err)
}

func (tx *writeTx) beforeWrite() error {
	if err := tx.usable(); err != nil {
		return err
	}
	if tx.wrote {
		return nil
	}
	if !tx.first && !tx.atomic {
		if err := tx.w.savepoint.run(); err != nil {
			return tx.check(err)
		}
		tx.saved = true
	}
	tx.wrote = true
	return nil
}

// fail makes the request at hand fail, even if its function goes on.
func (tx *writeTx) fail(err error) {
	if tx.failed == nil {
		tx.failed = err
	}
}

// usable fails once the transaction is gone: a statement after that would
// commit by itself.
func (tx *writeTx) usable() error {
	if tx.lost != nil {
		return tx.lost
	}
	if tx.ended {
		return &storage.Error{Code: storage.CodeClosed, Msg: "the transaction has ended"}
	}
	return nil
}

// check notices when an error has ended the transaction: a full disk, for one,
// makes the database roll it back (https://www.sqlite.org/lang_transaction.html,
// section 3).
func (tx *writeTx) check(err error) error {
	if err != nil && tx.conn.raw.AutoCommit() {
		tx.lost = err
	}
	return err
}

// next returns a number that the store never gives out again. It is read once
// a transaction and written back once, however many requests take one.
func (tx *writeTx) next() (int64, error) {
	if err := tx.usable(); err != nil {
		return 0, err
	}
	if tx.sequence == 0 {
		n, err := tx.conn.queryInt("SELECT value FROM sequence WHERE id = 1")
		if err != nil {
			return 0, err
		}
		tx.sequence = n
	}
	tx.sequence++
	return tx.sequence, nil
}

// flush writes back what the batch has counted.
func (tx *writeTx) flush() error {
	if tx.sequence == 0 {
		return nil
	}
	_, err := tx.conn.exec("UPDATE sequence SET value = ? WHERE id = 1", tx.sequence)
	return err
}
