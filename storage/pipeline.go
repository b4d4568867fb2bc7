package storage

import (
	"context"
	"encoding/json"
	"time"
)

// Pipeline makes small writes one after another without waiting until each is on
// disk, for a caller who has something to do meanwhile: nothing that others see,
// until [Pipeline.Wait] has returned nil. Each write is a transaction of its own.
// When one fails, those that were queued after it are not made.
//
// What could be the caller's fault, or is known to be in the way, is an error at
// once. What may happen to a queued write is that the disk fails, that the deadline
// passes before it began, that others' writes which were under way fill the app's
// quota, or that the store is full of the app's writes and others need the room. A write that is likelier to fail, or would burden others, is not
// queued: one of more than [MaxQueuedValue] bytes, the next after [MaxQueued], one
// that comes near the app's quota, or any while many of the app wait. The caller waits, and
// then makes it in a Tx.
//
// Once a write is queued, of its context only the deadline counts. A Pipeline is
// for one goroutine at a time.
type Pipeline interface {
	// Set is [KV.Set], if it reports true.
	Set(ctx context.Context, scope Scope, key string, value json.RawMessage, ttl time.Duration) (queued bool, err error)
	// Insert is [Docs.Insert], if it reports true. A document that brings an id
	// of its own is not queued: it might be taken.
	Insert(ctx context.Context, scope Scope, collection string, doc json.RawMessage) (id string, queued bool, err error)
	// Wait returns when all that was queued is on disk, or the error of the
	// first write that is not, and may be used again. It returns when the
	// deadline of the last one has passed, at the latest. For a write whose
	// deadline has passed that is the cause of its context's end.
	Wait() error
}

const (
	// MaxQueuedValue is the largest value or document, in bytes, that a
	// [Pipeline] queues: what is written together is held in memory together.
	MaxQueuedValue = 16 << 10
	// MaxQueued is how many writes a [Pipeline] queues before it is waited for.
	MaxQueued = 64
)
