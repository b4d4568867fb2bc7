package calls

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// CheckQueuedSet checks the arguments of a set in a pipeline. It reports false without an
// error for a value that is too long to be queued, which is not read twice.
func CheckQueuedSet(op string, q storage.Quotas, scope storage.Scope, key string, value json.RawMessage, ttl time.Duration) (bool, error) {
	if err := storage.CheckScope(op, scope); err != nil {
		return false, err
	}
	if len(value) > storage.MaxQueuedValue {
		return false, nil
	}
	if err := CheckSet(op, key, value, ttl); err != nil {
		return false, err
	}
	if err := CheckEntryQuotas(op, q, key, value); err != nil {
		return false, err
	}
	return true, nil
}

// NewQueuedDocument makes the document of an insert in a pipeline, as of now in Unix
// milliseconds. It reports false without an error for one that is too long to be queued,
// which is not read twice, and for one with an id of its own, which may be taken.
func NewQueuedDocument(op string, q storage.Quotas, scope storage.Scope, collection string, doc json.RawMessage, now int64) (id, body string, ok bool, err error) {
	if err := storage.CheckScope(op, scope); err != nil {
		return "", "", false, err
	}
	if err := storage.CheckKey(op, "collection", collection); err != nil {
		return "", "", false, err
	}
	if len(doc) > storage.MaxQueuedValue {
		return "", "", false, nil
	}
	made := ""
	id, body, err = storage.NewDocument(doc, func() string { made = NewDocumentID(); return made }, now)
	if err != nil {
		return "", "", false, WithOp(op, err)
	}
	if err := q.CheckDocument(op, body); err != nil {
		return "", "", false, err
	}
	return id, body, id == made, nil
}

// DeadlineOnly is a context that ends with its deadline alone. What a caller has
// queued is not undone because the caller was told to stop.
type DeadlineOnly struct{ context.Context }

func (c DeadlineOnly) Done() <-chan struct{} { return nil }

func (c DeadlineOnly) Err() error {
	if deadline, ok := c.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// Reason gives the cause of the context's end for the end of its time.
func (c DeadlineOnly) Reason(err error) error {
	if err != context.DeadlineExceeded {
		return err
	}
	if given := c.Context; given.Err() == context.DeadlineExceeded {
		return cmp.Or(context.Cause(given), err)
	}
	return err
}
