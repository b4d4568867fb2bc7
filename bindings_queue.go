package fazt

import (
	"context"
	"errors"
	"time"

	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// The writes whose outcome is known before they are made are queued: the handler
// goes on while they are written, and its answer waits until they are on disk.
// That spares each such call a wait for the disk and its VM the time, and what
// one request writes goes into one commit. A handler can't tell, since whatever
// could show it waits for them first: another storage call, a function of the
// embedder's, and the answer.

// queued is what a request has queued last; op is nil when all of it is on disk.
type queued struct {
	kind *budget.Operation
	op   context.Context
}

// queueing queues a write, or reports that it has to be made and waited for.
type queueing func(context.Context, storage.Pipeline, storage.Scope) (runtime.Value, bool, error)

// queue makes a host function that queues a write if it can, and makes it as
// binder.write does if not.
func (b binder) queue(prepare func(runtime.Args) (queueing, operation, error)) runtime.Brief {
	return func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		c := callFrom(ctx)
		scope, err := b.scope(ctx)
		if err != nil {
			return runtime.Value{}, err
		}
		enqueue, do, err := prepare(args)
		if err != nil {
			return runtime.Value{}, err
		}
		op, done, err := b.writing.Start(ctx)
		if err != nil {
			return runtime.Value{}, c.refusedOperation(err)
		}
		if c.pipeline == nil {
			c.pipeline = b.store.Pipeline()
		}
		result, ok, err := enqueue(op, c.pipeline, scope)
		if err != nil {
			done()
			return runtime.Value{}, c.failedOperation(late(op, err))
		}
		if ok {
			c.queued = queued{b.writing, op} // which settle ends
			return result, nil
		}
		return runtime.Value{}, runtime.Blocking(func() (runtime.Value, error) {
			defer done()
			if err := c.settle(); err != nil {
				return runtime.Value{}, c.failedOperation(err)
			}
			result, err := transact(op, b.store.Tx, scope, do)
			if err != nil {
				return runtime.Value{}, c.failedOperation(late(op, err))
			}
			return result, nil
		})
	}
}

// settle waits until all that the request has queued is on disk.
func (c *call) settle() error {
	last := c.queued
	if last.op == nil {
		return nil
	}
	c.queued = queued{}
	start := time.Now()
	err := c.pipeline.Wait()
	last.kind.Waited(c.budget, time.Since(start))
	if errors.Is(err, context.DeadlineExceeded) && last.op.Err() != nil {
		return late(last.op, err)
	}
	return err
}

// uncaught is the failure of a run by a host function's error that came when
// nobody could catch it any more.
func uncaught(err error) *runtime.Error {
	e := &runtime.Error{Code: runtime.CodeHandler, Name: "Error", Message: err.Error(), Err: err}
	if h, ok := errors.AsType[*runtime.HostError](err); ok {
		e.Message, e.ThrownCode = h.Message, h.Code
	}
	return e
}
