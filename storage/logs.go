package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	// Logs returns lines, oldest first, and where it got to. It looks at no more than
	// [LogScan] of them for each call, so a page may have fewer lines than there are,
	// or none: the one after it begins at its Last. A limit that is negative or above
	// [MaxRows], and a level that does not exist, are [CodeInvalid].
	Logs(ctx context.Context, q LogQuery) (*LogPage, error)
}

// LogScan is how many lines one call of Logs looks at, about.
const LogScan = 100_000

// LogLevels are the levels that a line can have, the lowest first.
func LogLevels() []string { return []string{"debug", "info", "warn", "error"} }

// LogQuery says which lines are wanted. The zero value is the oldest [MaxRows] of
// all apps.
type LogQuery struct {
	// Apps are the ids of the apps whose lines are wanted. Default: all.
	Apps []string
	// After and Before are ids of lines: those between them are wanted. 0 is before
	// the first, and after the last.
	After, Before int64
	// Since is a time: lines that were printed before it are not wanted.
	Since time.Time
	// Level is the lowest of [LogLevels] that is wanted. Default: all.
	Level string
	// Contains is a text that the wanted lines have, letter by letter.
	Contains string
	// Newest asks for the last of them, if there are more than Limit, and not
	// for the first.
	Newest bool
	// Limit is how many lines to return at most. Default: [MaxRows].
	Limit int
}

// LogPage is a part of a log.
type LogPage struct {
	Lines []LogLine // oldest first
	// Last is the id of the last line that was looked at, wanted or not: the next
	// page's After, or its Before if the newest were asked for. It is the query's own
	// if there was none.
	Last int64
	// More says that there are lines beyond Last, which may be wanted or not.
	More bool
}

// LogLine is a line that an app has printed.
type LogLine struct {
	ID        int64 // given by AppendLogs: larger than that of every line before
	App       string
	Time      time.Time
	Level     string // one of [LogLevels]
	Text      string // up to [MaxLogText]
	RequestID string
}

// Check returns an error for a query that makes no sense.
func (q LogQuery) Check(op string) error {
	if q.Limit < 0 || q.Limit > MaxRows {
		return &Error{Code: CodeInvalid, Op: op, Path: "limit", Msg: fmt.Sprintf("it is %d, and not from 0 to %d", q.Limit, MaxRows)}
	}
	if q.Level != "" && !slices.Contains(LogLevels(), q.Level) {
		return &Error{Code: CodeInvalid, Op: op, Path: "level", Msg: fmt.Sprintf("there is no level %q; give %s", q.Level, strings.Join(LogLevels(), ", "))}
	}
	return nil
}

// Filters reports whether lines between After and Before, of one app or of all, may
// not be wanted.
func (q LogQuery) Filters() bool {
	return len(q.Apps) > 1 || !q.Since.IsZero() || q.Level != "" || q.Contains != ""
}

// Wants reports whether a line is one of those that are wanted, wherever it is.
func (q LogQuery) Wants(l LogLine) bool {
	return (len(q.Apps) == 0 || slices.Contains(q.Apps, l.App)) && !l.Time.Before(q.Since) &&
		slices.Index(LogLevels(), l.Level) >= slices.Index(LogLevels(), q.Level) && strings.Contains(l.Text, q.Contains)
}
