package budget

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// deadlineContext is a context with a deadline that makes its timer and channel
// only when somebody asks for them. Most requests are over before anybody does,
// and would spend more on a context than on being admitted.
type deadlineContext struct {
	parent   context.Context
	deadline time.Time
	of       interface{ cause() error } // makes the cause when the deadline passes

	mu     sync.Mutex // held while inner is made
	inner  atomic.Pointer[innerContext]
	closed atomic.Bool
}

type innerContext struct {
	context.Context
	cancel context.CancelFunc
}

// real makes the context that this one stands for.
func (c *deadlineContext) real() *innerContext {
	if in := c.inner.Load(); in != nil {
		return in
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if in := c.inner.Load(); in != nil {
		return in
	}
	in, parent := &innerContext{}, c.parent
	if !time.Now().Before(c.deadline) {
		// Ours came first, whatever has happened to the parent since.
		parent = context.WithoutCancel(parent)
	}
	in.Context, in.cancel = context.WithDeadlineCause(parent, c.deadline, c.of.cause())
	c.inner.Store(in)
	if c.closed.Load() {
		in.cancel()
	}
	return in
}

// Close ends the context.
func (c *deadlineContext) Close() {
	c.closed.Store(true)
	// real looks at closed after it stores inner, so one of the two cancels.
	if in := c.inner.Load(); in != nil {
		in.cancel()
	}
}

// Deadline is when work has to end.
func (c *deadlineContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done is closed when the deadline passes, the parent ends, or Close is called.
func (c *deadlineContext) Done() <-chan struct{} { return c.real().Done() }

// Err is as with any context.
func (c *deadlineContext) Err() error {
	if in := c.inner.Load(); in != nil {
		return in.Err()
	}
	if c.closed.Load() || c.parent.Err() != nil || !time.Now().Before(c.deadline) {
		return c.real().Err() // which has the cause, too
	}
	return nil
}

// Value looks in the real context once there is one: package context finds its
// own there, and so attaches children without a goroutine each.
func (c *deadlineContext) Value(key any) any {
	if in := c.inner.Load(); in != nil {
		return in.Value(key)
	}
	return c.parent.Value(key)
}
