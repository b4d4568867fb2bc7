package clustertest_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fazt-sh/fazt/storage/postgres/pgtest"
)

// writers are visitors who write keys, each once, and keep those that were acknowledged.
type writers struct {
	acked atomic.Int64 // how many, for the test to go by

	mu       sync.Mutex
	keys     []string
	statuses map[int]int // of the others; 0: no answer
}

// start begins n of them, which end with ctx.
func (w *writers) start(ctx context.Context, t *testing.T, b *balancer, name string, n int) (wait func()) {
	w.mu.Lock()
	w.statuses = make(map[int]int)
	w.mu.Unlock()
	var all sync.WaitGroup
	for id := range n {
		c := b.client(t)
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				key := fmt.Sprintf("%s-%d-%d", name, id, i)
				a, err := get(c, fmt.Sprintf("%s/api?op=set&key=%s&value=1", appURL, key))
				w.note(key, a, err)
			}
		})
	}
	return all.Wait
}

func (w *writers) note(key string, a answer, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil:
		w.statuses[0]++
	case a.status != http.StatusOK:
		w.statuses[a.status]++
	default:
		w.keys = append(w.keys, key)
		w.acked.Add(1)
	}
}

// until waits until n more were acknowledged.
func (w *writers) until(t *testing.T, n int64) {
	t.Helper()
	until(t, fmt.Sprintf("%d more writes", n), func() func() bool {
		before := w.acked.Load()
		return func() bool { return w.acked.Load() >= before+n }
	}())
}

// lost asks for all that was acknowledged, and returns what is not there.
func (w *writers) lost(t *testing.T, c *http.Client) (lost []string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range w.keys {
		a := mustGet(t, c, appURL+"/api?op=get&key="+key)
		if r, err := decode[result](a); a.status != http.StatusOK || err != nil || r.Value != 1 {
			lost = append(lost, key+": "+a.String())
		}
	}
	return lost
}

// TestServerKilled kills one of three servers while visitors write through all.
func TestServerKilled(t *testing.T) {
	url := pgtest.Shared(t).Database(t)
	b := &balancer{servers: startServers(t, url, 3)}
	if _, err := manager(b.client(t), newKey(t, url)).Deploy(t.Context(), "notes", files("api/main.js", keysApp)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := &writers{}
	wait := w.start(ctx, t, b, "key", 8)
	w.until(t, 200)
	b.servers[1].kill(t)
	w.until(t, 200)
	cancel()
	wait()
	t.Logf("%d writes acknowledged; others by status %v", len(w.keys), w.statuses)
	for status := range w.statuses {
		if status != 0 {
			t.Errorf("a neighbour's death is answered with %d", status)
		}
	}
	if lost := w.lost(t, b.client(t)); len(lost) > 0 {
		t.Errorf("%d acknowledged writes are lost: %s ...", len(lost), lost[0])
	}
	startServer(t, url) // another in its place finds nothing in its way
}
