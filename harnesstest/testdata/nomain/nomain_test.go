// Package nomain is a test's package without a TestMain, for the tests of harnesstest.
package nomain

import (
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

func TestLacks(t *testing.T) {
	t.Log("lacks:", harnesstest.Start(t).Lacks("Spawner"))
}
