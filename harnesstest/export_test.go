package harnesstest

import (
	"testing"
	"time"
)

// These are opened to the tests.

// AttachWithin is Attach to a target that may take so long to answer.
func AttachWithin(tb testing.TB, target, token string, patience time.Duration) (*Server, error) {
	return attach(tb, target, token, patience)
}

// URLWithin is URL for a target that may take so long to answer.
func URLWithin(tb testing.TB, target string, patience time.Duration) (Target, error) {
	return reachSite(tb.Context(), target, patience)
}

// Leaked returns the stacks of what f leaves running for so long.
func Leaked(patience time.Duration, f func()) []string {
	ended := make(chan struct{})
	label := labelled("test", func() { defer close(ended); f() })
	<-ended
	return leaked(label, patience)
}
