package fazt_test

import (
	"os"
	"testing"

	"github.com/fazt-sh/fazt/harnesstest"
	"github.com/fazt-sh/fazt/internal/teststore"
)

// TestMain has the tests run on the engine that FAZT_TEST_STORE names.
func TestMain(m *testing.M) {
	harnesstest.Store = teststore.InPlaceOf
	os.Exit(m.Run())
}
