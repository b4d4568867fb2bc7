//go:build integration

package harnesstest_test

import (
	"os"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

// The suites against the server at FAZT_TARGET, or against one of their own, to which
// every check applies.

func TestBaseline(t *testing.T)   { runSuite(t, harnesstest.Baseline) }
func TestRequests(t *testing.T)   { runSuite(t, harnesstest.Requests) }
func TestNeighbours(t *testing.T) { runSuite(t, harnesstest.Neighbours) }
func TestResilience(t *testing.T) { runSuite(t, harnesstest.Resilience) }
func TestSecurity(t *testing.T)   { runSuite(t, harnesstest.Security) }

func runSuite(t *testing.T, suite func(*testing.T, harnesstest.Target, ...harnesstest.Option)) {
	t.Helper()
	own := os.Getenv("FAZT_TARGET") == ""
	complete := harnesstest.WithSink(func(r harnesstest.Result) {
		if own && r.Outcome == harnesstest.NotApplicable {
			t.Errorf("%s/%s does not apply to a server of the test's own: %s", r.Suite, r.Check, r.Text)
		}
	})
	suite(t, harnesstest.StartOrAttach(t), append(withReport(), complete)...)
}
