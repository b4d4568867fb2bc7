package sqlite

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/fazt-sh/fazt/storage"
	"github.com/fazt-sh/fazt/storage/internal/bodies"
)

// A body is bytes of any length, in chunks under a number that is never given
// out again. A content of the catalogue names one, and so does a blob. What
// nothing names, because it is being uploaded or was let go, is on the list of
// loose bodies, from which the sweeper takes it: nothing is ever both, and so a
// crash leaves nothing behind that is not found again.
const (
	insertChunk = "INSERT INTO chunks (content, n, data) VALUES (?, ?, ?)"
	selectChunk = "SELECT data FROM chunks WHERE content = ? AND n = ?"
	insertLoose = "INSERT INTO loose_bodies (id, sweep_at) VALUES (?, ?)"
	// A body whose time is 0 is being swept, and is past saving.
	renewLoose = "UPDATE loose_bodies SET sweep_at = ? WHERE id = ? AND sweep_at > 0"
	takeLoose  = "DELETE FROM loose_bodies WHERE id = ? AND sweep_at > 0"
)

// draft is a body that nothing names yet. Its last chunk stays in memory until
// it is named, so that a small one is stored in that one transaction.
type draft struct {
	bodies.Cutter
	store *Store
	app   string // whose work it is; "" is the server's own
	op    string
	check func(tx *writeTx, size int64) error // refuses a body that grows too large, if it is set

	id int64 // 0 if no chunk is stored yet
	n  int   // how many chunks are
}

// read stores data, a chunk a transaction, up to its last chunk.
func (d *draft) read(ctx context.Context, data io.Reader) error {
	return d.Cut(data, func() error { return d.put(ctx) })
}

// put stores a chunk that is not the last.
func (d *draft) put(ctx context.Context) error {
	if err := d.store.leavesSpare(d.op); err != nil {
		return err
	}
	var id int64
	err := d.store.writer.do(ctx, d.app, d.op, func(tx *writeTx) (err error) {
		if d.check != nil {
			if err := d.check(tx, d.Size); err != nil {
				return err
			}
		}
		id, err = d.putChunk(tx)
		return err
	})
	if err == nil {
		d.id, d.n = id, d.n+1
	}
	return err
}

func (d *draft) putChunk(tx *writeTx) (id int64, err error) {
	renewed := time.Now().Add(bodies.UploadGrace).UnixMilli()
	if id = d.id; id == 0 {
		if id, err = tx.next(); err == nil {
			_, err = tx.write(insertLoose, id, renewed)
		}
	} else {
		err = onLoose(tx, renewLoose, renewed, id)
	}
	if err == nil {
		_, err = tx.write(insertChunk, id, d.n, d.Last.Bytes())
	}
	return id, err
}

// onLoose runs a statement on a loose body that must still be there.
func onLoose(tx *writeTx, query string, args ...any) error {
	n, err := tx.write(query, args...)
	if err == nil && n == 0 {
		err = bodies.ErrSwept("put")
	}
	return err
}

// name completes the body, in the transaction in which something comes to name
// it, and returns its number.
func (d *draft) name(tx *writeTx) (id int64, err error) {
	if id = d.id; id == 0 {
		id, err = tx.next()
	} else {
		err = onLoose(tx, takeLoose, id)
	}
	if err == nil && d.Last.Len() > 0 {
		_, err = tx.write(insertChunk, id, d.n, d.Last.Bytes())
	}
	return id, err
}

// discard lets the sweeper have what was stored. It may be called for a body
// that was named, which it leaves alone.
func (d *draft) discard() {
	if d.id != 0 {
		d.store.sweeper.discard(d.id)
	}
}

// bodyReader reads a body, a chunk at a time. It holds no connection between two
// reads. It is not safe for concurrent use.
type bodyReader struct {
	store  *Store
	app    string // whose turn it is to read, "" the server's
	ctx    context.Context
	op     string
	id     int64
	size   int64
	offset int64
	chunk  []byte
	loaded int64 // the number of the chunk
	pinned bool
	closed bool
}

