package storage

import (
	"context"
	"encoding/json"
	"time"
)

// Data is what apps keep: keys, documents, and how much of both and of [Blobs]
// there is. Calls name their scope once and cannot leave it. Host functions are
// its users.
type Data interface {
	// Tx runs fn in one write transaction on scope's data and returns once it
	// is on disk. Many callers share one commit. An error from fn undoes what
	// fn wrote, and nothing of its neighbours'; it is returned as it is. A scope
	// without an app is [CodeInvalid], and so is a panic in fn.
	//
	// fn runs on the writer, so it must be quick, must not call the Store and
	// must not keep the Tx. It may run more than once, and then has to do the same
	// again: a write by query may fail until its matches have been searched for. It
	// may still be running when Tx has returned because ctx ended: read what fn sets
	// only if Tx returned nil.
	Tx(ctx context.Context, scope Scope, fn func(Tx) error) error

	// View runs fn on one consistent snapshot of scope's data, and returns its
	// error as it is. It sees every write that was acknowledged before it began.
	// Writing returns [CodeReadOnly]. fn should not call View again: it holds
	// one of few connections, and might wait for itself.
	View(ctx context.Context, scope Scope, fn func(Tx) error) error

	// Get is [KV.Get] in a View of its own, without the beginning and the end of
	// one: a single read is its own snapshot. It returns what KV.Get does.
	Get(ctx context.Context, scope Scope, key string) (Entry, error)

	// Find is [Docs.Find] in a View of its own, which takes less where few documents are
	// read: one by its id, those with a value of an indexed field, the newest, the first in
	// the order of an indexed field.
	Find(ctx context.Context, scope Scope, collection string, query json.RawMessage, opt FindOptions) ([]json.RawMessage, error)

	// InChunks gives access to a scope's documents for updates and deletes of more
	// of them than one transaction may write.
	InChunks(ctx context.Context, scope Scope) ChunkedDocs

	// Pipeline returns a new [Pipeline].
	Pipeline() Pipeline

	// Usage tells how much an app stores, its users' data included. An app that
	// stores nothing, or that does not exist, uses 0 bytes.
	Usage(ctx context.Context, appID string) (Usage, error)

	// Indexes tells which fields of an app's documents are indexed, and what finds had
	// to scan, by collection, in the order of their names. An app that does not exist
	// has none.
	Indexes(ctx context.Context, appID string) ([]CollectionIndexes, error)
}

// Tx gives access to one scope's data inside a transaction.
type Tx interface {
	KV() KV
	Docs() Docs
}

// KV is a scope's key-value data. Values are JSON texts.
type KV interface {
	// Get returns the entry, or [CodeNotFound].
	Get(key string) (Entry, error)
	// Set stores value under key. ttl 0 keeps it for ever; it is rounded up to
	// a millisecond.
	Set(key string, value json.RawMessage, ttl time.Duration) error
	// SetIf stores value if the key's version is still version (0: absent) and
	// returns the new version, or [CodeConflict]. The key expires when it did.
	SetIf(key string, value json.RawMessage, version int64) (int64, error)
	// Delete reports whether the key was there.
	Delete(key string) (bool, error)
	// Incr adds by to a number (absent counts as 0) and returns the sum.
	// A value that is not a number is [CodeInvalid], and so is a sum beyond 2^53 - 1
	// in either direction: not every whole number is a double from there on, and
	// adding one would lose count. The key expires when it did.
	Incr(key string, by float64) (float64, error)
	// List returns the entries whose key starts with prefix, in byte order of
	// the key.
	List(prefix string, page Page) ([]Entry, error)
}

// Entry is one key's value.
type Entry struct {
	Key       string
	Value     json.RawMessage
	Version   int64     // never repeats for a key, also after a delete
	ExpiresAt time.Time // zero: never
}

// Page bounds a list.
type Page struct {
	// Limit is how many rows to return at most, up to [MaxRows]. 0 means all;
	// more than [MaxRows] of them is [CodeResultTooLarge].
	Limit int
	// After is the last key of the page before; rows after it are returned.
	After string
}

// Docs is a scope's documents: JSON objects in named collections. A document
// comes back with id, _createdAt and _updatedAt (Unix milliseconds).
//
// Queries and changes are JSON texts in the language of the package comment.
//
// What an Update, Upsert, Delete or DeleteOldest finds and does happens at one
// moment, that of its transaction. What is found may be too much to be written without
// keeping all other writes waiting for more than 50 ms, by what a document has taken
// lately: then it is refused before anything is written, with [CodeTooManyMatches] and
// the number of matches as the error's Count. That is between 2,000 and 25,000 small
// documents in one transaction, those that are named by their ids apart; [Data.InChunks]
// takes any number. A transaction may make at most 16 of those operations that have many
// documents to search for; and when a collection changes so much during the search that
// it had to be made several times, the error is [CodeOverloaded].
type Docs interface {
	// Insert stores a JSON object and returns its id: its own "id" if that is a
	// non-empty string, else a new one. A taken id is [CodeConflict].
	Insert(collection string, doc json.RawMessage) (string, error)
	// Find returns the documents that match query, oldest first unless sorted.
	Find(collection string, query json.RawMessage, opt FindOptions) ([]json.RawMessage, error)
	// Update applies changes to each match, and returns how many there were.
	Update(collection string, query, changes json.RawMessage) (int, error)
	// Upsert updates the matches, or inserts a document made of the query's
	// equalities and the changes when there is none. It returns how many
	// documents it changed or made.
	Upsert(collection string, query, changes json.RawMessage) (int, error)
	// Delete removes the matches and returns how many there were. An empty
	// object matches all, and takes as long for one document as for a million.
	Delete(collection string, query json.RawMessage) (int, error)
	// Count returns how many documents match.
	Count(collection string, query json.RawMessage) (int, error)
	// DeleteOldest keeps the newest keep documents and removes the rest.
	DeleteOldest(collection string, keep int) (int, error)
}

// FindOptions shapes a find. The zero value returns every match, oldest first.
type FindOptions struct {
	Limit  int    // as in [Page]
	Offset int    // matches to skip
	Sort   string // a dotted field path; "" is the order of insertion
	Desc   bool   // reverse the order
}
