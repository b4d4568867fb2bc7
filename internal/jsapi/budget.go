package jsapi

import (
	"context"
	"time"

	"github.com/fazt-sh/fazt/budget"
	"github.com/fazt-sh/fazt/runtime"
)

// The two functions, and the reserve that is kept back for the answer, add up to
// what the request was allowed. All times are in milliseconds.
var budgetFunctions = []Function{
	{Name: "remaining", Result: typeNumber, make: binder.budgetRemaining},
	{Name: "used", Result: "{total: number, queue: number, auth: number, js: number, read: number, write: number, render: number, operations: number}",
		make: binder.budgetUsed},
}

func (binder) budgetRemaining() any {
	return runtime.Brief(func(ctx context.Context, _ runtime.Args) (runtime.Value, error) {
		return runtime.Number(milliseconds(budget.From(ctx).Remaining())), nil
	})
}

func (binder) budgetUsed() any {
	return runtime.Func(func(ctx context.Context, _ runtime.Args) (runtime.Value, error) {
		b := budget.From(ctx)
		spent := func(p budget.Phase) float64 { return milliseconds(b.Spent(p)) }
		return runtime.From(struct {
			Total      float64 `json:"total"`
			Queue      float64 `json:"queue"`
			Auth       float64 `json:"auth"`
			Compute    float64 `json:"js"`
			Read       float64 `json:"read"`
			Write      float64 `json:"write"`
			Render     float64 `json:"render"`
			Operations int     `json:"operations"`
		}{
			milliseconds(b.Used()), spent(budget.Queue), spent(budget.Auth), spent(budget.Compute),
			spent(budget.StorageRead), spent(budget.StorageWrite), spent(budget.Render), b.Operations(),
		})
	})
}

// milliseconds is a duration to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
