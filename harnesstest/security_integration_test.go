//go:build integration

package harnesstest_test

import (
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

func TestSecurity(t *testing.T) {
	harnesstest.Security(t, harnesstest.StartOrAttach(t), withReport()...)
}
