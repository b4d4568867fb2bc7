package storage

import (
	"context"
	"time"
)

// Pacer is told what an operation costs while it runs, so that what reads for
// one caller can give way to others and be ended. [WithPacer] gives one to the
// operations of a context; without one nothing changes.
type Pacer interface {
	// Pace is called by work that computes, about every half millisecond, on the
	// goroutine that does it. It may wait, so that others get the processor, and
	// its error ends the work.
	Pace(ctx context.Context) error
	// Read is told how many bytes the operation is about to return, or has scanned
	// out to Go, before it holds them; an error ends it.
	Read(bytes int) error
}

// Waiter is a [Pacer] that is also told where an operation waits: for a
// connection, for its turn, for the disk; and what was computed for it meanwhile. Pace may give the processor away while
// the operation holds a connection, and whoever waits for a connection with a
// processor kept from all others would wait for ever.
type Waiter interface {
	Pacer
	// Contended tells whether Pace would wait, because others are to have the
	// processor.
	Contended(ctx context.Context) bool
	// Wait calls wait, on the same goroutine. Its error is that of wait, or why
	// the work has to end.
	Wait(ctx context.Context, wait func() error) error
	// Charge is told, on the same goroutine, how long something else has computed for
	// the operation: what writes for many callers, on a goroutine of its own.
	Charge(ctx context.Context, d time.Duration)
}

type pacerKey struct{}

// WithPacer returns a context whose operations are paced by p.
func WithPacer(ctx context.Context, p Pacer) context.Context {
	return context.WithValue(ctx, pacerKey{}, p)
}

// PacerOf returns the Pacer of a context, or nil. An engine asks once for each
// operation.
func PacerOf(ctx context.Context) Pacer {
	p, _ := ctx.Value(pacerKey{}).(Pacer)
	return p
}

// Wait has the context's [Waiter] call wait, or calls it where there is none. It is
// for engines, where they are about to wait, and not before they know.
func Wait(ctx context.Context, wait func() error) error {
	if w, ok := PacerOf(ctx).(Waiter); ok {
		return w.Wait(ctx, wait)
	}
	return wait()
}

// Charge tells the context's [Waiter], if there is one, what was computed for the
// operation.
func Charge(ctx context.Context, d time.Duration) {
	if w, ok := PacerOf(ctx).(Waiter); ok {
		w.Charge(ctx, d)
	}
}
