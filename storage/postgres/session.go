package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/fazt-sh/fazt/storage"
)

// scanFunc stores the columns of the row at hand in variables.
type scanFunc = func(dest ...any) error

// querier reads: the pool, a snapshot, or a write transaction, which sees what it has
// written.
type querier interface {
	// query calls fn for every row.
	query(ctx context.Context, query string, args []any, fn func(scan scanFunc) error) error
	// rows returns them.
	rows(ctx context.Context, query string, args []any) (*rowBuffer, error)
}

// one reads the first row of a query, and reports whether there is one.
func one(ctx context.Context, q querier, query string, args []any, dest ...any) (found bool, err error) {
	err = q.query(ctx, query, args, func(scan scanFunc) error {
		if found {
			return nil
		}
		found = true
		return scan(dest...)
	})
	return found && err == nil, err
}

// pooled reads with one statement by itself, which is its own snapshot.
type pooled struct{ store *Store }

func (p pooled) query(ctx context.Context, query string, args []any, fn func(scan scanFunc) error) error {
	found, err := p.rows(ctx, query, args)
	if err != nil {
		return err
	}
	return found.each(fn)
}

func (p pooled) rows(ctx context.Context, query string, args []any) (found *rowBuffer, err error) {
	err = storage.Wait(ctx, func() error {
		for tries := 0; ; tries++ {
			rows, err := p.store.pool.Query(ctx, query, args...)
			if err == nil {
				found, err = p.store.gather(rows)
			}
			if tries > 0 || !p.store.again(ctx, err) {
				return err
			}
		}
	})
	return found, ended(ctx, err)
}

// again reports whether a read that failed may be made again, on another connection. What
// cancels a statement names its connection, and may come late, to the next; and one that
// has rested may have been cut meanwhile, as all are by a fail-over.
func (s *Store) again(ctx context.Context, err error) bool {
	switch {
	case err == nil || ctx.Err() != nil:
		return false
	case sqlState(err) == queryCanceled:
		return true
	case away(err):
		s.pool.Reset()
		return true
	}
	return false
}

// ended returns the context's error for what its end has done to a statement.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && storage.CodeOf(err) == "" {
		return ctx.Err()
	}
	return err
}

// read runs a query that needs no transaction around it.
func (s *Store) read(ctx context.Context, op, query string, args []any, fn func(scan scanFunc) error) error {
	if err := s.usable(ctx, op); err != nil {
		return err
	}
	return s.failed(op, pooled{s}.query(ctx, query, findable(args), fn))
}

// readOne is read for the first row, and reports whether there is one.
func (s *Store) readOne(ctx context.Context, op, query string, args []any, dest ...any) (found bool, err error) {
	if err := s.usable(ctx, op); err != nil {
		return false, err
	}
	found, err = one(ctx, pooled{s}, query, args, dest...)
	return found, s.failed(op, err)
}

func (s *Store) usable(ctx context.Context, op string) error {
	if s.isClosed() {
		return errClosed(op)
	}
	return ctx.Err()
}

// failed is wrap for a store that may have been closed meanwhile.
func (s *Store) failed(op string, err error) error {
	err = wrap(op, err)
	if storage.CodeOf(err) == "" && err != nil && s.isClosed() {
		return errClosed(op)
	}
	return err
}

// snapshot is a transaction that only reads, all of it as it was at one moment. It begins
// with the first query.
type snapshot struct {
	store *Store
	conn  *pgxpool.Conn
	begun bool
	ended bool
}

const beginSnapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

// snapshot runs fn on one consistent snapshot, and returns its error as it is.
func (s *Store) snapshot(ctx context.Context, op string, fn func(q querier) error) error {
	if err := s.usable(ctx, op); err != nil {
		return err
	}
	var conn *pgxpool.Conn
	err := storage.Wait(ctx, func() (err error) {
		conn, err = s.pool.Acquire(ctx)
		return err
	})
	if err != nil {
		return s.failed(op, err)
	}
	q := &snapshot{store: s, conn: conn}
	defer q.end()
	return s.failed(op, fn(q))
}

// end gives the connection back. One in which something is left is not used again.
func (q *snapshot) end() {
	q.ended = true
	if q.conn == nil {
		return
	}
	defer q.conn.Release()
	if !q.begun || q.conn.Conn().IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelLimit)
	defer cancel()
	if _, err := q.conn.Exec(ctx, "ROLLBACK"); err != nil {
		q.conn.Conn().Close(ctx)
	}
}

func (q *snapshot) query(ctx context.Context, query string, args []any, fn func(scan scanFunc) error) error {
	found, err := q.rows(ctx, query, args)
	if err != nil {
		return err
	}
	return found.each(fn)
}

func (q *snapshot) rows(ctx context.Context, query string, args []any) (*rowBuffer, error) {
	if q.ended {
		return nil, &storage.Error{Code: storage.CodeClosed, Msg: "the transaction has ended"}
	}
	if q.conn == nil {
		return nil, &storage.Error{Code: storage.CodeUnavailable, Msg: "the database can't be reached", Hint: "try again"}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	list := []statement{{query: query, args: args}}
	first := !q.begun
	if first { // the beginning travels with the first query
		q.begun = true
		list = []statement{{query: beginSnapshot}, list[0]}
	}
	var found *rowBuffer
	list[len(list)-1].got = func(rows *rowBuffer) error { found = rows; return nil }
	err := storage.Wait(ctx, func() error {
		_, err := sendAll(ctx, q.conn.Conn(), q.store, list)
		if first && q.conn.Conn().IsClosed() && q.store.again(ctx, err) {
			q.conn.Release()
			if q.conn, err = q.store.pool.Acquire(ctx); err == nil {
				_, err = sendAll(ctx, q.conn.Conn(), q.store, list)
			}
		}
		return err
	})
	return found, ended(ctx, err)
}

// unixTime is a time of the database's, which holds milliseconds; 0 is none.
func unixTime(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
