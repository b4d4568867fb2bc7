package storage

import (
	"context"
	"time"
)

const (
	// MaxLogText is how much of a line is kept, in bytes; the rest is cut off.
	MaxLogText = 8 << 10
	// LogLines is how many lines of an app are kept, and LogAge for how long.
	// The sweeper removes what is more or older, about once a minute.
	LogLines = 10_000
	LogAge   = 7 * 24 * time.Hour
)

// Logs are the lines that apps print. The newest [LogLines] of an app are kept,
// for [LogAge]. An app's lines go with its data.
type Logs interface {
	// AppendLogs stores lines, of any apps, in their order, and many of them in several
	// transactions: after an error, the first of them may be stored. A line without an
	// app is [CodeInvalid], and none is stored.
	AppendLogs(ctx context.Context, lines []LogLine) error
	// Logs returns lines of an app, oldest first. A limit that is negative or
	// above [MaxRows] is [CodeInvalid].
	Logs(ctx context.Context, appID string, q LogQuery) ([]LogLine, error)
}

// LogQuery says which lines of an app's log are wanted. The zero value is the
// oldest [MaxRows] of them.
type LogQuery struct {
	// After is the id of a line: those after it are wanted. 0 is before the
	// first.
	After int64
	// Newest asks for the last of them, if there are more than Limit, and not
	// for the first.
	Newest bool
	// Limit is how many lines to return at most. Default: [MaxRows].
	Limit int
}

// LogLine is a line that an app has printed.
type LogLine struct {
	ID        int64 // given by AppendLogs: larger than that of every line before
	App       string
	Time      time.Time
	Level     string // "debug", "info", "warn", "error"
	Text      string // up to [MaxLogText]
	RequestID string
}
