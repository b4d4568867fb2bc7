package budget

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
)

// Budget is what one request may still spend. It is a context that ends when
// the time for work is over; its cause is then an [*Error]. Its methods are
// safe for concurrent use.
type Budget struct {
	deadlineContext // of work; the reserve comes after it

	above   *Budget // the parent's
	config  Config
	start   time.Time
	allowed time.Duration

	operations atomic.Int64
	read       atomic.Int64 // bytes
	written    atomic.Int64
	phases     [phaseCount]atomic.Int64 // nanoseconds
}

type contextKey struct{}

// New begins a budget. A parent that ends sooner shortens it. A parent that is
// a Budget, or has one, is charged for what the new one spends. Call
// [Budget.Close] when the request is over. Zero fields of c stand for their defaults;
// a negative one allows nothing, and [Config.WithDefaults] tells.
func New(parent context.Context, c Config) *Budget {
	now := time.Now()
	c, _ = c.WithDefaults()
	b := &Budget{above: From(parent), config: c, start: now}
	left := c.RequestTimeout
	if deadline, ok := parent.Deadline(); ok {
		left = min(left, deadline.Sub(now))
	}
	// From now, which is monotonic, and not the parent's own, which need not be.
	b.deadline, b.allowed = now.Add(left), max(0, left)
	if b.above == nil {
		// The parent of a child keeps the reserve back already.
		b.deadline = b.deadline.Add(-min(c.Reserve, b.allowed/10))
	}
	b.parent, b.of = parent, b
	return b
}

func (b *Budget) cause() error { return &Error{Reason: ErrSpent, limit: b} }

// From returns the budget that ctx carries, or nil.
func From(ctx context.Context) *Budget {
	b, _ := ctx.Value(contextKey{}).(*Budget)
	return b
}

// Value makes the budget found by [From].
func (b *Budget) Value(key any) any {
	if key == (contextKey{}) {
		return b
	}
	return b.deadlineContext.Value(key)
}

// Remaining is the wall time left for work, never negative.
func (b *Budget) Remaining() time.Duration { return max(0, time.Until(b.deadline)) }

// Used is the wall time since the start.
func (b *Budget) Used() time.Duration { return time.Since(b.start) }

// Allowed is the wall time that the budget began with, the reserve included.
func (b *Budget) Allowed() time.Duration { return b.allowed }

// Operations is how many operations were started.
func (b *Budget) Operations() int { return int(b.operations.Load()) }

// BytesRead is how many bytes were read from the store, and BytesWritten how many
// were written to it.
func (b *Budget) BytesRead() int64    { return b.read.Load() }
func (b *Budget) BytesWritten() int64 { return b.written.Load() }

// operation counts one operation here and in the parents.
func (b *Budget) operation() error {
	for ; b != nil; b = b.above {
		if n := b.operations.Add(1); n > int64(b.config.Operations) {
			return &Error{Reason: ErrOperations, limit: operationLimit{b, n}}
		}
	}
	return nil
}

// Read counts n bytes that are about to be read from the store, here and in the
// parents. The error is an [*Error], ErrRead.
func (b *Budget) Read(n int64) error {
	for ; b != nil; b = b.above {
		if used, allowed := b.read.Add(n), b.config.ReadBytes; used > allowed {
			return &Error{Reason: ErrRead, limit: byteLimit{b, allowed, used, StorageRead}}
		}
	}
	return nil
}

// Write counts n bytes that are about to be written to the store, as Read does. The
// error is ErrWrite.
func (b *Budget) Write(n int64) error {
	for ; b != nil; b = b.above {
		if used, allowed := b.written.Add(n), b.config.WriteBytes; used > allowed {
			return &Error{Reason: ErrWrite, limit: byteLimit{b, allowed, used, StorageWrite}}
		}
	}
	return nil
}

// Phase is a part of a request that time is spent in.
type Phase int

// The phases of a request.
const (
	Queue        Phase = iota // waiting for a slot
	Auth                      // finding out who asks
	Compute                   // on a slot
	StorageRead               // reading operations
	StorageWrite              // writing operations
	Render                    // writing the answer
	phaseCount
)

var phaseNames = [phaseCount]string{"queue", "auth", "js", "read", "write", "render"}

// Phases are all phases in the order in which a request goes through them.
func Phases() []Phase { return []Phase{Queue, Auth, Compute, StorageRead, StorageWrite, Render} }

// String is the phase's name in logs and metrics.
func (p Phase) String() string { return phaseNames[p] }

// Spend adds d to what was spent in a phase, here and in the parents.
func (b *Budget) Spend(p Phase, d time.Duration) {
	for ; b != nil; b = b.above {
		b.phases[p].Add(int64(d))
	}
}

// Spent is the time spent in a phase.
func (b *Budget) Spent(p Phase) time.Duration { return time.Duration(b.phases[p].Load()) }

// most is the phase that took longest, if that is a tenth of the time: all of it may
// have gone into what is no phase, such as a function of the program's own.
func (b *Budget) most() (Phase, time.Duration) {
	most := Queue
	for _, p := range Phases() {
		if b.Spent(p) > b.Spent(most) {
			most = p
		}
	}
	if spent := b.Spent(most); 10*spent >= b.Used() {
		return most, spent
	}
	return Queue, 0
}

// LogValue is a group for a log line: the time in all, how many operations, and
// the time in each phase that took any.
func (b *Budget) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Duration("total", b.Used()), slog.Int("operations", b.Operations())}
	for _, p := range Phases() {
		if d := b.Spent(p); d > 0 {
			attrs = append(attrs, slog.Duration(p.String(), d))
		}
	}
	return slog.GroupValue(attrs...)
}

// ServerTiming is the value of a Server-Timing header, as
// https://www.w3.org/TR/server-timing/ has it: milliseconds by phase. It tells
// the client about the inside, so show it to developers alone.
func (b *Budget) ServerTiming() string {
	var parts []string
	for _, p := range Phases() {
		if d := b.Spent(p); d > 0 {
			parts = append(parts, fmt.Sprintf("%v;dur=%.3f", p, float64(d)/1e6))
		}
	}
	return strings.Join(append(parts, fmt.Sprintf("total;dur=%.3f", float64(b.Used())/1e6)), ", ")
}
