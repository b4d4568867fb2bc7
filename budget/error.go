package budget

import (
	"errors"
	"fmt"
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
	// ErrOverloaded: the caller was not admitted. Trying again after
	// [Error].RetryAfter may work.
	ErrOverloaded = errors.New("budget: overloaded")
)

// Error says what was allowed and what was used.
type Error struct {
	Reason  error  // one of the Err variables
	Detail  string // why, if there is more to say than Allowed and Used
	Allowed string // with its unit
	Used    string

	// RetryAfter is when the queue should have drained, with some jitter, so
	// that those who were refused together do not come back together. Only with
	// ErrOverloaded.
	RetryAfter time.Duration

	budget *Budget // for an Error whose text is made when it is read
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
	allowed, used := e.Allowed, e.Used
	if e.budget != nil {
		allowed, used = e.budget.usage()
	}
	if allowed != "" {
		fmt.Fprintf(&b, " (allowed %s, used %s)", allowed, used)
	}
	return b.String()
}

// usage describes the wall time, with the phase that took most of it.
func (b *Budget) usage() (allowed, used string) {
	allowed, used = b.allowed.String(), b.Used().Round(time.Millisecond).String()
	if phase, d := b.most(); d > 0 {
		used += fmt.Sprintf(", %v of it in %v", d.Round(time.Millisecond), phase)
	}
	return allowed, used
}
