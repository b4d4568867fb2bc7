package harnesstest

import "testing"

// Requests runs the suite of the life of every kind of request, from a static file to a
// sign-in: bodies, headers, statuses, caching, methods and errors. Most of it are cases
// that other implementations can be asked, too; see package cases.
func Requests(t *testing.T, target Target, opts ...Option) {
	t.Helper()
	RequestsSuite().Run(t, target, opts...)
}

// RequestsSuite is the table of [Requests].
func RequestsSuite() Suite {
	return Suite{Name: "Requests", Checks: append(caseChecks("requests"), requestFlows()...)}
}
