package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// AppendLogs implements [storage.Logs].
func (s *Store) AppendLogs(ctx context.Context, lines []storage.LogLine) error {
	const op = "appendLogs"
	for _, l := range lines {
		if err := storage.CheckKey(op, "app id", l.App); err != nil {
			return err
		}
	}
	for len(lines) > 0 {
		some := lines[:linesOf(lines)]
		if err := s.appendLogs(ctx, op, some); err != nil {
			return wrap(op, err)
		}
		lines = lines[len(some):]
	}
	return nil
}

// logBytes is how much text one transaction appends, so that it keeps other writes
// waiting for a millisecond or so; a line counts as logLine bytes more.
const logBytes, logLine = 64 << 10, 256

// linesOf returns how many of the lines one transaction takes, at least one.
func linesOf(lines []storage.LogLine) int {
	size := 0
	for i, l := range lines {
		if size += min(len(l.Text), storage.MaxLogText) + logLine; size > logBytes && i > 0 {
			return i
		}
	}
	return len(lines)
}

func (s *Store) appendLogs(ctx context.Context, op string, lines []storage.LogLine) error {
	err := s.writer.do(ctx, "", op, func(tx *writeTx) error {
		for _, l := range lines {
			id, err := tx.next()
			if err == nil {
				_, err = tx.write("INSERT INTO logs (id, app, at, level, text, request_id) VALUES (?, ?, ?, ?, ?, ?)",
					id, l.App, l.Time.UnixMilli(), l.Level, logText(l.Text), l.RequestID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.sweeper.logged(lines)
	}
	return err
}

// logText is what is kept of a line.
func logText(s string) string {
	if len(s) > storage.MaxLogText {
		s = s[:storage.MaxLogText]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "\ufffd")
}

const (
	// logRows is how many lines are read between two returns of the reader, about a
	// millisecond's worth: who searches a long log holds up nobody else's reads.
	logRows = 1000
	// logSkew is by how much the times of lines may be out of the order in which they
	// were stored: a request lasts, lines wait for their batch, and clocks are set.
	logSkew = 10 * time.Minute
)

// Logs implements [storage.Logs].
func (s *Store) Logs(ctx context.Context, q storage.LogQuery) (*storage.LogPage, error) {
	const op = "logs"
	if err := q.Check(op); err != nil {
		return nil, err
	}
	page := &storage.LogPage{Lines: []storage.LogLine{}, Last: q.After}
	if q.Newest {
		page.Last = q.Before
	}
	limit := cmp.Or(q.Limit, storage.MaxRows)
	for looked := 0; looked < storage.LogScan; looked += logRows {
		n := logRows
		if !q.Filters() {
			n = min(n, limit-len(page.Lines)+1)
		}
		rows, err := s.logRows(ctx, op, q, page.Last, n)
		if err != nil {
			return nil, err
		}
		recent := false
		for _, l := range rows {
			if len(page.Lines) == limit {
				page.More = true
				break
			}
			page.Last = l.ID
			recent = recent || !l.Time.Before(q.Since.Add(-logSkew))
			if q.Wants(l) {
				page.Lines = append(page.Lines, l)
			}
		}
		if page.More = page.More || len(rows) == n && (recent || !q.Newest); !page.More || len(page.Lines) == limit {
			break
		}
	}
	if q.Newest {
		slices.Reverse(page.Lines)
	}
	return page, nil
}

// logRows reads the lines that come next, wanted or not.
func (s *Store) logRows(ctx context.Context, op string, q storage.LogQuery, last int64, n int) ([]storage.LogLine, error) {
	after, before, order := last, cmp.Or(q.Before, math.MaxInt64), ""
	if q.Newest {
		after, before, order = q.After, cmp.Or(last, math.MaxInt64), " DESC"
	}
	query, args := "SELECT id, app, at, level, text, request_id FROM logs WHERE id > ? AND id < ?", []any{after, before}
	if len(q.Apps) == 1 { // which the index is for; the lines of several are taken from all
		query, args = query+" AND app = ?", append(args, q.Apps[0])
	}
	return list(ctx, s, op, func(row []driver.Value) storage.LogLine {
		return storage.LogLine{ID: row[0].(int64), App: row[1].(string), Time: time.UnixMilli(row[2].(int64)),
			Level: row[3].(string), Text: row[4].(string), RequestID: row[5].(string)}
	}, query+" ORDER BY id"+order+" LIMIT ?", append(args, n)...)
}

// pageLimit is a limit of which 0 stands for the most.
func pageLimit(op string, limit int) (int, error) {
	if _, err := rowLimit(op, limit); err != nil {
		return 0, err
	}
	return cmp.Or(limit, storage.MaxRows), nil
}
