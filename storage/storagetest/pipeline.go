package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// queueSet sets a key through a pipeline, which must queue it.
func queueSet(t testing.TB, p storage.Pipeline, key, value string) {
	t.Helper()
	queued, err := p.Set(context.Background(), scope, key, json.RawMessage(value), 0)
	if err != nil || !queued {
		t.Fatalf("set %s: queued %t, %v", key, queued, err)
	}
}

func testPipeline(t *testing.T, s storage.Store) {
	set(t, s, "k", `0`) // from here on it is known how full the app is
	p := s.Pipeline()
	for round := range 2 {
		var want []string
		for i := range 20 {
			queueSet(t, p, "k", fmt.Sprint(i))
			id, queued, err := p.Insert(t.Context(), scope, fmt.Sprint("items", round), fmt.Appendf(nil, `{"n":%d}`, i))
			if err != nil || !queued || id == "" {
				t.Fatalf("insert: id %q, queued %t, %v", id, queued, err)
			}
			want = append(want, fmt.Sprintf("%q", id))
		}
		if queued, err := p.Set(t.Context(), scope, "brief", json.RawMessage(`1`), time.Millisecond); !queued || err != nil {
			t.Fatalf("queued %t, %v", queued, err)
		}
		if err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		diff(t, "the last of many", "19", get(t, s, "k"))
		diff(t, "documents in order", want, find(t, s, fmt.Sprint("items", round), `{}`, "id", storage.FindOptions{}))
		for get(t, s, "brief") != "" {
			time.Sleep(time.Millisecond)
		}
	}
	if err := p.Wait(); err != nil {
		t.Errorf("with nothing queued: %v", err)
	}
	other := storage.Scope{App: scope.App, User: "u"}
	if queued, err := p.Set(t.Context(), other, "k", json.RawMessage(`"u's"`), 0); !queued || err != nil {
		t.Errorf("another scope: queued %t, %v", queued, err)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	diff(t, "after another scope", "19", get(t, s, "k"))
	if e, err := s.Get(t.Context(), other, "k"); err != nil || string(e.Value) != `"u's"` {
		t.Errorf("in another scope: %s, %v", e.Value, err)
	}
}

// testPipelineErrors makes mistakes: what is the caller's fault is told at once, and is not in
// the way of the rest.
func testPipelineErrors(t *testing.T, s storage.Store) {
	set(t, s, "k", `0`)
	p := s.Pipeline()
	queueSet(t, p, "k", `1`)
	setting := func(scope storage.Scope, key, value string, ttl time.Duration) error {
		queued, err := p.Set(t.Context(), scope, key, json.RawMessage(value), ttl)
		if queued {
			t.Errorf("set %q to %q was queued", key, value)
		}
		return err
	}
	inserting := func(scope storage.Scope, collection, doc string) error {
		_, queued, err := p.Insert(t.Context(), scope, collection, json.RawMessage(doc))
		if queued {
			t.Errorf("%q was queued", doc)
		}
		return err
	}
	for what, err := range map[string]error{
		"set without an app":      setting(storage.Scope{}, "k", `1`, 0),
		"empty key":               setting(scope, "", `1`, 0),
		"broken value":            setting(scope, "k", `{`, 0),
		"negative time to live":   setting(scope, "k", `1`, -1),
		"insert without an app":   inserting(storage.Scope{}, "c", `{}`),
		"no collection":           inserting(scope, "", `{}`),
		"a document that is none": inserting(scope, "c", `[]`),
	} {
		wantCode(t, what, err, storage.CodeInvalid)
	}
	wantCode(t, "long key", setting(scope, strings.Repeat("k", 513), `1`, 0), storage.CodeQuotaExceeded)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if queued, err := p.Set(canceled, scope, "k", json.RawMessage(`2`), 0); queued || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: queued %t, %v", queued, err)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	diff(t, "what was right", "1", get(t, s, "k"))
}

// testPipelineBounds goes past each bound: what might fail, or would hold much memory, is left to the
// caller.
func testPipelineBounds(t *testing.T, s storage.Store) {
	set(t, s, "k", `0`)
	p := s.Pipeline()
	for what, try := range map[string]func() (bool, error){
		"a large value": func() (bool, error) {
			return p.Set(t.Context(), scope, "k", text(storage.MaxQueuedValue), 0)
		},
		"a large document": func() (bool, error) {
			_, queued, err := p.Insert(t.Context(), scope, "c", json.RawMessage(`{"a":`+string(text(storage.MaxQueuedValue))+`}`))
			return queued, err
		},
		"an id of its own": func() (bool, error) {
			_, queued, err := p.Insert(t.Context(), scope, "c", json.RawMessage(`{"id":"mine"}`))
			return queued, err
		},
	} {
		if queued, err := try(); queued || err != nil {
			t.Errorf("%s: queued %t, %v", what, queued, err)
		}
	}
	for i := range storage.MaxQueued {
		queueSet(t, p, fmt.Sprint("k", i), `1`)
	}
	if queued, err := p.Set(t.Context(), scope, "more", json.RawMessage(`1`), 0); queued || err != nil {
		t.Errorf("past the most: queued %t, %v", queued, err)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	queueSet(t, p, "more", `1`)
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// testPipelineQuota comes near the quota: one that is near is enforced where the caller sees it,
// and one that others reach meanwhile by Wait.
func testPipelineQuota(t *testing.T, s storage.Store) {
	const megabyte = 1 << 20
	set(t, s, "k", `0`)
	p := s.Pipeline()
	queueSet(t, p, "early", `1`)
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	// The writer is at work on what fills the app while p queues more.
	filling, free := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
			close(filling)
			<-free
			for i := range 24 {
				if err := tx.KV().Set(fmt.Sprint("large", i), text(megabyte-64), 0); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-filling
	for i := range 10 {
		_, queued, err := p.Insert(t.Context(), scope, "c", json.RawMessage(`{"a":`+string(text(16000))+`}`))
		if err != nil || !queued {
			t.Fatalf("insert %d: queued %t, %v", i, queued, err)
		}
	}
	queueSet(t, p, "early", `2`) // would fit, if it did not come after
	close(free)
	wg.Wait()
	wantCode(t, "wait", p.Wait(), storage.CodeQuotaExceeded)
	diff(t, "what came after the failure", "1", get(t, s, "early"))
	if n := len(find(t, s, "c", `{}`, "id", storage.FindOptions{})); n == 0 || n == 10 {
		t.Errorf("%d of 10 documents; want those before the quota", n)
	}
	if queued, err := p.Set(t.Context(), scope, "k", json.RawMessage(`1`), 0); queued || err != nil {
		t.Errorf("in an app that is nearly full: queued %t, %v", queued, err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("after a failure that was told: %v", err)
	}
}

func testPipelinesAtOnce(t *testing.T, s storage.Store) {
	set(t, s, "k", `0`)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			p := s.Pipeline()
			for i := range 50 {
				queueSet(t, p, fmt.Sprint(g), fmt.Sprint(i))
				if i%5 == 0 {
					if err := p.Wait(); err != nil {
						t.Error(err)
					}
					if got := get(t, s, fmt.Sprint(g)); got != fmt.Sprint(i) {
						t.Errorf("pipeline %d read %s after it wrote %d", g, got, i)
					}
				}
			}
			if err := p.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
