package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/calls"
)

const (
	// queryTimeout bounds an operator's query: a longer read keeps the log from
	// being folded into the data file.
	queryTimeout = 30 * time.Second
	// maxQueryText is the longest query, in bytes.
	maxQueryText = 1 << 20
	// maxTable is how many bytes of cells a query returns at most; beyond that
	// the table is marked as truncated.
	maxTable = 32 << 20
	// maxQueries is how many queries of operators a store runs at the same time:
	// each may take queryMemory.
	maxQueries = 2
)

// Query implements [storage.Queries].
func (s *Store) Query(ctx context.Context, query string, limit int) (*storage.Table, error) {
	end, err := s.beginQuery(ctx, "query")
	if err != nil {
		return nil, err
	}
	defer end()
	var sn snapshot
	if err := s.snapshots.begin(ctx, &sn); err != nil {
		return nil, err
	}
	defer s.snapshots.end(&sn)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ctx, done := sn.watch(ctx)
	defer done()
	table, err := QueryFile(ctx, s.path, query, limit)
	if err != nil {
		return nil, cmp.Or(wrap("query", sn.err()), err)
	}
	return table, nil
}

// beginQuery waits for a place among the operators' statements.
func (s *Store) beginQuery(ctx context.Context, op string) (end func(), err error) {
	select {
	case <-s.readers.closed:
		return nil, errClosed(op)
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = storage.Wait(ctx, func() error {
		select {
		case s.queries <- struct{}{}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return func() { <-s.queries }, err
}

// QueryFile runs one read-only statement on the data file at path, beside the
// processes that have it open, under the rules of [Store.Query]. It returns a
// [storage.Error] with [storage.CodeFormat] or [storage.CodeUnavailable] if
// there is no usable data file.
func QueryFile(ctx context.Context, path, query string, limit int) (*storage.Table, error) {
	const op = "query"
	query, err := oneStatement(op, query)
	if err != nil {
		return nil, err
	}
	if limit < 0 {
		return nil, &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the limit is negative"}
	}
	if limit == 0 || limit > storage.MaxRows {
		limit = storage.MaxRows
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	v, err := openViews(path)
	if err != nil {
		return nil, err
	}
	ctx, memory := watchMemory(ctx)
	defer func() {
		v.conn.close()
		memory.stop()
	}()
	table, err := readTable(ctx, v.conn, query, limit)
	if err != nil {
		return nil, cmp.Or(memory.err(op), v.explain(op, err))
	}
	return table, nil
}

// openExisting opens a data file for reading alone. It refuses one that is not
// there, not ours or of a newer fazt. The parameters are those of openConn.
func openExisting(op, path string, params ...string) (*conn, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, unusable(path, err)
	}
	ours, err := inspect(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &storage.Error{Code: storage.CodeUnavailable, Op: op, Path: path,
			Err: fs.ErrNotExist, Hint: "check the path; starting the server makes a data file"}
	}
	if err != nil {
		return nil, err
	}
	if !ours {
		return nil, notOurs(path, "it is empty")
	}
	c, err := openConn(abs, append([]string{"mode", "ro", "_query_only", "on"}, params...)...)
	if err != nil {
		return nil, unusable(path, err)
	}
	version, err := schemaVersion(c, module)
	if err != nil {
		err = unusable(path, err)
	} else if version > len(schema) {
		err = errNewer(op, module, version, len(schema))
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// readTable runs the query. It takes one row more than the limit to know
// whether there are any.
func readTable(ctx context.Context, c *conn, query string, limit int) (*storage.Table, error) {
	rows, err := c.raw.QueryContext(ctx, query, nil)
	if err != nil {
		return nil, callError(ctx, err)
	}
	defer rows.Close()
	table := &storage.Table{Columns: slices.Clone(rows.Columns()), Rows: [][]any{}}
	size := 0
	for {
		values := make([]driver.Value, len(table.Columns))
		err := rows.Next(values)
		if errors.Is(err, io.EOF) {
			return table, nil
		}
		if err != nil {
			return nil, ctxError(ctx, err)
		}
		size += rowSize(values)
		if len(table.Rows) == limit || size > maxTable {
			table.Truncated = true
			return table, nil
		}
		row := make([]any, len(values))
		for i, v := range values {
			if text, ok := v.(string); ok && !utf8.ValidString(text) {
				v = []byte(text)
			}
			row[i] = v
		}
		table.Rows = append(table.Rows, row)
	}
}

func rowSize(values []driver.Value) int {
	n := 0
	for _, v := range values {
		n += 16
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}
	return n
}

// oneStatement returns the text of the only statement in query.
func oneStatement(op, query string) (string, error) {
	if len(query) > maxQueryText {
		return "", &storage.Error{Code: storage.CodeQuotaExceeded, Op: op, Msg: "the query is longer than 1 MiB"}
	}
	if strings.IndexByte(query, 0) >= 0 {
		return "", &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "the query contains a NUL byte"}
	}
	statement, rest := cutStatement(query)
	if statement == "" {
		return "", &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "there is no statement", Hint: "give one SELECT"}
	}
	if more, _ := cutStatement(rest); more != "" {
		return "", &storage.Error{Code: storage.CodeInvalid, Op: op, Msg: "there is more than one statement", Hint: "run them one by one"}
	}
	return statement, nil
}

// cutStatement returns the first statement of a text, without what precedes
// it, and what follows its semicolon. It knows what a token is by SQLite's
// rules (https://www.sqlite.org/lang_comment.html, lang_keywords.html) and need
// not know more: what a query may do is not decided from its text.
func cutStatement(text string) (statement, rest string) { return calls.CutStatement(text, tokenSize) }

// tokenSize returns the length of the comment, the quoted text or the single
// byte that s begins with. What has no end goes on to the end of s.
func tokenSize(s string) int {
	until := func(start int, end string) int {
		if i := strings.Index(s[start:], end); i >= 0 {
			return start + i + len(end)
		}
		return len(s)
	}
	switch {
	case strings.HasPrefix(s, "--"):
		return until(2, "\n")
	case strings.HasPrefix(s, "/*") && len(s) > 2:
		return until(2, "*/")
	case s[0] == '\'', s[0] == '"', s[0] == '`':
		// A doubled quote is two quoted texts side by side, as far as
		// semicolons are concerned.
		return until(1, s[:1])
	case s[0] == '[':
		return until(1, "]")
	}
	return 1
}
