package storage

import "context"

// Revisions tells that the catalogue has changed: apps, aliases or variables.
// Every process that shares the data keeps what it has loaded up to date by it.
type Revisions interface {
	// Revision is a number that grows with every change to the catalogue, by
	// any process.
	Revision(ctx context.Context) (int64, error)
	// Changed returns a channel that is closed when the revision is no longer
	// since, or when the store is closed. A change by this process closes it at
	// once, one by another process within a quarter of a second.
	Changed(since int64) <-chan struct{}
}

// Secrets are random bytes that the server signs with.
type Secrets interface {
	// Secret returns the 32 random bytes that are kept under a name. They are
	// made when they are first asked for, and the same for every process and
	// for ever. No operator's query shows them. A name obeys the rules of a key,
	// or is [CodeInvalid].
	Secret(ctx context.Context, name string) ([]byte, error)
}
