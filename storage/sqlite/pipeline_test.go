package sqlite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/sqlite"
)

func queue(t *testing.T, p storage.Pipeline, ctx context.Context, key string) {
	t.Helper()
	if queued, err := p.Set(ctx, scope, key, json.RawMessage(`1`), 0); !queued || err != nil {
		t.Fatalf("%s: queued %t, %v", key, queued, err)
	}
}

// TestPipelineSharesACommit has a pipeline queue while the writer is busy: that goes into the next commit.
func TestPipelineSharesACommit(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		if err := set(s, t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		release := hold(t, s)
		p := s.Pipeline()
		for i := range 30 {
			queue(t, p, t.Context(), fmt.Sprint("k", i))
		}
		before := s.Stats()
		release()
		if err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		if after := s.Stats(); after.Batches-before.Batches != 2 || after.Commits-before.Commits != 31 {
			t.Errorf("from %+v to %+v, want two batches, of 1 and 30 commits", before, after)
		}
	})
}

// A wait ends with the last deadline. What the writer had not begun is not made,
// and what it had is uncertain.
func TestPipelineDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		if err := set(s, t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		release := holdFor(t, s, storage.Scope{App: "slow"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := s.Pipeline()
		queue(t, p, ctx, "a")
		queue(t, p, ctx, "b")
		start := time.Now()
		if err := p.Wait(); !errors.Is(err, context.DeadlineExceeded) || storage.CodeOf(err) != "" || time.Since(start) != time.Second {
			t.Errorf("behind a busy writer: %v after %v", err, time.Since(start))
		}
		if depth := s.Stats().Depth; depth != 0 {
			t.Errorf("%d requests wait after they were given up", depth)
		}

		// Now the writer has begun: a slow neighbour is in the same batch.
		neighbour, free := make(chan error), make(chan struct{})
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		queue(t, p, ctx, "c")
		go func() {
			neighbour <- s.Tx(t.Context(), scope, func(storage.Tx) error { <-free; return nil })
		}()
		synctest.Wait()
		queue(t, p, ctx, "d")
		release()
		err := p.Wait()
		if storage.CodeOf(err) != storage.CodeUncertain || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in the middle of a batch: %v, want %s", err, storage.CodeUncertain)
		}
		close(free)
		if err := <-neighbour; err != nil {
			t.Error(err)
		}
		if err := set(s, t.Context(), "next"); err != nil {
			t.Error(err)
		}
		if has(t, s, "a") || has(t, s, "b") || !has(t, s, "c") || has(t, s, "d") {
			t.Errorf("written: a %t, b %t, c %t, d %t; want c", has(t, s, "a"), has(t, s, "b"), has(t, s, "c"), has(t, s, "d"))
		}
	})
}

// A write that is queued is made whatever its caller is told: only time counts.
func TestPipelineIgnoresCancel(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		if err := set(s, t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		release := hold(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		p := s.Pipeline()
		queue(t, p, ctx, "a")
		cancel()
		release()
		if err := p.Wait(); err != nil || !has(t, s, "a") {
			t.Errorf("%v, written %t", err, has(t, s, "a"))
		}
	})
}

// TestPipelineExpires lets a write's time pass before the writer comes to it: it is not made, which is
// certain also while its batch goes on. What came after it isn't made either.
func TestPipelineExpires(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		if err := set(s, t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		release := hold(t, s)
		outOfTime := errors.New("out of time")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, outOfTime)
		defer cancel()
		p := s.Pipeline()
		queue(t, p, ctx, "a")
		queue(t, p, t.Context(), "b")
		neighbour, free := make(chan error), make(chan struct{})
		go func() {
			neighbour <- s.Tx(t.Context(), scope, func(storage.Tx) error { <-free; return nil })
		}()
		synctest.Wait()
		time.Sleep(2 * time.Second)
		release()
		synctest.Wait()
		close(free)
		if err := p.Wait(); !errors.Is(err, outOfTime) {
			t.Errorf("got %v, want the cause of the context's end", err)
		}
		if err := <-neighbour; err != nil || has(t, s, "a") || has(t, s, "b") {
			t.Errorf("neighbour: %v; written: a %t, b %t", err, has(t, s, "a"), has(t, s, "b"))
		}
	})
}

// TestPipelinesLeaveRoom queues a batch and more: past it nobody does, so that those who do not wait keep no place
// from those who do.
func TestPipelinesLeaveRoom(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		if err := set(s, t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		release := hold(t, s)
		var pipelines []storage.Pipeline
		queued := 0
		for range 10 {
			p := s.Pipeline()
			pipelines = append(pipelines, p)
			for i := range storage.MaxQueued {
				ok, err := p.Set(t.Context(), scope, fmt.Sprint("k", i), json.RawMessage(`1`), 0)
				if err != nil {
					t.Fatal(err)
				}
				if ok {
					queued++
				}
			}
		}
		if queued != 256 {
			t.Errorf("%d writes were queued, want 256", queued)
		}
		release()
		for _, p := range pipelines {
			if err := p.Wait(); err != nil {
				t.Error(err)
			}
		}
	})
}

// A slow match does not keep an update on the writer past its deadline: it is
// looked at by the text that was read, not by the rows.
func TestSlowMatchesEndInTime(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	defer s.Close()
	large := json.RawMessage(`{"a":"` + strings.Repeat("x", 100_000) + `"}`)
	if err := s.Tx(t.Context(), scope, func(tx storage.Tx) error {
		for range 10 {
			if _, err := tx.Docs().Insert("c", large); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func(context.Context, storage.Scope, func(storage.Tx) error) error{"View": s.View, "Tx": s.Tx} {
		ctx := &endsAfter{Context: t.Context(), looks: 1000}
		if err := run(ctx, scope, func(tx storage.Tx) error {
			ctx.looks = 3 // fewer than there are documents
			n, err := tx.Docs().Count("c", json.RawMessage(`{"a":"y"}`))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: the context ended during the scan: %d, %v", name, n, err)
			}
			return err
		}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// endsAfter is a context that ends once it has been looked at so many times.
type endsAfter struct {
	context.Context
	looks int
}

func (c *endsAfter) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

// A pipeline whose commit fails says so, and nothing of it is there.
func TestPipelineFailedCommit(t *testing.T) {
	inBubble(t, func(t *testing.T, s *sqlite.Store) {
		if err := s.Migrate(t.Context(), "test", []string{`CREATE TABLE parents (id INTEGER PRIMARY KEY);
			CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)`}); err != nil {
			t.Fatal(err)
		}
		if err := set(s, t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		release := hold(t, s)
		p := s.Pipeline()
		queue(t, p, t.Context(), "a")
		broken := make(chan error)
		go func() {
			broken <- s.Write(t.Context(), func(q storage.SQL) error {
				_, err := q.Exec("INSERT INTO children (parent) VALUES (1)")
				return err
			})
		}()
		synctest.Wait()
		queue(t, p, t.Context(), "b")
		release()
		if err := p.Wait(); storage.CodeOf(err) != storage.CodeUnavailable || !strings.Contains(err.Error(), "commit failed") {
			t.Errorf("wait: %v", err)
		}
		if <-broken == nil || has(t, s, "a") || has(t, s, "b") {
			t.Errorf("written: a %t, b %t", has(t, s, "a"), has(t, s, "b"))
		}
		queue(t, p, t.Context(), "c")
		if err := p.Wait(); err != nil || !has(t, s, "c") {
			t.Errorf("the next: %v, written %t", err, has(t, s, "c"))
		}
	})
}
