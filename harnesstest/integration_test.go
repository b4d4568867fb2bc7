//go:build integration

package harnesstest_test

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

// TestSuites runs every suite against one server: the one at FAZT_TARGET, or one of its
// own, where every check applies.
func TestSuites(t *testing.T) {
	srv := harnesstest.StartOrAttach(t)
	var mu sync.Mutex
	var left []string
	for _, suite := range harnesstest.Suites() {
		suite.Run(t, srv, harnesstest.WithSink(func(r harnesstest.Result) {
			if r.Outcome == harnesstest.NotApplicable {
				mu.Lock()
				defer mu.Unlock()
				left = append(left, r.Suite+"/"+r.Check+": "+r.Text)
			}
		}))
	}
	if len(left) == 0 {
		return
	}
	if os.Getenv("FAZT_TARGET") == "" {
		t.Errorf("these do not apply to a server of the test's own:\n%s", strings.Join(left, "\n"))
	} else {
		t.Logf("not applicable:\n%s", strings.Join(left, "\n"))
	}
}
