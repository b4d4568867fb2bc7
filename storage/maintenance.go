package storage

import (
	"context"
	"time"
)

// Maintenance is for the operator of a store.
type Maintenance interface {
	// Stats returns the writer's present figures. It waits for nothing.
	Stats() Stats
	// State tells whether the data can be reached now, and what keeps it. It waits for
	// nothing.
	State() State
	// Probe reads and then writes a row of its own, as any caller does, and returns how
	// long each took; that of the write is how long it took to be on disk. An error is
	// of the first that failed.
	Probe(ctx context.Context) (read, write time.Duration, err error)
	// Backup writes a copy of the data to a new file at path, which only its
	// owner can read. It is the data of one moment: all that was acknowledged
	// before Backup began, and whole transactions of what came later, or none.
	// Writers go on as before. The copy is checked, and gets its name when it is
	// whole: after an error there is no file. progress may be nil. A file that
	// exists is [CodeConflict], one that can't be written [CodeUnavailable].
	Backup(ctx context.Context, path string, progress Progress) error
}

// Progress is told how many bytes of how many have been copied. It is called
// often, and should be quick.
type Progress func(done, total int64)

// Stats says what the writer of this process is doing.
type Stats struct {
	// Depth is how many writes wait now.
	Depth int
	// Delay is how long a write that comes now is expected to wait, of the app
	// that has most to do.
	Delay time.Duration
	// DataBytes is how long the data file is, LogBytes its write-ahead log, and
	// FreeBytes how much room their disk has left, of which Free says whether it is
	// known.
	DataBytes, LogBytes, FreeBytes int64
	Free                           bool

	// Batches is how many transactions were committed since the store was
	// opened, and Commits how many callers' writes they held: their ratio is what
	// group commit saves.
	Batches, Commits uint64

	// BatchSize is how many requests lately shared a commit, and CommitTime how
	// long the commit took, for the most part its fsync. They are of the last
	// 4,096 to 8,192 batches, and exact to one part in a hundred.
	BatchSize  Percentiles[int]
	CommitTime Percentiles[time.Duration]

	// Writer is the time that the writer has worked for each app, by its id, since
	// the store was opened; "" is the server itself. Of apps that write nothing, those
	// beyond a thousand are forgotten.
	Writer map[string]time.Duration
}

// State is how the data is kept.
type State struct {
	// Unreachable says that the database has not answered of late. Calls are refused
	// with [CodeUnavailable], each at once, until it does.
	Unreachable bool
	// Durable says that an acknowledged write survives a crash of the machine that has
	// the data, a loss of power included; Replicated, that it survives the loss of that
	// machine, since another has it on its disk by then.
	Durable, Replicated bool
	// Settings are what decides that, as the database names them, such as
	// "synchronous=FULL".
	Settings string
}

// Percentiles of figures: P99 is what 99 of 100 do not exceed. All are zero
// before there are any.
type Percentiles[T int | time.Duration] struct{ P50, P90, P99, Max T }
