//go:build !integration

package harnesstest_test

import (
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
)

func TestMain(m *testing.M) { harnesstest.Main(m) }
