package budget_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/fazt-sh/fazt/budget"
)

// afterJump is a context with a second left, made before somebody set the clock
// by the given amount: its deadline is a time of day of the old clock, and its
// timer knows nothing of either.
type afterJump struct {
	context.Context
	deadline time.Time
}

func (c afterJump) Deadline() (time.Time, bool) { return c.deadline, true }

func jumped(t *testing.T, by time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return afterJump{ctx, time.Now().Add(time.Second - by).Round(0)}
}

// TestClockIsSet: contexts whose deadlines are off by an hour neither hang
// anybody nor make anything negative.
func TestClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-time.Hour, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			b := begin(t, jumped(t, by), budget.Config{})
			if r := b.Remaining(); r < 0 || r > b.Allowed() || b.Allowed() > 10*time.Second || b.Used() != 0 {
				t.Errorf("set by %v: %v of %v remain, %v used", by, r, b.Allowed(), b.Used())
			}
			<-b.Done() // as late as the context itself
			if d := time.Since(start); d > time.Second || errors.Is(b.Err(), context.Canceled) {
				t.Errorf("set by %v: ended after %v with %v", by, d, b.Err())
			}
		})
		synctest.Test(t, func(t *testing.T) {
			a := admission(t, budget.AdmissionConfig{Slots: 1, MaxWait: 5 * time.Second})
			holder := enter(t, a, "app")
			start := time.Now()
			_, err := a.Enter(jumped(t, by), budget.Caller{Flow: "app"})
			if d := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || d < 0 || d > time.Second {
				t.Errorf("set by %v: waited %v for %v", by, d, err)
			}
			holder.Leave()
			other := enter(t, a, "other")
			if err := holder.Resume(jumped(t, by)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("set by %v: waited to resume until %v", by, err)
			}
			other.Done()
			holder.Done()
			if s := a.Stats(); s.InFlight != 0 || s.Short != 0 || s.Queued != 0 || s.Resuming != 0 {
				t.Errorf("set by %v: left over: %+v", by, s)
			}
		})
	}
}

// TestDeadlinesAreMonotonic: what is derived from a time of day does not depend
// on it any more.
func TestDeadlinesAreMonotonic(t *testing.T) {
	b := begin(t, jumped(t, 0), budget.Config{})
	op, done, err := budget.NewOperation("reading", budget.StorageRead).Start(b)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	for name, ctx := range map[string]context.Context{"budget": b, "operation": op} {
		// That is how package time shows a monotonic reading.
		if deadline, _ := ctx.Deadline(); !strings.Contains(deadline.String(), " m=") {
			t.Errorf("the deadline of the %s is a time of day: %v", name, deadline)
		}
	}
}

// set is at as time.Now returns it after the clock was set: the time of day is
// another, the monotonic clock goes on. Package time offers no way to make one.
func set(t *testing.T, at time.Time, by time.Duration) time.Time {
	t.Helper()
	moved := at
	*(*uint64)(unsafe.Pointer(&moved)) += uint64(by/time.Second) << 30 // seconds are above 30 bits of nanoseconds
	if moved.Sub(at) != 0 || moved.Round(0).Sub(at.Round(0)) != by {
		t.Fatalf("time.Time is made otherwise than it was: %v set by %v is %v", at, by, moved)
	}
	return moved
}

func TestPercentilesWhenClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-time.Hour, time.Hour} {
		now := time.Now()
		var p budget.Percentiles
		for range 100 {
			p.Record(now, 100*time.Millisecond)
		}
		now = set(t, now.Add(time.Second), by)
		p.Record(now, 100*time.Millisecond)
		if got := p.Expected(now, 0.5); got < 100*time.Millisecond || got > 125*time.Millisecond {
			t.Errorf("a second later, and set by %v, %v is expected", by, got)
		}
	}
}
