package sqlite

import (
	"context"
	"runtime"

	"github.com/fazt-sh/fazt/storage"
)

// minReaders keeps two long scans on a small machine from holding up every
// point read.
const minReaders = 4

// readers is a pool of connections that cannot write. Each has its own
// prepared statements. More of them than cores would only contend for the
// processors.
type readers struct {
	free   chan *reader
	closed chan struct{}
}

func openReaders(path string) (*readers, error) {
	n := max(minReaders, runtime.GOMAXPROCS(0))
	r := &readers{free: make(chan *reader, n), closed: make(chan struct{})}
	for range n {
		c, err := openReader(path)
		if err != nil {
			close(r.free)
			for c := range r.free {
				c.close()
			}
			return nil, err
		}
		r.free <- c
	}
	return r, nil
}

func openReader(path string) (*reader, error) {
	c, err := openConn(path, "mode", "rw", "_query_only", "on")
	if err != nil {
		return nil, err
	}
	r := &reader{conn: c}
	if r.begin, err = c.prepare("BEGIN"); err == nil {
		r.rollback, err = c.prepare("ROLLBACK")
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return r, nil
}

// reader is one connection of the pool.
type reader struct {
	*conn
	begin, rollback statement
}

// get waits for a free connection.
func (r *readers) get(ctx context.Context, op string) (*reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-r.closed:
		return nil, errClosed(op)
	default:
	}
	select {
	case c := <-r.free:
		return c, nil
	case <-r.closed:
		return nil, errClosed(op)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// snapshot runs fn in a read transaction. SQLite takes the snapshot at the
// first read, and so it holds every commit that ended before that.
func (r *readers) snapshot(ctx context.Context, op string, fn func(*conn) error) (err error) {
	c, err := r.get(ctx, op)
	if err != nil {
		return err
	}
	defer func() { r.free <- c }()
	if err := c.begin.run(); err != nil {
		return wrap(op, err)
	}
	// ROLLBACK and not COMMIT: it also ends a transaction in which a statement
	// failed, and there is nothing to keep.
	defer func() {
		if endErr := c.rollback.run(); err == nil {
			err = wrap(op, endErr)
		}
	}()
	return fn(c.conn)
}

// close waits for reads that are under way, and closes the connections. It is
// called once.
func (r *readers) close() error {
	close(r.closed)
	var first error
	for range cap(r.free) {
		c := <-r.free
		if err := c.close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func errReadOnly(op string) error {
	return &storage.Error{Code: storage.CodeReadOnly, Op: op, Msg: "this transaction only reads", Hint: "write in Tx"}
}
