package storage

import (
	"context"
	"encoding/json"
	"io"
	"time"
)

// Scope says whose data a call touches: an app's own, or one user's inside
// that app. It is part of every key in the schema, so a call with one scope
// cannot see, count or change another's rows.
type Scope struct {
	// App is the app's random id, never its name: names can be reused.
	App string
	// User is the signed-in user's id; empty means the app's shared data.
	User string
}

// Store is one database. Every method is safe for concurrent use, by many
// goroutines and by several processes on one data file.
//
// Every method that takes a context returns within its deadline. A write
// whose deadline passes before it started is not made (context.DeadlineExceeded);
// one that may or may not have been made returns an [Error] with
// [CodeUncertain]; one that the writer cannot start in time is refused at once
// with [CodeOverloaded].
type Store interface {
	// Tx runs fn in one write transaction on scope's data and returns once it
	// is on disk. Many callers share one commit. An error from fn undoes what
	// fn wrote, and nothing of its neighbours'; it is returned as it is.
	//
	// fn runs on the writer, so it must be quick, must not call the Store and
	// must not keep the Tx. It may run more than once, and may still be running
	// when Tx has returned because ctx ended: read what fn sets only if Tx
	// returned nil.
	Tx(ctx context.Context, scope Scope, fn func(Tx) error) error

	// Pipeline returns a new [Pipeline].
	Pipeline() Pipeline

	// View runs fn on one consistent snapshot of scope's data. It sees every
	// write that was acknowledged before it began. Writing returns
	// [CodeReadOnly]. fn should not call View again: it holds one of few
	// connections, and might wait for itself.
	View(ctx context.Context, scope Scope, fn func(Tx) error) error

	// Get is [KV.Get] in a View of its own, without the beginning and the end of
	// one: a single read is its own snapshot.
	Get(ctx context.Context, scope Scope, key string) (Entry, error)

	// Usage tells how much an app stores, its users' data included.
	Usage(ctx context.Context, appID string) (Usage, error)

	Blobs
	Catalogue
	Database

	// Close waits for accepted writes to reach the disk and releases the file.
	// Calls made after it fail with [CodeClosed].
	Close() error
}

// Pipeline makes small writes one after another without waiting until each is on
// disk, for a caller who has something to do meanwhile: nothing that others see,
// until [Pipeline.Wait] has returned nil. Each write is a transaction of its own.
// When one fails, those that were queued after it are not made.
//
// What could be the caller's fault, or is known to be in the way, is an error at
// once. What may happen to a queued write is that the disk fails, that the deadline
// passes before it began, or that others' writes which were under way fill the
// app's quota. A write that is likelier to fail, or would burden others, is not
// queued: one of more than [MaxQueuedValue] bytes, the next after [MaxQueued], one
// that comes near the app's quota, or any while many wait. The caller waits, and
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
	// A value that is not a number, and a sum that is not finite, is
	// [CodeInvalid]. The key expires when it did.
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
	// object matches all.
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

// Database is plain SQL for packages that own tables, such as auth. It is for
// trusted code: text is written in the subset that every engine shares, with
// a ? for each bound value.
type Database interface {
	// Migrate brings a module's tables up to date: steps that have not run yet
	// are run in order, each in a transaction, and recorded. Two processes may
	// call it at once.
	Migrate(ctx context.Context, module string, steps []string) error
	// Write runs fn in one durable write transaction, under the rules of
	// [Store.Tx].
	Write(ctx context.Context, fn func(SQL) error) error
	// Read runs fn on one consistent snapshot.
	Read(ctx context.Context, fn func(SQL) error) error
	// Query runs one read-only statement of an operator's and returns at most
	// limit rows. The database itself refuses a write, and hides secrets.
	Query(ctx context.Context, query string, limit int) (*Table, error)
}

// SQL runs statements in one transaction.
type SQL interface {
	// Exec returns how many rows changed.
	Exec(query string, args ...any) (int64, error)
	// Query calls row for every row; scan works like [database/sql.Rows.Scan].
	Query(query string, args []any, row func(scan func(dest ...any) error) error) error
}

