package harnesstest

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// trial is a test within a test: it may fail, and the outer test goes on.
type trial struct {
	testing.TB // for what a failure does not touch, such as TempDir and Setenv

	failed, skipped atomic.Bool
	ctx             context.Context
	cancel          context.CancelFunc

	mu       sync.Mutex
	cleanups []func()
}

func newTrial(tb testing.TB) *trial {
	t := &trial{TB: tb}
	t.ctx, t.cancel = context.WithCancel(tb.Context())
	return t
}

// run runs f in a goroutine of its own, which FailNow and SkipNow end, and then
// what f left to Cleanup.
func (t *trial) run(f func()) {
	t.goexit(f)
	t.cancel()
	for {
		t.mu.Lock()
		n := len(t.cleanups)
		if n == 0 {
			t.mu.Unlock()
			return
		}
		last := t.cleanups[n-1]
		t.cleanups = t.cleanups[:n-1]
		t.mu.Unlock()
		t.goexit(last)
	}
}

func (t *trial) goexit(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (t *trial) Context() context.Context { return t.ctx }

func (t *trial) Cleanup(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanups = append(t.cleanups, f)
}

// What is written to a trial shows only with the outer test's own output.

func (t *trial) Output() io.Writer                 { return t.TB.Output() }
func (t *trial) Log(args ...any)                   { fmt.Fprintln(t.TB.Output(), args...) }
func (t *trial) Logf(format string, args ...any)   { fmt.Fprintf(t.TB.Output(), format+"\n", args...) }
func (t *trial) Failed() bool                      { return t.failed.Load() }
func (t *trial) Fail()                             { t.failed.Store(true) }
func (t *trial) FailNow()                          { t.Fail(); runtime.Goexit() }
func (t *trial) Error(args ...any)                 { t.Log(args...); t.Fail() }
func (t *trial) Errorf(format string, args ...any) { t.Logf(format, args...); t.Fail() }
func (t *trial) Fatal(args ...any)                 { t.Log(args...); t.FailNow() }
func (t *trial) Fatalf(format string, args ...any) { t.Logf(format, args...); t.FailNow() }
func (t *trial) Skipped() bool                     { return t.skipped.Load() }
func (t *trial) SkipNow()                          { t.skipped.Store(true); runtime.Goexit() }
func (t *trial) Skip(args ...any)                  { t.Log(args...); t.SkipNow() }
func (t *trial) Skipf(format string, args ...any)  { t.Logf(format, args...); t.SkipNow() }
