package harnesstest_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fazt-sh/fazt/harnesstest"
)

// A server that is no fazt is asked what any server promises; all else does not apply.
func TestResilienceOfAFileServer(t *testing.T) {
	files := http.FileServerFS(fstest.MapFS{"index.html": {Data: []byte("<!doctype html><title>home</title>")}})
	var mu sync.Mutex
	got := map[string]harnesstest.Outcome{}
	harnesstest.Resilience(t, harnesstest.Handler(t, files), harnesstest.Short(), harnesstest.WithSink(func(r harnesstest.Result) {
		mu.Lock()
		defer mu.Unlock()
		got[r.Check] = r.Outcome
		if r.Outcome == harnesstest.NotApplicable && r.Text == "" {
			t.Errorf("%s does not apply for no reason", r.Check)
		}
	}))
	want := map[string]harnesstest.Outcome{}
	for _, c := range harnesstest.ResilienceSuite().Checks {
		want[c.Name] = harnesstest.Passed
		if len(c.Needs) > 0 {
			want[c.Name] = harnesstest.NotApplicable
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}
