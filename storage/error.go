package storage

import (
	"errors"
	"strings"
	"time"
)

// Code names a kind of failure, for programs.
type Code string

// The codes that a Store returns.
const (
	CodeInvalid        Code = "INVALID"          // the caller's data or query is malformed
	CodeNotFound       Code = "NOT_FOUND"        // no such key, app or content
	CodeConflict       Code = "CONFLICT"         // a precondition failed, or an id is taken
	CodeQuotaExceeded  Code = "QUOTA_EXCEEDED"   // a size or total is past its limit
	CodeResultTooLarge Code = "RESULT_TOO_LARGE" // more than MaxRows rows without a limit
	CodeTooManyMatches Code = "TOO_MANY_MATCHES" // more matches than one transaction may write
	CodeOverloaded     Code = "OVERLOADED"       // refused before it started; retry later
	CodeUncertain      Code = "UNCERTAIN"        // may or may not have been made
	CodeReadOnly       Code = "READ_ONLY"        // a write where only reads are allowed
	CodeUnavailable    Code = "UNAVAILABLE"      // the disk is full or failing
	CodeClosed         Code = "CLOSED"           // the store has been closed
	CodeFormat         Code = "FORMAT"           // the file is not ours, or of a newer fazt
)

// Error is what a Store returns for everything but a context's own error.
type Error struct {
	Code Code
	// Op is the operation, such as "kv.set".
	Op string
	// Path is where in the caller's data the fault lies, such as "items[2].$gt".
	Path string
	// Msg says what is wrong, in lower case.
	Msg string
	// Hint says what to do next.
	Hint string
	// Used and Allowed are set with [CodeQuotaExceeded]: the size that what was
	// exceeded would have had, and its limit, in bytes.
	Used, Allowed int64
	// Count is set with [CodeTooManyMatches]: how many documents match; and with an
	// error of [ChunkedDocs]: how many were written before it.
	Count int
	// Depth and Delay are set with [CodeOverloaded], if it was the queue that
	// refused: how many writes of the app wait, and how long one that comes now is
	// expected to.
	Depth int
	Delay time.Duration
	// Err is the cause, if another package reported it.
	Err error
}

// Error joins the parts that are set.
func (e *Error) Error() string {
	var b strings.Builder
	add := func(sep, s string) {
		if s == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteString(sep)
		}
		b.WriteString(s)
	}
	add("", e.Op)
	add(": ", e.Path)
	add(": ", e.Msg)
	if e.Err != nil {
		add(": ", e.Err.Error())
	}
	if b.Len() == 0 {
		b.WriteString(string(e.Code))
	}
	add("; ", e.Hint)
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the first Error in err's chain, or "".
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
