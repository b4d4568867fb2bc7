package postgres

import (
	"context"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/logsearch"
)

// logsTurn stands for the log of all apps among those whose turns there are: who appends
// holds it until the lines are committed, so that their ids, on whatever server, are in
// the order in which they come to be seen, and who follows a log misses none.
const logsTurn = ".logs"

// AppendLogs implements [storage.Logs].
func (s *Store) AppendLogs(ctx context.Context, lines []storage.LogLine) error {
	const op = "appendLogs"
	if err := logsearch.Check(op, lines); err != nil {
		return err
	}
	for len(lines) > 0 {
		some := lines[:logsearch.Batch(lines)]
		if err := s.appendLogs(ctx, op, some); err != nil {
			return err
		}
		lines = lines[len(some):]
	}
	return nil
}

const insertLogs = `INSERT INTO logs (id, app, at, level, text, request_id)
	SELECT l.id, l.app, l.at, l.level, l.text, l.request_id
	FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[]) AS l (id, app, at, level, text, request_id)`

func (s *Store) appendLogs(ctx context.Context, op string, lines []storage.LogLine) error {
	n := len(lines)
	apps, levels, texts, requests := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	times := make([]int64, n)
	for i, l := range lines {
		apps[i], times[i], levels[i] = l.App, l.Time.UnixMilli(), l.Level
		texts[i], requests[i] = logsearch.Text(l.Text), logsearch.Text(l.RequestID)
	}
	return s.write(ctx, logsTurn, op, func(tx *writeTx) error {
		ids := make([]int64, n)
		for i := range ids {
			var err error
			if ids[i], err = tx.nextSeq(logsTurn); err != nil {
				return err
			}
		}
		return tx.queue(insertLogs, ids, apps, times, levels, texts, requests)
	})
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
	query, args := "SELECT id, app, at, level, text, request_id FROM logs WHERE id > $1 AND id < $2", []any{after, before, n}
	if len(q.Apps) == 1 { // which the index is for; the lines of several are taken from all
		query, args = query+" AND app = $4", append(args, q.Apps[0])
	}
	return list(ctx, s, op, func(scan scanFunc) (l storage.LogLine, err error) {
		var at int64
		err = scan(&l.ID, &l.App, &at, &l.Level, &l.Text, &l.RequestID)
		l.Time = time.UnixMilli(at)
		return l, err
	}, query+" ORDER BY id"+order+" LIMIT $3", args...)
}
