package storage

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Quotas bound what each app may store. A zero field stands for its default.
// What is past one is refused with [CodeQuotaExceeded], and nothing is written.
// What was stored under a larger quota stays: nothing is removed to make room.
type Quotas struct {
	// Key is the longest key of kv or path of a blob, in bytes.
	// Default: [MaxKey], which is also the most that an index can hold.
	Key int
	// Value is the longest value of a key, in bytes of JSON text.
	// Default: [MaxValue], which is also the most: a value is in memory whole.
	Value int
	// Document is the longest document as it is stored, in bytes of JSON text.
	// Default: [MaxDocument], which is also the most, for the same reason.
	Document int
	// Blob is the largest blob, in bytes. Default: 100 MiB.
	Blob int64
	// Total is how much an app may store, its users' data included: the bytes of
	// keys and values, of collections' names and documents, and of blobs with
	// their paths and types, and for each of these [RowBytes]. What an engine needs
	// for indexes does not count. A key that has expired counts until it is swept,
	// for about a minute. Default: 1 GiB.
	Total int64
}

// RowBytes is what a key, a document or a blob counts besides its own bytes, since it
// costs that to keep it: a million keys of a few bytes are not a few megabytes on disk.
const RowBytes = 64

// WithDefaults fills in the zero fields, and reports every one that cannot be
// used.
func (q Quotas) WithDefaults() (Quotas, error) {
	var errs []error
	quota(&errs, "Key", &q.Key, MaxKey, MaxKey)
	quota(&errs, "Value", &q.Value, MaxValue, MaxValue)
	quota(&errs, "Document", &q.Document, MaxDocument, MaxDocument)
	quota(&errs, "Blob", &q.Blob, 100<<20, 1<<40)
	quota(&errs, "Total", &q.Total, 1<<30, 1<<60)
	return q, errors.Join(errs...)
}

func quota[T int | int64](errs *[]error, name string, field *T, value, most T) {
	switch {
	case *field < 0 || *field > most:
		*errs = append(*errs, &Error{Code: CodeInvalid, Op: "quotas", Path: name,
			Msg: fmt.Sprintf("is %d bytes; give 1 to %d, or 0 for %d", *field, most, value)})
	case *field == 0:
		*field = value
	}
}

// CheckKey returns an [Error] if a key or a path to be written is longer than
// the quota. path names it in the error.
func (q Quotas) CheckKey(op, path, key string) error {
	if len(key) > q.Key {
		return OverQuota(op, path, "the key", int64(len(key)), int64(q.Key))
	}
	return nil
}

// CheckValue is the same for a value.
func (q Quotas) CheckValue(op string, value json.RawMessage) error {
	if len(value) > q.Value {
		return OverQuota(op, "value", "the value", int64(len(value)), int64(q.Value))
	}
	return nil
}

// CheckDocument is the same for a document as it is stored.
func (q Quotas) CheckDocument(op, body string) error {
	if len(body) > q.Document {
		return OverQuota(op, "", "the document", int64(len(body)), int64(q.Document))
	}
	return nil
}

// Usage is what an app stores.
type Usage struct {
	Used    int64 // bytes, counted as [Quotas] says
	Allowed int64 // the quota
}

// OverQuota returns the [Error] for what would be larger than is allowed. path
// is its place in the caller's data, what names it.
func OverQuota(op, path, what string, size, allowed int64) *Error {
	return &Error{Code: CodeQuotaExceeded, Op: op, Path: path, Used: size, Allowed: allowed,
		Msg: fmt.Sprintf("%s would be %d bytes, and %d are allowed", what, size, allowed)}
}
