package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
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
	return strings.ToValidUTF8(s, "")
}

// Logs implements [storage.Logs].
func (s *Store) Logs(ctx context.Context, appID string, q storage.LogQuery) ([]storage.LogLine, error) {
	const op = "logs"
	limit, err := pageLimit(op, q.Limit)
	if err != nil {
		return nil, err
	}
	order := "ASC"
	if q.Newest {
		order = "DESC"
	}
	lines, err := list(ctx, s, op, func(row []driver.Value) storage.LogLine {
		return storage.LogLine{ID: row[0].(int64), App: appID, Time: time.UnixMilli(row[1].(int64)),
			Level: row[2].(string), Text: row[3].(string), RequestID: row[4].(string)}
	}, "SELECT id, at, level, text, request_id FROM logs WHERE app = ? AND id > ? ORDER BY id "+order+" LIMIT ?", appID, q.After, limit)
	if q.Newest {
		slices.Reverse(lines)
	}
	return lines, err
}

// pageLimit is a limit of which 0 stands for the most.
func pageLimit(op string, limit int) (int, error) {
	if _, err := rowLimit(op, limit); err != nil {
		return 0, err
	}
	return cmp.Or(limit, storage.MaxRows), nil
}
