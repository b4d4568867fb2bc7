package auth

import (
	"errors"
	"strings"
	"time"
)

// Code names a kind of failure, for programs.
type Code string

// The codes of this package's errors.
const (
	CodeInvalid      Code = "INVALID"      // an argument is malformed
	CodeNotFound     Code = "NOT_FOUND"    // no such user, key or invite
	CodeConflict     Code = "CONFLICT"     // more than one user has the e-mail, or it is taken, or no owner would be left
	CodeUnauthorized Code = "UNAUTHORIZED" // the API key, hand-over or password is not good
	CodeForbidden    Code = "FORBIDDEN"    // whoever acts may not do this
	CodeRateLimited  Code = "RATE_LIMITED" // too many attempts; RetryAfter says how long to wait
	CodeOverloaded   Code = "OVERLOADED"   // too many sign in at once; RetryAfter likewise
	CodeUnavailable  Code = "UNAVAILABLE"  // the database failed; Err has its error
)

// What callers test for with errors.Is.
var (
	// ErrKey says that an API key is malformed, unknown, expired or revoked.
	// Which of them is not told.
	ErrKey = errors.New("the API key is not valid")
	// ErrPassword says that an e-mail address and a password do not go together.
	// Whether there is such a user is not told.
	ErrPassword = errors.New("the e-mail address and the password do not go together")
	// ErrNotFound says that there is no user, key or invite of that id or e-mail.
	ErrNotFound = errors.New("not found")
	// ErrAmbiguous says that several users have the e-mail.
	ErrAmbiguous = errors.New("several users have this e-mail")
)

// errHandover says that a code is unknown, used, expired, or meant for another
// host or browser.
var errHandover = errors.New("the hand-over code is not valid")

// Error is what this package returns.
type Error struct {
	Code Code
	Op   string // the operation, such as "key.create"
	Err  error  // the cause
	Hint string // what to do next
	// RetryAfter is how long to wait before the same may succeed; 0: it won't.
	RetryAfter time.Duration
}

// Error joins the parts that are set.
func (e *Error) Error() string {
	var parts []string
	if e.Op != "" {
		parts = append(parts, e.Op)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	} else {
		parts = append(parts, string(e.Code))
	}
	s := strings.Join(parts, ": ")
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
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

// failed wraps an error of the database, and leaves this package's own alone.
func failed(op string, err error) error {
	if err == nil || CodeOf(err) != "" {
		return err
	}
	return &Error{Code: CodeUnavailable, Op: op, Err: err}
}
