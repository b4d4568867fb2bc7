package fazt

import (
	"context"
	"errors"
	"time"

	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// The writes whose outcome is known before they are made are queued: the handler
// goes on while they are written, and its answer waits until they are on disk.
// That spares each such call a wait for the disk and its VM the time, and what
// one request writes goes into one commit. A handler can't tell, since whatever
// could show it waits for them first: another storage call, a function of the
// embedder's, and the answer.

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
			c.unsettled = b.writing // settle ends the operation
			return result, nil
		}
		return runtime.Value{}, runtime.Blocking(func() (runtime.Value, error) {
			if err := c.settle(); err != nil {
				return runtime.Value{}, c.failedOperation(err)
			}
			op, done, err := b.writing.Restart(ctx)
			if err != nil {
				return runtime.Value{}, c.failedOperation(err)
			}
			defer done()
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
	kind := c.unsettled
	if kind == nil {
		return nil
	}
	c.unsettled = nil
	start := time.Now()
	err := c.pipeline.Wait()
	kind.Waited(c, time.Since(start))
	return err
}

// uncaught is the failure of a run by the error of an operation that came when
// nobody could catch it any more: so what isn't the handler's fault is not put
// down to it.
func (c *call) uncaught(err error) *runtime.Error {
	switch storage.CodeOf(err) {
	case storage.CodeUncertain, storage.CodeUnavailable, storage.CodeClosed:
		c.breach = err
	}
	err = c.failedOperation(err)
	e := &runtime.Error{Code: runtime.CodeHandler, Name: "Error", Message: err.Error(), Err: err}
	if h, ok := errors.AsType[*runtime.HostError](err); ok {
		e.Message, e.ThrownCode = h.Message, h.Code
	}
	return e
}
