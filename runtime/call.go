package runtime

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"runtime/debug"
	"time"
)

// hostContext is the context that host functions get: it leads back to the run.
type hostContext struct {
	context.Context
	run *Exec
}

type runKey struct{}

// Value makes the run found by [running].
func (c *hostContext) Value(key any) any {
	if key == (runKey{}) {
		return c.run
	}
	return c.Context.Value(key)
}

// running is the run whose host function got ctx, or nil.
func running(ctx context.Context) *Exec {
	x, _ := ctx.Value(runKey{}).(*Exec)
	return x
}

// Checkpoint is for a host function that computes for longer than a moment, about
// every half millisecond. It may wait while others have the slot; an error says
// that the run or ctx is over, and the function should return. Outside of a run it
// is that of ctx. Checkpoint and [Blocking] are for the goroutine that the
// function was called on.
func Checkpoint(ctx context.Context) error {
	x := running(ctx)
	if x == nil {
		return ctx.Err()
	}
	x.contended()
	goruntime.Gosched() // as Check does
	if !x.goOn() {
		return x.cause.Load().reason()
	}
	return ctx.Err()
}

// Contended tells whether [Checkpoint] would wait, since others are to have the slot:
// who holds something that they may need, too, can give it back before. Outside of a
// run nobody waits.
func Contended(ctx context.Context) bool {
	x := running(ctx)
	return x != nil && x.contended()
}

// Charge counts time that something else has computed for a host function, such as one
// goroutine that writes for all, as the run's CPU time, and as its share of the slots.
// It is for the goroutine that the function was called on. Outside of a run it does
// nothing.
func Charge(ctx context.Context, d time.Duration) {
	x := running(ctx)
	if x == nil {
		return
	}
	x.used.Add(int64(d))
	x.began += d // the pass has no part of its slot in it
	if x.pass != nil {
		x.pass.Charge(d)
	}
}

// Hold charges bytes to the memory of the run that a host function serves, before
// they are made: the watcher would notice them when it is too late, and might put
// them down to another run. They are charged to the run's end, as nobody can tell
// what JavaScript keeps. A run that holds more than [Limits].Memory ends with
// BUDGET_MEMORY, whatever its JavaScript catches: the error is for the function,
// which should return. Outside of a run it does nothing.
func Hold(ctx context.Context, bytes int64) error {
	x := running(ctx)
	if x == nil {
		return nil
	}
	held := x.held.Add(max(0, bytes))
	if held <= x.Limits.Memory {
		return nil
	}
	err := x.memoryError(fmt.Sprintf("%d MiB", held>>20))
	x.stop(cause{err: err})
	return err
}

// Log adds a line to the log of the run that a host function serves, such as a warning
// to its author. It is for the goroutine that the function was called on; outside of a
// run it does nothing.
func Log(ctx context.Context, level, text string) {
	if x := running(ctx); x != nil {
		x.Print(level, text)
	}
}

// Blocking is for a [Brief] function that has to wait: the slot is given back while
// it calls wait, on the same goroutine. The error is that of wait, or why the run
// has to end. In a [Func], which has no slot, and outside of a run, it only calls
// wait.
func Blocking(ctx context.Context, wait func() error) error {
	x := running(ctx)
	if x == nil || !x.leave() {
		return wait()
	}
	err := wait()
	if x.cause.Load() == nil {
		x.enter()
	}
	if c := x.cause.Load(); c != nil {
		return c.reason()
	}
	return err
}

// reason is why a host function has to return.
func (c *cause) reason() error {
	if c.err != nil {
		return c.err
	}
	return context.Canceled
}

// Call calls a host function, off the slot unless that is a [Brief] one. It
// doesn't return when the run has to end. The error is one for JavaScript, see
// [Func].
func (x *Exec) Call(fn *HostFunc, args Args) (Value, error) {
	x.Check()
	if fn.brief {
		x.brief, x.began = true, x.cpu()
	} else {
		x.leave()
	}
	v, err := x.invoke(fn.call, args)
	if n := int64(len(v.text) + len(v.raw)); n > x.Limits.Memory {
		x.stop(cause{err: x.memoryError(fmt.Sprintf("%d MiB", n>>20))}) // before the engine makes its own of it
	}
	if stop, ok := errors.AsType[*Stop](err); ok {
		x.stop(cause{response: stop.Response})
	}
	if x.ctx.Err() != nil {
		x.stop(cause{err: x.wallError()}) // before the handler makes something of the host's error
	}
	if fn.brief {
		x.tellIdle()
		x.brief = false
	} else if x.cause.Load() == nil {
		x.enter()
	}
	x.Check()
	return v, fn.Refused(err)
}

// tellIdle tells the pass how long a brief call has had the slot.
func (x *Exec) tellIdle() {
	if x.brief && x.pass != nil {
		cpu := x.cpu()
		x.pass.Idle(cpu - x.began)
		x.began = cpu
	}
}

// Wait waits until t, off the slot. It doesn't return when the run has to end.
func (x *Exec) Wait(t time.Time) {
	_, _ = x.Call(&HostFunc{call: func(ctx context.Context, _ Args) (Value, error) {
		alarm := time.NewTimer(time.Until(t))
		defer alarm.Stop()
		select {
		case <-alarm.C:
		case <-ctx.Done():
		}
		return Undefined(), nil
	}}, nil)
}

func (x *Exec) invoke(fn Func, args Args) (v Value, err error) {
	returned := false
	defer func() {
		if p := recover(); p != nil {
			x.stop(cause{err: &Error{Code: CodeInternal, Message: fmt.Sprintf("a host function panicked: %v", p), Stack: string(debug.Stack())}})
		} else if !returned {
			// Nothing holds up the goroutine's end, which is the run's.
			x.stop(cause{err: &Error{Code: CodeInternal, Message: "a host function ended its goroutine, as runtime.Goexit and a test's FailNow do; it must return"}})
		}
	}()
	v, err = fn(&x.host, args)
	returned = true
	return v, err
}

// entryError explains why a slot couldn't be had again.
func (x *Exec) entryError(err error) error {
	if x.ctx.Err() != nil {
		return x.wallError()
	}
	return err
}

func (x *Exec) wallError() *Error {
	err := context.Cause(x.ctx)
	if x.ctx.Err() == context.Canceled {
		return &Error{Code: CodeCanceled, Message: "the request was canceled", Err: err}
	}
	return &Error{Code: CodeWall, Message: "the handler ran out of time", Err: err}
}

func (x *Exec) memoryError(used string) *Error {
	return &Error{Code: CodeMemory, Message: "the handler needed too much memory",
		Allowed: fmt.Sprintf("%d MiB", x.Limits.Memory>>20), Used: used}
}
