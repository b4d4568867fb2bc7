package jsapi

import (
	"context"
	"errors"
	"strings"

	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// kind is a kind of storage operation.
type kind int

const (
	kvRead kind = iota
	kvWrite
	docsRead
	docsWrite
	blobRead
	blobWrite
	kindCount
)

// Operations are the kinds of storage operations that an app's handlers start.
// Each is expected to take what its like took lately. Each app has its own, or
// one with much to search would have the quick operations of the others refused.
type Operations [kindCount]*budget.Operation

// NewOperations returns those of an app that has not run yet.
func NewOperations() *Operations {
	return &Operations{
		kvRead:    budget.NewOperation("reading kv", budget.StorageRead),
		kvWrite:   budget.NewOperation("writing kv", budget.StorageWrite),
		docsRead:  budget.NewOperation("reading documents", budget.StorageRead),
		docsWrite: budget.NewOperation("writing documents", budget.StorageWrite),
		blobRead:  budget.NewOperation("reading a blob", budget.StorageRead),
		blobWrite: budget.NewOperation("writing a blob", budget.StorageWrite),
	}
}

// binder makes the functions of one prefix.
type binder struct {
	api   *API
	scope scopeFunc
}

// scopeFunc says whose data a call is about.
type scopeFunc func(*Invocation) (storage.Scope, error)

func appScope(inv *Invocation) (storage.Scope, error) { return storage.Scope{App: inv.App.ID}, nil }

func userScope(inv *Invocation) (storage.Scope, error) {
	user, err := inv.signedIn()
	if err == nil && user == nil {
		err = &runtime.HostError{Code: "LOGIN_REQUIRED", Message: "fazt.app.user needs a signed-in user; call fazt.auth.requireLogin() first"}
	}
	if err != nil {
		return storage.Scope{}, err
	}
	return storage.Scope{App: inv.App.ID, User: user.ID}, nil
}

// operation is what a function does in a transaction, after it has read its
// arguments.
type operation func(storage.Tx) (runtime.Value, error)

// prepareFunc reads a function's arguments.
type prepareFunc func(runtime.Args) (operation, error)

// read and write make functions: arguments first, then a transaction within the
// request's budget. Reading hardly ever waits, and what writes documents may read many
// to find what it changes.
func (b binder) read(k kind, prepare prepareFunc) runtime.Brief {
	return runtime.Brief(b.run(k, b.api.opt.Store.View, prepare))
}

func (b binder) write(k kind, prepare prepareFunc) any {
	fn := b.run(k, b.api.opt.Store.Tx, prepare)
	if k.reads() {
		return runtime.Brief(fn)
	}
	return fn
}

func (b binder) run(k kind, begin beginning, prepare prepareFunc) runtime.Func {
	return b.scoped(k, func(args runtime.Args) (scopedOperation, error) {
		do, err := prepare(args)
		return func(ctx context.Context, scope storage.Scope) (runtime.Value, error) {
			return transact(ctx, begin, scope, do)
		}, err
	})
}

// beginning is [storage.Store.Tx] or [storage.Store.View].
type beginning func(context.Context, storage.Scope, func(storage.Tx) error) error

// transact runs an operation in a transaction of one kind or the other.
func transact(ctx context.Context, begin beginning, scope storage.Scope, do operation) (runtime.Value, error) {
	var result runtime.Value
	err := begin(ctx, scope, func(tx storage.Tx) (err error) {
		result, err = do(tx)
		return err
	})
	if err != nil {
		return runtime.Value{}, err // not result: a transaction that was given up may still set it
	}
	return result, nil
}

// scopedOperation is what a function does with a scope's data, after it has
// read its arguments.
type scopedOperation func(context.Context, storage.Scope) (runtime.Value, error)

// scoped makes a function of a kind of operation, which it starts within the
// request's budget once the scope and the arguments are known to be good, and
// what the request has queued is on disk.
func (b binder) scoped(k kind, prepare func(runtime.Args) (scopedOperation, error)) runtime.Func {
	return func(ctx context.Context, args runtime.Args) (runtime.Value, error) {
		inv := From(ctx)
		scope, err := b.scope(inv)
		if err != nil {
			return runtime.Value{}, err
		}
		do, err := prepare(args)
		if err != nil {
			return runtime.Value{}, err
		}
		if inv.unsettled != nil {
			if err := runtime.Blocking(ctx, inv.Settle); err != nil {
				return runtime.Value{}, inv.failed(err)
			}
		}
		if k.writes() {
			if err := inv.wrote(args); err != nil {
				return runtime.Value{}, err
			}
		}
		return inv.operate(ctx, k, scope, do)
	}
}

// operate does an operation of a kind, within the request's budget.
func (inv *Invocation) operate(ctx context.Context, k kind, scope storage.Scope, do scopedOperation) (runtime.Value, error) {
	op, done, err := inv.App.Operations[k].Start(ctx)
	if err != nil {
		return runtime.Value{}, inv.refused(err)
	}
	defer done()
	if k.reads() {
		op = inv.paced(op)
	}
	result, err := do(op, scope)
	if inv.exceeded != nil {
		return runtime.Value{}, inv.refused(inv.exceeded)
	}
	if err != nil {
		return runtime.Value{}, inv.failed(late(op, err))
	}
	return result, nil
}

// late is the reason why an operation was cut off, where its error only says
// that the time was up, with what the store says would help.
func late(op context.Context, err error) error {
	if storage.CodeOf(err) != "" || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	cause := context.Cause(op)
	if cause == nil {
		return err
	}
	spent, ok := errors.AsType[*budget.Error](cause)
	if e, helped := errors.AsType[*storage.Error](err); ok && helped && e.Hint != "" {
		hinted := *spent
		hinted.Detail = strings.TrimPrefix(spent.Detail+"; "+e.Hint, "; ")
		return &hinted
	}
	return cause
}
