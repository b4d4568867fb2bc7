package budget

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Operation is a kind of operation, such as reading one key. It remembers how
// long those of its kind have taken lately, and so which need not be started.
// It is safe for concurrent use.
type Operation struct {
	name  string
	phase Phase
	late  string // what is wrong with one that outlasts its time

	mu    sync.Mutex
	times Percentiles
}

// NewOperation makes a kind of operation whose time is spent in a phase.
func NewOperation(name string, phase Phase) *Operation {
	return &Operation{name: name, phase: phase, late: name + " took longer than one operation may"}
}

// Start begins an operation within ctx's budget. The operation's context ends
// after half of what remains, or after [Config].StorageOpTimeout when that is
// sooner, so that one slow call leaves time to answer; its cause is then an
// [*Error], ErrSpent. Call done when the operation has ended.
//
// The error is an [*Error]: ErrSpent with less than [Config].MinOperationTime
// left, ErrDoomed when most operations of this kind have lately taken longer
// than what remains, ErrOperations when it would be one too many. Without
// a budget in ctx the operation's context is ctx.
func (o *Operation) Start(ctx context.Context) (op context.Context, done func(), err error) {
	if b := From(ctx); b != nil {
		if err := b.operation(); err != nil {
			return nil, nil, err
		}
	}
	return o.Restart(ctx)
}

// Restart is Start for an operation that was counted already, and has not been
// made: it begins anew, with the time that it has now.
func (o *Operation) Restart(ctx context.Context) (op context.Context, done func(), err error) {
	b := From(ctx)
	if b == nil {
		return ctx, func() {}, nil
	}
	now := time.Now()
	remaining := b.deadline.Sub(now)
	if remaining < b.config.MinOperationTime {
		return nil, nil, &Error{Reason: ErrSpent, limit: b,
			Detail: fmt.Sprintf("%s needs at least %v", o.name, b.config.MinOperationTime)}
	}
	if expected := o.expected(now); remaining < expected {
		return nil, nil, &Error{Reason: ErrDoomed, limit: b,
			Detail: fmt.Sprintf("%s takes %v at present, and %v remain", o.name, expected, remaining.Round(time.Millisecond))}
	}
	c := &operationContext{kind: o, start: now}
	c.parent, c.deadline = ctx, now.Add(min(remaining/2, b.config.StorageOpTimeout))
	c.of = c
	return c, func() {
		c.Close()
		o.record(now, time.Now(), b)
	}, nil
}

// Waited ends an operation that went on beside other work, in place of done: d,
// which ends now, is how long it was waited for. Its context may go on.
func (o *Operation) Waited(ctx context.Context, d time.Duration) {
	now := time.Now()
	o.record(now.Add(-d), now, From(ctx))
}

// operationContext is the context of one operation.
type operationContext struct {
	deadlineContext

	kind  *Operation
	start time.Time
}

func (c *operationContext) cause() error {
	return &Error{Reason: ErrSpent, Detail: c.kind.late, limit: c}
}

// usage is that of the operation's own time.
func (c *operationContext) usage() Usage {
	used := time.Since(c.start)
	return Usage{
		Limit: "time", Allowed: c.deadline.Sub(c.start).Round(time.Millisecond).String(), Used: used.Round(time.Millisecond).String(),
		Phase: c.kind.phase, InPhase: used,
	}
}

func (o *Operation) record(start, end time.Time, b *Budget) {
	b.Spend(o.phase, end.Sub(start))
	o.mu.Lock()
	defer o.mu.Unlock()
	o.times.Record(end, end.Sub(start))
}

// Expected is the time within which half of the operations have ended lately;
// 0 when too few were started to tell.
func (o *Operation) Expected() time.Duration { return o.expected(time.Now()) }

func (o *Operation) expected(now time.Time) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.times.Expected(now, 0.5)
}
