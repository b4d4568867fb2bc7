package storage

import "context"

// Database is plain SQL for packages that own tables, such as auth. It is for
// trusted code: text is written in the subset that every engine shares, with
// a ? for each bound value.
type Database interface {
	// Migrate brings a module's tables up to date: steps that have not run yet
	// are run in order, each in a transaction, and recorded. Two processes may
	// call it at once. More steps on record than are given is [CodeFormat]: a
	// newer program has been here.
	Migrate(ctx context.Context, module string, steps []string) error
	// Write runs fn in one durable write transaction, under the rules of
	// [Data.Tx].
	Write(ctx context.Context, fn func(SQL) error) error
	// Read runs fn on one consistent snapshot, and returns its error as it is.
	// Writing returns [CodeReadOnly].
	Read(ctx context.Context, fn func(SQL) error) error
}

// SQL runs statements in one transaction. A statement that is malformed, that
// breaks a constraint or that would end the transaction is [CodeInvalid]; a row
// that is there already is [CodeConflict].
type SQL interface {
	// Exec returns how many rows changed.
	Exec(query string, args ...any) (int64, error)
	// Query calls row for every row; scan works like [database/sql.Rows.Scan].
	Query(query string, args []any, row func(scan func(dest ...any) error) error) error
}

// Queries answers an operator's SQL.
//
// Its tables are those that an operator would guess: apps, aliases, deployments,
// files, kv, docs, blobs, logs, env_vars, audit, config, peers, migrations and the
// tables of other packages. Columns are as they are stored: times are Unix
// milliseconds, kv.value and docs.body are JSON. Where a column app is an app's id,
// app_name beside it is the app's name, in what is read. Columns whose names end in
// _hash, _secret or _sealed are secrets: they are nil in every clause.
type Queries interface {
	// Query runs one read-only statement and returns at most limit rows and
	// 32 MiB; a limit of 0, or one above [MaxRows], is MaxRows. It takes 30
	// seconds and 128 MiB of memory at most, and never a temporary file; more
	// memory is [CodeQuotaExceeded], where the engine can measure it. The database
	// itself refuses a write with [CodeReadOnly], and hides secrets. A text that is
	// not one statement, or not one that the database understands, is
	// [CodeInvalid]; one of more than 1 MiB is [CodeQuotaExceeded].
	Query(ctx context.Context, query string, limit int) (*Table, error)
	// Exec runs one INSERT, UPDATE or DELETE and returns how many rows it changed.
	// It is whole or not made, counts the revision up ([Revisions]) and leaves
	// its text in the audit log ([Audits]) as sql.exec. It takes 5 seconds, 128 MiB
	// of memory and 256 MiB of the disk at most. Secrets it neither reads nor
	// writes, and neither the schema nor what the store itself relies on, such as
	// audit and migrations, can it change: [CodeReadOnly]. Nothing else is
	// checked: no quota, and not that kv.value and docs.body are JSON.
	Exec(ctx context.Context, statement string) (affected int64, err error)
}

// Table is the outcome of an operator's query. Cells are nil, int64, float64,
// string, which is UTF-8, or []byte.
type Table struct {
	Columns   []string
	Rows      [][]any
	Truncated bool // there was more than the limit
}
