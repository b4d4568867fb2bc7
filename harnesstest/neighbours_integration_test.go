//go:build integration

package harnesstest_test

import (
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

func TestNeighbours(t *testing.T) {
	harnesstest.Neighbours(t, harnesstest.StartOrAttach(t), withReport()...)
}
