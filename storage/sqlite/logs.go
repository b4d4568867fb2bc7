package sqlite

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/logsearch"
)

// AppendLogs implements [storage.Logs].
func (s *Store) AppendLogs(ctx context.Context, lines []storage.LogLine) error {
	const op = "appendLogs"
	if err := logsearch.Check(op, lines); err != nil {
		return err
	}
	for len(lines) > 0 {
		some := lines[:logsearch.Batch(lines)]
		if err := s.appendLogs(ctx, op, some); err != nil {
			return wrap(op, err)
		}
		lines = lines[len(some):]
	}
	return nil
}

func (s *Store) appendLogs(ctx context.Context, op string, lines []storage.LogLine) error {
	err := s.writer.do(ctx, "", op, func(tx *writeTx) error {
		for _, l := range lines {
			id, err := tx.next()
			if err == nil {
				_, err = tx.write("INSERT INTO logs (id, app, at, level, text, request_id) VALUES (?, ?, ?, ?, ?, ?)",
					id, l.App, l.Time.UnixMilli(), l.Level, logsearch.Text(l.Text), l.RequestID)
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

// Logs implements [storage.Logs].
func (s *Store) Logs(ctx context.Context, q storage.LogQuery) (*storage.LogPage, error) {
	const op = "logs"
	return logsearch.Search(op, q, func(last int64, n int) ([]storage.LogLine, error) {
		return s.logRows(ctx, op, q, last, n)
	})
}

// logRows reads the lines that come next, wanted or not.
func (s *Store) logRows(ctx context.Context, op string, q storage.LogQuery, last int64, n int) ([]storage.LogLine, error) {
	after, before, order := logsearch.Span(q, last)
	query, args := "SELECT id, app, at, level, text, request_id FROM logs WHERE id > ? AND id < ?", []any{after, before}
	if len(q.Apps) == 1 { // which the index is for; the lines of several are taken from all
		query, args = query+" AND app = ?", append(args, q.Apps[0])
	}
	return list(ctx, s, op, func(row []driver.Value) storage.LogLine {
		return storage.LogLine{ID: row[0].(int64), App: row[1].(string), Time: time.UnixMilli(row[2].(int64)),
			Level: row[3].(string), Text: row[4].(string), RequestID: row[5].(string)}
	}, query+" ORDER BY id"+order+" LIMIT ?", append(args, n)...)
}
