package fairqueue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage/internal/fairqueue"
)

// TestAppsAreForgotten serves more apps than are remembered, one of which always waits:
// that is never forgotten.
func TestAppsAreForgotten(t *testing.T) {
	var q fairqueue.Queue[string]
	q.Push("waits", &fairqueue.Item[string]{Value: "waits"})
	q.Next().Busy = true
	for i := range 3 * fairqueue.MaxFlows {
		app := fmt.Sprint("app", i)
		q.Push(app, &fairqueue.Item[string]{Value: app})
		q.Begin()
		f := q.Next()
		if got := q.Take(f); got != app {
			t.Fatalf("%s was next, want %s", got, app)
		}
		f.Charge(time.Millisecond)
		q.Finish([]*fairqueue.Flow[string]{f}, time.Millisecond)
		if n := q.Known(); n > fairqueue.MaxFlows+1 {
			t.Fatalf("%d apps are remembered", n)
		}
	}
	if n := q.Depth("waits"); n != 1 {
		t.Errorf("%d requests wait of the app that has had no turn, want 1", n)
	}
}