// Table is the outcome of an operator's query. Cells are nil, int64, float64,
// string or []byte.
type Table struct {
	Columns   []string
	Rows      [][]any
	Truncated bool // there was more than the limit
}

// Catalogue is what the server itself stores: apps, their versions and files,
// and a revision that changes whenever any of it does.
type Catalogue interface {
	// HasContent tells which of the hashes are stored already, and in which
	// encodings besides the bytes as they are. What is not stored has no entry.
	HasContent(ctx context.Context, hashes []string) (map[string][]string, error)
	// PutContent stores a file's bytes and its compressed forms under their
	// hash, in short transactions. Content that no version refers to within an
	// hour is swept.
	PutContent(ctx context.Context, c Content) error
	// OpenContent reads a file's bytes as they were stored; encoding is "" or
	// one that the File lists. The reader is good until it is closed, and holds
	// no more than a chunk in memory.
	OpenContent(ctx context.Context, hash, encoding string) (io.ReadSeekCloser, error)

	// Publish makes d the app's current version, all at once, and makes the app
	// if there is none of that name. Versions beyond keep are dropped.
	Publish(ctx context.Context, d NewDeployment, keep int) (Deployment, error)
	// Apps returns every app, by name.
	Apps(ctx context.Context) ([]App, error)
	// App finds one by name, or [CodeNotFound].
	App(ctx context.Context, name string) (App, error)
	// Rollback makes a new version of a kept one, with its files, manifest and
	// indexes, and makes that the app's current version, all at once. Versions
	// beyond keep are dropped. One that is not kept is [CodeNotFound].
	Rollback(ctx context.Context, appID string, version, keep int) (Deployment, error)
	// Files returns the files of a version, by path.
	Files(ctx context.Context, appID string, version int) ([]File, error)
	// Deployments returns the kept versions, newest first.
	Deployments(ctx context.Context, appID string) ([]Deployment, error)
	// RemoveApp removes the app with its files, and its data, variables and log
	// unless keepData; what is kept returns with the next app of that name.
	RemoveApp(ctx context.Context, appID string, keepData bool) error

	Aliases
	Environment
	Logs

	// Secret returns the 32 random bytes that are kept under a name. They are
	// made when they are first asked for, and the same for every process and
	// for ever. No operator's query shows them.
	Secret(ctx context.Context, name string) ([]byte, error)

	// Revision is a number that grows with every change to the catalogue, by
	// any process.
	Revision(ctx context.Context) (int64, error)
	// Changed returns a channel that is closed when the revision is no longer
	// since, or when the store is closed. A change by this process closes it at
	// once, one by another process within a quarter of a second.
	Changed(since int64) <-chan struct{}
}

// App is a deployed app.
type App struct {
	ID        string // random; data belongs to it
	Name      string
	Current   Deployment
	CreatedAt time.Time
}

// Deployment is one numbered version of an app.
type Deployment struct {
	AppID     string
	Name      string
	Version   int             // 1, 2, 3 ...
	Manifest  json.RawMessage // as deployed; "{}" without one
	Engine    string          // of the handler; "" without one
	Files     int             // how many
	Size      int64           // bytes, uncompressed
	CreatedAt time.Time
}

// NewDeployment is what [Catalogue.Publish] takes. The content of every file
// has been stored before.
type NewDeployment struct {
	Name     string
	Manifest json.RawMessage
	Engine   string
	Files    []File
	// Indexes are the indexed fields of the app's documents, as dotted paths by
	// collection, at most [MaxIndexes] in one. They replace those of the version
	// before. An index that a collection has grown too large for is built after
	// Publish has returned, and finds do without it until then.
	Indexes map[string][]string
}

// File is one file of a version.
type File struct {
	Path string // slash-separated, relative: "assets/app.js"
	Hash string // lower-case hex SHA-256 of the bytes
	Size int64  // bytes, uncompressed
	// Encodings are those that the content is stored in, sorted. Publish takes
	// no notice of them: what [Catalogue.PutContent] has stored counts.
	Encodings []string
}

// Content is a file's bytes with their compressed forms.
type Content struct {
	Hash    string
	Data    io.Reader
	Encoded map[string][]byte // by Content-Encoding: "gzip", "zstd"
}
