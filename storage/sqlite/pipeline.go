package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

// pipeline implements [storage.Pipeline].
type pipeline struct {
	w        *writer
	requests []*request // queued and not waited for
}

// Pipeline implements [storage.Data].
func (s *Store) Pipeline() storage.Pipeline { return &pipeline{w: s.writer} }

// Set implements [storage.Pipeline].
func (p *pipeline) Set(ctx context.Context, scope storage.Scope, key string, value json.RawMessage, ttl time.Duration) (bool, error) {
	const op = "kv.set"
	if ok, err := calls.CheckQueuedSet(op, p.w.quotas, scope, key, value, ttl); !ok {
		return false, err
	}
	expires := calls.Expiry(ttl)
	r := &request{op: op, ctx: calls.DeadlineOnly{Context: ctx}, atomic: true}
	return p.queue(r, scope, len(key)+len(value), func(tx *scopeTx) error {
		_, err := tx.KV().(*kv).put(op, key, value, expires)
		return err
	})
}

// Insert implements [storage.Pipeline].
func (p *pipeline) Insert(ctx context.Context, scope storage.Scope, collection string, doc json.RawMessage) (string, bool, error) {
	const op = "ds.insert"
	now := time.Now().UnixMilli()
	id, body, ok, err := calls.NewQueuedDocument(op, p.w.quotas, scope, collection, doc, now)
	if !ok {
		return "", false, err
	}
	r := &request{op: op, ctx: calls.DeadlineOnly{Context: ctx}} // with entries in indexes
	queued, err := p.queue(r, scope, len(collection)+len(body), func(tx *scopeTx) error {
		return tx.Docs().(*docs).insert(op, collection, id, body, now)
	})
	if !queued {
		return "", false, err
	}
	return id, true, nil
}

// queue has fn run as r, unless the app's data might not be allowed to grow by
// size.
func (p *pipeline) queue(r *request, scope storage.Scope, size int, fn func(*scopeTx) error) (bool, error) {
	if size > storage.MaxQueuedValue || len(p.requests) >= storage.MaxQueued {
		return false, nil
	}
	if err := r.ctx.(calls.DeadlineOnly).Context.Err(); err != nil {
		return false, err
	}
	r.app, r.done = scope.App, make(chan struct{})
	r.fn = func(tx *writeTx) error { return fn(&scopeTx{session: session{r.ctx, tx.conn, tx}, scope: scope}) }
	if n := len(p.requests); n > 0 {
		r.after = p.requests[n-1]
	}
	if queued, err := p.w.tryEnqueue(r, int64(size+storage.RowBytes)); !queued {
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
		timer, _ := p.w.timers.Get().(*time.Timer)
		if timer == nil {
			timer = time.NewTimer(time.Until(deadline))
		} else {
			timer.Reset(time.Until(deadline))
		}
		defer func() {
			timer.Stop()
			p.w.timers.Put(timer)
		}()
		over = timer.C
	}
	select {
	case <-last.done:
	case <-over:
	}
	var first error
	for _, r := range requests {
		if err := p.w.abandon(r, context.DeadlineExceeded); first == nil {
			first = r.ctx.(calls.DeadlineOnly).Reason(err)
		}
	}
	return first
}

// maxQueuedBytes is what the writes of an app's pipelines need together, at most: a
// batch that is being written, and one that waits.
const maxQueuedBytes = 2 * maxBatch * (storage.MaxQueuedValue + storage.RowBytes)

// tryEnqueue is enqueue for a write that must not fail for want of room: it
// reports false, without an error, when that isn't certain, or when a whole batch of
// the app waits already. Then each caller waits for its own.
func (w *writer) tryEnqueue(r *request, grow int64) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	used, known := w.used[r.app]
	if !known || used+grow+maxQueuedBytes > w.quotas.Total || w.queue.Len() >= maxQueue {
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

// noteUsed keeps what a batch found out about the apps' usage: with all that the
// batch wrote, and without what was queued meanwhile, for which there is
// maxQueuedBytes. Whatever other processes add is known a batch later.
func (w *writer) noteUsed(used map[string]int64) {
	if len(used) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.used) > maxKnownApps {
		clear(w.used)
	}
	for app, n := range used {
		w.used[app] = n
	}
}

// maxKnownApps bounds the memory for apps that may be gone.
const maxKnownApps = 10_000
