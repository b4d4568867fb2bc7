package recent_test

import (
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage/internal/recent"
)

func TestRecordAllocatesNothing(t *testing.T) {
	batches := recent.NewBatches(256)
	if n := testing.AllocsPerRun(10_000, func() { batches.Record(100, 3*time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations for a batch", n)
	}
}
