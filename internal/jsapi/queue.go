package jsapi

import (
	"context"

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

// queue makes a function that queues a write if it can, and makes it as
// binder.write does if not.
func (b binder) queue(k kind, prepare func(runtime.Args) (queueing, operation, error)) runtime.Brief {
	return func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		inv := From(ctx)
		scope, err := b.scope(inv)
		if err != nil {
			return runtime.Value{}, err
		}
		enqueue, do, err := prepare(args)
		if err == nil {
			err = inv.wrote(args)
		}
		if err != nil {
			return runtime.Value{}, err
		}
		writing := inv.App.Operations[k]
		op, done, err := writing.Start(ctx)
		if err != nil {
			return runtime.Value{}, inv.refused(err)
		}
		if inv.pipeline == nil {
			inv.pipeline = b.api.opt.Store.Pipeline()
		}
		result, ok, err := enqueue(op, inv.pipeline, scope)
		if err != nil {
			done()
			return runtime.Value{}, inv.failed(late(op, err))
		}
		if ok {
			inv.unsettled = writing // Settle ends the operation
			return result, nil
		}
		err = runtime.Blocking(ctx, func() error {
			if err := inv.Settle(); err != nil {
				return inv.failed(err)
			}
			op, done, err := writing.Restart(ctx)
			if err != nil {
				return inv.failed(err)
			}
			defer done()
			if result, err = transact(op, b.api.opt.Store.Tx, scope, do); err != nil {
				return inv.failed(late(op, err))
			}
			return nil
		})
		return result, err
	}
}
