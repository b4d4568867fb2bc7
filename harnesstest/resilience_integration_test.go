//go:build integration

package harnesstest_test

import (
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

func TestResilience(t *testing.T) {
	harnesstest.Resilience(t, harnesstest.StartOrAttach(t), withReport()...)
}
