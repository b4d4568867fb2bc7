package budget

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What a caller can test for with [errors.Is].
var (
	// ErrSpent: too little time is left, or none.
	ErrSpent = errors.New("budget: spent")
	// ErrDoomed: what remains is less than the operation or the run is expected
	// to take. The same request, sent again, starts with a whole budget.
	ErrDoomed = errors.New("budget: would not end in time")
	// ErrOperations: the request has started as many operations as it may.
	ErrOperations = errors.New("budget: too many operations")
	// ErrRead and ErrWrite: the request has read from the store, or written to it,
	// as many bytes as it may.
	ErrRead  = errors.New("budget: too much read")
	ErrWrite = errors.New("budget: too much written")
	// ErrOverloaded: the caller was not admitted, or a [Pool] had no room. Trying
	// again after [Error].RetryAfter may work.
	ErrOverloaded = errors.New("budget: overloaded")
)

// Error says which limit was met. [Error.Usage] says how.
type Error struct {
	Reason error  // one of the Err variables
	Detail string // why, if there is more to say than Usage has

	// Depth and Delay are set by an [Admission] with ErrOverloaded: how many waited
	// to be admitted, all flows together, and how long the caller would have
	// waited. RetryAfter is when the queue should have drained, or 1 to 3 s where a
	// [Pool] had no room, with some jitter, so that those who were refused together
	// do not come back together.
	Depth             int
	Delay, RetryAfter time.Duration

	limit interface{ usage() Usage } // nil where an Admission refused
}

// Usage is what a limit allowed, and what was used of it, each with its unit.
// Limit names it: "time" or "operations". Phase is what most of the time went
// into, and InPhase how much; that is 0 where no phase has taken a tenth of it.
type Usage struct {
	Limit         string
	Allowed, Used string
	Phase         Phase
	InPhase       time.Duration
}

// Usage is worked out when it is asked for, and false where an [Admission] refused
// with ErrOverloaded.
func (e *Error) Usage() (u Usage, ok bool) {
	if e.limit == nil {
		return Usage{}, false
	}
	return e.limit.usage(), true
}

// Retryable reports whether the same request may do better later.
func (e *Error) Retryable() bool { return e.Reason == ErrOverloaded || e.Reason == ErrDoomed }

// Unwrap returns Reason.
func (e *Error) Unwrap() error { return e.Reason }

// Error says what was allowed, what was used, and what used most of it.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Reason.Error())
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if u, ok := e.Usage(); ok {
		fmt.Fprintf(&b, " (allowed %s, used %s", u.Allowed, u.Used)
		if u.InPhase > 0 {
			fmt.Fprintf(&b, ", mostly in %v: %v", u.Phase, u.InPhase.Round(time.Millisecond))
		}
		b.WriteByte(')')
	}
	return b.String()
}

// usage is that of the wall time.
func (b *Budget) usage() Usage {
	u := Usage{Limit: "time", Allowed: b.allowed.String(), Used: b.Used().Round(time.Millisecond).String()}
	u.Phase, u.InPhase = b.most()
	return u
}

// byteLimit is met by reading or writing too many bytes.
type byteLimit struct {
	budget        *Budget
	allowed, used int64
	phase         Phase
}

func (l byteLimit) usage() Usage {
	return Usage{Allowed: fmt.Sprintf("%d bytes", l.allowed), Used: fmt.Sprintf("%d bytes", l.used),
		Phase: l.phase, InPhase: l.budget.Spent(l.phase)}
}

// near is usage for a list of limits, each with its unit in its name.
func (l byteLimit) near() Usage {
	u := l.usage()
	u.Limit, u.Allowed, u.Used = "bytes read from the store", strconv.FormatInt(l.allowed, 10), strconv.FormatInt(l.used, 10)
	if l.phase == StorageWrite {
		u.Limit = "bytes written to the store"
	}
	return u
}

// Near are the limits of which at least a fraction was used, between 0 and 1.
func (b *Budget) Near(fraction float64) (near []Usage) {
	if float64(b.Used()) >= fraction*float64(b.allowed) {
		near = append(near, b.usage())
	}
	if n := b.Operations(); float64(n) >= fraction*float64(b.config.Operations) {
		near = append(near, operationLimit{b, int64(n)}.usage())
	}
	for _, l := range []byteLimit{
		{b, b.config.ReadBytes, b.BytesRead(), StorageRead}, {b, b.config.WriteBytes, b.BytesWritten(), StorageWrite},
	} {
		if float64(l.used) >= fraction*float64(l.allowed) {
			near = append(near, l.near())
		}
	}
	return near
}

// operationLimit is met by starting one operation too many.
type operationLimit struct {
	budget *Budget
	used   int64
}

func (l operationLimit) usage() Usage {
	u := Usage{Limit: "operations", Allowed: strconv.Itoa(l.budget.config.Operations), Used: strconv.FormatInt(l.used, 10), Phase: StorageRead}
	if l.budget.Spent(StorageWrite) > l.budget.Spent(StorageRead) {
		u.Phase = StorageWrite
	}
	u.InPhase = l.budget.Spent(u.Phase)
	return u
}
