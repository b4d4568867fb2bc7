package fazt

import (
	"context"
	"errors"

	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
	"github.com/fazt-sh/fazt/storage"
)

// gate admits runs by app.
type gate struct{ admission *budget.Admission }

func (g gate) Enter(ctx context.Context) (runtime.Pass, error) {
	t, err := g.admission.Enter(ctx, callFrom(ctx).app.info.Name)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// operations are the kinds of storage operations that an app's handlers start.
// Each is expected to take what its like took lately. Each app has its own, or
// one with much to search would have the quick operations of the others refused.
type operations struct {
	kvRead, kvWrite, docsRead, docsWrite, blobRead, blobWrite *budget.Operation
}

func newOperations() operations {
	return operations{
		kvRead:    budget.NewOperation("reading kv", budget.StorageRead),
		kvWrite:   budget.NewOperation("writing kv", budget.StorageWrite),
		docsRead:  budget.NewOperation("reading documents", budget.StorageRead),
		docsWrite: budget.NewOperation("writing documents", budget.StorageWrite),
		blobRead:  budget.NewOperation("reading a blob", budget.StorageRead),
		blobWrite: budget.NewOperation("writing a blob", budget.StorageWrite),
	}
}

// refusedOperation gives a handler the reason why an operation was not started.
// One too many ends the run: a handler that caught the error would only try
// the next.
func (c *call) refusedOperation(err error) error {
	if !errors.Is(err, budget.ErrOperations) {
		return c.failedOperation(err)
	}
	return classify(err).stop()
}

// failedOperation gives a handler the error of an operation, and remembers it
// when the budget or the server's load is the reason, and not the handler.
func (c *call) failedOperation(err error) error {
	if _, spent := errors.AsType[*budget.Error](err); spent || storage.CodeOf(err) == storage.CodeOverloaded {
		c.breach = err
	}
	return hostError(err)
}

// late is the reason why an operation was cut off, where its error only says
// that the time was up.
func late(op context.Context, err error) error {
	if storage.CodeOf(err) != "" || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if cause := context.Cause(op); cause != nil {
		return cause
	}
	return err
}

// failure is the answer to a run that failed with e. A handler that lets the
// error of an operation through has not failed itself: the answer is then that
// of the breach, as it is when the run is ended for one.
func (c *call) failure(e *runtime.Error) failure {
	if c.breach != nil && e.Code == runtime.CodeHandler {
		if f := classify(c.breach); f.Code == e.ThrownCode {
			return f
		}
	}
	return classify(e)
}
