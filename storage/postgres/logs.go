package postgres

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fazt-sh/fazt/storage"
)

// logsTurn stands for the log of all apps among those whose turns there are: who appends
// holds it until the lines are committed, so that their ids, on whatever server, are in
// the order in which they come to be seen, and who follows a log misses none.
const logsTurn = ".logs"

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
			return err
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

const insertLogs = `INSERT INTO logs (id, app, at, level, text, request_id)
	SELECT l.id, l.app, l.at, l.level, l.text, l.request_id
	FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[]) AS l (id, app, at, level, text, request_id)`

func (s *Store) appendLogs(ctx context.Context, op string, lines []storage.LogLine) error {
	n := len(lines)
	apps, levels, texts, requests := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	times := make([]int64, n)
	for i, l := range lines {
		apps[i], times[i], levels[i] = l.App, l.Time.UnixMilli(), l.Level
		texts[i], requests[i] = logText(l.Text), logText(l.RequestID)
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

// logText is what is kept of a line: a text that the database can hold.
func logText(s string) string {
	if len(s) > storage.MaxLogText {
		s = s[:storage.MaxLogText]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "\ufffd")
}

const (
	// logRows is how many lines are read at a time.
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
