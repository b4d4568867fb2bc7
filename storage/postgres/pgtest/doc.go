// Package pgtest starts PostgreSQL for tests: real servers, from the programs that are
// installed, with their data in a folder that is gone afterwards.
//
//	func TestOrders(t *testing.T) {
//		url := pgtest.Shared(t).Database(t) // postgres://...
//		...
//	}
//
// [Shared] is one server for all tests of a test binary, of which each makes a
// database of its own. A test that stops its server, kills it or gives it a standby
// takes one to itself with [Start].
//
// It needs Linux and Debian's package postgresql-15, or the same programs on the
// PATH; where there are none, tests are skipped and say so, and with
// FAZT_POSTGRES=required in the environment they fail. Tests that run as root have the
// servers run as the user postgres. Nothing is written outside /tmp, and next to no
// shared memory is taken.
package pgtest
