package fazt

import (
	"context"
	"errors"

	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
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

// operations are the kinds of storage operations that handlers start. Each is
// expected to take what its like took lately, on whatever app's behalf.
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
func refusedOperation(err error) error {
	if !errors.Is(err, budget.ErrOperations) {
		return hostError(err)
	}
	return classify(err).stop()
}
