package budget

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrSpent reports that too little of a budget is left to start an operation.
// The text of the error that wraps it says how much was allowed and used.
var ErrSpent = errors.New("budget: spent")

// Budget is what one request may still spend. Its methods are safe for
// concurrent use.
type Budget struct {
	config   Config
	start    time.Time
	deadline time.Time
}

type contextKey struct{}

// Start begins a budget and returns a context that carries it and ends with it.
// A parent that ends sooner shortens it. Call cancel when the request is over.
// c must come from [Config.WithDefaults].
func (c Config) Start(parent context.Context) (ctx context.Context, cancel context.CancelFunc) {
	now := time.Now()
	b := &Budget{config: c, start: now, deadline: now.Add(c.RequestTimeout)}
	if d, ok := parent.Deadline(); ok && d.Before(b.deadline) {
		b.deadline = d
	}
	return context.WithDeadline(context.WithValue(parent, contextKey{}, b), b.deadline)
}

// From returns the budget that ctx carries, or nil.
func From(ctx context.Context) *Budget {
	b, _ := ctx.Value(contextKey{}).(*Budget)
	return b
}

// Remaining is the wall time left, never negative.
func (b *Budget) Remaining() time.Duration { return max(0, time.Until(b.deadline)) }

// Used is the wall time since the start.
func (b *Budget) Used() time.Duration { return time.Since(b.start) }

// Allowed is the wall time that the budget began with.
func (b *Budget) Allowed() time.Duration { return b.deadline.Sub(b.start) }

// Operation returns a context for one storage operation: it ends after half of
// what remains, or after [Config].StorageOpTimeout when that is sooner. With
// less than MinOperationTime left it refuses with an error that wraps
// [ErrSpent]. Without a budget in ctx it returns ctx itself.
func Operation(ctx context.Context) (context.Context, context.CancelFunc, error) {
	b := From(ctx)
	if b == nil {
		return ctx, func() {}, nil
	}
	remaining := b.Remaining()
	if remaining < b.config.MinOperationTime {
		return nil, nil, fmt.Errorf("%w: %v of %v used, and an operation needs at least %v",
			ErrSpent, b.Used().Round(time.Millisecond), b.Allowed(), b.config.MinOperationTime)
	}
	op, cancel := context.WithTimeout(ctx, min(remaining/2, b.config.StorageOpTimeout))
	return op, cancel, nil
}