// openBody opens the body that find returns. find is called once more for a
// body of several chunks, when that is pinned: if it is still named then, it was
// not loose yet, and whoever comes to sweep it sees the pin. A body of one chunk
// is read from the same snapshot as its name, and needs no more.
func (s *Store) openBody(ctx context.Context, op, app string, find func(*conn) (id, size int64, err error)) (*bodyReader, error) {
	r := &bodyReader{store: s, app: app, ctx: context.WithoutCancel(ctx), op: op, loaded: -1}
	for {
		err := s.streamed(ctx, op, app, func(c *conn) (err error) {
			if r.id, r.size, err = find(c); err == nil && r.size <= bodies.ChunkSize {
				err = r.read(c, 0)
			}
			return err
		})
		if err != nil {
			return nil, wrap(op, err)
		}
		if r.size <= bodies.ChunkSize {
			return r, nil
		}
		s.reading.add(r.id)
		var named int64
		err = s.streamed(ctx, op, app, func(c *conn) (err error) {
			named, _, err = find(c)
			return err
		})
		if err == nil && named == r.id {
			r.pinned = true
			return r, nil
		}
		s.reading.remove(r.id)
		if err != nil {
			return nil, wrap(op, err)
		}
	}
}

// streamed runs fn, which is short, in a read transaction on a reader for bodies. Nobody
// has one of those while it waits for a processor, since others read bodies without one:
// who has to wait for a reader gives its processor away until the read is over.
func (s *Store) streamed(ctx context.Context, op, app string, fn func(*conn) error) error {
	unpaced := storage.WithPacer(ctx, nil)
	if s.streams.free() {
		return s.streams.snapshotFor(unpaced, op, app, fn)
	}
	var took time.Duration
	err := storage.Wait(ctx, func() error {
		return s.streams.snapshotFor(unpaced, op, app, func(c *conn) error {
			start := time.Now()
			defer func() { took = time.Since(start) }()
			return fn(c)
		})
	})
	storage.Charge(ctx, took)
	return err
}

func (r *bodyReader) Read(p []byte) (int, error) {
	if r.closed {
		return 0, errClosed(r.op)
	}
	if r.offset >= r.size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	n := r.offset / bodies.ChunkSize
	if r.loaded != n {
		if err := r.store.streamed(r.ctx, r.op, r.app, func(c *conn) error { return r.read(c, n) }); err != nil {
			return 0, wrap(r.op, err)
		}
	}
	copied := copy(p, r.chunk[r.offset-n*bodies.ChunkSize:])
	r.offset += int64(copied)
	return copied, nil
}

// read loads a chunk, which must have its full length: what has been swept is
// an error and never a hole.
func (r *bodyReader) read(c *conn, n int64) error {
	r.chunk, r.loaded = nil, -1
	want := min(bodies.ChunkSize, r.size-n*bodies.ChunkSize)
	if want > 0 {
		row, err := c.queryRow(selectChunk, r.id, n)
		if err != nil {
			return err
		}
		if row != nil {
			r.chunk, _ = row[0].([]byte)
		}
	}
	if int64(len(r.chunk)) != want {
		return bodies.ErrSwept(r.op)
	}
	r.loaded = n
	return nil
}

func (r *bodyReader) Seek(offset int64, whence int) (int64, error) {
	to, err := bodies.Seek(r.op, r.size, r.offset, offset, whence)
	if err == nil {
		r.offset = to
	}
	return to, err
}

func (r *bodyReader) Close() error {
	if !r.closed {
		r.closed, r.chunk = true, nil
		if r.pinned {
			r.store.reading.remove(r.id)
		}
	}
	return nil
}

// pins counts who reads which body, so that it is not swept under them.
type pins struct {
	mu    sync.Mutex
	count map[int64]int
}

func (p *pins) add(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == nil {
		p.count = make(map[int64]int)
	}
	p.count[id]++
}

func (p *pins) remove(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count[id]--; p.count[id] == 0 {
		delete(p.count, id)
	}
}

func (p *pins) has(id int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[id] > 0
}
