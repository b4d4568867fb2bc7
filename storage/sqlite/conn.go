package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/fazt-sh/fazt/storage"
)

const (
	// busyTimeout is how long a connection waits for another process's lock.
	// A command beside a running server holds it for one short transaction;
	// this covers the longest that is expected, a deployment of 20,000 files
	// on a slow disk.
	busyTimeout = 10 * time.Second

	// statementCache is how many prepared statements a connection keeps, a few
	// more than the statements of this package and of auth together.
	statementCache = 64
)

// conn is one connection to the data file. It speaks to the driver without
// database/sql in between, whose pool, locks and conversions cost as much as a
// point read does. It is not safe for concurrent use, but for the driver's
// interrupting it, which SQLite allows; so SQLite need not lock it either.
type conn struct {
	raw      *sqlite3.SQLiteConn
	args     []driver.NamedValue // reused from one statement to the next
	prepared []statement
	snapshot snapshot // of a reader: the one that is open
	reader   *reader  // whose connection it is; nil of the writer's
	work     int      // since [session.pace] looked at the clock
}

// openConn opens a connection to an existing file. The parameters are names and
// values of the driver's, to which those that every connection needs are added.
func openConn(path string, params ...string) (*conn, error) {
	raw, err := new(sqlite3.SQLiteDriver).Open(dsn(path, params...))
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw.(*sqlite3.SQLiteConn)}, nil
}

// dsn names the file as a URI, so that a question mark, a hash or a percent
// sign in its path means itself.
func dsn(path string, params ...string) string {
	q := url.Values{
		"_busy_timeout":    {strconv.FormatInt(busyTimeout.Milliseconds(), 10)},
		"_stmt_cache_size": {strconv.Itoa(statementCache)},
		"_synchronous":     {"FULL"},
		"_foreign_keys":    {"on"},
		"_mutex":           {"no"}, // see conn
	}
	for i := 0; i+1 < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	return fileURI(path) + "?" + q.Encode()
}

func fileURI(path string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a drive letter
	}
	return "file:" + (&url.URL{Path: slashed}).EscapedPath()
}

// close ends the prepared statements first: with one of them left, SQLite would
// keep the connection open without a word.
func (c *conn) close() error {
	for _, s := range c.prepared {
		s.raw.Close()
	}
	return c.raw.Close()
}

// bind puts args into the form that the driver takes.
func (c *conn) bind(args []any) ([]driver.NamedValue, error) {
	bound := c.args[:0]
	for i, a := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(a)
		if err != nil {
			return nil, &storage.Error{Code: storage.CodeInvalid, Path: fmt.Sprintf("argument %d", i+1), Err: err}
		}
		bound = append(bound, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	c.args = bound
	return bound, nil
}

// exec runs a statement and returns how many rows it changed. It cannot be
// interrupted: the driver would start a goroutine for each statement.
func (c *conn) exec(query string, args ...any) (int64, error) {
	bound, err := c.bind(args)
	if err != nil {
		return 0, err
	}
	ctx := context.Background()
	res, err := c.raw.ExecContext(ctx, query, bound)
	if err != nil {
		return 0, callError(ctx, err)
	}
	return res.RowsAffected()
}

// query calls row with the values of each row, which are good until row
// returns. It stops when ctx is done.
func (c *conn) query(ctx context.Context, query string, args []any, row func([]driver.Value) error) error {
	ctx, done := c.snapshot.watch(ctx)
	defer done()
	if err := c.scan(ctx, query, args, row); err != nil {
		return cmp.Or(c.snapshot.err(), err)
	}
	return nil
}

func (c *conn) scan(ctx context.Context, query string, args []any, row func([]driver.Value) error) error {
	bound, err := c.bind(args)
	if err != nil {
		return err
	}
	rows, err := c.raw.QueryContext(ctx, query, bound)
	if err != nil {
		return callError(ctx, err)
	}
	defer rows.Close() // also when row panics
	values := make([]driver.Value, len(rows.Columns()))
	for {
		if err := c.snapshot.err(); err != nil {
			return err
		}
		err := rows.Next(values)
		if err == io.EOF {
			return ctxError(ctx, rows.Close())
		}
		if err == nil {
			err = row(values)
		}
		if err != nil {
			return ctxError(ctx, err)
		}
	}
}

// queryRow returns the values of the first row, or nil if there is none. It is
// for statements that read a row or two by a key, which are not worth
// interrupting.
func (c *conn) queryRow(query string, args ...any) ([]driver.Value, error) {
	if err := c.snapshot.err(); err != nil {
		return nil, err
	}
	bound, err := c.bind(args)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	rows, err := c.raw.QueryContext(ctx, query, bound)
	if err != nil {
		return nil, callError(ctx, err)
	}
	values := make([]driver.Value, len(rows.Columns()))
	err = rows.Next(values)
	if closeErr := rows.Close(); err == nil {
		err = closeErr
	}
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return values, nil
}

// queryInt returns the number in the first column of the only row.
func (c *conn) queryInt(query string, args ...any) (int64, error) {
	row, err := c.queryRow(query, args...)
	if err != nil || row == nil {
		return 0, err
	}
	n, _ := row[0].(int64)
	return n, nil
}

// prepare returns a statement without parameters or rows, such as COMMIT. The
// driver keeps no prepared form of these by itself.
func (c *conn) prepare(query string) (statement, error) {
	s, err := c.raw.Prepare(query)
	if err != nil {
		return statement{}, err
	}
	c.prepared = append(c.prepared, statement{s.(*sqlite3.SQLiteStmt)})
	return c.prepared[len(c.prepared)-1], nil
}

// steady returns a query that SQLite prepares but once. Where a parameter stands
// by itself and its value might lead to a better plan, SQLite prepares the
// statement anew each time it is bound (https://www.sqlite.org/c3ref/prepare.html),
// which takes several times as long as to run it. The value of an expression is
// none of its business.
func steady(query string) string { return strings.ReplaceAll(query, "?", "ifnull(?, NULL)") }

type statement struct{ raw *sqlite3.SQLiteStmt }

func (s statement) run() error {
	_, err := s.raw.ExecContext(context.Background(), nil)
	return err
}

// ctxError prefers the context's own error to that of the statement that it
// interrupted.
func ctxError(ctx context.Context, err error) error {
	if se, ok := errors.AsType[sqlite3.Error](err); ok && se.Code == sqlite3.ErrInterrupt && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// callError is ctxError for the start of a statement, where the driver has
// errors of its own without a code: all are about the arguments.
func callError(ctx context.Context, err error) error {
	if _, ok := errors.AsType[sqlite3.Error](err); ok || ctx.Err() != nil {
		return ctxError(ctx, err)
	}
	return &storage.Error{Code: storage.CodeInvalid, Err: err}
}
