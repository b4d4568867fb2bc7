package jsapi

import (
	"context"

	"github.com/fazt-sh/fazt/runtime"
)

// array is a JSON array that is made of many texts, with checkpoints.
type array struct {
	ctx   context.Context
	text  []byte
	check int // the length at which the next checkpoint is due
}

// arrayChunk is how much is put together between two checkpoints: some hundred
// microseconds where each element is printed.
const arrayChunk = 64 << 10

// newArray begins an array of about size bytes, which are charged to the run.
func newArray(ctx context.Context, size int) (*array, error) {
	size += len("[]")
	if err := runtime.Hold(ctx, int64(size)); err != nil {
		return nil, err
	}
	return &array{ctx: ctx, text: append(make([]byte, 0, size), '['), check: arrayChunk}, nil
}

// next goes on to the next element.
func (a *array) next() error {
	if len(a.text) > len("[") {
		a.text = append(a.text, ',')
	}
	if len(a.text) < a.check {
		return nil
	}
	a.check = len(a.text) + arrayChunk
	return runtime.Checkpoint(a.ctx)
}

func (a *array) add(texts ...string) {
	for _, t := range texts {
		a.text = append(a.text, t...)
	}
}

func (a *array) value() runtime.Value { return runtime.JSON(append(a.text, ']')) }
