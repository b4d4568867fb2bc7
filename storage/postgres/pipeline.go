package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// pipeline implements [storage.Pipeline].
type pipeline struct {
	store    *Store
	requests []*request // queued and not waited for
}

// Pipeline implements [storage.Data].
func (s *Store) Pipeline() storage.Pipeline { return &pipeline{store: s} }

// Set implements [storage.Pipeline].
func (p *pipeline) Set(ctx context.Context, scope storage.Scope, key string, value json.RawMessage, ttl time.Duration) (bool, error) {
	const op = "kv.set"
	if ok, err := calls.CheckQueuedSet(op, p.store.quotas, scope, key, value, ttl); !ok {
		return false, err
	}
	expires := calls.Expiry(ttl)
	return p.queue(ctx, op, scope, len(key)+len(value), func(tx *scopeTx) error {
		_, err := (*kv)(tx).put(op, key, value, expires)
		return err
	})
}

// Insert implements [storage.Pipeline].
func (p *pipeline) Insert(ctx context.Context, scope storage.Scope, collection string, doc json.RawMessage) (string, bool, error) {
	const op = "ds.insert"
	now := time.Now().UnixMilli()
	id, body, ok, err := calls.NewQueuedDocument(op, p.store.quotas, scope, collection, doc, now)
	if !ok {
		return "", false, err
	}
	queued, err := p.queue(ctx, op, scope, len(collection)+len(body), func(tx *scopeTx) error {
		return (&docs{scopeTx: tx}).insert(op, collection, id, body, now, true)
	})
	if !queued {
		return "", false, err
	}
	return id, true, nil
}

// queue has fn run, unless the app's data might not be allowed to grow by size.
func (p *pipeline) queue(ctx context.Context, op string, scope storage.Scope, size int, fn func(*scopeTx) error) (bool, error) {
	if size > storage.MaxQueuedValue || len(p.requests) >= storage.MaxQueued {
		return false, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	r := &request{app: scope.App, op: op, ctx: calls.DeadlineOnly{Context: ctx}, done: make(chan struct{})}
	r.fn = func(tx *writeTx) error { return fn(&scopeTx{ctx: r.ctx, store: p.store, q: tx, tx: tx, scope: scope}) }
	if n := len(p.requests); n > 0 {
		r.after = p.requests[n-1]
	}
	if queued, err := p.store.writer.tryEnqueue(r, int64(size+storage.RowBytes)); !queued {
		return false, err
	}
	p.requests = append(p.requests, r)
	return true, nil
}

// Wait implements [storage.Pipeline].
func (p *pipeline) Wait() error {
	if len(p.requests) == 0 {
		return nil
	}
	requests := p.requests
	p.requests = nil
	// The writer answers in order, and no deadline is later than the last one's.
	last := requests[len(requests)-1]
	var over <-chan time.Time
	if deadline, ok := last.ctx.Deadline(); ok {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-last.done:
	case <-over:
	}
	var first error
	for _, r := range requests {
		if err := p.store.writer.abandon(r, context.DeadlineExceeded); first == nil {
			first = r.ctx.(calls.DeadlineOnly).Reason(err)
		}
	}
	return first
}

// tryEnqueue is enqueue for a write that must not fail for want of room: it
// reports false, without an error, when that isn't certain, or when a whole batch of
// the app waits already. Then each caller waits for its own.
func (w *writer) tryEnqueue(r *request, grow int64) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	used, known := w.used[r.app]
	if !known || used+grow+maxQueuedBytes > w.store.quotas.Total || w.queue.Len() >= maxQueue {
		return false, nil
	}
	if w.queue.Depth(r.app) >= maxBatch {
		return false, nil
	}
	if err := w.accept(r); err != nil {
		return false, err
	}
	return true, nil
}
