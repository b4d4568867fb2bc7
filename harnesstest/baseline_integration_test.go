//go:build integration

package harnesstest_test

import (
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

func TestBaseline(t *testing.T) {
	harnesstest.Baseline(t, harnesstest.StartOrAttach(t), withReport()...)
}
