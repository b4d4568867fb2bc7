// Package logsearch searches an app's log page by page, and says how the lines of a log
// are stored: which text is kept of one, and how many a transaction takes. It is shared
// by the engines of package storage, which bring the statements.
package logsearch

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// batchBytes is how much text one transaction appends, so that it keeps other writes
	// waiting for a millisecond or so; a line counts as lineBytes more.
	batchBytes, lineBytes = 64 << 10, 256
	// rows is how many lines are read between two returns of the reader, about a
	// millisecond's worth: who searches a long log holds up nobody else's reads.
	rows = 1000
	// skew is by how much the times of lines may be out of the order in which they
	// were stored: a request lasts, lines wait for their batch, and clocks are set.
	skew = 10 * time.Minute
)

// Check returns an error with [storage.CodeInvalid] if a line has no usable app id.
func Check(op string, lines []storage.LogLine) error {
	for _, l := range lines {
		if err := storage.CheckKey(op, "app id", l.App); err != nil {
			return err
		}
	}
	return nil
}

// Batch returns how many of the lines one transaction takes, at least one.
func Batch(lines []storage.LogLine) int {
	size := 0
	for i, l := range lines {
		if size += min(len(l.Text), storage.MaxLogText) + lineBytes; size > batchBytes && i > 0 {
			return i
		}
	}
	return len(lines)
}

// Text is what is kept of a line: [storage.MaxLogText] bytes at most, of a text that
// every database can hold.
func Text(s string) string {
	if len(s) > storage.MaxLogText {
		s = s[:storage.MaxLogText]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "\ufffd")
}

// Search returns the page that a query asks for. read reads up to n lines that come after
// the one numbered last (0: from the start), wanted or not, in the order of the search:
// those between the two numbers that [Span] gives.
func Search(op string, q storage.LogQuery, read func(last int64, n int) ([]storage.LogLine, error)) (*storage.LogPage, error) {
	if err := q.Check(op); err != nil {
		return nil, err
	}
	page := &storage.LogPage{Lines: []storage.LogLine{}, Last: q.After}
	if q.Newest {
		page.Last = q.Before
	}
	limit := cmp.Or(q.Limit, storage.MaxRows)
	for looked := 0; looked < storage.LogScan; looked += rows {
		n := rows
		if !q.Filters() {
			n = min(n, limit-len(page.Lines)+1)
		}
		lines, err := read(page.Last, n)
		if err != nil {
			return nil, err
		}
		recent, more := false, false
		for _, l := range lines {
			if len(page.Lines) == limit {
				more = true
				break
			}
			page.Last = l.ID
			recent = recent || !l.Time.Before(q.Since.Add(-skew))
			if q.Wants(l) {
				page.Lines = append(page.Lines, l)
			}
		}
		if page.More = more || len(lines) == n && (recent || !q.Newest); !page.More || len(page.Lines) == limit {
			break
		}
	}
	if q.Newest {
		slices.Reverse(page.Lines)
	}
	return page, nil
}

// Span returns the numbers between which, without both, the lines are that come after the
// one numbered last, and the order to read them in: " DESC" for the newest first, or "".
func Span(q storage.LogQuery, last int64) (after, before int64, order string) {
	if q.Newest {
		return q.After, cmp.Or(last, math.MaxInt64), " DESC"
	}
	return last, cmp.Or(q.Before, math.MaxInt64), ""
}
