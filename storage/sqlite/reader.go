package sqlite

import (
	"context"
	"runtime"
	"sync"

	"github.com/fazt-sh/fazt/storage"
)

// minReaders keeps two long scans on a small machine from holding up every
// point read.
const minReaders = 4

// readers is a pool of connections that cannot write. Each has its own
// prepared statements. More of them than cores would only contend for the
// processors.
type readers struct {
	free      chan struct{} // an element for each idle connection
	closed    chan struct{}
	snapshots *snapshots

	mu   sync.Mutex
	idle []*reader // the one used last at the end, as its pages are in the processor's cache
}

func openReaders(path string, snapshots *snapshots) (*readers, error) {
	n := max(minReaders, runtime.GOMAXPROCS(0))
	r := &readers{free: make(chan struct{}, n), closed: make(chan struct{}), snapshots: snapshots}
	for range n {
		c, err := openReader(path)
		if err != nil {
			for _, c := range r.idle {
				c.close()
			}
			return nil, err
		}
		r.put(c)
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
	case <-r.free: // spares asking ctx for a channel
		return r.pop(), nil
	default:
	}
	select {
	case <-r.free:
		return r.pop(), nil
	case <-r.closed:
		return nil, errClosed(op)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *readers) pop() *reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.idle) - 1
	c := r.idle[n]
	r.idle = r.idle[:n]
	return c
}

// put gives a connection back.
func (r *readers) put(c *reader) {
	r.mu.Lock()
	r.idle = append(r.idle, c)
	r.mu.Unlock()
	r.free <- struct{}{}
}

// snapshot runs fn in a read transaction. SQLite takes the snapshot at the
// first read, and so it holds every commit that ended before that.
func (r *readers) snapshot(ctx context.Context, op string, fn func(*conn) error) (err error) {
	c, err := r.get(ctx, op)
	if err != nil {
		return err
	}
	defer r.put(c)
	if err := r.snapshots.begin(ctx, &c.snapshot); err != nil {
		return err
	}
	defer r.snapshots.end(&c.snapshot)
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
		<-r.free
		if err := r.pop().close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func errReadOnly(op string) error {
	return &storage.Error{Code: storage.CodeReadOnly, Op: op, Msg: "this transaction only reads", Hint: "write in Tx"}
}
