package jsapi

import (
	"context"

	"github.com/fazt-sh/fazt/runtime"
)

// CheckBatch reads the argument of a batch, as far as that needs no data.
func CheckBatch(ctx context.Context, text []byte) error {
	items, err := batchItems(ctx, runtime.Args{runtime.JSON(text)})
	for i, item := range items {
		if _, err := item.write(i); err != nil {
			return err
		}
	}
	return err
}

// Late is the reason why an operation was cut off.
var Late = late
